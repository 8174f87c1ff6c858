//! Why something could not be done with a conversation, in the words of the domain.

use bus::{BusError, RecordError};

use crate::idempotency::KeyError;

/// No status codes: `http::conversations::refusals` decides how each looks.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ConversationError {
    /// There is none, or it is somebody else's.
    #[error("Conversation with id '{0}' not found.")]
    NotFound(String),

    /// It has no such item.
    #[error("Item with id '{item}' not found in conversation '{conversation}'.")]
    ItemNotFound { conversation: String, item: String },

    /// It has no such turn.
    #[error("Turn '{turn}' not found in conversation '{conversation}'.")]
    TurnNotFound { conversation: String, turn: String },

    /// A page is to end before a turn that is on no such path.
    #[error("Turn '{0}' is not on the way to the one that is asked for.")]
    Elsewhere(String),

    /// A turn of it has no end yet.
    #[error(
        "Another response is being made in conversation '{0}'. Wait for its end, or cancel it."
    )]
    Locked(String),

    /// More than its record may hold.
    #[error(
        "The conversation would take {size} bytes; at most {limit} are kept of what is added to \
         it, its metadata and the names of its turns. What responses ask and answer does not count."
    )]
    TooLarge { size: usize, limit: usize },

    /// The idempotency key of a request cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),

    /// NATS did not do in time what was needed.
    #[error("The store of conversations is unavailable. Try again soon.")]
    Unavailable(#[source] Option<BusError>),
}

impl From<BusError> for ConversationError {
    fn from(error: BusError) -> Self {
        Self::Unavailable(Some(error))
    }
}

impl From<RecordError> for ConversationError {
    fn from(error: RecordError) -> Self {
        match error {
            RecordError::Unavailable(error) => error.into(),
            RecordError::Conflict => Self::Unavailable(None),
        }
    }
}
