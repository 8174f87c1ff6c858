//! What a form sends: read to its end even if it is too large, so that its sender reads the answer.

use axum::body::Body;
use axum::extract::{Form, FromRequest as _, Request};
use http::StatusCode;
use serde::de::DeserializeOwned;
use service_runtime::{BodyError, read_body};

/// Largest form: as much as the gateway takes, and what encoding adds to it.
pub(super) const LARGEST: usize = 32 * 1024 * 1024;

/// The fields of a form, or the status that says why there are none.
pub(super) async fn read<T: DeserializeOwned>(request: Request) -> Result<T, StatusCode> {
    let (head, body) = request.into_parts();
    let body = read_body(body, LARGEST).await.map_err(|error| match error {
        BodyError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
        BodyError::Incomplete => StatusCode::BAD_REQUEST,
        BodyError::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
    })?;
    let form = Form::from_request(Request::from_parts(head, Body::from(body)), &()).await;
    form.map(|Form(fields)| fields).map_err(|rejection| rejection.status())
}
