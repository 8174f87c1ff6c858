//! What waits to be said to one gateway, packed: pure arithmetic of when it goes.

use std::time::Duration;

use contract::{Event, pack};
use tokio::time::Instant;

/// How long events wait for company.
pub(super) const TICK: Duration = Duration::from_millis(4);
/// A message of this size goes at once.
const FULL_BYTES: usize = 256 * 1024;

/// The events that share the next message.
#[derive(Debug)]
pub(super) struct Batch {
    message: Vec<u8>,
    /// One that was taken and not sent, when it does not fit before the other.
    returned: Option<Vec<u8>>,
    max_payload: usize,
    sent_at: Option<Instant>,
}

/// Whether an event waits for company.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Haste {
    /// Somebody waits for it.
    Urgent,
    /// One of many.
    Ordinary,
}

/// What is to be done with a message after an event was added.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Added {
    /// It goes now.
    SendNow,
    /// It goes within a tick.
    Waits,
    /// The event did not fit beside the others, and was not added: they go first.
    NoRoom,
}

impl Batch {
    pub(super) fn new(max_payload: usize) -> Self {
        Self { message: Vec::new(), returned: None, max_payload, sent_at: None }
    }

    /// Adds an event, if it fits.
    pub(super) fn add(&mut self, event: &Event<'_>, haste: Haste, now: Instant) -> Added {
        let more = pack::size(event);
        if !self.message.is_empty() && self.message.len() + more > self.max_payload {
            return Added::NoRoom;
        }
        if self.message.is_empty() {
            pack::begin(&mut self.message);
        }
        pack::append(&mut self.message, event);
        let idle = self.sent_at.is_none_or(|at| now.saturating_duration_since(at) >= TICK);
        if haste == Haste::Urgent || idle || self.message.len() >= FULL_BYTES {
            Added::SendNow
        } else {
            Added::Waits
        }
    }

    /// Puts a message that was taken and not sent back in front of what was added since.
    pub(super) fn put_back(&mut self, message: &[u8]) {
        if message.len() + self.message.len() > self.max_payload {
            self.returned = Some(message.to_vec());
            return;
        }
        let mut whole = message.to_vec();
        // One version byte for all.
        whole.extend_from_slice(self.message.get(1..).unwrap_or_default());
        self.message = whole;
    }

    /// Whether nothing is left to say.
    pub(super) fn is_empty(&self) -> bool {
        self.message.is_empty() && self.returned.is_none()
    }

    /// The next message, if there is anything to say.
    pub(super) fn take(&mut self, now: Instant) -> Option<Vec<u8>> {
        if self.is_empty() {
            return None;
        }
        self.sent_at = Some(now);
        self.returned.take().or_else(|| Some(std::mem::take(&mut self.message)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use contract::{EventKind, JobId};

    use Haste::{Ordinary, Urgent};

    fn event(job: u8, seq: u32, payload: &[u8]) -> Event<'_> {
        let kind = EventKind::Chunk;
        Event { job: JobId::from_bytes([job; 16]), claim: 1, seq, kind, payload, work: b"" }
    }

    fn read(message: &[u8]) -> Vec<(u8, u32)> {
        let events = pack::read(message).map(Result::unwrap);
        events.map(|event| (event.job.to_bytes()[0], event.seq)).collect()
    }

    #[test]
    fn an_idle_batch_goes_at_once_and_a_busy_one_waits_for_company() {
        let now = Instant::now();
        let mut batch = Batch::new(1024 * 1024);
        assert_eq!(batch.take(now), None, "nothing to say");

        assert_eq!(batch.add(&event(1, 0, b"a"), Ordinary, now), Added::SendNow);
        batch.take(now);
        assert_eq!(batch.add(&event(1, 1, b"b"), Ordinary, now), Added::Waits);
        assert_eq!(batch.add(&event(2, 0, b"c"), Urgent, now), Added::SendNow);
        batch.take(now);
        assert_eq!(batch.add(&event(1, 2, b"d"), Ordinary, now + TICK), Added::SendNow);
    }

    #[test]
    fn events_share_a_message_in_the_order_in_which_they_were_said() {
        let now = Instant::now();
        let mut batch = Batch::new(1024 * 1024);
        let said = [(1, 0), (2, 0), (1, 1), (3, 0), (2, 1), (1, 2)];
        for (job, seq) in said {
            batch.add(&event(job, seq, b"x"), Ordinary, now);
        }

        assert_eq!(read(&batch.take(now).unwrap()), said);
    }

    #[test]
    fn what_was_taken_and_not_sent_goes_before_what_came_since() {
        let now = Instant::now();
        let mut batch = Batch::new(1024 * 1024);
        batch.add(&event(1, 0, b"a"), Ordinary, now);
        let taken = batch.take(now).unwrap();
        batch.put_back(&taken);
        batch.add(&event(1, 1, b"b"), Ordinary, now);
        let taken = batch.take(now).unwrap();
        batch.add(&event(2, 0, b"c"), Ordinary, now);
        batch.put_back(&taken);

        assert_eq!(read(&batch.take(now).unwrap()), [(1, 0), (1, 1), (2, 0)]);
    }

    #[test]
    fn what_comes_back_and_does_not_fit_beside_the_rest_goes_first_and_alone() {
        let now = Instant::now();
        let mut batch = Batch::new(200);
        let half = [b'x'; 100];
        batch.add(&event(1, 0, &half), Ordinary, now);
        let taken = batch.take(now).unwrap();
        batch.add(&event(1, 1, &half), Ordinary, now);

        batch.put_back(&taken);

        assert_eq!(read(&batch.take(now).unwrap()), [(1, 0)]);
        assert!(!batch.is_empty());
        assert_eq!(read(&batch.take(now).unwrap()), [(1, 1)]);
        assert!(batch.is_empty());
    }

    #[test]
    fn a_full_message_goes_at_once_and_none_is_over_the_limit() {
        let now = Instant::now();
        let quarter = vec![b'x'; FULL_BYTES / 4];
        let mut batch = Batch::new(FULL_BYTES * 2);
        batch.sent_at = Some(now);
        for seq in 0..3 {
            assert_eq!(batch.add(&event(1, seq, &quarter), Ordinary, now), Added::Waits);
        }
        assert_eq!(batch.add(&event(1, 3, &quarter), Ordinary, now), Added::SendNow);

        let mut small = Batch::new(200);
        let half = [b'x'; 100];
        small.add(&event(1, 0, &half), Ordinary, now);
        assert_eq!(small.add(&event(1, 1, &half), Urgent, now), Added::NoRoom);
        assert_eq!(read(&small.take(now).unwrap()), [(1, 0)], "the refused one was not added");
    }
}
