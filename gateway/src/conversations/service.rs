//! What can be asked of conversations. The owner is part of the key of a record: what is not theirs
//! cannot even be looked for.

use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, LinkState, RecordError, Records};
use contract::{ConversationId, Owner, RequestId, subjects};
use futures::StreamExt as _;
use openai_api::responses::NewConversation;
use service_runtime::Tasks;

use super::error::ConversationError;
use super::record::Record;
use crate::clock::now_s;
use crate::idempotency::{Ledger, Repeatable, Told};

/// Longest time to change a record that others change, too.
const CHANGED_WITHIN: Duration = Duration::from_secs(10);
/// How many records are read at once.
const AT_ONCE: usize = 16;

/// Conversations, as their records have them. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Conversations(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    bus: Bus,
    records: Records,
    ledger: Ledger,
    tasks: Tasks,
}

/// One conversation, without its items.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conversation {
    pub(crate) id: ConversationId,
    /// Seconds since 1970.
    pub(crate) created_at: u64,
    /// A JSON object.
    pub(crate) metadata: String,
    pub(crate) title: Option<String>,
}

/// Some of the conversations of an owner, the newest first.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) conversations: Vec<Conversation>,
    pub(crate) has_more: bool,
}

impl Conversations {
    pub(crate) fn new(bus: Bus, records: Records, ledger: Ledger, tasks: Tasks) -> Self {
        Self(Arc::new(Inner { bus, records, ledger, tasks }))
    }

    /// Makes one. A request that comes again is told what was made for it.
    pub(crate) async fn create(
        &self,
        owner: &Owner,
        new: &NewConversation,
        request: Option<&Repeatable>,
    ) -> Result<(Conversation, Told), ConversationError> {
        self.connected()?;
        let place = self.ledger().place(request, ConversationId::fresh().to_string()).await?;
        let unreadable = |_invalid| ConversationError::Unavailable(None);
        let id: ConversationId = place.makes.parse().map_err(unreadable)?;
        let metadata = new.metadata().unwrap_or("{}");
        // Whoever makes it for this request makes the same.
        let record = Record::new(now_s(), metadata, &new.items(&place.makes));
        let key = subjects::conversation_key(owner, id);
        let value = match record.write() {
            Ok(value) => value,
            Err(refused) => {
                self.ledger().is_refused(place);
                return Err(refused);
            }
        };
        match self.records().create(&key, value).await {
            // A repeat may be faster than whom it repeats.
            Err(RecordError::Conflict) if request.is_some() => {
                Ok((self.show(owner, &id.as_conversation()).await?, Told::Again))
            }
            created => {
                created?;
                Ok((Conversation::of(id, &record), Told::Anew))
            }
        }
    }

    pub(crate) async fn show(
        &self,
        owner: &Owner,
        id: &str,
    ) -> Result<Conversation, ConversationError> {
        let (id, record, _revision) = self.read(owner, id).await?;
        Ok(Conversation::of(id, &record))
    }

    /// Exchanges its metadata, a JSON object.
    pub(crate) async fn set_metadata(
        &self,
        owner: &Owner,
        id: &str,
        metadata: &str,
    ) -> Result<Conversation, ConversationError> {
        let changed = self.change(owner, id, |record| record.set_metadata(metadata)).await;
        changed.map(|(conversation, ())| conversation)
    }

    /// Forgets it. The responses that were its turns stay, a running one goes on.
    pub(crate) async fn delete(&self, owner: &Owner, id: &str) -> Result<(), ConversationError> {
        let (id, _record, _revision) = self.read(owner, id).await?;
        Ok(self.records().erase(&subjects::conversation_key(owner, id)).await?)
    }

    /// The newest ones, those made before `after`.
    pub(crate) async fn list(
        &self,
        owner: &Owner,
        limit: usize,
        after: Option<ConversationId>,
    ) -> Result<Listed, ConversationError> {
        let mut ids = self.ids(owner).await?;
        ids.retain(|id| after.is_none_or(|after| *id < after));
        let has_more = ids.len() > limit;
        ids.truncate(limit);
        let reads = ids.into_iter().map(|id| self.find(owner.clone(), id));
        let found: Vec<_> = futures::stream::iter(reads).buffered(AT_ONCE).collect().await;
        let mut conversations = Vec::with_capacity(found.len());
        for one in found {
            // One that was deleted meanwhile is not there.
            if let Some((id, record)) = one? {
                conversations.push(Conversation::of(id, &record));
            }
        }
        Ok(Listed { conversations, has_more })
    }

    /// The ids of all conversations of an owner, the newest first.
    pub(super) async fn ids(
        &self,
        owner: &Owner,
    ) -> Result<Vec<ConversationId>, ConversationError> {
        self.connected()?;
        let keys = self.records().list(&subjects::conversation_keys(owner)).await?;
        Ok(keys.iter().rev().filter_map(|key| subjects::read_conversation_key(key)).collect())
    }

    /// A record by its id, if it is (still) there.
    pub(super) async fn find(
        &self,
        owner: Owner,
        id: ConversationId,
    ) -> Result<Option<(ConversationId, Record)>, ConversationError> {
        let found = self.records().get(&subjects::conversation_key(&owner, id)).await?;
        Ok(found.and_then(|found| Some((id, readable(id, &found.value)?))))
    }

    /// A record, and the revision that a change of it has to name.
    pub(super) async fn read(
        &self,
        owner: &Owner,
        id: &str,
    ) -> Result<(ConversationId, Record, u64), ConversationError> {
        let not_found = || ConversationError::NotFound(id.to_owned());
        let id = ConversationId::of_conversation(id).map_err(|_invalid| not_found())?;
        self.connected()?;
        let found = self.records().get(&subjects::conversation_key(owner, id)).await?;
        let found = found.ok_or_else(not_found)?;
        let record = readable(id, &found.value).ok_or_else(not_found)?;
        Ok((id, record, found.revision))
    }

    /// Changes a record, as often as it takes while others change it, too; with what the last
    /// change gave.
    pub(super) async fn change<T>(
        &self,
        owner: &Owner,
        id: &str,
        change: impl Fn(&mut Record) -> T,
    ) -> Result<(Conversation, T), ConversationError> {
        self.try_change(owner, id, |record| Ok(change(record))).await
    }

    /// The same with a change that can be refused: then nothing is written.
    pub(super) async fn try_change<T>(
        &self,
        owner: &Owner,
        id: &str,
        change: impl Fn(&mut Record) -> Result<T, ConversationError>,
    ) -> Result<(Conversation, T), ConversationError> {
        let changed = async {
            loop {
                let (id, mut record, revision) = self.read(owner, id).await?;
                let given = change(&mut record)?;
                let (key, value) = (subjects::conversation_key(owner, id), record.write()?);
                match self.records().update(&key, value, revision).await {
                    Ok(_revision) => return Ok((Conversation::of(id, &record), given)),
                    Err(RecordError::Conflict) => {}
                    Err(RecordError::Unavailable(error)) => return Err(error.into()),
                }
            }
        };
        match tokio::time::timeout(CHANGED_WITHIN, changed).await {
            Ok(changed) => changed,
            Err(_elapsed) => Err(ConversationError::Unavailable(None)),
        }
    }

    pub(super) fn bus(&self) -> &Bus {
        &self.0.bus
    }

    pub(super) fn records(&self) -> &Records {
        &self.0.records
    }

    pub(super) fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    pub(super) fn tasks(&self) -> &Tasks {
        &self.0.tasks
    }

    /// Whoever asks while there is no connection is told at once.
    pub(super) fn connected(&self) -> Result<(), ConversationError> {
        match *self.bus().state().borrow() {
            LinkState::Connected => Ok(()),
            LinkState::Disconnected => Err(ConversationError::Unavailable(None)),
        }
    }
}

impl Conversation {
    pub(super) fn of(id: ConversationId, record: &Record) -> Self {
        Self {
            id,
            created_at: record.created_at,
            metadata: record.metadata.get().to_owned(),
            title: record.title(),
        }
    }
}

/// What was stored as a record; `None` when it is none, which is said without its text.
fn readable(id: ConversationId, value: &[u8]) -> Option<Record> {
    let read = Record::read(value);
    if read.is_err() {
        tracing::error!("the record of conversation {id} cannot be read");
    }
    read.ok()
}

/// What the ids of added items are made of.
pub(super) fn seed() -> String {
    RequestId::fresh().to_string()
}
