//! Records by key: each is compared with what was read before it is changed.
//!
//! The client library's own key-value store reads from any replica, which may lag behind, and
//! does not know every number by which a cluster refuses; decisions hang on both.

use std::collections::HashMap;
use std::fmt;

use async_nats::HeaderMap;
use async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use bytes::Bytes;
use contract::{streams, subjects};
use serde::{Deserialize, Serialize};

use crate::error::is_conflict;
use crate::{Bus, BusError};

/// The header of a message that says what became of a record. None: it was written.
const OPERATION: &str = "KV-Operation";
/// Its value when the record was written.
const WRITTEN: &str = "PUT";
/// Its value when the record was removed.
const DELETED: &str = "DEL";

/// One bucket. Cheap to clone.
#[derive(Clone)]
pub struct Records {
    bus: Bus,
    bucket: &'static str,
}

impl fmt::Debug for Records {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Records").field("bucket", &self.bucket).finish_non_exhaustive()
    }
}

/// A record as it was read.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// What it says.
    pub value: Bytes,
    /// Which version this is: whoever changes it says which one they have read.
    pub revision: u64,
}

/// Without the value: it may hold what people ask and models answer.
impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, revision } = self;
        f.debug_struct("Record")
            .field("revision", revision)
            .field("bytes", &value.len())
            .finish_non_exhaustive()
    }
}

/// Why a record was not changed, or not for certain.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Somebody else has changed it.
    #[error("the record has changed")]
    Conflict,
    /// Not known whether it was changed, or the bucket is full.
    #[error(transparent)]
    Unavailable(#[from] BusError),
}

/// A record that was written or removed behind others.
#[derive(Clone)]
pub(crate) struct Newer {
    pub(crate) key: String,
    /// None: it was removed.
    pub(crate) value: Option<Bytes>,
    /// Where it stands among all of the bucket.
    pub(crate) sequence: u64,
}

/// What a bucket has last heard of a key.
enum Last {
    /// Nothing.
    Never,
    /// This.
    Record(Record),
    /// It was removed, by the message with this sequence.
    Removed(u64),
}

#[derive(Serialize)]
struct Ask<'a> {
    subjects_filter: &'a str,
    offset: usize,
}

/// How a bucket stands.
pub(crate) struct Standing {
    /// When it was made.
    pub(crate) created: String,
    pub(crate) last_sequence: u64,
    pub(crate) messages: u64,
}

#[derive(Deserialize)]
struct Info {
    created: String,
    #[serde(default)]
    total: usize,
    #[serde(default)]
    limit: usize,
    state: State,
}

#[derive(Deserialize)]
struct State {
    messages: u64,
    #[serde(rename = "last_seq")]
    last_sequence: u64,
    #[serde(default)]
    subjects: Option<HashMap<String, u64>>,
}

impl Bus {
    /// A bucket, which `nats-init` has made.
    ///
    /// # Errors
    ///
    /// [`BusError::NotReady`] when it is missing.
    pub async fn records(&self, bucket: &'static str) -> Result<Records, BusError> {
        match self.jetstream.get_stream(streams::bucket_stream(bucket)).await {
            Ok(_there) => Ok(Records { bus: self.clone(), bucket }),
            Err(error) => Err(BusError::NotReady(format!(
                "the bucket `{bucket}` cannot be had ({error}); run `nats-init` once"
            ))),
        }
    }
}

impl Records {
    /// What is under `key`, as the leader knows it.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when no leader answers within 5 s.
    pub async fn get(&self, key: &str) -> Result<Option<Record>, BusError> {
        match self.last(key).await? {
            Last::Record(record) => Ok(Some(record)),
            Last::Never | Last::Removed(_) => Ok(None),
        }
    }

    /// Enters a record where there is none, and gives its revision.
    ///
    /// # Errors
    ///
    /// [`RecordError`].
    pub async fn create(&self, key: &str, value: Bytes) -> Result<u64, RecordError> {
        match self.update(key, value.clone(), 0).await {
            Err(RecordError::Conflict) => {}
            done => return done,
        }
        match self.last(key).await.map_err(RecordError::Unavailable)? {
            // Never: age has removed it meanwhile.
            Last::Record(_) | Last::Never => Err(RecordError::Conflict),
            Last::Removed(sequence) => self.update(key, value, sequence).await,
        }
    }

    /// Changes a record that is still as it was read, and gives its new revision. Revision 0: there
    /// was never one, nor was one removed.
    ///
    /// # Errors
    ///
    /// [`RecordError`].
    pub async fn update(&self, key: &str, value: Bytes, revision: u64) -> Result<u64, RecordError> {
        self.write(key, HeaderMap::new(), value, Some(revision)).await
    }

    /// Enters a record, whatever was there, and gives its revision.
    ///
    /// # Errors
    ///
    /// [`BusError::Full`] when the bucket is, [`BusError::Unavailable`] when no acknowledgement
    /// came within 5 s.
    pub async fn put(&self, key: &str, value: Bytes) -> Result<u64, BusError> {
        whatever_was_there(self.write(key, HeaderMap::new(), value, None).await)
    }

    /// Removes a record, whatever is there. That it was removed stays known as long as the record
    /// would have been: nobody who thinks that there was never one can enter it.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when no acknowledgement came within 5 s.
    pub async fn delete(&self, key: &str) -> Result<(), BusError> {
        match self.mark_deleted(key).await {
            Err(BusError::Full(_)) => {}
            marked => return marked,
        }
        // No room to remember it by. What it leaves behind is room, if it was there.
        self.erase(key).await?;
        match self.mark_deleted(key).await {
            // Then there is none for a new record either.
            Err(BusError::Full(_)) => Ok(()),
            marked => marked,
        }
    }

    /// Removes a record that is still as it was read. A new one may be created.
    ///
    /// # Errors
    ///
    /// [`RecordError`].
    pub async fn delete_at(&self, key: &str, revision: u64) -> Result<(), RecordError> {
        let deleted = self.write(key, deletion(), Bytes::new(), Some(revision)).await;
        deleted.map(|_sequence| ())
    }

    /// Removes a record, if it is there, and all knowledge of it. Changes that name a revision of it
    /// are refused from here on; a new one may be entered.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when no leader answers within 5 s. It may have been done all the
    /// same; trying again is safe.
    pub async fn erase(&self, key: &str) -> Result<(), BusError> {
        let purge = self.stream().await?.purge().filter(subjects::record(self.bucket, key));
        purge.await.map(|_purged| ()).map_err(BusError::unavailable)
    }

    /// The keys that match `filter`, which may hold wildcards, in their order. Of more than the
    /// server counts at once (100,000) the last ones.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when no leader answers within 5 s.
    pub async fn list(&self, filter: &str) -> Result<Vec<String>, BusError> {
        let filter = subjects::record(self.bucket, filter);
        let mut info = self.info(&filter, 0).await?;
        if info.total > info.limit && info.limit > 0 {
            info = self.info(&filter, info.total - info.limit).await?;
        }
        let prefix = subjects::record(self.bucket, "");
        let mut keys: Vec<String> = info
            .state
            .subjects
            .unwrap_or_default()
            .into_keys()
            .filter_map(|subject| subject.strip_prefix(&prefix).map(str::to_owned))
            .collect();
        keys.sort_unstable();
        Ok(keys)
    }

    /// The first record behind sequence `after` whose key matches `filter`, as the leader knows it.
    /// Of a record that was changed only the newest version is there.
    pub(crate) async fn next(&self, filter: &str, after: u64) -> Result<Option<Newer>, BusError> {
        let (filter, prefix) =
            (subjects::record(self.bucket, filter), subjects::record(self.bucket, ""));
        let stream = self.stream().await?;
        match stream.get_first_raw_message_by_subject(&filter, after.saturating_add(1)).await {
            Ok(message) => {
                let key = message.subject.strip_prefix(&prefix).unwrap_or_default().to_owned();
                let operation = message.headers.get(OPERATION).map(|value| value.as_str());
                let value = match operation {
                    None | Some(WRITTEN) => Some(message.payload),
                    Some(_removed) => None,
                };
                Ok(Some(Newer { key, value, sequence: message.sequence }))
            }
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(BusError::unavailable(error)),
        }
    }

    /// How the bucket stands, as the leader knows it.
    pub(crate) async fn standing(&self) -> Result<Standing, BusError> {
        // A filter that matches no record: the names of all of them are not wanted.
        let Info { created, state, .. } = self.info(&subjects::record(self.bucket, ""), 0).await?;
        let State { messages, last_sequence, .. } = state;
        Ok(Standing { created, last_sequence, messages })
    }

    async fn info(&self, filter: &str, offset: usize) -> Result<Info, BusError> {
        let question = format!("STREAM.INFO.{}", streams::bucket_stream(self.bucket));
        let ask = Ask { subjects_filter: filter, offset };
        match self.bus.jetstream.request(question, &ask).await {
            Ok(Response::Ok(info)) => Ok(info),
            Ok(Response::Err { error }) => Err(BusError::unavailable(error)),
            Err(error) => Err(BusError::unavailable(error)),
        }
    }

    async fn mark_deleted(&self, key: &str) -> Result<(), BusError> {
        let marked = self.write(key, deletion(), Bytes::new(), None).await;
        whatever_was_there(marked).map(|_sequence| ())
    }

    async fn write(
        &self,
        key: &str,
        mut headers: HeaderMap,
        value: Bytes,
        revision: Option<u64>,
    ) -> Result<u64, RecordError> {
        if let Some(revision) = revision {
            headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, revision.to_string());
        }
        let (size, limit) = (value.len(), self.bus.max_payload());
        if size > limit {
            return Err(RecordError::Unavailable(BusError::TooLarge { size, limit }));
        }
        let subject = subjects::record(self.bucket, key);
        let sent = self.bus.jetstream.publish_with_headers(subject, headers, value).await;
        let stored = match sent {
            Ok(stored) => stored.await,
            Err(error) => Err(error),
        };
        stored.map(|ack| ack.sequence).map_err(|error| {
            if is_conflict(&error) {
                RecordError::Conflict
            } else {
                RecordError::Unavailable(BusError::of_publish(self.bucket, &error))
            }
        })
    }

    async fn last(&self, key: &str) -> Result<Last, BusError> {
        let subject = subjects::record(self.bucket, key);
        match self.stream().await?.get_last_raw_message_by_subject(&subject).await {
            Ok(last) => {
                let (value, revision) = (last.payload, last.sequence);
                let operation = last.headers.get(OPERATION).map(|value| value.as_str());
                Ok(match operation {
                    None | Some(WRITTEN) => Last::Record(Record { value, revision }),
                    Some(_removed) => Last::Removed(revision),
                })
            }
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => {
                Ok(Last::Never)
            }
            Err(error) => Err(BusError::unavailable(error)),
        }
    }

    async fn stream(&self) -> Result<Stream<()>, BusError> {
        let stream =
            self.bus.jetstream.get_stream_no_info(streams::bucket_stream(self.bucket)).await;
        stream.map_err(BusError::unavailable)
    }
}

/// The headers of a message that removes a record.
fn deletion() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(OPERATION, DELETED);
    headers
}

/// Of a write that names no revision.
fn whatever_was_there(written: Result<u64, RecordError>) -> Result<u64, BusError> {
    written.map_err(|error| match error {
        RecordError::Conflict => BusError::Unavailable("the record has changed".to_owned()),
        RecordError::Unavailable(error) => error,
    })
}
