//! How each thing that can go wrong with a conversation looks.

use axum::http::StatusCode;
use openai_api::{ErrorBody, ErrorKind};

use crate::conversations::ConversationError;
use crate::http::refusal::{Refusal, UNAVAILABLE_FOR, shortened};

impl From<ConversationError> for Refusal {
    fn from(error: ConversationError) -> Self {
        of(error, None)
    }
}

/// The same, of a response that names its conversation in its body.
pub(in crate::http) fn of_a_turn(error: ConversationError) -> Refusal {
    of(error, Some("conversation"))
}

fn of(error: ConversationError, param: Option<&str>) -> Refusal {
    let message = error.to_string();
    let invalid = |status, code: &str, message: String, param: Option<&str>| {
        let mut error = ErrorBody::new(ErrorKind::InvalidRequest, code, message);
        error.error.param = param.map(str::to_owned);
        Refusal::with(status, &error)
    };
    match error {
        ConversationError::NotFound(id) => {
            let message = ConversationError::NotFound(shortened(&id)).to_string();
            invalid(StatusCode::NOT_FOUND, "conversation_not_found", message, param)
        }
        ConversationError::ItemNotFound { conversation, item } => {
            let item = shortened(&item);
            let message = ConversationError::ItemNotFound { conversation, item }.to_string();
            invalid(StatusCode::NOT_FOUND, "item_not_found", message, param)
        }
        ConversationError::TurnNotFound { conversation, turn } => {
            let turn = shortened(&turn);
            let message = ConversationError::TurnNotFound { conversation, turn }.to_string();
            let param = param.map(|_conversation| "chappe.after");
            invalid(StatusCode::NOT_FOUND, "turn_not_found", message, param)
        }
        ConversationError::Elsewhere(turn) => {
            let message = ConversationError::Elsewhere(shortened(&turn)).to_string();
            invalid(StatusCode::BAD_REQUEST, "invalid_value", message, Some("before"))
        }
        ConversationError::Locked(_) => {
            invalid(StatusCode::BAD_REQUEST, "conversation_locked", message, param)
        }
        ConversationError::TooLarge { .. } => {
            invalid(StatusCode::BAD_REQUEST, "conversation_too_large", message, param)
        }
        ConversationError::Key(error) => error.into(),
        ConversationError::Unavailable(cause) => {
            if let Some(cause) = cause {
                tracing::warn!(error = %cause, "conversations are unavailable: {cause}");
            }
            let (status, kind) = (StatusCode::SERVICE_UNAVAILABLE, ErrorKind::ServiceUnavailable);
            Refusal::of(status, kind, "queue_unavailable", message).come_again(UNAVAILABLE_FOR)
        }
    }
}
