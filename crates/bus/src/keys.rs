//! API keys where they are kept: changed by operators, followed by every gateway.

use bytes::Bytes;
use contract::keys::{KeyId, KeyRecord};
use contract::streams;

use crate::records::{Newer, Standing};
use crate::{Bus, BusError, RecordError, Records};

/// How often a change is tried again that somebody else was in the way of.
const TRIES: u32 = 20;

/// All keys. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Keys(Records);

/// A key as it was stored, or changed.
#[derive(Debug)]
pub struct StoredKey {
    /// Larger than that of everything stored before.
    pub sequence: u64,
    /// The id, as it is written.
    pub id: String,
    /// What is there now.
    pub state: KeyState,
}

/// What is stored under an id.
#[derive(Debug, PartialEq, Eq)]
pub enum KeyState {
    /// This.
    Record(Box<KeyRecord>),
    /// Nothing any more.
    Removed,
    /// Something that is no record of this key.
    Unreadable,
}

/// How the store of keys stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysState {
    /// When it was made, which tells it from another one in its place.
    pub created: String,
    /// The last change, whether or not it is still there.
    pub last_sequence: u64,
    /// How many ids there are, those included whose keys were removed or cannot be read.
    pub ids: u64,
}

impl Bus {
    /// The keys, whose bucket `nats-init` has made.
    ///
    /// # Errors
    ///
    /// [`BusError::NotReady`] when it is missing.
    pub async fn keys(&self) -> Result<Keys, BusError> {
        self.records(streams::KEYS).await.map(Keys)
    }
}

impl Keys {
    /// Enters a key whose id is new.
    ///
    /// # Errors
    ///
    /// [`RecordError`].
    pub async fn add(&self, record: &KeyRecord) -> Result<(), RecordError> {
        let value = written(record).map_err(RecordError::Unavailable)?;
        self.0.create(record.id.as_str(), value).await.map(|_revision| ())
    }

    /// A key as it stands.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when no leader answers within 5 s.
    pub async fn read(&self, id: &KeyId) -> Result<Option<KeyRecord>, BusError> {
        match self.0.get(id.as_str()).await? {
            Some(stored) => read(&stored.value).map(Some),
            None => Ok(None),
        }
    }

    /// Changes a key, and gives it as it stands then; `None` when there is none. What changes
    /// nothing is not stored.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when no leader answers within 5 s.
    pub async fn change<T>(
        &self,
        id: &KeyId,
        mut change: impl FnMut(&mut KeyRecord) -> T,
    ) -> Result<Option<(KeyRecord, T)>, BusError> {
        for _try in 0..TRIES {
            let Some(stored) = self.0.get(id.as_str()).await? else { return Ok(None) };
            let before = read(&stored.value)?;
            let mut record = before.clone();
            let changed = change(&mut record);
            if record == before {
                return Ok(Some((record, changed)));
            }
            let value = written(&record)?;
            match self.0.update(id.as_str(), value, stored.revision).await {
                Ok(_revision) => return Ok(Some((record, changed))),
                Err(RecordError::Conflict) => {}
                Err(RecordError::Unavailable(error)) => return Err(error),
            }
        }
        Err(BusError::Unavailable("a key is being changed all the time".to_owned()))
    }

    /// Every key, oldest change first.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when no leader answers within 5 s.
    pub async fn list(&self) -> Result<Vec<KeyRecord>, BusError> {
        let (mut keys, mut after) = (Vec::new(), 0);
        while let Some(stored) = self.next(after).await? {
            after = stored.sequence;
            if let KeyState::Record(record) = stored.state {
                keys.push(*record);
            }
        }
        Ok(keys)
    }

    /// The first key that was stored or changed behind sequence `after`, as the leader knows it;
    /// `None` when nothing was. Whoever asks again and again, each time behind what they have,
    /// knows every key as it stands.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when no leader answers within 5 s.
    pub async fn next(&self, after: u64) -> Result<Option<StoredKey>, BusError> {
        let newer = self.0.next(">", after).await?;
        Ok(newer.map(|Newer { key, value, sequence }| {
            let state = match value.as_deref().map(read) {
                None => KeyState::Removed,
                // Under another id it would be found by one name and removed by another.
                Some(Ok(record)) if record.id.as_str() == key => KeyState::Record(Box::new(record)),
                Some(Ok(_of_another)) => {
                    tracing::error!(key, "a key is not used: its record has another id");
                    KeyState::Unreadable
                }
                Some(Err(error)) => {
                    tracing::error!(key, "a key is not used: {error}");
                    KeyState::Unreadable
                }
            };
            StoredKey { sequence, id: key, state }
        }))
    }

    /// How the store stands, as its leader knows it. What was removed without a trace, or is another
    /// store by now, shows here alone.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when no leader answers within 5 s.
    pub async fn state(&self) -> Result<KeysState, BusError> {
        let Standing { created, last_sequence, messages } = self.0.standing().await?;
        // Of each id one message is kept.
        Ok(KeysState { created, last_sequence, ids: messages })
    }
}

fn written(record: &KeyRecord) -> Result<Bytes, BusError> {
    serde_json::to_vec(record).map(Bytes::from).map_err(BusError::unavailable)
}

fn read(value: &[u8]) -> Result<KeyRecord, BusError> {
    // Without the value.
    serde_json::from_slice(value).map_err(|error| {
        let (line, column) = (error.line(), error.column());
        BusError::NotReady(format!(
            "the record of a key cannot be read (line {line}, column {column}): was it written by \
             a newer version?"
        ))
    })
}
