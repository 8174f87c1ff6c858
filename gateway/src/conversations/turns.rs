//! The turns of a conversation as a tree. Pure.
//!
//! A turn follows the one that was claimed before it, unless it is said otherwise. Whatever it
//! follows was claimed before it, so there are no circles, and each question is one pass.

use std::collections::{BTreeMap, HashMap};

use contract::JobId;
use serde::{Deserialize, Serialize};

/// What turns follow, where that is not the one before them. `None` is the beginning.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Branches(BTreeMap<JobId, Option<JobId>>);

impl Branches {
    /// Whether each turn follows the one before it.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A turn follows this one.
    pub(super) fn hang(&mut self, turn: JobId, after: Option<JobId>) {
        self.0.insert(turn, after);
    }
}

/// The turns in the order in which they were claimed. A place is a number in that order.
pub(super) struct Tree {
    turns: Vec<JobId>,
    /// The place of what each follows, which is before its own.
    parents: Vec<Option<usize>>,
    places: HashMap<JobId, usize>,
}

impl Tree {
    pub(super) fn of(turns: Vec<JobId>, branches: &Branches) -> Self {
        let mut parents = Vec::with_capacity(turns.len());
        let mut places = HashMap::with_capacity(turns.len());
        for (place, turn) in turns.iter().enumerate() {
            let before = place.checked_sub(1);
            parents.push(match branches.0.get(turn) {
                None => before,
                Some(None) => None,
                // What did not stand before it, it cannot follow.
                Some(Some(after)) => places.get(after).copied().or(before),
            });
            places.insert(*turn, place);
        }
        Self { turns, parents, places }
    }

    pub(super) fn place(&self, turn: JobId) -> Option<usize> {
        self.places.get(&turn).copied()
    }

    /// The turn at a place of this tree.
    pub(super) fn turn(&self, place: usize) -> JobId {
        self.turns[place]
    }

    /// What the turn at a place follows.
    pub(super) fn parent(&self, place: usize) -> Option<JobId> {
        self.parents[place].map(|parent| self.turns[parent])
    }

    /// The place of the newest turn of all.
    pub(super) fn newest(&self) -> Option<usize> {
        self.turns.len().checked_sub(1)
    }

    /// The places from the beginning to this one, the oldest first. `None` is the beginning itself.
    pub(super) fn path_to(&self, place: Option<usize>) -> Vec<usize> {
        let mut path: Vec<usize> =
            std::iter::successors(place, |place| self.parents[*place]).collect();
        path.reverse();
        path
    }

    /// The newest of a turn and all that follow it, however far behind.
    pub(super) fn newest_behind(&self, place: usize) -> usize {
        // What follows has a higher place, and is known when its turn comes.
        let mut is_behind = vec![false; self.turns.len()];
        let mut newest = place;
        for at in place..self.turns.len() {
            is_behind[at] = at == place || self.parents[at].is_some_and(|parent| is_behind[parent]);
            if is_behind[at] {
                newest = at;
            }
        }
        newest
    }

    /// For each of these places all turns that follow the same one, the oldest first.
    pub(super) fn siblings(&self, places: &[usize]) -> Vec<Vec<JobId>> {
        let mut following: HashMap<Option<usize>, Vec<JobId>> = HashMap::new();
        for (turn, parent) in self.turns.iter().zip(&self.parents) {
            following.entry(*parent).or_default().push(*turn);
        }
        let of = |place: &usize| following.get(&self.parents[*place]).cloned().unwrap_or_default();
        places.iter().map(of).collect()
    }

    /// The branches once a turn is taken out: what followed it follows what it followed.
    pub(super) fn branches_without(&self, gone: JobId) -> Branches {
        let mut left = Branches::default();
        let mut before = None;
        for (place, turn) in self.turns.iter().enumerate() {
            if *turn == gone {
                continue;
            }
            let mut after = self.parent(place);
            if after == Some(gone) {
                after = self.place(gone).and_then(|gone| self.parent(gone));
            }
            if after != before {
                left.hang(*turn, after);
            }
            before = Some(*turn);
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Turns that follow those at these places. The newest come last, as ids of jobs do.
    fn tree(parents: &[Option<usize>]) -> (Tree, Vec<JobId>) {
        let turns: Vec<JobId> = parents.iter().map(|_turn| JobId::fresh()).collect();
        let mut branches = Branches::default();
        for (place, parent) in parents.iter().enumerate() {
            if *parent != place.checked_sub(1) {
                branches.hang(turns[place], parent.map(|parent| turns[parent]));
            }
        }
        (Tree::of(turns.clone(), &branches), turns)
    }

    /// ```text
    /// 0 ─ 1 ─ 3
    ///   └ 2 ─ 5
    /// 4
    /// ```
    const FORK: [Option<usize>; 6] = [None, Some(0), Some(0), Some(1), None, Some(2)];

    #[test]
    fn a_path_leads_from_the_beginning_to_a_turn_and_on_to_the_newest_behind_it() {
        let (tree, turns) = tree(&FORK);
        for (at, path, newest) in [
            (0, vec![0], 5),
            (1, vec![0, 1], 3),
            (2, vec![0, 2], 5),
            (3, vec![0, 1, 3], 3),
            (4, vec![4], 4),
            (5, vec![0, 2, 5], 5),
        ] {
            assert_eq!(tree.path_to(Some(at)), path);
            assert_eq!(tree.newest_behind(at), newest, "{at}");
            assert_eq!(tree.place(turns[at]), Some(at));
        }
        assert_eq!(tree.path_to(None), Vec::<usize>::new());
        assert_eq!(tree.newest(), Some(5));
        assert_eq!(tree.place(JobId::fresh()), None);
        assert_eq!(Tree::of(Vec::new(), &Branches::default()).newest(), None);
    }

    #[test]
    fn siblings_follow_the_same_turn_and_the_oldest_comes_first() {
        let (tree, turns) = tree(&FORK);
        let of = |places: &[usize]| places.iter().map(|at| turns[*at]).collect::<Vec<_>>();
        let siblings = tree.siblings(&[0, 2, 3, 5]);
        assert_eq!(siblings, [of(&[0, 4]), of(&[1, 2]), of(&[3]), of(&[5])]);
    }

    #[test]
    fn what_followed_a_turn_that_is_taken_out_follows_what_that_followed() {
        for (gone, expected) in [
            (0, [(1, None), (2, None), (3, Some(1)), (4, None), (5, Some(2))]),
            (1, [(0, None), (2, Some(0)), (3, Some(0)), (4, None), (5, Some(2))]),
            (2, [(0, None), (1, Some(0)), (3, Some(1)), (4, None), (5, Some(0))]),
            (4, [(0, None), (1, Some(0)), (2, Some(0)), (3, Some(1)), (5, Some(2))]),
            (5, [(0, None), (1, Some(0)), (2, Some(0)), (3, Some(1)), (4, None)]),
        ] {
            let (tree, turns) = tree(&FORK);
            let left = turns.iter().copied().filter(|turn| *turn != turns[gone]).collect();
            let after = Tree::of(left, &tree.branches_without(turns[gone]));
            for (turn, parent) in expected {
                let place = after.place(turns[turn]).unwrap();
                let expected: Option<JobId> = parent.map(|parent: usize| turns[parent]);
                assert_eq!(after.parent(place), expected, "{turn} without {gone}");
            }
        }
    }

    #[test]
    fn turns_in_a_row_need_no_word_about_what_they_follow() {
        let (tree, turns) = tree(&[None, Some(0), Some(1), Some(0)]);
        assert!(!tree.branches_without(turns[0]).is_empty());
        assert!(!tree.branches_without(turns[1]).is_empty(), "the last one skips one still");
        assert!(tree.branches_without(turns[3]).is_empty());
    }

    #[test]
    fn what_cannot_be_followed_is_passed_over() {
        let turns: Vec<JobId> = (0..4).map(|_turn| JobId::fresh()).collect();
        let mut branches = Branches::default();
        branches.hang(turns[0], Some(turns[2]));
        branches.hang(turns[1], Some(turns[1]));
        branches.hang(turns[2], Some(turns[3]));
        branches.hang(turns[3], Some(JobId::fresh()));
        let tree = Tree::of(turns, &branches);
        assert_eq!(tree.path_to(Some(3)), [0, 1, 2, 3], "as if nothing had been said");
    }

    #[test]
    fn of_two_thousand_turns_in_a_line_or_side_by_side_none_is_lost() {
        const TURNS: usize = 2_000;
        let (line, _turns) =
            tree(&(0..TURNS).map(|at: usize| at.checked_sub(1)).collect::<Vec<_>>());
        let path = line.path_to(Some(line.newest_behind(0)));
        assert_eq!(path, (0..TURNS).collect::<Vec<_>>());
        let told: usize = line.siblings(&path).iter().map(Vec::len).sum();
        assert_eq!(told, TURNS, "each is one of its own siblings, and of nobody else's");

        let (star, turns) = tree(&[None; TURNS]);
        assert_eq!(star.siblings(&[7]), [turns]);
        assert_eq!(star.newest_behind(7), 7);
    }

    proptest! {
        #[test]
        fn whatever_is_taken_out_nobody_is_lost_and_ancestors_stay_in_order(
            shape in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
            gone in any::<prop::sample::Index>(),
        ) {
            // Each follows one before it, or the beginning.
            let parents: Vec<Option<usize>> = shape
                .iter()
                .enumerate()
                .map(|(place, any)| any.index(place + 1).checked_sub(1))
                .collect();
            let (tree, mut turns) = tree(&parents);
            let gone = gone.index(turns.len());
            let left = tree.branches_without(turns[gone]);
            let gone = turns.remove(gone);
            let after = Tree::of(turns.clone(), &left);
            for turn in turns {
                let ids = |tree: &Tree| {
                    let path = tree.path_to(tree.place(turn));
                    path.into_iter().map(|place| tree.turn(place)).collect::<Vec<_>>()
                };
                let mut before = ids(&tree);
                before.retain(|turn| *turn != gone);
                prop_assert_eq!(ids(&after), before);
            }
        }
    }
}
