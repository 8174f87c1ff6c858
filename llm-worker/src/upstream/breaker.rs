//! The circuit breaker: an upstream that keeps failing is left alone for a while.

use std::time::Duration;

use tokio::time::Instant;

/// What failures in a row weigh together when an upstream is left alone.
const OPENS_AT: u32 = 20;
/// How long at first; each further time doubles it.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// And at most.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Whether an upstream may be called. Time is handed in: this is arithmetic.
#[derive(Debug, Default)]
pub(super) struct Breaker {
    /// What the failures since the last success weigh.
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

/// What a failure says about an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Weight {
    /// It is not there, or too slow: five of these are enough.
    Unreachable,
    /// It answered that it failed. A request that it cannot take is often answered so, and must
    /// not close it for others: twenty of these are enough.
    Faulted,
}

impl Weight {
    fn points(self) -> u32 {
        match self {
            Self::Unreachable => 4,
            Self::Faulted => 1,
        }
    }
}

impl Breaker {
    /// Whether a call may be made now. An open circuit whose pause is over lets one through.
    pub(super) fn admit(&mut self, now: Instant) -> Option<Admission> {
        if self.closed_until.is_some_and(|until| now < until) {
            return None;
        }
        if self.failures < OPENS_AT {
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
        let was_open = self.failures >= OPENS_AT;
        *self = Self::default();
        was_open
    }

    /// A call failed in a way that says that the upstream is unwell. Gives the pause, if one
    /// begins.
    ///
    /// Calls that had begun before the circuit opened fail after it in numbers: they say nothing
    /// new, and do not prolong the pause.
    pub(super) fn failed(
        &mut self,
        now: Instant,
        admission: Admission,
        weight: Weight,
    ) -> Option<Duration> {
        let was_open = self.failures >= OPENS_AT;
        match admission {
            Admission::Probe => self.probing = false,
            Admission::Ordinary if was_open => return None,
            Admission::Ordinary => self.failures += weight.points(),
        }
        if self.failures < OPENS_AT {
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

    /// How long it is left alone from now on, if it is.
    pub(super) fn pause(&self, now: Instant) -> Option<Duration> {
        let left = self.closed_until?.saturating_duration_since(now);
        (left > Duration::ZERO).then_some(left)
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
    use Weight::{Faulted, Unreachable};

    fn opened(now: Instant) -> Breaker {
        let mut breaker = Breaker::default();
        for _failure in 0..5 {
            assert_eq!(breaker.admit(now), Some(Ordinary));
            breaker.failed(now, Ordinary, Unreachable);
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

        assert_eq!(breaker.failed(later, Probe, Unreachable), Some(FIRST_PAUSE * 2));
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
            assert_eq!(breaker.failed(now, Ordinary, Unreachable), None);
        }

        let mut pauses = Vec::new();
        for _probe in 0..5 {
            now += LONGEST_PAUSE;
            assert_eq!(breaker.admit(now), Some(Probe));
            pauses.push(breaker.failed(now, Probe, Unreachable).unwrap().as_secs());
        }

        assert_eq!(pauses, [10, 20, 40, 60, 60]);
    }

    #[test]
    fn a_success_in_between_begins_the_count_anew() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        for _round in 0..20 {
            breaker.failed(now, Ordinary, Unreachable);
            assert!(!breaker.succeeded());
        }
        assert_eq!(breaker.admit(now), Some(Ordinary));
    }

    #[test]
    fn requests_that_an_upstream_fails_at_weigh_less_than_an_upstream_that_is_away() {
        let now = Instant::now();
        let mut breaker = Breaker::default();
        for _fault in 0..19 {
            assert_eq!(breaker.failed(now, Ordinary, Faulted), None);
        }
        assert_eq!(breaker.pause(now), None);

        assert_eq!(breaker.failed(now, Ordinary, Faulted), Some(FIRST_PAUSE));
        assert_eq!(breaker.pause(now), Some(FIRST_PAUSE));
        assert_eq!(breaker.pause(now + FIRST_PAUSE), None);
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
