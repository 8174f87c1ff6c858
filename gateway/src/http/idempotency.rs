//! `Idempotency-Key`: what is asked twice under one key is done once.

use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use contract::Owner;
use openai_api::{ErrorBody, ErrorKind};

use super::header_names::REPLAYED;
use super::refusal::{Refusal, UNAVAILABLE_FOR};
use crate::idempotency::{KeyError, Repeatable, Told};

/// What a caller names a request by.
pub(super) const KEY: &str = "idempotency-key";
/// The same, as it is written about.
const PARAM: &str = "Idempotency-Key";

/// The key of a request whose body was not read yet, if it has one.
pub(super) struct Key {
    key: Option<HeaderValue>,
    path: String,
}

impl Key {
    pub(super) fn of(request: &Request) -> Result<Self, Refusal> {
        let uri = request.uri();
        let path = uri.path_and_query().map_or(uri.path(), |path| path.as_str()).to_owned();
        let mut keys = request.headers().get_all(KEY).iter();
        let this = Self { key: keys.next().cloned(), path };
        if keys.next().is_some() {
            return Err(invalid("A request has one Idempotency-Key, and not several."));
        }
        // Before anything is read.
        this.repeatable(&Owner::local(), b"")?;
        Ok(this)
    }

    /// Whether there is one.
    pub(super) fn is_given(&self) -> bool {
        self.key.is_some()
    }

    /// What is asked with this body; none without a key.
    pub(super) fn repeatable(
        &self,
        owner: &Owner,
        body: &[u8],
    ) -> Result<Option<Repeatable>, Refusal> {
        let Some(key) = &self.key else { return Ok(None) };
        let repeatable = Repeatable::of(owner, key.as_bytes(), &self.path, body);
        repeatable.map(Some).ok_or_else(|| {
            invalid("An Idempotency-Key is 1 to 255 visible ASCII characters, without spaces.")
        })
    }
}

/// An answer that says so if it was made for an earlier request.
pub(super) fn told(mut response: Response, told: Told) -> Response {
    if told == Told::Again {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

fn invalid(message: &str) -> Refusal {
    let error = ErrorBody::new(ErrorKind::InvalidRequest, "invalid_value", message).about(PARAM);
    Refusal::with(StatusCode::BAD_REQUEST, &error)
}

impl From<KeyError> for Refusal {
    fn from(error: KeyError) -> Self {
        let message = error.to_string();
        match error {
            KeyError::Reused => {
                let code = "idempotency_key_reused";
                let error = ErrorBody::new(ErrorKind::InvalidRequest, code, message).about(PARAM);
                Self::with(StatusCode::CONFLICT, &error)
            }
            KeyError::Unavailable(cause) => {
                if let Some(cause) = cause {
                    tracing::warn!(error = %cause, "idempotency keys are unavailable: {cause}");
                }
                let (status, kind) =
                    (StatusCode::SERVICE_UNAVAILABLE, ErrorKind::ServiceUnavailable);
                Self::of(status, kind, "queue_unavailable", message).come_again(UNAVAILABLE_FOR)
            }
        }
    }
}
