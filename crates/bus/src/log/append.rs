//! One append: it names the record that it follows.

use async_nats::header::NATS_EXPECTED_LAST_SUBJECT_SEQUENCE;
use async_nats::jetstream::context::PublishError;
use async_nats::{HeaderMap, HeaderValue, Subject};
use bytes::Bytes;
use contract::log::LogId;
use contract::{streams, subjects};

use crate::error::is_conflict;
use crate::{Bus, BusError};

/// Why a record was not appended, or not for certain.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The log ends with another record than the one that was named.
    #[error("the log has another end by now")]
    Conflict,
    /// Refused, and repeating it will not help soon: [`BusError::Full`] or
    /// [`BusError::TooLarge`].
    #[error(transparent)]
    Refused(BusError),
    /// Not known whether it was stored.
    #[error("no answer to an append: {0}")]
    Unknown(String),
}

impl Bus {
    /// Appends `message` to a log whose last record is at `after` (0: there is none), and gives
    /// its sequence.
    ///
    /// # Errors
    ///
    /// [`AppendError`]. A repeated append is stored at most once; when the first one was stored,
    /// the second ends in [`AppendError::Conflict`].
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves the record stored or not, as [`AppendError::Unknown`] does.
    pub async fn append(
        &self,
        log: &LogId,
        after: u64,
        message: Bytes,
    ) -> Result<u64, AppendError> {
        self.append_on(subjects::log(log).into(), after, message).await
    }

    /// [`Bus::append`] by subject.
    pub(super) async fn append_on(
        &self,
        subject: Subject,
        after: u64,
        message: Bytes,
    ) -> Result<u64, AppendError> {
        let (size, limit) = (message.len(), self.max_payload());
        if size > limit {
            return Err(AppendError::Refused(BusError::TooLarge { size, limit }));
        }
        // No message id: on one server it changes no refusal, and it costs memory.
        let mut headers = HeaderMap::new();
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, HeaderValue::from(after));
        let sent = self.jetstream.publish_with_headers(subject, headers, message).await;
        let stored = match sent {
            Ok(sent) => sent.await,
            Err(error) => Err(error),
        };
        self.silences.hear(streams::LOGS, &stored);
        stored.map(|ack| ack.sequence).map_err(|error| AppendError::of(&error))
    }
}

impl AppendError {
    fn of(error: &PublishError) -> Self {
        if is_conflict(error) {
            return Self::Conflict;
        }
        match BusError::of_publish(streams::LOGS, error) {
            refused @ (BusError::Full(_) | BusError::TooLarge { .. }) => Self::Refused(refused),
            BusError::Unavailable(why) | BusError::NotReady(why) => Self::Unknown(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use async_nats::jetstream;
    use async_nats::jetstream::context::PublishErrorKind;

    #[test]
    fn refusals_are_told_apart_by_their_numbers() {
        use PublishErrorKind::{Other, StreamNotFound, TimedOut, WrongLastSequence};
        for (kind, code, text, expected) in [
            (WrongLastSequence, 10071, "wrong last sequence: 7", "conflict"),
            (Other, 10164, "wrong last sequence", "conflict"),
            (Other, 10077, "maximum messages exceeded", "refused"),
            (Other, 10077, "maximum bytes exceeded", "refused"),
            (Other, 10023, "insufficient resources", "refused"),
            (Other, 10047, "insufficient storage resources available", "refused"),
            (Other, 10163, "last sequence per subject temporarily unavailable", "unknown"),
            (Other, 10008, "JetStream system temporarily unavailable", "unknown"),
            (TimedOut, 0, "", "unknown"),
            (StreamNotFound, 0, "", "unknown"),
        ] {
            let json = format!(r#"{{"code":400,"err_code":{code},"description":"{text}"}}"#);
            let source: jetstream::Error = serde_json::from_str(&json).unwrap();
            let error = match code {
                0 => PublishError::new(kind),
                _ => PublishError::with_source(kind, source),
            };

            let read = match AppendError::of(&error) {
                AppendError::Conflict => "conflict",
                AppendError::Refused(BusError::Full(streams::LOGS)) => "refused",
                AppendError::Refused(_) => "refused for another reason",
                AppendError::Unknown(_) => "unknown",
            };

            assert_eq!(read, expected, "{code} {kind}");
        }
    }
}
