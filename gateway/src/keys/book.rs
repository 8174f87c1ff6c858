//! Every key, in memory. Finding one asks nobody; that one changed is heard within a second.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use bus::{Bus, BusError, Keys, StoredKey};
use contract::Owner;
use contract::keys::{ApiKey, KeyId, KeyRecord, Scopes, Standing};
use service_runtime::Shutdown;

use super::audit;
use super::caller::Caller;
use super::meter::{Meter, Spent, Ticket};

/// How often it is asked whether a key has changed. A quarter of what is promised.
const LOOKS_EVERY: Duration = Duration::from_millis(250);
/// Wait after a look that nobody answered.
const AFTER_FAILURE: Duration = Duration::from_millis(500);

/// The keys. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct KeyBook(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bus: Bus,
    keys: Keys,
    known: RwLock<Known>,
}

#[derive(Debug, Default)]
struct Known {
    keys: HashMap<KeyId, Arc<Entry>>,
    /// Everything up to this change is in there.
    sequence: u64,
    /// The connection over which that was read: behind another one the server may be another.
    connection: u64,
    /// Whether everything that was there at the start has been read: from then on changes are told.
    complete: bool,
}

#[derive(Debug)]
struct Entry {
    record: KeyRecord,
    scopes: Arc<Scopes>,
    meter: Arc<Meter>,
    /// The change that made it so.
    change: u64,
}

/// Why a key opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// There is none like it.
    Unknown,
    /// It was taken back.
    Revoked,
    /// Its time is over.
    Expired,
}

impl KeyBook {
    /// Reads all keys: whoever has a book knows every key there was.
    pub(crate) async fn open(bus: Bus, keys: Keys) -> Result<Self, BusError> {
        let book = Self(Arc::new(Inner { bus, keys, known: RwLock::default() }));
        while book.read_on().await? {}
        {
            let mut known = book.0.known.write().unwrap_or_else(PoisonError::into_inner);
            known.complete = true;
            let (count, change) = (known.keys.len(), known.sequence);
            // What was done while no gateway listened shows in the numbers.
            tracing::info!(
                audit.change = change,
                "audit: {count} keys are known, up to change {change}"
            );
        }
        Ok(book)
    }

    /// Follows the keys as they change. While NATS is away, what is known counts.
    pub(crate) async fn follow(self, until: Shutdown) {
        let following = async {
            let mut away = false;
            loop {
                match self.read_on().await {
                    Ok(true) => continue,
                    Ok(false) => {
                        away = false;
                        tokio::time::sleep(LOOKS_EVERY).await;
                    }
                    Err(error) => {
                        if !std::mem::replace(&mut away, true) {
                            tracing::warn!(%error, "changes of API keys are not heard: {error}");
                        }
                        tokio::time::sleep(AFTER_FAILURE).await;
                    }
                }
            }
        };
        until.unless_requested(following).await;
    }

    /// Who has this key, if it counts at `now`, seconds since 1970.
    pub(crate) fn caller(&self, key: &ApiKey, now: u64) -> Result<Holder, Denied> {
        let entry = {
            let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
            known.keys.get(key.id()).cloned()
        };
        let entry = entry.ok_or(Denied::Unknown)?;
        match entry.record.standing(key, now) {
            Standing::Good => Ok(Holder(entry)),
            Standing::Wrong => Err(Denied::Unknown),
            Standing::Revoked => Err(Denied::Revoked),
            Standing::Expired => Err(Denied::Expired),
        }
    }

    /// Reads the next change, and says whether there was one.
    async fn read_on(&self) -> Result<bool, BusError> {
        let connection = self.0.bus.connections();
        let after = {
            let known = self.0.known.read().unwrap_or_else(PoisonError::into_inner);
            if known.connection == connection { Some(known.sequence) } else { None }
        };
        let Some(after) = after else {
            self.read_anew(connection).await?;
            return Ok(true);
        };
        let Some(stored) = self.0.keys.next(after).await? else { return Ok(false) };
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        let Entered { before, after, change } = known.enter(stored);
        let complete = known.complete;
        drop(known);
        if complete {
            audit::heard(record_of(&before), record_of(&after), change);
        }
        Ok(true)
    }

    /// Reads everything, and only then forgets what was known.
    async fn read_anew(&self, connection: u64) -> Result<(), BusError> {
        let mut fresh = Known { connection, complete: true, ..Known::default() };
        while let Some(stored) = self.0.keys.next(fresh.sequence).await? {
            fresh.enter(stored);
        }
        let mut known = self.0.known.write().unwrap_or_else(PoisonError::into_inner);
        if known.complete {
            tell_what_was_missed(&known, &fresh);
        } else {
            // Nobody has missed what was there at the start.
            fresh.complete = false;
        }
        for (id, entry) in &mut fresh.keys {
            // What was used up stays so.
            if let Some(before) = known.keys.get(id).filter(|before| before.record == entry.record)
            {
                *entry = Arc::clone(before);
            }
        }
        *known = fresh;
        Ok(())
    }
}

fn tell_what_was_missed(known: &Known, fresh: &Known) {
    for (id, entry) in &fresh.keys {
        let before = known.keys.get(id).map(|before| &before.record);
        audit::heard(before, Some(&entry.record), entry.change);
    }
    for (_id, gone) in known.keys.iter().filter(|(id, _entry)| !fresh.keys.contains_key(*id)) {
        audit::heard(Some(&gone.record), None, fresh.sequence);
    }
}

fn record_of(entry: &Option<Arc<Entry>>) -> Option<&KeyRecord> {
    entry.as_deref().map(|entry| &entry.record)
}

/// What a change has made of what.
struct Entered {
    before: Option<Arc<Entry>>,
    after: Option<Arc<Entry>>,
    change: u64,
}

/// The holder of a key that counts.
#[derive(Debug)]
pub(crate) struct Holder(Arc<Entry>);

impl Holder {
    /// Who that is.
    pub(crate) fn caller(&self) -> Caller {
        let KeyRecord { id, tenant, owner, .. } = &self.0.record;
        let owner = Owner { tenant: tenant.clone(), name: owner.clone() };
        Caller::with_key(id.clone(), owner, Arc::clone(&self.0.scopes))
    }

    /// Takes a place for one request.
    pub(crate) fn enter(&self) -> Result<Ticket, Spent> {
        self.0.meter.enter()
    }
}

impl Known {
    fn enter(&mut self, StoredKey { sequence: change, id, record }: StoredKey) -> Entered {
        self.sequence = change;
        let Some(record) = record else {
            let before = id.parse().ok().and_then(|id| self.keys.remove::<KeyId>(&id));
            return Entered { before, after: None, change };
        };
        // The meter goes along with a key whose limits did not change.
        let before = self.keys.get(&record.id).cloned();
        let meter = before.as_ref().map(|before| Arc::clone(&before.meter));
        let meter = meter.filter(|meter| meter.limits() == record.limits);
        let meter = meter.unwrap_or_else(|| Arc::new(Meter::new(record.limits)));
        let scopes = Arc::new(record.scopes.clone());
        let id = record.id.clone();
        let after = Arc::new(Entry { record, scopes, meter, change });
        self.keys.insert(id, Arc::clone(&after));
        Entered { before, after: Some(after), change }
    }
}
