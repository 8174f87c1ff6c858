//! Why something could not be done with a response, in the words of the domain.

use bus::BusError;
use openai_api::InvalidRequest;

use crate::chat::ChatError;
use crate::conversations::ConversationError;
use crate::idempotency::KeyError;

/// No status codes: `http::responses::refusals` decides how each looks.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ResponseError {
    /// No model, no worker, no room.
    #[error(transparent)]
    NotStarted(#[from] ChatError),

    /// The request is at fault.
    #[error(transparent)]
    Invalid(#[from] InvalidRequest),

    /// Its conversation cannot be gone on with.
    #[error(transparent)]
    Conversation(#[from] ConversationError),

    /// Its idempotency key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),

    /// More than one record of a log may hold.
    #[error(
        "The request, with the conversation before it, is {size} bytes; one that is stored has at \
         most {limit}."
    )]
    TooLarge { size: usize, limit: usize },

    /// There is none, it is somebody else's, or it was not to be kept.
    #[error("Response with id '{0}' not found.")]
    NotFound(String),

    /// The same, of the one that a request goes on from.
    #[error("Previous response with id '{0}' not found.")]
    PreviousNotFound(String),

    /// What a request goes on from has no end yet.
    #[error("Previous response with id '{0}' is still being answered. Wait for its end.")]
    PreviousNotReady(String),

    /// What a request goes on from has no answer.
    #[error("Previous response with id '{id}' is {status}: there is no answer to go on from.")]
    PreviousNotCompleted { id: String, status: &'static str },

    /// Somebody waits for it, and stops it by leaving.
    #[error("Only responses that were created with `background` set to true can be cancelled.")]
    NotInBackground,

    /// There are no events behind this one, and there will be none.
    #[error("The response has ended with event {last}: none comes after {after}.")]
    BeyondTheEnd { after: u64, last: u64 },

    /// NATS did not do in time what was needed.
    #[error("The store of answers is unavailable. Try again soon.")]
    Unavailable(#[source] Option<BusError>),
}

impl From<BusError> for ResponseError {
    fn from(error: BusError) -> Self {
        match error {
            BusError::Full(_) => Self::NotStarted(ChatError::LaneFull),
            BusError::TooLarge { size, limit } => Self::TooLarge { size, limit },
            other => Self::Unavailable(Some(other)),
        }
    }
}
