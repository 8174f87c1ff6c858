//! What was asked for here is followed to its end, though nobody reads it: within a limit.

use std::collections::VecDeque;
use std::sync::{Arc, Weak};

/// All of them, the oldest first. Whoever holds one beside the task that follows it reads it.
#[derive(Debug)]
pub(super) struct AskedHere<T>(VecDeque<Weak<T>>);

impl<T> Default for AskedHere<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T> AskedHere<T> {
    /// One more. Gives those that are to be let go: the oldest that nobody reads, if there are more
    /// than `most_unread` of them.
    pub(super) fn add(&mut self, one: Weak<T>, most_unread: usize) -> Vec<Arc<T>> {
        if !self.0.iter().any(|known| known.ptr_eq(&one)) {
            self.0.push_back(one);
        }
        if self.0.len() <= most_unread {
            return Vec::new();
        }
        self.0.retain(|one| one.strong_count() > 0);
        let is_unread = |one: &Weak<T>| one.strong_count() == 1;
        let unread = self.0.iter().filter(|one| is_unread(one)).count();
        let mut too_many = unread.saturating_sub(most_unread);
        let mut let_go = Vec::new();
        self.0.retain(|one| {
            let goes = too_many > 0 && is_unread(one);
            if goes {
                too_many -= 1;
                let_go.extend(one.upgrade());
            }
            !goes
        });
        let_go
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_that_nobody_reads_go_and_what_has_ended_takes_no_place() {
        const NOTHING: [i32; 0] = [];
        let mut asked_here = AskedHere::default();
        let mut followed: Vec<_> = (0..6).map(Arc::new).collect();
        let _reader = Arc::clone(&followed[0]);
        let mut add = |one: &Arc<i32>| -> Vec<i32> {
            asked_here.add(Arc::downgrade(one), 2).iter().map(|one| **one).collect()
        };

        assert_eq!(add(&followed[0]), NOTHING);
        assert_eq!(add(&followed[0]), NOTHING, "the same again");
        assert_eq!(add(&followed[1]), NOTHING);
        assert_eq!(add(&followed[2]), NOTHING, "of three one is read");
        assert_eq!(add(&followed[3]), [1]);
        assert_eq!(add(&followed[4]), [2], "it is let go once");
        followed.remove(3);
        assert_eq!(add(&followed[4]), NOTHING, "one has ended");
    }
}
