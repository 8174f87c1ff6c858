//! What is known of the keys, as it is read.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bus::{KeyState, StoredKey};
use contract::Owner;
use contract::keys::{KeyId, KeyRecord, Scopes};

use super::caller::Caller;
use super::meter::{Meter, Spent, Ticket};

/// All keys, up to a change.
#[derive(Debug, Default)]
pub(super) struct Known {
    keys: HashMap<KeyId, Arc<Entry>>,
    /// What else there is in the store: ids whose keys were removed, or cannot be read.
    others: HashSet<String>,
    /// Everything up to this change is in there.
    pub(super) sequence: u64,
    /// When the store was made that this was read from.
    pub(super) created: String,
}

/// A key that can be read.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) record: KeyRecord,
    scopes: Arc<Scopes>,
    meter: Arc<Meter>,
}

/// What a change has made of what.
#[derive(Debug)]
pub(super) struct Entered {
    pub(super) change: u64,
    pub(super) before: Option<Arc<Entry>>,
    pub(super) after: After,
}

/// What there is behind a change.
#[derive(Debug)]
pub(super) enum After {
    Key(Arc<Entry>),
    Removed,
    Unreadable,
}

/// Everything in a store, read from its beginning beside what is known. What is read counts at once:
/// it is never older than what was known. What is not found is forgotten at the end.
#[derive(Debug)]
pub(super) struct Walk {
    created: String,
    seen: HashSet<String>,
    /// How far it has come.
    pub(super) sequence: u64,
}

impl Known {
    pub(super) fn find(&self, id: &KeyId) -> Option<Arc<Entry>> {
        self.keys.get(id).cloned()
    }

    pub(super) fn count(&self) -> usize {
        self.keys.len()
    }

    /// How many ids the store should have.
    pub(super) fn ids(&self) -> u64 {
        (self.keys.len() + self.others.len()) as u64
    }

    /// Enters the next change.
    pub(super) fn follow(&mut self, stored: StoredKey) -> Entered {
        self.sequence = stored.sequence;
        self.enter(stored)
    }

    /// Enters what a walk has come by.
    pub(super) fn meet(&mut self, walk: &mut Walk, stored: StoredKey) -> Entered {
        walk.sequence = stored.sequence;
        walk.seen.insert(stored.id.clone());
        self.enter(stored)
    }

    /// Forgets what a walk has not come by.
    pub(super) fn finish(&mut self, walk: Walk) -> Vec<Entered> {
        let Walk { created, seen, sequence } = walk;
        let gone = self.keys.extract_if(|id, _entry| !seen.contains(id.as_str()));
        let gone = gone.map(|(_id, before)| Entered {
            change: sequence,
            before: Some(before),
            after: After::Removed,
        });
        let gone = gone.collect();
        self.others.retain(|id| seen.contains(id));
        (self.sequence, self.created) = (sequence, created);
        gone
    }

    fn enter(&mut self, StoredKey { sequence: change, id, state }: StoredKey) -> Entered {
        let after = match state {
            KeyState::Record(record) => {
                self.others.remove(&id);
                let before = self.keys.get(&record.id).cloned();
                let entry = Arc::new(Entry::of(*record, before.as_deref()));
                self.keys.insert(entry.record.id.clone(), Arc::clone(&entry));
                return Entered { change, before, after: After::Key(entry) };
            }
            KeyState::Removed => After::Removed,
            KeyState::Unreadable => After::Unreadable,
        };
        let before = id.parse().ok().and_then(|id: KeyId| self.keys.remove(&id));
        self.others.insert(id);
        Entered { change, before, after }
    }
}

impl Walk {
    /// Through the store that was made then.
    pub(super) fn through(created: String) -> Self {
        Self { created, seen: HashSet::new(), sequence: 0 }
    }
}

impl Entry {
    /// What was used up stays so, unless the limits are others.
    fn of(record: KeyRecord, before: Option<&Self>) -> Self {
        let meter = before.filter(|before| before.record.limits == record.limits);
        let meter = meter.map(|before| Arc::clone(&before.meter));
        let meter = meter.unwrap_or_else(|| Arc::new(Meter::new(record.limits)));
        Self { scopes: Arc::new(record.scopes.clone()), meter, record }
    }

    pub(super) fn caller(&self) -> Caller {
        let KeyRecord { id, tenant, owner, .. } = &self.record;
        let owner = Owner { tenant: tenant.clone(), name: owner.clone() };
        Caller::with_key(id.clone(), owner, Arc::clone(&self.scopes))
    }

    pub(super) fn enter(&self) -> Result<Ticket, Spent> {
        self.meter.enter()
    }
}

#[cfg(test)]
mod tests {
    use contract::keys::{NewKey, Rotation};

    use super::*;

    fn made() -> KeyRecord {
        let wanted = r#"{"name":"test","limits":{"requests_per_minute":1}}"#;
        let wanted: NewKey = serde_json::from_str(wanted).unwrap();
        wanted.make("test", 1).1
    }

    fn stored(sequence: u64, record: &KeyRecord) -> StoredKey {
        let state = KeyState::Record(Box::new(record.clone()));
        StoredKey { sequence, id: record.id.to_string(), state }
    }

    fn is_spent(known: &Known, record: &KeyRecord) -> bool {
        known.find(&record.id).unwrap().enter().is_err()
    }

    #[test]
    fn what_was_used_up_stays_so_however_a_change_is_come_by() {
        let (mut known, mut record) = (Known::default(), made());
        known.follow(stored(1, &record));
        assert!(!is_spent(&known, &record));

        record.rotate(Rotation::default(), "test", 2).unwrap();
        known.follow(stored(2, &record));
        assert!(is_spent(&known, &record), "followed");

        record.revoke("test", 3);
        let mut walk = Walk::through("then".to_owned());
        known.meet(&mut walk, stored(3, &record));
        known.finish(walk);
        assert!(is_spent(&known, &record), "met");

        record.limits.requests_per_minute = std::num::NonZeroU32::new(2);
        known.follow(stored(4, &record));
        assert!(!is_spent(&known, &record), "the limits are others");
    }

    #[test]
    fn a_walk_counts_at_once_and_what_it_does_not_find_is_gone_at_its_end() {
        let (mut known, stays, goes) = (Known::default(), made(), made());
        known.follow(stored(7, &stays));
        known.follow(stored(9, &goes));
        let broken = || ("broken".to_owned(), KeyState::Unreadable);
        let (id, state) = broken();
        known.follow(StoredKey { sequence: 10, id, state });
        assert_eq!((known.count(), known.ids()), (2, 3));

        let mut walk = Walk::through("later".to_owned());
        let mut revoked = stays.clone();
        revoked.revoke("test", 1);
        known.meet(&mut walk, stored(3, &revoked));
        assert!(known.find(&stays.id).unwrap().record.revoked.is_some(), "at once");
        assert!(known.find(&goes.id).is_some(), "not before the end");
        let gone = known.finish(walk);

        assert_eq!((known.count(), known.ids(), known.sequence), (1, 1, 3));
        assert_eq!(known.created, "later");
        let [Entered { change: 3, before: Some(before), after: After::Removed }] = gone.as_slice()
        else {
            panic!("{gone:?}")
        };
        assert_eq!(before.record.id, goes.id);
    }

    #[test]
    fn what_was_removed_and_what_cannot_be_read_open_nothing_and_are_told_apart() {
        let (mut known, record) = (Known::default(), made());
        let now = |sequence, state| StoredKey { sequence, id: record.id.to_string(), state };
        known.follow(stored(1, &record));

        let unreadable = known.follow(now(2, KeyState::Unreadable));
        assert!(matches!(unreadable.after, After::Unreadable));
        assert!(unreadable.before.is_some() && known.find(&record.id).is_none());

        known.follow(stored(3, &record));
        let removed = known.follow(now(4, KeyState::Removed));
        assert!(matches!(removed.after, After::Removed) && removed.before.is_some());
        assert_eq!((known.count(), known.ids()), (0, 1));
    }
}
