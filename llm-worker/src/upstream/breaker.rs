//! The circuit breaker: an upstream that keeps failing is left alone for a while.

use std::time::Duration;

use tokio::time::Instant;

/// Failures in a row after which an upstream is left alone.
const OPENS_AFTER: u32 = 5;
/// How long at first; each further time doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// And at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Whether an upstream may be called. Time is handed in: this is arithmetic.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    failures: u32,
    pauses: u32,
    /// Not before this, if set: an open circuit, or the upstream's own wish.
    closed_until: Option<Instant>,
    /// A single call finds out whether it is back.
    probing: bool,
}

/// In which role a call is let through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Admission {
    /// One of many.
    Ordinary,
    /// The one that finds out whether the upstream is back.
    Probe,
}

impl Breaker {
    /// Whether a call may be made now. An open circuit whose pause is over lets one through.
    pub(super) fn admit(&mut self, now: Instant) -> Option<Admission> {
        if self.closed_until.is_some_and(|until| now < until) {
            return None;
        }
        if self.failures < OPENS_AFTER {
            return Some(Admission::Ordinary);
        }
        if self.probing {
            return None;
        }
        self.probing = true;
        Some(Admission::Probe)
    }

    /// A call was answered. Says whether the circuit was open until now.
    pub(super) fn succeeded(&mut self) -> bool {
        let was_open = self.failures >= OPENS_AFTER;
        *self = Self::default();
        was_open
    }

    /// A call failed in a way that says that the upstream is unwell. Gives the pause, if one
    /// begins.
    ///
    /// Calls that had begun before the circuit opened fail after it in numbers: they say nothing
    /// new, and do not prolong the pause.
    pub(super) fn failed(&mut self, now: Instant, admission: Admission) -> Option<Duration> {
        let was_open = self.failures >= OPENS_AFTER;
        match admission {
            Admission::Probe => self.probing = false,
            Admission::Ordinary if was_open => return None,
            Admission::Ordinary => self.failures += 1,
        }
        if self.failures < OPENS_AFTER {
            return None;
        }
        let pause = (FIRST_PAUSE * 2_u32.pow(self.pauses.min(10))).min(LONGEST_PAUSE);
        self.pauses += 1;
        self.closed_until = Some(now + pause);
        Some(pause)
    }

    /// The upstream wants to be asked again later. It is well, and says so. Says whether the
    /// circuit was open until now.
    pub(super) fn not_before(&mut self, now: Instant, wish: Duration) -> bool {
        let was_open = self.succeeded();
        self.closed_until = Some(now + wish.min(LONGEST_PAUSE));
        was_open
    }

    /// A call ended without a verdict on the upstream: its caller left, or the fault is elsewhere.
    pub(super) fn no_verdict(&mut self, admission: Admission) {
        if admission == Admission::Probe {
            self.probing = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use Admission::{Ordinary, Probe};

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        for _failure in 0..OPENS_AFTER {
            assert_eq!(breaker.admit(now), Some(Ordinary));
            breaker.failed(now, Ordinary);
        }
        breaker
    }

    #[test]
    fn it_opens_after_failures_in_a_row_and_lets_one_probe_through_after_the_pause() {
        let now = Instant::now();
        let mut breaker = opened(now);
        assert_eq!(breaker.admit(now), None);

        let later = now + FIRST_PAUSE;
        assert_eq!(breaker.admit(later), Some(Probe));
        assert_eq!(breaker.admit(later), None, "and no second one");

        assert_eq!(breaker.failed(later, Probe), Some(FIRST_PAUSE * 2));
        assert_eq!(breaker.admit(later + FIRST_PAUSE), None);
        assert_eq!(breaker.admit(later + FIRST_PAUSE * 2), Some(Probe));
        assert!(breaker.succeeded(), "it was open");
        assert_eq!(breaker.admit(later), Some(Ordinary));
    }

    #[test]
    fn pauses_grow_to_a_minute_by_failed_probes_only() {
        let mut now = Instant::now();
        let mut breaker = opened(now);
        // Calls that were already under way.
        for _late in 0..50 {
            assert_eq!(breaker.failed(now, Ordinary), None);
        }

        let mut pauses = Vec::new();
        for _probe in 0..5 {
            now += LONGEST_PAUSE;
            assert_eq!(breaker.admit(now), Some(Probe));
            pauses.push(breaker.failed(now, Probe).unwrap().as_secs());
        }

        assert_eq!(pauses, [10, 20, 40, 60, 60]);
    }

    #[test]
    fn a_success_in_between_begins_the_count_anew() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        for _round in 0..20 {
            breaker.failed(now, Ordinary);
            assert!(!breaker.succeeded());
        }
        assert_eq!(breaker.admit(now), Some(Ordinary));
    }

    #[test]
    fn a_wish_for_later_is_heeded_and_is_no_failure() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        for _overload in 0..20 {
            breaker.not_before(now, Duration::from_secs(2));
        }
        assert_eq!(breaker.admit(now), None);
        assert_eq!(breaker.admit(now + Duration::from_secs(2)), Some(Ordinary));
    }

    #[test]
    fn a_probe_whose_caller_left_gives_way_to_another() {
        let now = Instant::now();
        let mut breaker = opened(now);
        let later = now + FIRST_PAUSE;
        assert_eq!(breaker.admit(later), Some(Probe));
        breaker.no_verdict(Ordinary);
        assert_eq!(breaker.admit(later), None, "another call says nothing about the probe");
        breaker.no_verdict(Probe);
        assert_eq!(breaker.admit(later), Some(Probe));
    }
}
