//! What can go wrong on the bus, by what a caller does about it.

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

impl BusError {
    pub(crate) fn unavailable(error: impl std::fmt::Display) -> Self {
        Self::Unavailable(error.to_string())
    }

    /// Reads a failed publish to `stream`.
    pub(crate) fn of_publish(
        stream: &'static str,
        error: &async_nats::jetstream::context::PublishError,
    ) -> Self {
        use async_nats::jetstream::context::PublishErrorKind as Kind;
        let text = error.to_string();
        if FULL.iter().any(|full| text.contains(full)) {
            return Self::Full(stream);
        }
        match error.kind() {
            Kind::StreamNotFound => Self::Unavailable(format!(
                "no stream `{stream}` answers: run nats-init, or wait for a leader"
            )),
            _ => Self::Unavailable(text),
        }
    }
}
