//! When each token is due. Deadlines are absolute, so that a late token does not delay the next.

use std::time::Duration;

use tokio::time::Instant;

use crate::Settings;
use crate::directives::Directives;
use crate::random::Random;

/// Longest pause that a request may order, in milliseconds: one day.
const LONGEST_PAUSE_MS: f64 = 24.0 * 60.0 * 60.0 * 1000.0;

/// How fast an answer is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Pace {
    ttft_ms: f64,
    token_ms: f64,
    jitter: f64,
}

impl Pace {
    pub(crate) fn new(settings: &Settings, directives: &Directives) -> Self {
        let pause = |ordered: Option<f64>, otherwise: u32| {
            ordered.unwrap_or(f64::from(otherwise)).clamp(0.0, LONGEST_PAUSE_MS)
        };
        Self {
            ttft_ms: pause(directives.ttft_ms, settings.ttft_ms),
            token_ms: pause(directives.token_ms, settings.token_ms),
            jitter: directives.jitter.unwrap_or(settings.jitter).clamp(0.0, 1.0),
        }
    }

    /// The deadlines of an answer that was asked for at `start`.
    pub(crate) fn from(self, start: Instant, seed: u64) -> Deadlines {
        Deadlines { pace: self, last: start, random: Random::new(seed), first: true }
    }
}

/// Deadlines without end, one for each token.
#[derive(Debug)]
pub(crate) struct Deadlines {
    pace: Pace,
    last: Instant,
    random: Random,
    first: bool,
}

impl Deadlines {
    /// When the next token is due.
    pub(crate) fn next(&mut self) -> Instant {
        let pause =
            if std::mem::take(&mut self.first) { self.pace.ttft_ms } else { self.pace.token_ms };
        if pause > 0.0 {
            let share = 1.0 + self.pace.jitter * (2.0 * self.random.unit() - 1.0);
            self.last += Duration::from_secs_f64(pause * share / 1000.0);
        }
        self.last
    }

    /// When the last of `tokens` is due.
    pub(crate) fn after(mut self, tokens: u64) -> Instant {
        if self.pace.token_ms == 0.0 {
            return self.next();
        }
        (0..tokens.max(1)).fold(self.last, |_, _| self.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pauses(pace: Pace, seed: u64) -> Vec<u128> {
        let start = Instant::now();
        let mut deadlines = pace.from(start, seed);
        (0..4).map(|_| (deadlines.next() - start).as_micros()).collect()
    }

    #[test]
    fn without_jitter_tokens_are_due_at_even_distances() {
        let pace = Pace { ttft_ms: 50.0, token_ms: 10.0, jitter: 0.0 };

        assert_eq!(pauses(pace, 1), [50_000, 60_000, 70_000, 80_000]);
    }

    #[test]
    fn jitter_stays_within_its_share_and_belongs_to_the_seed() {
        let pace = Pace { ttft_ms: 100.0, token_ms: 100.0, jitter: 0.2 };

        let first = pauses(pace, 7);

        assert_eq!(first, pauses(pace, 7));
        assert_ne!(first, pauses(pace, 8));
        let mut before = 0;
        for due in first {
            assert!((80_000..=120_000).contains(&(due - before)), "{due} after {before}");
            before = due;
        }
    }

    #[test]
    fn a_whole_answer_is_due_with_its_last_token() {
        let pace = Pace { ttft_ms: 50.0, token_ms: 10.0, jitter: 0.0 };
        let start = Instant::now();

        assert_eq!((pace.from(start, 1).after(3) - start).as_millis(), 70);
    }
}
