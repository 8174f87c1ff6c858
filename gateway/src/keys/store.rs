//! Keys as operators make and change them.

use std::future::Future;

use bus::{BusError, Keys, RecordError};
use contract::keys::{AlreadyOver, ApiKey, KeyId, KeyRecord, NewKey, NotRotated, Rotation};
use service_runtime::Tasks;

use super::audit::{Act, Actor};
use crate::clock::now_s;

/// The store of keys. Cheap to clone.
///
/// What changes something goes on to its end, and is told in the log, whether or not its caller
/// waits: nobody hides an act by leaving.
#[derive(Debug, Clone)]
pub(crate) struct KeyStore {
    keys: Keys,
    tasks: Tasks,
}

/// Why something could not be done with a key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyStoreError {
    /// There is none with that id.
    #[error("There is no key with that id.")]
    NotFound,
    /// It stays as it is.
    #[error("The key is not rotated: {0}.")]
    NotRotated(#[from] NotRotated),
    /// Its time would be over before it began.
    #[error("`expires_at` is in seconds since 1970: {0}.")]
    AlreadyOver(#[from] AlreadyOver),
    /// NATS did not do in time what was needed.
    #[error("The store of keys is unavailable. Try again soon.")]
    Unavailable(#[source] BusError),
    /// NATS has not said whether it has done what was asked.
    #[error(
        "The store of keys has not said whether this was done. Look at the key before you try again."
    )]
    InDoubt(#[source] BusError),
}

impl KeyStore {
    pub(crate) fn new(keys: Keys, tasks: Tasks) -> Self {
        Self { keys, tasks }
    }

    /// Makes a key.
    pub(crate) async fn make(
        &self,
        wanted: NewKey,
        actor: Actor,
    ) -> Result<(ApiKey, KeyRecord), KeyStoreError> {
        let (keys, now) = (self.keys.clone(), now_s());
        wanted.lasts_beyond(now)?;
        self.to_its_end(async move {
            let (key, record) = wanted.make(actor.as_str(), now);
            match keys.add(&record).await {
                Ok(()) => actor.did(Act::Created, &record),
                Err(RecordError::Conflict) => {
                    let twice = BusError::Unavailable("an id came twice".to_owned());
                    return Err(KeyStoreError::Unavailable(twice));
                }
                Err(RecordError::Unavailable(error)) => {
                    return Err(not_done(&actor, Act::Created, &record.id, error));
                }
            }
            Ok((key, record))
        })
        .await
    }

    /// All of them, the oldest first.
    pub(crate) async fn list(&self) -> Result<Vec<KeyRecord>, KeyStoreError> {
        let mut records = self.keys.list().await.map_err(KeyStoreError::Unavailable)?;
        records.sort_by(|one, other| {
            (one.created_at, one.id.as_str()).cmp(&(other.created_at, other.id.as_str()))
        });
        Ok(records)
    }

    /// One of them.
    pub(crate) async fn show(&self, id: &KeyId) -> Result<KeyRecord, KeyStoreError> {
        let record = self.keys.read(id).await.map_err(KeyStoreError::Unavailable)?;
        record.ok_or(KeyStoreError::NotFound)
    }

    /// Gives a key a new secret.
    pub(crate) async fn rotate(
        &self,
        id: KeyId,
        rotation: Rotation,
        actor: Actor,
    ) -> Result<(ApiKey, KeyRecord), KeyStoreError> {
        let keys = self.keys.clone();
        self.to_its_end(async move {
            let rotate = |record: &mut KeyRecord| record.rotate(rotation, actor.as_str(), now_s());
            let rotated = keys.change(&id, rotate).await;
            let rotated = rotated.map_err(|error| not_done(&actor, Act::Rotated, &id, error))?;
            let (record, key) = rotated.ok_or(KeyStoreError::NotFound)?;
            let key = key?;
            actor.did(Act::Rotated, &record);
            Ok((key, record))
        })
        .await
    }

    /// Takes a key back.
    pub(crate) async fn revoke(&self, id: KeyId, actor: Actor) -> Result<KeyRecord, KeyStoreError> {
        let keys = self.keys.clone();
        self.to_its_end(async move {
            let revoke = |record: &mut KeyRecord| record.revoke(actor.as_str(), now_s());
            let revoked = keys.change(&id, revoke).await;
            let revoked = revoked.map_err(|error| not_done(&actor, Act::Revoked, &id, error))?;
            let (record, is_first) = revoked.ok_or(KeyStoreError::NotFound)?;
            if is_first {
                actor.did(Act::Revoked, &record);
            }
            Ok(record)
        })
        .await
    }

    async fn to_its_end<T: Send + 'static>(
        &self,
        act: impl Future<Output = Result<T, KeyStoreError>> + Send + 'static,
    ) -> Result<T, KeyStoreError> {
        self.tasks.spawn(act).await.unwrap_or_else(|broken| {
            Err(KeyStoreError::InDoubt(BusError::Unavailable(broken.to_string())))
        })
    }
}

/// What is not known to be done is told as such, unless the store has refused it.
fn not_done(actor: &Actor, act: Act, id: &KeyId, error: BusError) -> KeyStoreError {
    match error {
        BusError::Unavailable(_) => {
            actor.may_have_done(act, id, &error);
            KeyStoreError::InDoubt(error)
        }
        BusError::Full(_) | BusError::TooLarge { .. } | BusError::NotReady(_) => {
            KeyStoreError::Unavailable(error)
        }
    }
}
