//! How each thing that can go wrong with a response looks.

use axum::http::StatusCode;
use openai_api::{ErrorBody, ErrorKind};

use crate::http::conversations::of_a_turn;
use crate::http::refusal::{Refusal, UNAVAILABLE_FOR, shortened};
use crate::responses::ResponseError;

impl From<ResponseError> for Refusal {
    fn from(error: ResponseError) -> Self {
        let invalid = |status, code: &str, message: String, param: Option<&str>| {
            let error = ErrorBody::new(ErrorKind::InvalidRequest, code, message);
            let error = match param {
                Some(param) => error.about(param),
                None => error,
            };
            Self::with(status, &error)
        };
        let message = error.to_string();
        let previous = Some("previous_response_id");
        match error {
            ResponseError::NotStarted(error) => error.into(),
            ResponseError::Invalid(error) => error.into(),
            ResponseError::Conversation(error) => of_a_turn(error),
            ResponseError::Key(error) => error.into(),
            ResponseError::TooLarge { .. } => {
                invalid(StatusCode::PAYLOAD_TOO_LARGE, "request_too_large", message, None)
            }
            ResponseError::NotFound(id) => {
                let message = ResponseError::NotFound(shortened(&id)).to_string();
                invalid(StatusCode::NOT_FOUND, "response_not_found", message, None)
            }
            ResponseError::PreviousNotFound(id) => {
                let message = ResponseError::PreviousNotFound(shortened(&id)).to_string();
                // A wrong member of the body, and not a wrong address: as OpenAI answers it.
                let code = "previous_response_not_found";
                invalid(StatusCode::BAD_REQUEST, code, message, previous)
            }
            ResponseError::PreviousNotReady(_) => {
                invalid(StatusCode::BAD_REQUEST, "previous_response_not_ready", message, previous)
            }
            ResponseError::PreviousNotCompleted { .. } => {
                let code = "previous_response_not_completed";
                invalid(StatusCode::BAD_REQUEST, code, message, previous)
            }
            ResponseError::NotInBackground => {
                invalid(StatusCode::BAD_REQUEST, "response_not_background", message, None)
            }
            ResponseError::BeyondTheEnd { .. } => {
                let param = Some("starting_after");
                invalid(StatusCode::BAD_REQUEST, "invalid_value", message, param)
            }
            ResponseError::Unavailable(cause) => {
                if let Some(cause) = cause {
                    tracing::warn!(error = %cause, "responses are unavailable: {cause}");
                }
                let (status, kind) =
                    (StatusCode::SERVICE_UNAVAILABLE, ErrorKind::ServiceUnavailable);
                Self::of(status, kind, "queue_unavailable", message).come_again(UNAVAILABLE_FOR)
            }
        }
    }
}
