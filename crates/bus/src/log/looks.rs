//! When a reader looks at what is stored, because of what it did not hear.

use std::time::Duration;

use tokio::time::Instant;

/// First look after this much silence: a live copy may be lost, and the last one has none behind
/// it that would show it.
const SILENCE: Duration = Duration::from_secs(5);
/// Longest time between two looks.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);
/// Between the first looks for a record that exists and was not found, or that failed.
const AGAIN: Duration = Duration::from_millis(50);
/// Longest time between those.
const LONGEST_AGAIN: Duration = Duration::from_secs(5);
/// Readers look within this time after the connection was made again, not all at once.
const RECONNECTED_WITHIN: Duration = Duration::from_secs(1);

/// The time of the next look.
#[derive(Debug)]
pub(super) struct Looks {
    due: Instant,
    /// What was waited for it.
    wait: Duration,
    /// Something is missing, or cannot be known not to be.
    missing: bool,
    /// This reader's own silence: readers of many logs that fall silent together do not look at
    /// the same time.
    silence: Duration,
}

impl Looks {
    /// Nothing is missing.
    pub(super) fn new(now: Instant) -> Self {
        let silence = SILENCE.mul_f64(rand::random_range(1.0..1.3));
        Self { due: now + silence, wait: silence, missing: false, silence }
    }

    /// When to look.
    pub(super) fn due(&self) -> Instant {
        self.due
    }

    /// The next record was heard, and nothing is missing.
    pub(super) fn heard(&mut self, now: Instant) {
        self.missing = false;
        self.wait_for(now, self.silence);
    }

    /// A record is missing: look at once, unless that was just done.
    pub(super) fn missed(&mut self, now: Instant) {
        if !self.missing {
            self.missing = true;
            self.wait = AGAIN;
            self.due = now;
        }
    }

    /// What was said while there was no connection was not heard.
    pub(super) fn reconnected(&mut self, now: Instant) {
        self.due = self.due.min(now + RECONNECTED_WITHIN.mul_f64(rand::random_range(0.0..1.0)));
    }

    /// A look found all that is known to exist.
    pub(super) fn found(&mut self, now: Instant, news: bool) {
        let wait = if news || self.missing { self.silence } else { self.wait * 2 };
        self.missing = false;
        self.wait_for(now, wait.min(LONGEST_SILENCE));
    }

    /// A look failed, or did not find what is known to exist.
    pub(super) fn failed(&mut self, now: Instant, news: bool) {
        let wait = if news || !self.missing { AGAIN } else { self.wait * 2 };
        self.missing = true;
        self.wait_for(now, wait.min(LONGEST_AGAIN));
    }

    fn wait_for(&mut self, now: Instant, wait: Duration) {
        self.wait = wait;
        // The silence of a reader has its jitter already, and is set for each record.
        let jitter = if wait == self.silence { 1.0 } else { rand::random_range(0.75..1.0) };
        self.due = now + wait.mul_f64(jitter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What happens to a reader.
    #[derive(Debug, Clone, Copy)]
    enum Now {
        Heard,
        Missed,
        Reconnected,
        Found { news: bool },
        Failed { news: bool },
    }

    #[tokio::test(start_paused = true)]
    async fn silence_is_looked_into_ever_more_rarely_and_a_gap_at_once() {
        use Now::{Failed, Found, Heard, Missed, Reconnected};
        let mut looks = Looks::new(Instant::now());
        for (now, at_least, at_most) in [
            (Heard, 5_000, 6_500),
            (Found { news: false }, 7_500, 13_000),
            (Found { news: false }, 15_000, 26_000),
            (Found { news: false }, 22_500, 30_000),
            (Found { news: false }, 22_500, 30_000),
            (Reconnected, 0, 1_000),
            (Found { news: true }, 5_000, 6_500),
            (Missed, 0, 0),
            (Failed { news: false }, 75, 100),
            (Missed, 75, 100),
            (Failed { news: false }, 150, 200),
            (Failed { news: true }, 37, 50),
            (Found { news: true }, 5_000, 6_500),
            (Failed { news: false }, 37, 50),
            (Found { news: false }, 5_000, 6_500),
            (Missed, 0, 0),
            (Heard, 5_000, 6_500),
        ] {
            let at = Instant::now();
            match now {
                Heard => looks.heard(at),
                Missed => looks.missed(at),
                Reconnected => looks.reconnected(at),
                Found { news } => looks.found(at, news),
                Failed { news } => looks.failed(at, news),
            }
            let wait = looks.due() - at;
            let expected = Duration::from_millis(at_least)..=Duration::from_millis(at_most);
            assert!(expected.contains(&wait), "{now:?}: {wait:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_found_is_looked_for_without_hurry_and_without_end() {
        let mut looks = Looks::new(Instant::now());
        for _look in 0..100 {
            looks.failed(Instant::now(), false);
        }
        let wait = looks.due() - Instant::now();
        assert!(wait > Duration::from_secs(3) && wait <= LONGEST_AGAIN, "{wait:?}");
    }
}
