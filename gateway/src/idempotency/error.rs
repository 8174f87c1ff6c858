//! Why a key could not be used, in the words of the domain.

use bus::{BusError, RecordError};

/// No status codes: `http::idempotency` decides how each looks.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeyError {
    /// It names another request.
    #[error(
        "This Idempotency-Key was used for another request within the last 24 hours. A repeat has \
         the same path and the same body, byte for byte; another request needs another key."
    )]
    Reused,

    /// NATS did not do in time what was needed.
    #[error("The store of idempotency keys is unavailable. Try again soon.")]
    Unavailable(#[source] Option<BusError>),
}

impl From<BusError> for KeyError {
    fn from(error: BusError) -> Self {
        Self::Unavailable(Some(error))
    }
}

impl From<RecordError> for KeyError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Unavailable(error) => error.into(),
            RecordError::Conflict => Self::Unavailable(None),
        }
    }
}
