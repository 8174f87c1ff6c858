//! Small records by key, changed by compare-and-set.
//!
//! A bucket is a stream with one subject for each key, which keeps the last message of each: what
//! clients of NATS call a key-value store. Every change names the revision that it follows, so of
//! two who change a record at once one is refused.

use std::collections::HashMap;
use std::fmt;

use async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE;
use async_nats::jetstream::response::Response;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use async_nats::{HeaderMap, HeaderName, HeaderValue};
use bytes::Bytes;
use contract::{streams, subjects};
use serde::{Deserialize, Serialize};

use crate::error::is_conflict;
use crate::{Bus, BusError};

/// Set by clients of NATS on what stands in place of a record that they removed.
const OPERATION: HeaderName = HeaderName::from_static("KV-Operation");

/// One record.
#[derive(Clone, PartialEq, Eq)]
pub struct Record {
    /// What is kept.
    pub value: Bytes,
    /// What a change of it has to name.
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
    /// It has another revision than the one that was named, or exists, or does not.
    #[error("the record was changed meanwhile")]
    Conflict,
    /// Refused, or no answer: it may have been changed all the same.
    #[error(transparent)]
    Unavailable(#[from] BusError),
}

/// A bucket of records. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Records {
    bus: Bus,
    bucket: &'static str,
}

#[derive(Serialize)]
struct Ask<'a> {
    subjects_filter: &'a str,
    offset: usize,
}

#[derive(Deserialize)]
struct Info {
    #[serde(default)]
    total: usize,
    #[serde(default)]
    limit: usize,
    state: State,
}

#[derive(Deserialize)]
struct State {
    #[serde(default)]
    subjects: Option<HashMap<String, u64>>,
}

impl Bus {
    /// The bucket of that name.
    ///
    /// # Errors
    ///
    /// [`BusError::NotReady`] when it is missing.
    pub async fn records(&self, bucket: &'static str) -> Result<Records, BusError> {
        match self.jetstream.get_stream(streams::bucket_stream(bucket)).await {
            Ok(_stream) => Ok(Records { bus: self.clone(), bucket }),
            Err(error) => Err(BusError::NotReady(format!(
                "the bucket `{bucket}` cannot be had ({error}); run `nats-init` once"
            ))),
        }
    }
}

impl Records {
    /// A record, as the leader of the bucket knows it: decisions hang on it.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when no leader answers within 5 s.
    pub async fn get(&self, key: &str) -> Result<Option<Record>, BusError> {
        match self.stream().await?.get_last_raw_message_by_subject(&self.subject(key)).await {
            Ok(last) if last.headers.get(OPERATION).is_some() => Ok(None),
            Ok(last) => Ok(Some(Record { value: last.payload, revision: last.sequence })),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(BusError::unavailable(error)),
        }
    }

    /// Stores a record that must not exist, and gives its revision.
    ///
    /// # Errors
    ///
    /// [`RecordError::Conflict`] when it does.
    pub async fn create(&self, key: &str, value: Bytes) -> Result<u64, RecordError> {
        self.update(key, value, 0).await
    }

    /// Changes a record that must still have this revision, and gives the new one.
    ///
    /// # Errors
    ///
    /// [`RecordError::Conflict`] when it has another one. A change that is repeated because its
    /// answer was lost ends so, too, when it had been made.
    pub async fn update(&self, key: &str, value: Bytes, revision: u64) -> Result<u64, RecordError> {
        let mut headers = HeaderMap::new();
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, HeaderValue::from(revision));
        self.store(key, value, headers).await
    }

    /// Stores a record, whatever was there, and gives its revision.
    ///
    /// # Errors
    ///
    /// As of a publish.
    pub async fn put(&self, key: &str, value: Bytes) -> Result<u64, BusError> {
        self.store(key, value, HeaderMap::new()).await.map_err(|error| match error {
            RecordError::Unavailable(error) => error,
            RecordError::Conflict => BusError::unavailable(error),
        })
    }

    /// Removes a record, if it is there. Changes that name a revision of it are refused from here
    /// on.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when no leader answers within 5 s. It may have been done all the
    /// same; trying again is safe.
    pub async fn delete(&self, key: &str) -> Result<(), BusError> {
        let purge = self.stream().await?.purge().filter(self.subject(key));
        purge.await.map(|_purged| ()).map_err(BusError::unavailable)
    }

    /// The keys that match `filter`, which may hold wildcards, in their order. Of more than the
    /// server counts at once (100,000) the last ones.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when no leader answers within 5 s.
    pub async fn list(&self, filter: &str) -> Result<Vec<String>, BusError> {
        let filter = self.subject(filter);
        let mut info = self.info(&filter, 0).await?;
        if info.total > info.limit && info.limit > 0 {
            info = self.info(&filter, info.total - info.limit).await?;
        }
        let prefix = self.subject("");
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

    async fn info(&self, filter: &str, offset: usize) -> Result<Info, BusError> {
        let question = format!("STREAM.INFO.{}", streams::bucket_stream(self.bucket));
        let ask = Ask { subjects_filter: filter, offset };
        match self.bus.jetstream.request(question, &ask).await {
            Ok(Response::Ok(info)) => Ok(info),
            Ok(Response::Err { error }) => Err(BusError::unavailable(error)),
            Err(error) => Err(BusError::unavailable(error)),
        }
    }

    async fn store(&self, key: &str, value: Bytes, headers: HeaderMap) -> Result<u64, RecordError> {
        let (size, limit) = (value.len(), self.bus.max_payload());
        if size > limit {
            return Err(BusError::TooLarge { size, limit }.into());
        }
        let sent = self.bus.jetstream.publish_with_headers(self.subject(key), headers, value).await;
        let stored = match sent {
            Ok(stored) => stored.await,
            Err(error) => Err(error),
        };
        match stored {
            Ok(ack) => Ok(ack.sequence),
            Err(error) if is_conflict(&error) => Err(RecordError::Conflict),
            Err(error) => Err(BusError::of_publish(self.bucket, &error).into()),
        }
    }

    /// The stream of the bucket, without asking for it.
    async fn stream(&self) -> Result<Stream<()>, BusError> {
        let name = streams::bucket_stream(self.bucket);
        self.bus.jetstream.get_stream_no_info(name).await.map_err(BusError::unavailable)
    }

    fn subject(&self, key: &str) -> String {
        subjects::record(self.bucket, key)
    }
}
