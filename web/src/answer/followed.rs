//! Which answers are followed: each once, under its name, and no more than so many.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use super::asked_here::AskedHere;
use crate::gateway_client::Refused;
use crate::ids::{ConversationId, ResponseId};
use crate::session::Owner;

/// Whose it is, in which conversation, and which.
pub(super) type Key = (Owner, ConversationId, ResponseId);

/// All of them. Whoever follows or reads one holds it.
#[derive(Debug)]
pub(super) struct Followed<T> {
    by_key: HashMap<Key, Weak<T>>,
    pub(super) asked_here: AskedHere<T>,
    most: usize,
}

/// So many are followed that one more is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;

/// Why an answer is not read.
#[derive(Debug)]
pub(crate) enum NotRead {
    TooMany,
    Refused(Refused),
}

impl<T> Followed<T> {
    pub(super) fn new(most: usize) -> Self {
        Self { by_key: HashMap::new(), asked_here: AskedHere::default(), most }
    }

    pub(super) fn get(&self, key: &Key) -> Option<Arc<T>> {
        self.by_key.get(key).and_then(Weak::upgrade)
    }

    pub(super) fn add(&mut self, key: Key, one: &Arc<T>) {
        self.by_key.insert(key, Arc::downgrade(one));
    }

    pub(super) fn remove(&mut self, key: &Key) {
        self.by_key.remove(key);
    }

    /// Whether there is room for one more: those that are over take none.
    pub(super) fn has_room(&mut self) -> Result<(), TooMany> {
        self.by_key.retain(|_, one| one.strong_count() > 0);
        if self.by_key.len() < self.most { Ok(()) } else { Err(TooMany) }
    }
}

impl From<TooMany> for NotRead {
    fn from(_: TooMany) -> Self {
        Self::TooMany
    }
}

impl From<Refused> for NotRead {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}
