//! Dead letters as operators look at them, and remove them: each by its number in the stream.

use std::collections::HashSet;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::message::StreamMessage;
use async_nats::jetstream::stream::DirectGetErrorKind;
use bytes::Bytes;
use contract::{DeadLetter, Lane, QueueName, streams, subjects};

use crate::publish::DEAD_LETTER_HEADER;
use crate::{Bus, BusError};

/// How a server says that there is no message of a number.
const NOT_THERE: [ErrorCode; 2] =
    [ErrorCode::SEQUENCE_NOT_FOUND, ErrorCode::STREAM_MESSAGE_DELETE_FAILED];

/// Which dead letters there are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetters {
    /// How many.
    pub kept: u64,
    /// When their stream was made, which tells it from another one in its place: numbers begin anew
    /// in each.
    pub stream_made_at: i128,
    first: u64,
    last: u64,
    /// Those in between that are not there any more.
    removed: HashSet<u64>,
}

/// A dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Buried {
    /// Its number.
    pub number: u64,
    /// When, seconds since 1970.
    pub at: u64,
    /// The lane, the queue, and the id of the job, if it has one.
    pub place: (Lane, QueueName, String),
    /// Why.
    pub letter: DeadLetter,
    /// The job, as it was queued.
    pub job: Bytes,
}

impl DeadLetters {
    /// Their numbers, the newest first; only those older than `before`, if it is given.
    pub fn newest_first(&self, before: Option<u64>) -> impl Iterator<Item = u64> {
        let last = before.map_or(self.last, |before| self.last.min(before.saturating_sub(1)));
        let there = self.kept > 0;
        let numbers = (self.first.max(1)..=last).rev().filter(move |_number| there);
        numbers.filter(|number| !self.removed.contains(number))
    }
}

impl Bus {
    /// Asks the leader which dead letters there are.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when it does not answer within 5 s.
    pub async fn dead_letters(&self) -> Result<DeadLetters, BusError> {
        let stream = self.jetstream.get_stream_no_info(streams::DEAD).await;
        let asked = stream.map_err(BusError::unavailable)?.info_builder().with_deleted(true);
        let answer = asked.fetch().await;
        let answer = answer.map_err(|error| BusError::no_answer("the stream `DEAD`", error))?;
        let (state, stream_made_at) = (answer.info.state, answer.info.created);
        Ok(DeadLetters {
            kept: state.messages,
            stream_made_at: stream_made_at.unix_timestamp_nanos(),
            first: state.first_sequence,
            last: state.last_sequence,
            removed: state.deleted.unwrap_or_default().into_iter().collect(),
        })
    }

    /// A dead letter; `None` when there is none of that number, or none that can be read.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when nobody answers within 5 s.
    pub async fn dead_letter(&self, number: u64) -> Result<Option<Buried>, BusError> {
        let stream = self.jetstream.get_stream_no_info(streams::DEAD).await;
        match stream.map_err(BusError::unavailable)?.direct_get(number).await {
            Ok(message) => Ok(read(message)),
            Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(None),
            Err(error) => Err(BusError::unavailable(error)),
        }
    }

    /// Removes a dead letter, and overwrites what it held. False when there is none of that number.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when the leader does not answer within 5 s: it may be gone.
    pub async fn remove_dead_letter(&self, number: u64) -> Result<bool, BusError> {
        use async_nats::jetstream::stream::DeleteMessageErrorKind;
        let stream = self.jetstream.get_stream_no_info(streams::DEAD).await;
        match stream.map_err(BusError::unavailable)?.delete_message(number).await {
            Ok(removed) => Ok(removed),
            Err(error)
                if matches!(
                    error.kind(),
                    DeleteMessageErrorKind::JetStream(ref said) if NOT_THERE.contains(&said.error_code())
                ) =>
            {
                Ok(false)
            }
            Err(error) => Err(BusError::unavailable(error)),
        }
    }
}

fn read(message: StreamMessage) -> Option<Buried> {
    let place = subjects::read_dead(&message.subject)?;
    let header = message.headers.get(DEAD_LETTER_HEADER)?;
    let letter = serde_json::from_str(header.as_str());
    let letter: DeadLetter = letter
        .inspect_err(|error| tracing::warn!(%error, "a dead letter cannot be read: {error}"))
        .ok()?;
    let at = u64::try_from(message.time.unix_timestamp()).unwrap_or(0);
    Some(Buried { number: message.sequence, at, place, letter, job: message.payload })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(kept: u64, first: u64, last: u64, removed: &[u64]) -> DeadLetters {
        let removed = removed.iter().copied().collect();
        DeadLetters { kept, stream_made_at: 0, first, last, removed }
    }

    #[test]
    fn the_newest_come_first_and_those_that_were_removed_do_not() {
        let some = letters(3, 4, 8, &[5, 7]);
        for (before, expected) in [
            (None, vec![8, 6, 4]),
            (Some(8), vec![6, 4]),
            (Some(7), vec![6, 4]),
            (Some(4), vec![]),
            (Some(0), vec![]),
            (Some(u64::MAX), vec![8, 6, 4]),
        ] {
            let numbers: Vec<u64> = some.newest_first(before).collect();
            assert_eq!(numbers, expected, "{before:?}");
        }
        assert_eq!(letters(0, 0, 0, &[]).newest_first(None).count(), 0);
        assert_eq!(letters(0, 9, 8, &[]).newest_first(None).count(), 0, "all were removed");
    }
}
