//! The turns of a conversation: each follows another one or stands at the beginning.

use std::collections::HashSet;

/// The turns in the order in which they came, each with what it follows.
#[derive(Default)]
pub(super) struct Tree(Vec<(String, Option<String>)>);

impl Tree {
    pub(super) fn hang(&mut self, turn: &str, after: Option<String>) {
        self.0.push((turn.to_owned(), after));
    }

    pub(super) fn has(&self, turn: &str) -> bool {
        self.0.iter().any(|(one, _)| one == turn)
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(turn, _)| turn.as_str())
    }

    pub(super) fn newest(&self) -> Option<&str> {
        self.0.last().map(|(turn, _)| turn.as_str())
    }

    pub(super) fn after(&self, turn: &str) -> Option<&str> {
        self.0.iter().find(|(one, _)| one == turn).and_then(|(_, after)| after.as_deref())
    }

    /// All that follow the same one, the oldest first.
    pub(super) fn siblings(&self, turn: &str) -> Vec<&str> {
        let after = self.after(turn);
        let beside = self.0.iter().filter(|(_, other)| other.as_deref() == after);
        beside.map(|(turn, _)| turn.as_str()).collect()
    }

    /// From the beginning to this one, the oldest first.
    pub(super) fn path_to<'a>(&'a self, turn: Option<&'a str>) -> Vec<&'a str> {
        let mut path: Vec<&str> = std::iter::successors(turn, |turn| self.after(turn)).collect();
        path.reverse();
        path
    }

    /// The newest of a turn and all that follow it, however far behind.
    pub(super) fn newest_behind<'a>(&'a self, turn: &'a str) -> &'a str {
        let mut behind = HashSet::from([turn]);
        let mut newest = turn;
        for (one, after) in &self.0 {
            if after.as_deref().is_some_and(|after| behind.contains(after)) {
                behind.insert(one);
                newest = one;
            }
        }
        newest
    }
}
