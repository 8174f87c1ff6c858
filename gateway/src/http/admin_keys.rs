//! `/v1/admin/keys`: operators make, list, rotate and revoke keys. Every act is told in the log: who
//! did what to which key, and no secret.

use std::fmt::Display;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::http::StatusCode;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse as _, Response};
use contract::keys::{ApiKey, KeyId, KeyRecord, NotRotated, Rotation};
use openai_api::{ErrorBody, ErrorKind};
use serde::Deserialize;
use serde_json::{Value, json};
use service_runtime::{Client, read_body};

use super::Api;
use super::answering::whole;
use super::refusal::{Refusal, UNAVAILABLE_FOR, shortened};
use super::responses::{Page, Pairs, list_of_items, pairs};
use crate::keys::{Actor, Caller, KeyStoreError};

/// Largest request about a key, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

type Id = Result<Path<String>, PathRejection>;

pub(super) async fn create(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Result<Response, Refusal> {
    let body = read_body(request.into_body(), BODY_LIMIT.min(api.bodies().limit())).await?;
    let actor = Actor::of(caller.key(), client.address);
    let (key, record) = api.keys().make(read(&body)?, actor).await?;
    Ok(secret(StatusCode::CREATED, &record, &key))
}

pub(super) async fn list(State(api): State<Api>, query: Pairs) -> Result<Response, Refusal> {
    let page = Page::read(&pairs(query)?)?;
    let keys: Vec<Value> = api.keys().list().await?.iter().map(shown).collect();
    let listed = list_of_items(&Value::from(keys).to_string(), &page)?;
    Ok(whole(listed.into()))
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
    let body = read_body(request.into_body(), BODY_LIMIT.min(api.bodies().limit())).await?;
    let rotation: Rotation = if body.is_empty() { Rotation::default() } else { read(&body)? };
    let actor = Actor::of(caller.key(), client.address);
    let (key, record) = api.keys().rotate(id, rotation, actor).await?;
    Ok(secret(StatusCode::OK, &record, &key))
}

pub(super) async fn revoke(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Extension(client): Extension<Client>,
    id: Id,
) -> Result<Json<Value>, Refusal> {
    let actor = Actor::of(caller.key(), client.address);
    let record = api.keys().revoke(id_of(id)?, actor).await?;
    Ok(Json(shown(&record)))
}

/// Without its hashes.
fn shown(record: &KeyRecord) -> Value {
    let mut shown = json!(record.shown());
    shown["object"] = json!("api_key");
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
        let error = shortened(&error.to_string());
        let error = ErrorBody::new(kind, code, format!("The body is not understood: {error}."));
        Refusal::with(StatusCode::BAD_REQUEST, &error)
    })
}

fn id_of(id: Id) -> Result<KeyId, Refusal> {
    let Path(text) = id.map_err(|_rejection| Refusal::id_not_utf8("key", "key_id"))?;
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
        let unavailable = |cause: &dyn Display| {
            tracing::warn!(error = %cause, "keys cannot be read or changed: {cause}");
            let (status, kind) = (StatusCode::SERVICE_UNAVAILABLE, ErrorKind::ServiceUnavailable);
            Self::of(status, kind, "store_unavailable", message.clone())
        };
        match &error {
            KeyStoreError::NotFound => of(StatusCode::NOT_FOUND, "key_not_found"),
            KeyStoreError::NotRotated(NotRotated::NotGood) => {
                of(StatusCode::CONFLICT, "key_not_good")
            }
            KeyStoreError::NotRotated(NotRotated::InRotation { .. }) => {
                of(StatusCode::CONFLICT, "key_in_rotation")
            }
            KeyStoreError::NotRotated(NotRotated::GraceTooLong) => {
                invalid("grace_seconds", &message)
            }
            KeyStoreError::AlreadyOver(_) => invalid("expires_at", &message),
            KeyStoreError::Unavailable(cause) => unavailable(cause).come_again(UNAVAILABLE_FOR),
            KeyStoreError::InDoubt(cause) => unavailable(cause).not_to_be_repeated(),
        }
    }
}
