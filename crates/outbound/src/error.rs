//! Why a call failed, by what can be done about it.

use std::time::Duration;

use crate::untrusted::Forbidden;

/// Where a call was when its time was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Connecting, or sending the request.
    Connect,
    /// Waiting for the head of the response.
    Head,
    /// Waiting for more of the body.
    Body,
}

/// Why a call failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No connection: refused, no such host, a bad certificate. Nothing was sent.
    #[error("cannot connect: {0}")]
    Connect(String),
    /// The address leads where it may not. Nothing was sent, and no connection was made.
    #[error("the address may not be called: {0}")]
    Forbidden(String),
    /// Too slow.
    #[error("no answer within {limit:?} ({phase:?})")]
    Timeout {
        /// Where it was.
        phase: Phase,
        /// The limit.
        limit: Duration,
    },
    /// The connection broke, or what came is no HTTP.
    #[error("the connection broke: {0}")]
    Broken(String),
    /// The body is larger than the caller accepts.
    #[error("the answer has more than {limit} bytes")]
    TooLarge {
        /// The limit, in bytes.
        limit: usize,
    },
}

impl CallError {
    /// Reads an error of a call that may take `total` altogether.
    pub(crate) fn within(error: &reqwest::Error, phase: Phase, total: Option<Duration>) -> Self {
        match total {
            Some(limit) if error.is_timeout() => Self::Timeout { phase, limit },
            _ => Self::of(error),
        }
    }

    /// Reads an error of the HTTP library, with its causes: its own text names only the address.
    pub(crate) fn of(error: &reqwest::Error) -> Self {
        let mut text = String::new();
        let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(error);
        while let Some(error) = cause {
            if let Some(forbidden) = error.downcast_ref::<Forbidden>() {
                return Self::Forbidden(forbidden.to_string());
            }
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&error.to_string());
            cause = error.source();
        }
        if text.is_empty() {
            text = "no reason given".to_owned();
        }
        if error.is_connect() { Self::Connect(text) } else { Self::Broken(text) }
    }
}
