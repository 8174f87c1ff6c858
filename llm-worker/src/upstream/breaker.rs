//! The circuit breaker: an upstream that keeps failing is left alone for a while.

use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row after which an upstream is left alone.
const OPENS_AFTER: u32 = 5;
/// How long at first; each further time doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// And at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A single probe that brings no verdict for this long gives way to another.
const PROBE_WITHIN: Duration = Duration::from_secs(30);

/// Whether an upstream may be called. Time is handed in: this is arithmetic.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    pauses: u32,
    /// Not before this, if set: an open circuit, or the upstream's own wish.
    closed_until: Option<Instant>,
    /// A single call finds out whether it is back.
    probing_since: Option<Instant>,
}

impl Breaker {
    /// Whether a call may be made now. An open circuit whose pause is over lets one through.
    pub(super) fn admits(&mut self, now: Instant) -> bool {
        if self.closed_until.is_some_and(|until| now < until) {
            return false;
        }
        if self.failures < OPENS_AFTER {
            return true;
        }
        if self.probing_since.is_some_and(|since| now < since + PROBE_WITHIN) {
            return false;
        }
        self.probing_since = Some(now);
        true
    }

    /// Whether it is being left alone.
    pub(super) fn is_open(&self, now: Instant) -> bool {
        self.failures >= OPENS_AFTER && self.closed_until.is_some_and(|until| now < until)
    }

    /// A call succeeded.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// A call failed in a way that says that the upstream is unwell. Gives the pause, if one
    /// begins.
    pub(super) fn failed(&mut self, now: Instant) -> Option<Duration> {
        self.failures = self.failures.saturating_add(1);
        self.probing_since = None;
        if self.failures < OPENS_AFTER {
            return None;
        }
        let pause = (FIRST_PAUSE * 2_u32.pow(self.pauses.min(10))).min(LONGEST_PAUSE);
        self.pauses += 1;
        self.closed_until = Some(now + pause);
        Some(pause)
    }

    /// The upstream wants to be asked again later. It is well, and says so.
    pub(super) fn not_before(&mut self, now: Instant, wish: Duration) {
        self.probing_since = None;
        self.closed_until = Some(now + wish.min(LONGEST_PAUSE));
    }

    /// A call ended without a verdict: its caller left.
    pub(super) fn no_verdict(&mut self) {
        self.probing_since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        for _failure in 0..OPENS_AFTER {
            assert!(breaker.admits(now));
            breaker.failed(now);
        }
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_probe_through_after_the_pause() {
        let now = Instant::now();
        let mut breaker = opened(now);
        assert!(!breaker.admits(now) && breaker.is_open(now));

        let later = now + FIRST_PAUSE;
        assert!(breaker.admits(later), "a probe");
        assert!(!breaker.admits(later), "and no second one");

        assert_eq!(breaker.failed(later), Some(FIRST_PAUSE * 2));
        assert!(!breaker.admits(later + FIRST_PAUSE));
        assert!(breaker.admits(later + FIRST_PAUSE * 2));
        breaker.succeeded();
        assert!(breaker.admits(later) && !breaker.is_open(later));
    }

    #[test]
    fn a_success_in_between_begins_the_count_anew() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        for _round in 0..20 {
            breaker.failed(now);
            breaker.succeeded();
        }
        assert!(breaker.admits(now));
    }

    #[test]
    fn a_wish_for_later_is_heeded_and_is_no_failure() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        breaker.not_before(now, Duration::from_secs(2));
        assert!(!breaker.admits(now));
        assert!(!breaker.is_open(now));
        assert!(breaker.admits(now + Duration::from_secs(2)));
    }

    #[test]
    fn a_probe_whose_caller_left_gives_way_to_another() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + FIRST_PAUSE;
        assert!(breaker.admits(later));
        breaker.no_verdict();
        assert!(breaker.admits(later));
    }
}
