//! Which requests for jobs stand, and how many jobs each may still bring.

use std::collections::VecDeque;

use tokio::time::Instant;

/// The standing requests of one source, oldest first: the server fills them in that order.
#[derive(Debug)]
pub(super) struct Standing {
    requests: VecDeque<Request>,
    next_id: u64,
    heard_at: Instant,
}

#[derive(Debug)]
struct Request {
    id: u64,
    slots: usize,
    expires: Instant,
}

impl Default for Standing {
    fn default() -> Self {
        Self { requests: VecDeque::new(), next_id: 0, heard_at: Instant::now() }
    }
}

impl Standing {
    /// Notes a new request, and gives its number.
    pub(super) fn add(&mut self, slots: usize, expires: Instant) -> u64 {
        if self.requests.is_empty() {
            // Silence counts from the first request on.
            self.heard_at = Instant::now();
        }
        self.next_id += 1;
        self.requests.push_back(Request { id: self.next_id, slots, expires });
        self.next_id
    }

    /// Jobs that may still come.
    pub(super) fn slots(&self) -> usize {
        self.requests.iter().map(|request| request.slots).sum()
    }

    /// When the server was last heard.
    pub(super) fn heard_at(&self) -> Instant {
        self.heard_at
    }

    /// The server was heard. Requests that have long expired without a word are forgotten.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard_at = now;
        self.requests.retain(|request| request.expires + super::LOST_AFTER > now);
    }

    /// A job came.
    pub(super) fn filled_one(&mut self) {
        if let Some(oldest) = self.requests.front_mut() {
            oldest.slots = oldest.slots.saturating_sub(1);
            if oldest.slots == 0 {
                self.requests.pop_front();
            }
        }
    }

    /// A request ended.
    pub(super) fn remove(&mut self, id: u64) {
        self.requests.retain(|request| request.id != id);
    }

    /// All requests are lost.
    pub(super) fn clear(&mut self) {
        self.requests.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn the_oldest_request_is_filled_first_and_ended_ones_are_forgotten() {
        let mut standing = Standing::default();
        let expires = Instant::now() + Duration::from_secs(30);
        let first = standing.add(2, expires);
        let second = standing.add(3, expires);
        assert_eq!(standing.slots(), 5);

        standing.filled_one();
        standing.remove(first);
        assert_eq!(standing.slots(), 3, "what was left of the first one is gone");

        for _job in 0..3 {
            standing.filled_one();
        }
        standing.remove(second);
        standing.filled_one();
        assert_eq!(standing.slots(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_without_a_word_at_its_end_is_forgotten() {
        let mut standing = Standing::default();
        standing.add(4, Instant::now() + Duration::from_secs(1));

        tokio::time::advance(Duration::from_secs(10)).await;
        standing.heard(Instant::now());

        assert_eq!(standing.slots(), 0);
    }
}
