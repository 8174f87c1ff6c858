//! What can go wrong on the bus, by what a caller does about it.

use std::error::Error as _;

use async_nats::jetstream;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{PublishError, PublishErrorKind};

/// Why something could not be done on the bus.
#[derive(Debug, thiserror::Error)]
pub enum BusError {
    /// No answer, or no connection. It may have been done all the same; trying again is safe for
    /// jobs, which carry a message id.
    #[error("NATS is unavailable: {0}")]
    Unavailable(String),
    /// The stream is at a limit and refuses new messages. Later it may have room.
    #[error("the stream `{0}` is full")]
    Full(&'static str),
    /// Larger than the server's `max_payload`. Sending again will not help.
    #[error("{size} bytes are more than the {limit} that NATS takes in one message")]
    TooLarge {
        /// What was to be sent.
        size: usize,
        /// What fits.
        limit: usize,
    },
    /// The servers are not as they must be. The message says what to do.
    #[error("{0}")]
    NotReady(String),
}

/// Why a claim has no verdict.
#[derive(Debug, thiserror::Error)]
pub enum ClaimError {
    /// Nobody listens under the gateway's name: it is gone, or NATS is partitioned.
    #[error("the gateway does not answer")]
    NoGateway,
    /// No verdict in time, or no connection.
    #[error("no verdict: {0}")]
    Unavailable(String),
}

/// Texts of JetStream's refusal of a publish to a stream at one of its limits.
const FULL: &[&str] = &["maximum messages exceeded", "maximum bytes exceeded"];
/// Its refusals when not the stream but the server or the account has no room left.
const NO_ROOM: &[ErrorCode] = &[
    ErrorCode::ACCOUNT_RESOURCES_EXCEEDED,
    ErrorCode::INSUFFICIENT_RESOURCES,
    ErrorCode::STORAGE_RESOURCES_EXCEEDED,
];

impl BusError {
    pub(crate) fn unavailable(error: impl std::fmt::Display) -> Self {
        Self::Unavailable(error.to_string())
    }

    /// Nobody answers for `what`.
    pub(crate) fn no_answer(what: &str, error: impl std::fmt::Display) -> Self {
        Self::Unavailable(format!("no answer about {what}: {error}"))
    }

    /// Reads a failed publish to `stream`.
    pub(crate) fn of_publish(stream: &'static str, error: &PublishError) -> Self {
        let text = error.to_string();
        let no_room = refusal(error).is_some_and(|code| NO_ROOM.contains(&code));
        if no_room || FULL.iter().any(|full| text.contains(full)) {
            return Self::Full(stream);
        }
        match error.kind() {
            PublishErrorKind::StreamNotFound => Self::no_stream(stream),
            PublishErrorKind::TimedOut => {
                Self::Unavailable(format!("the stream `{stream}` acknowledges nothing: {text}"))
            }
            _ => Self::Unavailable(text),
        }
    }

    /// Nobody answers for `stream`.
    pub(crate) fn no_stream(stream: &str) -> Self {
        let remedy = "run nats-init, or wait for a leader";
        Self::Unavailable(format!("no stream `{stream}` answers: {remedy}"))
    }
}

/// Whether a publish was refused because another had come before it.
pub(crate) fn is_conflict(error: &PublishError) -> bool {
    // A cluster that compares two publishes before it has stored either has a number of its own
    // for the loser, which the client library has no kind for.
    error.kind() == PublishErrorKind::WrongLastSequence
        || refusal(error) == Some(ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT)
}

/// JetStream's own number for a refused publish, which the client library keeps inside the error.
fn refusal(error: &PublishError) -> Option<ErrorCode> {
    let refused = error.source()?.downcast_ref::<jetstream::Error>()?;
    Some(refused.error_code())
}
