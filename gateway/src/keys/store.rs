//! Keys as operators make and change them.

use bus::{BusError, Keys, RecordError};
use contract::keys::{ApiKey, KeyId, KeyRecord, NewKey};

use crate::clock::now_s;

/// The store of keys. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct KeyStore(Keys);

/// Why something could not be done with a key.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyStoreError {
    /// There is none with that id.
    #[error("There is no key with that id.")]
    NotFound,
    /// It was revoked or has expired.
    #[error("The key was revoked or has expired: make a new one.")]
    NotGood,
    /// Its time would be over before it began.
    #[error("`expires_at` has to lie in the future, in seconds since 1970.")]
    ExpiresBefore,
    /// NATS did not do in time what was needed.
    #[error("The store of keys is unavailable. Try again soon.")]
    Unavailable(#[from] BusError),
}

impl KeyStore {
    pub(crate) fn new(keys: Keys) -> Self {
        Self(keys)
    }

    /// Makes a key.
    pub(crate) async fn make(
        &self,
        wanted: NewKey,
        by: &str,
    ) -> Result<(ApiKey, KeyRecord), KeyStoreError> {
        let now = now_s();
        if wanted.expires_at.is_some_and(|end| end <= now) {
            return Err(KeyStoreError::ExpiresBefore);
        }
        let (key, record) = wanted.make(by, now);
        self.0.add(&record).await.map_err(|error| match error {
            RecordError::Conflict => BusError::Unavailable("an id came twice".to_owned()),
            RecordError::Unavailable(error) => error,
        })?;
        Ok((key, record))
    }

    /// All of them, the newest first.
    pub(crate) async fn list(&self) -> Result<Vec<KeyRecord>, KeyStoreError> {
        let mut records = self.0.list().await?;
        records.sort_by_key(|record| std::cmp::Reverse(record.created_at));
        Ok(records)
    }

    /// One of them.
    pub(crate) async fn show(&self, id: &KeyId) -> Result<KeyRecord, KeyStoreError> {
        self.0.read(id).await?.ok_or(KeyStoreError::NotFound)
    }

    /// Gives a key a new secret. The one before is good for `grace` seconds more.
    pub(crate) async fn rotate(
        &self,
        id: &KeyId,
        by: &str,
        grace: u64,
    ) -> Result<(ApiKey, KeyRecord), KeyStoreError> {
        let now = now_s();
        let rotate = |record: &mut KeyRecord| {
            record.is_good(now).then(|| record.rotate(by, now, now.saturating_add(grace)))
        };
        let (record, key) = self.0.change(id, rotate).await?.ok_or(KeyStoreError::NotFound)?;
        Ok((key.ok_or(KeyStoreError::NotGood)?, record))
    }

    /// Takes a key back.
    pub(crate) async fn revoke(&self, id: &KeyId, by: &str) -> Result<KeyRecord, KeyStoreError> {
        let revoked = self.0.change(id, |record| record.revoke(by, now_s())).await?;
        revoked.map(|(record, ())| record).ok_or(KeyStoreError::NotFound)
    }
}
