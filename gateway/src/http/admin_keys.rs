//! `/v1/admin/keys`: operators make, list, rotate and revoke keys. Every act is told in the log: who
//! did what to which key, and no secret.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use contract::keys::{ApiKey, KeyId, KeyRecord};
use openai_api::{ErrorBody, ErrorKind};
use serde::Deserialize;
use serde_json::{Value, json};
use service_runtime::{Client, read_body};

use super::Api;
use super::refusal::{Refusal, UNAVAILABLE_FOR};
use crate::keys::audit::{self, Act, actor};
use crate::keys::{Caller, KeyStoreError};

/// Largest request about a key, in bytes.
const BODY_LIMIT: usize = 64 * 1024;
/// How long the secret before stays good, unless it is said: a day, in seconds.
const GRACE: u64 = 24 * 60 * 60;
/// Longest time that may be said: 90 days, in seconds.
const LONGEST_GRACE: u64 = 90 * 24 * 60 * 60;

type Id = Result<Path<String>, PathRejection>;

/// What may be said of a rotation.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Rotation {
    /// How long the secret before stays good, in seconds.
    grace_seconds: Option<u64>,
}

pub(super) async fn create(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Result<Response, Refusal> {
    let body = read_body(request.into_body(), BODY_LIMIT.min(api.body_limit())).await?;
    let by = actor(caller.key());
    let (key, record) = api.keys().make(read(&body)?, &by).await?;
    audit::did(Act::Created, &by, client.address, &record);
    Ok(secret(StatusCode::CREATED, &record, &key))
}

pub(super) async fn list(State(api): State<Api>) -> Result<Json<Value>, Refusal> {
    let data: Vec<Value> = api.keys().list().await?.iter().map(shown).collect();
    Ok(Json(json!({ "object": "list", "data": data, "has_more": false })))
}

pub(super) async fn show(State(api): State<Api>, id: Id) -> Result<Json<Value>, Refusal> {
    Ok(Json(shown(&api.keys().show(&id_of(id)?).await?)))
}

pub(super) async fn rotate(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Extension(client): Extension<Client>,
    id: Id,
    request: Request,
) -> Result<Response, Refusal> {
    let id = id_of(id)?;
    let body = read_body(request.into_body(), BODY_LIMIT.min(api.body_limit())).await?;
    let rotation: Rotation = if body.is_empty() { Rotation::default() } else { read(&body)? };
    let grace = rotation.grace_seconds.unwrap_or(GRACE);
    if grace > LONGEST_GRACE {
        return Err(invalid("grace_seconds", "It has to be at most 7776000: 90 days."));
    }
    let by = actor(caller.key());
    let (key, record) = api.keys().rotate(&id, &by, grace).await?;
    audit::did(Act::Rotated, &by, client.address, &record);
    Ok(secret(StatusCode::OK, &record, &key))
}

pub(super) async fn revoke(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Extension(client): Extension<Client>,
    id: Id,
) -> Result<Json<Value>, Refusal> {
    let by = actor(caller.key());
    let record = api.keys().revoke(&id_of(id)?, &by).await?;
    audit::did(Act::Revoked, &by, client.address, &record);
    Ok(Json(shown(&record)))
}

/// Without its hashes.
fn shown(record: &KeyRecord) -> Value {
    let mut shown = json!(record.shown());
    let good_until = record.replaced.as_ref().map(|replaced| replaced.good_until);
    shown["object"] = json!("api_key");
    shown["replaced_good_until"] = json!(good_until);
    shown
}

/// The only time that a key is shown.
fn secret(status: StatusCode, record: &KeyRecord, key: &ApiKey) -> Response {
    let mut shown = shown(record);
    shown["key"] = key.reveal().into();
    (status, [(CACHE_CONTROL, "no-store")], Json(shown)).into_response()
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let (kind, code) = (ErrorKind::InvalidRequest, "invalid_value");
        let error = ErrorBody::new(kind, code, format!("The body is not understood: {error}."));
        Refusal::with(StatusCode::BAD_REQUEST, &error)
    })
}

fn id_of(id: Id) -> Result<KeyId, Refusal> {
    let Path(text) = id.map_err(|_rejection| Refusal::id_not_utf8())?;
    // What is no id may be a whole key: it is not repeated.
    text.parse().map_err(|_invalid| KeyStoreError::NotFound.into())
}

fn invalid(param: &str, message: &str) -> Refusal {
    let error = ErrorBody::new(ErrorKind::InvalidRequest, "invalid_value", message).about(param);
    Refusal::with(StatusCode::BAD_REQUEST, &error)
}

impl From<KeyStoreError> for Refusal {
    fn from(error: KeyStoreError) -> Self {
        let message = error.to_string();
        let of = |status, code| Self::of(status, ErrorKind::InvalidRequest, code, message.clone());
        match &error {
            KeyStoreError::NotFound => of(StatusCode::NOT_FOUND, "key_not_found"),
            KeyStoreError::NotGood => of(StatusCode::CONFLICT, "key_not_good"),
            KeyStoreError::ExpiresBefore => invalid("expires_at", &message),
            KeyStoreError::Unavailable(cause) => {
                tracing::warn!(error = %cause, "keys cannot be read or changed: {cause}");
                let (status, kind) =
                    (StatusCode::SERVICE_UNAVAILABLE, ErrorKind::ServiceUnavailable);
                Self::of(status, kind, "store_unavailable", message).come_again(UNAVAILABLE_FOR)
            }
        }
    }
}
