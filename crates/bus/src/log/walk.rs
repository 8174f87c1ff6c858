//! All logs, record by record, as the stream has them.

use async_nats::header::NATS_SUBJECT;
use contract::log::LogId;
use contract::subjects;

use super::Entry;
use super::fetch::Fetch;
use crate::{Bus, BusError};

/// Everything in the stream of logs. The server counts what lies ahead of every page, which it
/// does faster when nothing is left out: the same walk took half the time of one over `log.>`.
const EVERYTHING: &str = ">";

/// The records of all logs, oldest first, each once: a walk goes on where it has stopped.
#[derive(Debug)]
pub struct LogWalk {
    bus: Bus,
    fetch: Fetch,
    /// How far it has come.
    after: u64,
    /// The last answer was none: what is underway is of no use.
    broken: bool,
}

impl Bus {
    /// A walk over all logs, from the oldest record.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when the connection is closed.
    pub async fn walk_logs(&self) -> Result<LogWalk, BusError> {
        let fetch = Fetch::of(self, EVERYTHING.to_owned(), 0).await?;
        Ok(LogWalk { bus: self.clone(), fetch, after: 0, broken: false })
    }
}

impl LogWalk {
    /// The next record; `None` when there is none yet. On a cluster a follower may answer, which
    /// knows the newest a moment later.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when nobody answers. The next call goes on from the same place.
    ///
    /// # Cancellation
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Result<Option<(LogId, Entry)>, BusError> {
        if self.broken {
            self.fetch = Fetch::of(&self.bus, EVERYTHING.to_owned(), self.after).await?;
            self.broken = false;
        }
        loop {
            let next = self.fetch.next_with_headers(&self.bus).await;
            let Some((entry, headers)) = next.inspect_err(|_error| self.broken = true)? else {
                return Ok(None);
            };
            self.after = entry.sequence;
            // The last one: the server adds its own behind what is there.
            let subject = headers.get_last(NATS_SUBJECT);
            if let Some(log) = subject.and_then(|subject| subjects::read_log(subject.as_str())) {
                return Ok(Some((log, entry)));
            }
        }
    }
}
