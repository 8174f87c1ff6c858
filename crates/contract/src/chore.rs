//! Chores: what has to be done about a job and nobody waits for.

/// A kind of chore. Which log it is about, its subject says; there is no more to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Chore {
    /// Keep a log that has ended for longer than the stream of logs does.
    Seal,
}

impl Chore {
    /// Every kind.
    pub const ALL: &[Self] = &[Self::Seal];

    /// As it stands in subjects and in the names of consumers.
    pub fn token(self) -> &'static str {
        match self {
            Self::Seal => "seal",
        }
    }
}
