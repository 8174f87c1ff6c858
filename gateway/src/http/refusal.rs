//! Every error that a caller reads: a status, an OpenAI error body, and whether to come again.

use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use contract::Failure;
use openai_api::{ErrorBody, ErrorKind, InvalidRequest};
use service_runtime::{BodyError, Foreign, masked};

use super::header_names::{RETRY_AFTER_MS, SHOULD_RETRY};
use crate::chat::ChatError;

/// Of a caller that was cut off because it read too slowly.
const SLOW_READER: &str = "read_too_slowly";

/// The codes that telemetry shows as they are.
const KNOWN_CODES: &[&str] = &[
    "answer_incomplete",
    "answer_not_stored",
    "answer_stopped",
    "api_key_expired",
    "api_key_revoked",
    "array_above_max_length",
    "attempts_exhausted",
    "body_lost",
    "chunk_too_large",
    "context_length_exceeded",
    "conversation_locked",
    "conversation_not_found",
    "conversation_too_large",
    "dead_letter_not_found",
    "dead_letter_not_redriven",
    "empty_array",
    "foreign_host",
    "foreign_site",
    "gateway_stopped",
    "idempotency_key_reused",
    "incomplete_body",
    "insufficient_permissions",
    "internal_error",
    "invalid_api_key",
    "invalid_json",
    "invalid_owner",
    "invalid_type",
    "invalid_unicode",
    "invalid_utf8",
    "invalid_value",
    "item_not_found",
    "key_in_rotation",
    "key_not_found",
    "key_not_good",
    "method_not_allowed",
    "missing_api_key",
    "missing_required_parameter",
    "model_not_found",
    "model_not_served",
    "mutually_exclusive_parameters",
    "nesting_too_deep",
    "no_answer",
    "on_behalf_of_not_allowed",
    "previous_response_not_completed",
    "previous_response_not_found",
    "previous_response_not_ready",
    "queue_unavailable",
    "rate_limit_exceeded",
    SLOW_READER,
    "request_timeout",
    "request_too_large",
    "response_not_background",
    "response_not_found",
    "server_is_overloaded",
    "store_unavailable",
    "unknown_url",
    "unsupported_model",
    "unsupported_parameter",
    "unsupported_value",
    "upstream_auth",
    "upstream_closed",
    "upstream_error",
    "upstream_malformed",
    "upstream_redirect",
    "upstream_refused",
    "upstream_timeout",
    "upstream_unavailable",
    "worker_lost",
    "worker_stopped",
];

/// A queue that is full may have room a moment later.
pub(super) const FULL_FOR: Duration = Duration::from_secs(1);
/// A connection is made again within about this time, and a worker started.
pub(super) const UNAVAILABLE_FOR: Duration = Duration::from_secs(2);

/// A request that is not answered, or not to its end.
#[derive(Debug)]
pub(super) struct Refusal {
    status: StatusCode,
    code: String,
    /// The JSON of an error body.
    body: String,
    retry_after: Option<Duration>,
    /// False when the same request can only fail again.
    should_retry: bool,
}

impl Refusal {
    pub(super) fn of(
        status: StatusCode,
        kind: ErrorKind,
        code: &str,
        message: impl Into<String>,
    ) -> Self {
        Self::with(status, &ErrorBody::new(kind, code, message))
    }

    pub(super) fn with(status: StatusCode, error: &ErrorBody) -> Self {
        let mut error = error.clone();
        let detail = &mut error.error;
        // It may quote a key that was written where something else belongs.
        detail.message = masked(&detail.message).into_owned();
        detail.param = detail.param.as_deref().map(|param| masked(param).into_owned());
        Self {
            status,
            code: error.error.code.clone().unwrap_or_default(),
            body: String::from_utf8(error.to_json()).unwrap_or_default(),
            retry_after: None,
            should_retry: status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS,
        }
    }

    /// The same request may do once more what was done.
    pub(super) fn not_to_be_repeated(mut self) -> Self {
        self.should_retry = false;
        self
    }

    pub(super) fn come_again(mut self, after: Duration) -> Self {
        self.retry_after = Some(after);
        self
    }

    /// What names a model in a URL is no text.
    pub(super) fn name_not_utf8() -> Self {
        let message = "The model's name in the URL is not valid UTF-8.";
        let error =
            ErrorBody::new(ErrorKind::InvalidRequest, "invalid_utf8", message).about("model");
        Self::with(StatusCode::BAD_REQUEST, &error)
    }

    /// What names a response or a key in a URL is no text.
    pub(super) fn id_not_utf8(of: &str, param: &str) -> Self {
        let message = format!("The {of}'s id in the URL is not valid UTF-8.");
        let error = ErrorBody::new(ErrorKind::InvalidRequest, "invalid_utf8", message).about(param);
        Self::with(StatusCode::BAD_REQUEST, &error)
    }

    pub(super) fn unknown_url(method: &str, path: &str) -> Self {
        let message = format!(
            "Unknown request URL: {method} {}. GET /docs lists the endpoints.",
            shortened(path)
        );
        Self::of(StatusCode::NOT_FOUND, ErrorKind::InvalidRequest, "unknown_url", message)
    }

    pub(super) fn method_not_allowed(method: &str) -> Self {
        let message =
            format!("{} is not allowed here; the allow header lists what is.", shortened(method));
        let (status, kind) = (StatusCode::METHOD_NOT_ALLOWED, ErrorKind::InvalidRequest);
        Self::of(status, kind, "method_not_allowed", message)
    }

    /// What telemetry shows: the code if it is one that we know. What a model server calls its
    /// errors may be anything, and without end.
    pub(super) fn error_type(&self) -> &'static str {
        let known = KNOWN_CODES.iter().find(|known| **known == self.code);
        known.copied().unwrap_or(match self.status.as_u16() {
            429 => "rate_limited",
            400..=499 => "refused",
            _ => "upstream_error",
        })
    }

    /// Whether its reader reads too slowly.
    pub(super) fn is_for_a_slow_reader(&self) -> bool {
        self.code == SLOW_READER
    }

    #[cfg(test)]
    pub(super) fn code(&self) -> &str {
        &self.code
    }

    pub(super) fn status(&self) -> StatusCode {
        self.status
    }

    /// The JSON of the error, for a stream that has begun.
    pub(super) fn body(&self) -> &str {
        &self.body
    }
}

/// What comes from outside is quoted in part only.
pub(super) fn shortened(text: &str) -> String {
    const SHOWN: usize = 200;
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

impl From<BodyError> for Refusal {
    fn from(error: BodyError) -> Self {
        let (status, code) = match error {
            BodyError::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "request_too_large"),
            BodyError::Incomplete => (StatusCode::BAD_REQUEST, "incomplete_body"),
            BodyError::NoRoom => (StatusCode::SERVICE_UNAVAILABLE, "server_is_overloaded"),
            BodyError::TooSlow { .. } => (StatusCode::REQUEST_TIMEOUT, "request_timeout"),
        };
        let message = format!("The request cannot be read: {error}.");
        Self::of(status, ErrorKind::InvalidRequest, code, message)
    }
}

impl From<Foreign> for Refusal {
    fn from(foreign: Foreign) -> Self {
        let code = match foreign {
            Foreign::Host { .. } => "foreign_host",
            Foreign::Site { .. } => "foreign_site",
        };
        let (status, kind) = (StatusCode::FORBIDDEN, ErrorKind::InvalidRequest);
        Self::of(status, kind, code, foreign.to_string())
    }
}

impl From<InvalidRequest> for Refusal {
    fn from(invalid: InvalidRequest) -> Self {
        let mut error = ErrorBody::new(ErrorKind::InvalidRequest, invalid.code, invalid.message);
        error.error.param = invalid.param;
        Self::with(StatusCode::BAD_REQUEST, &error)
    }
}

impl From<ChatError> for Refusal {
    fn from(error: ChatError) -> Self {
        let about_model = |status, code: &str, message: String| {
            let error = ErrorBody::new(ErrorKind::InvalidRequest, code, message).about("model");
            Self::with(status, &error)
        };
        let unavailable = |code: &str, after| {
            let (status, kind) = (StatusCode::SERVICE_UNAVAILABLE, ErrorKind::ServiceUnavailable);
            Self::of(status, kind, code, error.to_string()).come_again(after)
        };
        match &error {
            ChatError::UnknownModel(name) => {
                let error = ChatError::UnknownModel(shortened(name)).to_string();
                about_model(StatusCode::NOT_FOUND, "model_not_found", error)
            }
            ChatError::WrongCapability { .. } => {
                about_model(StatusCode::BAD_REQUEST, "unsupported_model", error.to_string())
            }
            ChatError::NoWorker(_) => unavailable("server_is_overloaded", UNAVAILABLE_FOR),
            ChatError::LaneFull => unavailable("server_is_overloaded", FULL_FOR),
            ChatError::QueueUnavailable(cause) => {
                if let Some(cause) = cause {
                    tracing::warn!(error = %cause, "a job was not queued: {cause}");
                }
                unavailable("queue_unavailable", UNAVAILABLE_FOR)
            }
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        let status = StatusCode::from_u16(failure.status)
            .ok()
            .filter(|status| status.is_client_error() || status.is_server_error())
            .unwrap_or(StatusCode::BAD_GATEWAY);
        let code = serde_json::from_str::<ErrorBody>(&failure.body).ok();
        let code = code.and_then(|body| body.error.code);
        Self {
            status,
            code: code.unwrap_or_else(|| status.as_u16().to_string()),
            body: failure.body,
            retry_after: failure.retry_after_ms.map(Duration::from_millis),
            should_retry: failure.should_retry,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let json = HeaderValue::from_static("application/json");
        let mut response = (self.status, [(CONTENT_TYPE, json)], self.body).into_response();
        let headers = response.headers_mut();
        if !self.should_retry {
            headers.insert(SHOULD_RETRY, HeaderValue::from_static("false"));
        }
        if let Some(after) = self.retry_after {
            let millis = after.as_millis().max(1);
            // Whole seconds, at least one: a zero would mean "at once".
            headers.insert(
                RETRY_AFTER,
                HeaderValue::from(after.as_millis().div_ceil(1000).max(1) as u64),
            );
            headers.insert(
                RETRY_AFTER_MS,
                HeaderValue::from(u64::try_from(millis).unwrap_or(u64::MAX)),
            );
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(response: &Response, name: &str) -> Option<String> {
        response.headers().get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn an_error_says_whether_and_when_to_come_again() {
        let full = Refusal::from(ChatError::LaneFull).into_response();
        let unknown = Refusal::from(ChatError::UnknownModel("m".repeat(100_000))).into_response();

        assert_eq!(full.status(), 503);
        assert_eq!(header(&full, "retry-after").as_deref(), Some("1"));
        assert_eq!(header(&full, "retry-after-ms").as_deref(), Some("1000"));
        assert_eq!(header(&full, "x-should-retry"), None, "the SDKs' own rule is right");
        assert_eq!(unknown.status(), 404);
        assert_eq!(header(&unknown, "x-should-retry").as_deref(), Some("false"));
    }

    #[test]
    fn a_models_own_error_keeps_its_status_and_its_body() {
        let body = r#"{"error":{"message":"too long","type":"invalid_request_error","param":null,"code":"context_length_exceeded"}}"#;
        let failure = |status| Failure {
            status,
            body: body.to_owned(),
            retry_after_ms: Some(1_500),
            should_retry: false,
        };

        let refusal = Refusal::from(failure(400));
        assert_eq!((refusal.code(), refusal.body()), ("context_length_exceeded", body));
        let response = refusal.into_response();
        assert_eq!(header(&response, "retry-after").as_deref(), Some("2"));
        assert_eq!(header(&response, "retry-after-ms").as_deref(), Some("1500"));
        assert_eq!(Refusal::from(failure(200)).status(), StatusCode::BAD_GATEWAY);
    }

    #[test]
    fn what_comes_from_outside_is_quoted_in_part() {
        let refusal = Refusal::unknown_url("GET", &"/x".repeat(10_000));
        assert!(refusal.body().len() < 600, "{}", refusal.body());
    }

    #[test]
    fn a_key_that_stands_where_something_else_belongs_is_not_repeated() {
        let key = contract::keys::ApiKey::fresh();
        let (text, secret) = (key.reveal(), key.reveal().rsplit('-').next().unwrap());

        for refusal in [
            Refusal::unknown_url("GET", &format!("/v1/{text}")),
            Refusal::from(ChatError::UnknownModel(text.to_owned())),
            Refusal::from(InvalidRequest {
                code: "invalid_type",
                message: format!("`{text}` is no number."),
                param: Some(format!("metadata.{text}")),
            }),
        ] {
            assert!(!refusal.body().contains(secret), "{}", refusal.body());
            assert!(refusal.body().contains("sk-…"), "{}", refusal.body());
        }
    }
}
