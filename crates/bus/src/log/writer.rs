//! The writer of a log: one append at a time, and no doubt left behind.

use std::fmt;
use std::time::Duration;

use async_nats::Subject;
use bytes::Bytes;
use contract::log::LogId;
use contract::subjects;
use tokio::sync::watch;
use tokio::time::Instant;

use super::{AppendError, Entry};
use crate::{Bus, BusError, LinkState};

/// An append is repeated for this long: a change of leader takes 4 to 8 s, a server that starts
/// with much to read longer.
const UNAVAILABLE_AFTER: Duration = Duration::from_secs(30);
/// Before an append is repeated for the first time.
const AGAIN: Duration = Duration::from_millis(50);
/// Longest time between two tries.
const LONGEST_AGAIN: Duration = Duration::from_secs(1);

/// Why a writer cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// Another has written, or the log was erased: this writer is out.
    #[error("another writes this log now")]
    Fenced,
    /// No answer for longer than a change of leader takes. The record may be stored.
    #[error("the log cannot be written: {0}")]
    Unavailable(String),
    /// [`BusError::Full`] or [`BusError::TooLarge`]. The record is not stored.
    #[error(transparent)]
    Refused(BusError),
}

/// Writes one log, as long as nobody else does.
pub struct LogWriter {
    bus: Bus,
    link: watch::Receiver<LinkState>,
    subject: Subject,
    last: u64,
}

impl fmt::Debug for LogWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogWriter")
            .field("subject", &self.subject)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

impl Bus {
    /// A writer that goes on behind the record at `last`; 0 begins a log.
    pub fn log_writer(&self, log: LogId, last: u64) -> LogWriter {
        let subject = subjects::log(&log).into();
        LogWriter { bus: self.clone(), link: self.state(), subject, last }
    }
}

impl LogWriter {
    /// The last record that this writer knows of: its own, or the one it went on behind.
    pub fn last(&self) -> u64 {
        self.last
    }

    /// Appends `message`, and returns once it is stored. No two messages of a log may be the
    /// same: by its bytes a writer knows its own.
    ///
    /// An append whose fate is not known is looked for at the end of the log, and repeated if it
    /// is not there, for up to 30 s.
    ///
    /// # Errors
    ///
    /// [`WriteError`].
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves the record stored or not; if it is, this writer is out.
    pub async fn append(&mut self, message: Bytes) -> Result<(), WriteError> {
        let began = Instant::now();
        let mut wait = AGAIN;
        loop {
            let why = match self.try_append(&message).await {
                Ok(sequence) => {
                    self.last = sequence;
                    return Ok(());
                }
                Err(WriteError::Unavailable(why)) => why,
                Err(final_error) => return Err(final_error),
            };
            if began.elapsed() + wait > UNAVAILABLE_AFTER {
                return Err(WriteError::Unavailable(why));
            }
            tracing::debug!(error = why, "an append is repeated: {why}");
            tokio::time::sleep(wait.mul_f64(rand::random_range(0.75..1.25))).await;
            wait = (wait * 2).min(LONGEST_AGAIN);
        }
    }

    /// Appends once, and looks for it if it is not known whether it was stored.
    async fn try_append(&mut self, message: &Bytes) -> Result<u64, WriteError> {
        self.link.mark_unchanged();
        let append = self.bus.append_on(self.subject.clone(), self.last, message.clone());
        let doubt = match unless_reconnected(&mut self.link, append).await {
            Some(Ok(sequence)) => return Ok(sequence),
            Some(Err(AppendError::Refused(error))) => return Err(WriteError::Refused(error)),
            Some(Err(doubt)) => doubt.to_string(),
            None => "the connection was made again".to_owned(),
        };
        let end = match unless_reconnected(&mut self.link, self.bus.last_on(&self.subject)).await {
            Some(Ok(end)) => end,
            Some(Err(error)) => return Err(WriteError::Unavailable(error.to_string())),
            None => return Err(WriteError::Unavailable(doubt)),
        };
        match fate(self.last, message, end.as_ref()) {
            Fate::Stored(sequence) => Ok(sequence),
            Fate::Fenced => Err(WriteError::Fenced),
            Fate::NotStored => Err(WriteError::Unavailable(doubt)),
            Fate::Unclear => {
                Err(WriteError::Unavailable("the log ends before what was stored".to_owned()))
            }
        }
    }
}

/// The answer; `None` when the connection was made again: to what was asked before there is none,
/// and waiting for its time to be over would help nobody.
async fn unless_reconnected<T>(
    link: &mut watch::Receiver<LinkState>,
    answer: impl Future<Output = T>,
) -> Option<T> {
    let mut answer = std::pin::pin!(answer);
    loop {
        tokio::select! {
            biased;
            answer = &mut answer => return Some(answer),
            changed = link.changed() => {
                changed.ok()?;
                if *link.borrow_and_update() == LinkState::Connected {
                    return None;
                }
            }
        }
    }
}

/// What became of an append.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    /// It is stored.
    Stored(u64),
    /// It is not, so far: one that is still on its way may be.
    NotStored,
    /// Another has written.
    Fenced,
    /// Whoever answered does not know.
    Unclear,
}

/// What the end of a log says about an append of `message` behind `last`.
///
/// | the end of the log                    | the append                                        |
/// |---------------------------------------|---------------------------------------------------|
/// | `message`, behind `last`              | is stored                                         |
/// | another record behind `last`          | is out: either not stored, or with another behind |
/// | `last`, or nothing and `last` is 0    | is not stored                                     |
/// | nothing any more                      | is out: the log was erased                        |
/// | a record before `last`                | unclear: an old leader has answered               |
fn fate(last: u64, message: &Bytes, end: Option<&Entry>) -> Fate {
    match end {
        None if last == 0 => Fate::NotStored,
        None => Fate::Fenced,
        Some(end) if end.sequence < last => Fate::Unclear,
        Some(end) if end.sequence == last => Fate::NotStored,
        Some(end) if end.message == *message => Fate::Stored(end.sequence),
        Some(_another) => Fate::Fenced,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_tells_what_became_of_an_append() {
        let message = Bytes::from_static(b"mine");
        let at = |sequence, text: &'static str| {
            Some(Entry { sequence, message: Bytes::from_static(text.as_bytes()) })
        };
        for (why, last, end, expected) in [
            ("its own", 7, at(9, "mine"), Fate::Stored(9)),
            ("its own begins the log", 0, at(9, "mine"), Fate::Stored(9)),
            ("another's", 7, at(9, "theirs"), Fate::Fenced),
            ("another's begins the log", 0, at(1, "theirs"), Fate::Fenced),
            ("nothing new", 7, at(7, "before"), Fate::NotStored),
            ("nothing new, and it looks the same", 7, at(7, "mine"), Fate::NotStored),
            ("nothing yet", 0, None, Fate::NotStored),
            ("erased", 7, None, Fate::Fenced),
            ("an old leader", 7, at(5, "older"), Fate::Unclear),
        ] {
            assert_eq!(fate(last, &message, end.as_ref()), expected, "{why}");
        }
    }
}
