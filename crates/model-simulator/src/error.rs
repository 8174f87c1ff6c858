//! How errors look to a caller. The only file that knows.

use axum::http::StatusCode;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER};
use axum::response::{IntoResponse, Response};
use openai_api::{ErrorBody, ErrorKind, InvalidRequest};

/// An error on its way out.
#[derive(Debug)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) body: ErrorBody,
    pub(crate) retry_after_s: Option<u64>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: &str, message: impl Into<String>) -> Self {
        let kind = kind_of(status);
        Self { status, body: ErrorBody::new(kind, code, message), retry_after_s: None }
    }

    /// A request that is wrong at `param`.
    pub(crate) fn invalid(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid_as("invalid_value", param, message)
    }

    /// The same, with a code that says more.
    pub(crate) fn invalid_as(
        code: &str,
        param: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        let body = ErrorBody::new(ErrorKind::InvalidRequest, code, message).about(param);
        Self { status: StatusCode::BAD_REQUEST, body, retry_after_s: None }
    }
}

fn kind_of(status: StatusCode) -> ErrorKind {
    match status.as_u16() {
        429 => ErrorKind::RateLimit,
        503 => ErrorKind::ServiceUnavailable,
        500.. => ErrorKind::Server,
        _ => ErrorKind::InvalidRequest,
    }
}

impl From<InvalidRequest> for ApiError {
    fn from(invalid: InvalidRequest) -> Self {
        let mut error = Self::new(StatusCode::BAD_REQUEST, invalid.code, invalid.message);
        error.body.error.param = invalid.param;
        error
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let headers = [(CONTENT_TYPE, "application/json")];
        let mut response = (self.status, headers, self.body.to_json()).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
