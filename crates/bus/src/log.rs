//! Logs of stored jobs: one writer at a time, any number of readers.
//!
//! * [`Bus::append`], [`LogWriter`]: an append names the record that it follows, so it is stored
//!   once or refused; a writer that does not know finds out.
//! * [`Bus::fetch_log`], [`Bus::last_entry`]: what is stored.
//! * [`LogReader`]: what is stored and then what is stored next, each record once and in order.
//! * [`LogWalk`]: the records of all logs.

mod alarm;
mod append;
mod fetch;
mod looks;
mod order;
mod reader;
mod walk;
mod writer;

use std::fmt;
use std::time::Duration;

use async_nats::header::{NATS_LAST_SEQUENCE, NATS_SEQUENCE};
use async_nats::jetstream::stream::{LastRawMessageErrorKind, Stream};
use async_nats::{HeaderMap, HeaderName, RequestErrorKind};
use bytes::Bytes;
use contract::log::LogId;
use contract::{streams, subjects};

pub use self::append::AppendError;
pub(crate) use self::fetch::{PAGE_RECORDS, Turns};
pub use self::reader::LogReader;
pub use self::walk::LogWalk;
pub use self::writer::{LogWriter, WriteError};
use crate::{Bus, BusError};

/// Longest wait for somebody who reads a log to say so.
const READER_ANSWERS_WITHIN: Duration = Duration::from_secs(1);

/// One record of a log, as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place: those of later records are greater. Other logs' records lie in between.
    pub sequence: u64,
    /// What [`contract::log::read`] reads.
    pub message: Bytes,
}

/// Without the message: it holds what people ask and models answer.
impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { sequence, message } = self;
        f.debug_struct("Entry")
            .field("sequence", sequence)
            .field("bytes", &message.len())
            .finish_non_exhaustive()
    }
}

impl Bus {
    /// The last record of a log, as the leader of the stream knows it.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when no leader answers within 5 s.
    pub async fn last_entry(&self, log: &LogId) -> Result<Option<Entry>, BusError> {
        self.last_on(&subjects::log(log)).await
    }

    /// Removes every record of a log. Who reads it hears nothing more.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when no leader answers within 5 s. It may have been done all the
    /// same; trying again is safe.
    pub async fn erase_log(&self, log: &LogId) -> Result<(), BusError> {
        let purge = self.logs().await?.purge().filter(subjects::log(log));
        purge.await.map(|_purged| ()).map_err(BusError::unavailable)
    }

    /// Whether anybody reads a log now. Somebody who is too busy to answer reads it: rather a
    /// model that works for nobody than an answer that is cut.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when the connection is closed.
    pub async fn has_reader(&self, log: &LogId) -> Result<bool, BusError> {
        let question = async_nats::Request::new().timeout(Some(READER_ANSWERS_WITHIN));
        match self.client.send_request(subjects::reader(log), question).await {
            Ok(_somebody) => Ok(true),
            Err(error) => match error.kind() {
                RequestErrorKind::NoResponders => Ok(false),
                RequestErrorKind::TimedOut => Ok(true),
                _ => Err(BusError::unavailable(error)),
            },
        }
    }

    /// [`Bus::last_entry`] by subject.
    async fn last_on(&self, subject: &str) -> Result<Option<Entry>, BusError> {
        match self.logs().await?.get_last_raw_message_by_subject(subject).await {
            Ok(last) => Ok(Some(Entry { sequence: last.sequence, message: last.payload })),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(BusError::unavailable(error)),
        }
    }

    /// The stream of logs, without asking for it.
    async fn logs(&self) -> Result<Stream<()>, BusError> {
        self.jetstream.get_stream_no_info(streams::LOGS).await.map_err(BusError::unavailable)
    }
}

/// The sequence of a record and that of the one before it: of its log in a live copy, of its page
/// in what was fetched. No other header is looked at, as whoever wrote a record could set it.
fn numbers(headers: Option<&HeaderMap>) -> Option<(u64, u64)> {
    let headers = headers?;
    Some((number(headers, NATS_SEQUENCE)?, number(headers, NATS_LAST_SEQUENCE)?))
}

/// A number that the server added. It adds behind what is there.
fn number(headers: &HeaderMap, name: HeaderName) -> Option<u64> {
    headers.get_last(name)?.as_str().parse().ok()
}
