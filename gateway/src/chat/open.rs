//! One open request's state: who may answer, and which events count. A pure machine.

use contract::WorkerId;
use tokio::time::Instant;

/// Who answers a request, and how far the answer is.
#[derive(Debug)]
pub(super) struct Open {
    /// The newest claim; 0 before the first.
    claim: u32,
    worker: Option<WorkerId>,
    /// Which delivery of the job it was made for.
    delivery: u64,
    claimed_at: Instant,
    next_seq: u32,
    spoken: bool,
    /// When the last event that counts arrived; when it was opened, before the first.
    heard_at: Instant,
}

/// What becomes of a claim.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Claimed {
    /// It counts. `superseded` names who held the one before.
    Go { claim: u32, superseded: Option<(WorkerId, u32)> },
    /// It does not: something was said under the one before, which is broken off now.
    TooLate,
    /// It does not: a later delivery was claimed. This one lay in a worker that was held up.
    OutOfDate,
}

/// What becomes of an event.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// It is the next one.
    News,
    /// It belongs to a claim that does not count any more.
    Stale,
    /// Something before it was lost.
    Gap,
}

impl Open {
    pub(super) fn new(now: Instant) -> Self {
        Self {
            claim: 0,
            worker: None,
            delivery: 0,
            claimed_at: now,
            next_seq: 0,
            spoken: false,
            heard_at: now,
        }
    }

    /// A worker asks whether it may answer the job's arrival number `delivery`.
    ///
    /// | before               | verdict                                             |
    /// |----------------------|-----------------------------------------------------|
    /// | nobody claimed       | go                                                  |
    /// | claimed, silent      | go, and the worker before is told to stop           |
    /// | something was said   | too late: the answer is broken, and the caller told |
    /// | a later delivery     | out of date: nothing changes                        |
    pub(super) fn claim(&mut self, worker: WorkerId, delivery: u64, now: Instant) -> Claimed {
        if delivery < self.delivery {
            return Claimed::OutOfDate;
        }
        if self.spoken {
            return Claimed::TooLate;
        }
        let superseded = self.worker.map(|before| (before, self.claim));
        self.claim += 1;
        self.worker = Some(worker);
        self.delivery = delivery;
        self.claimed_at = now;
        self.next_seq = 0;
        Claimed::Go { claim: self.claim, superseded }
    }

    /// An event arrived under `claim`, with number `seq`.
    pub(super) fn event(&mut self, claim: u32, seq: u32, now: Instant) -> Heard {
        if claim != self.claim || self.worker.is_none() {
            return Heard::Stale;
        }
        if seq != self.next_seq {
            return Heard::Gap;
        }
        self.next_seq += 1;
        self.spoken = true;
        self.heard_at = now;
        Heard::News
    }

    /// Who answers, and under which claim.
    pub(super) fn claimed_by(&self) -> Option<(WorkerId, u32)> {
        self.worker.map(|worker| (worker, self.claim))
    }

    /// When the newest claim was made.
    pub(super) fn claimed_at(&self) -> Instant {
        self.claimed_at
    }

    /// Since when nothing was said.
    pub(super) fn heard_at(&self) -> Instant {
        self.heard_at
    }

    /// Whether anything was said.
    pub(super) fn has_spoken(&self) -> bool {
        self.spoken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_claim_counts_while_nothing_was_said() {
        let mut open = Open::new(Instant::now());
        let (first, second) = (WorkerId::fresh(), WorkerId::fresh());

        assert_eq!(
            open.claim(first, 1, Instant::now()),
            Claimed::Go { claim: 1, superseded: None }
        );
        let superseded = Some((first, 1));
        assert_eq!(open.claim(second, 3, Instant::now()), Claimed::Go { claim: 2, superseded });
        let now = Instant::now();
        assert_eq!(open.claim(first, 2, now), Claimed::OutOfDate, "it lay there for long");
        assert_eq!(open.event(1, 0, now), Heard::Stale, "the older worker is not heard");
        assert_eq!(open.event(2, 0, now), Heard::News);
        assert_eq!(open.claim(first, 2, now), Claimed::OutOfDate);
        assert_eq!(open.claim(first, 4, now), Claimed::TooLate);
        assert_eq!(open.claimed_by(), Some((second, 2)));
    }

    #[test]
    fn numbers_without_gaps_or_an_error() {
        let now = Instant::now();
        let mut open = Open::new(now);
        assert_eq!(open.event(0, 0, now), Heard::Stale, "nobody has claimed");
        open.claim(WorkerId::fresh(), 1, now);

        assert_eq!(open.event(1, 0, now), Heard::News);
        assert_eq!(open.event(1, 2, now), Heard::Gap);
        assert_eq!(open.event(1, 1, now), Heard::News);
        assert_eq!(open.event(1, 1, now), Heard::Gap, "nothing is heard twice");
    }
}
