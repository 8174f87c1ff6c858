//! Which record of a log comes next, in whatever order copies of them arrive.

/// How far a reader has come.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// The last record that was given.
    last: u64,
    /// The newest record that is known to exist.
    heard_of: u64,
}

/// What a live copy is to a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The next record.
    Next,
    /// One that was given before.
    Known,
    /// One behind a gap: those before it have to be fetched, and it with them.
    BehindGap,
}

impl Order {
    /// A record was heard, which follows the one at `before`.
    pub(super) fn live(&mut self, sequence: u64, before: u64) -> Place {
        self.heard_of = self.heard_of.max(sequence);
        if sequence <= self.last {
            Place::Known
        } else if before == self.last {
            self.last = sequence;
            Place::Next
        } else {
            Place::BehindGap
        }
    }

    /// A record was fetched. Whether it is to be given.
    pub(super) fn fetched(&mut self, sequence: u64) -> bool {
        let new = sequence > self.last;
        self.last = self.last.max(sequence);
        new
    }

    /// The last record that was given; 0 before the first.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Whether a record is known to exist that was not given.
    pub(super) fn is_behind(&self) -> bool {
        self.last < self.heard_of
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_live_copy_is_the_next_or_known_or_behind_a_gap() {
        let mut order = Order::default();
        for (sequence, before, place) in [
            (4, 0, Place::Next),
            (9, 4, Place::Next),
            (9, 4, Place::Known),
            (4, 0, Place::Known),
            (20, 12, Place::BehindGap),
            (21, 20, Place::BehindGap),
            (12, 9, Place::Next),
        ] {
            assert_eq!(order.live(sequence, before), place, "{sequence} after {before}");
        }
        assert!(order.is_behind());
        for (sequence, is_new) in [(12, false), (20, true), (21, true)] {
            assert_eq!(order.fetched(sequence), is_new, "{sequence}");
        }
        assert!(!order.is_behind());
    }

    #[test]
    fn a_log_that_was_erased_and_begun_anew_goes_on() {
        let mut order = Order::default();
        assert_eq!(order.live(4, 0), Place::Next);
        assert_eq!(order.live(30, 0), Place::BehindGap);
        assert!(order.fetched(30));
        assert_eq!(order.live(31, 30), Place::Next);
    }

    proptest! {
        /// Copies are lost, doubled or swapped; a fetch gives what is stored, or on a follower
        /// less. Whatever happens, records come once and in order, and a last fetch brings the
        /// rest.
        #[test]
        fn every_record_comes_once_and_in_order(
            steps in prop::collection::vec(1_u64..4, 1..40),
            heard in prop::collection::vec((0_usize..40, any::<bool>(), 0_usize..40), 0..120),
        ) {
            let log: Vec<u64> = steps.iter().scan(0, |at, step| { *at += step; Some(*at) }).collect();
            let before = |index: usize| if index == 0 { 0 } else { log[index - 1] };
            let mut order = Order::default();
            let mut given = Vec::new();
            let fetch = |order: &mut Order, given: &mut Vec<u64>, known: usize| {
                let from = order.last();
                for sequence in log[..known].iter().filter(|sequence| **sequence > from) {
                    if order.fetched(*sequence) {
                        given.push(*sequence);
                    }
                }
            };
            for (index, fetches, known) in heard {
                let index = index % log.len();
                match order.live(log[index], before(index)) {
                    Place::Next => given.push(log[index]),
                    Place::Known => prop_assert!(given.contains(&log[index])),
                    Place::BehindGap => prop_assert!(order.is_behind()),
                }
                if fetches {
                    fetch(&mut order, &mut given, known % (log.len() + 1));
                }
            }
            fetch(&mut order, &mut given, log.len());
            prop_assert_eq!(given, log);
            prop_assert!(!order.is_behind());
        }
    }
}
