//! Every key, in memory. Finding one asks nobody; that one changed is heard within a second.

use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bus::{Bus, BusError, Keys};
use contract::keys::{ApiKey, Standing};
use service_runtime::{Health, Shutdown};

use super::caller::Caller;
use super::follower::Follower;
use super::known::{Entry, Known, Walk};
use super::meter::{Spent, Ticket};

/// The keys. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct KeyBook(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bus: Bus,
    keys: Keys,
    known: RwLock<Known>,
    /// The connection over which that was read.
    connection: u64,
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
        let connection = bus.connections();
        let mut known = Known::default();
        let mut walk = Walk::through(keys.state().await?.created);
        while let Some(stored) = keys.next(walk.sequence).await? {
            // Nobody has missed what was there at the start.
            let _untold = known.meet(&mut walk, stored);
        }
        let _none = known.finish(walk);
        let (count, change) = (known.count(), known.sequence);
        // What was done while no gateway listened shows in the numbers.
        tracing::info!(
            audit.change = change,
            "audit: {count} keys are known, up to change {change}"
        );
        Ok(Self(Arc::new(Inner { bus, keys, known: RwLock::new(known), connection })))
    }

    /// Follows the keys as they change, and tells the health port, as the check `keys`, while that
    /// cannot be done. While NATS is away, what is known counts.
    pub(crate) async fn follow(self, health: Health, until: Shutdown) {
        let Inner { bus, keys, connection, .. } = &*self.0;
        let (bus, keys) = (bus.clone(), keys.clone());
        let follower = Follower::new(self.clone(), bus, keys, *connection, health);
        until.unless_requested(follower.run()).await;
    }

    /// Who has this key, if it counts at `now`, seconds since 1970.
    pub(crate) fn caller(&self, key: &ApiKey, now: u64) -> Result<Holder, Denied> {
        let entry = self.known().find(key.id()).ok_or(Denied::Unknown)?;
        match entry.record.standing(key, now) {
            Standing::Good => Ok(Holder(entry)),
            Standing::Wrong => Err(Denied::Unknown),
            Standing::Revoked => Err(Denied::Revoked),
            Standing::Expired => Err(Denied::Expired),
        }
    }

    pub(super) fn known(&self) -> RwLockReadGuard<'_, Known> {
        self.0.known.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Requests wait while this is held.
    pub(super) fn change(&self) -> RwLockWriteGuard<'_, Known> {
        self.0.known.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The holder of a key that counts.
#[derive(Debug)]
pub(crate) struct Holder(Arc<Entry>);

impl Holder {
    /// Who that is.
    pub(crate) fn caller(&self) -> Caller {
        self.0.caller()
    }

    /// Takes a place for one request.
    pub(crate) fn enter(&self) -> Result<Ticket, Spent> {
        self.0.enter()
    }
}
