//! How it says no.

use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use openai_api::{ErrorBody, ErrorKind, InvalidRequest};

use super::rules::Refused;

pub(super) struct Refusal {
    status: u16,
    body: ErrorBody,
}

impl Refusal {
    pub(super) fn of(status: u16, code: &str, message: &str) -> Self {
        Self { status, body: ErrorBody::new(ErrorKind::InvalidRequest, code, message) }
    }

    pub(super) fn about(self, param: &str) -> Self {
        Self { body: self.body.about(param), ..self }
    }

    /// A member that means nothing.
    pub(super) fn invalid(param: &str) -> Self {
        let message = format!("Invalid value for '{param}'.");
        Self::of(400, "invalid_value", &message).about(param)
    }
}

impl From<InvalidRequest> for Refusal {
    fn from(error: InvalidRequest) -> Self {
        let refusal = Self::of(400, error.code, &error.message);
        match error.param {
            Some(param) => refusal.about(&param),
            None => refusal,
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap();
        (status, [(CONTENT_TYPE, "application/json")], self.body.to_json()).into_response()
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap();
        let mut response =
            (status, [(CONTENT_TYPE, "application/json")], self.body()).into_response();
        if let Some(seconds) = self.retry_after_s {
            response.headers_mut().insert(RETRY_AFTER, seconds.into());
        }
        response
    }
}
