//! `/v1/admin/overview` and `/v1/admin/dead_letters`: what operators look at, and what they do about
//! jobs that were given up.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use axum::http::StatusCode;
use openai_api::{ErrorKind, InvalidRequest};
use serde_json::{Value, json};
use service_runtime::Client;

use super::Api;
use super::refusal::{Refusal, UNAVAILABLE_FOR};
use super::responses::{Page, Pairs, invalid, pairs};
use crate::keys::{Actor, Caller};
use crate::operator::{DeadLetterError, Letters, Overview};

type Id = Result<Path<String>, PathRejection>;

pub(super) async fn overview(State(api): State<Api>) -> Json<Overview> {
    Json(api.operator().overview().await)
}

pub(super) async fn list_dead_letters(
    State(api): State<Api>,
    query: Pairs,
) -> Result<Json<Letters>, Refusal> {
    let page = Page::read(&pairs(query)?)?;
    if !page.newest_first {
        return Err(invalid("order", "`desc`: the newest come first").into());
    }
    let before = page.after.as_deref().map(number).transpose()?;
    let (_kept, letters) = api.operator().dead_letters().page(page.limit, before).await?;
    Ok(Json(letters))
}

pub(super) async fn redrive(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Extension(client): Extension<Client>,
    id: Id,
) -> Result<Json<Value>, Refusal> {
    let (id, actor) = (id_of(id)?, Actor::of(caller.key(), client.address));
    let job = api.operator().dead_letters().redrive(&id, actor).await?;
    let response = job.as_response();
    Ok(Json(json!({"object": "dead_letter.redriven", "id": id, "response_id": response})))
}

pub(super) async fn delete_dead_letter(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    Extension(client): Extension<Client>,
    id: Id,
) -> Result<Json<Value>, Refusal> {
    let (id, actor) = (id_of(id)?, Actor::of(caller.key(), client.address));
    api.operator().dead_letters().delete(&id, actor).await?;
    Ok(Json(json!({"object": "dead_letter.deleted", "id": id, "deleted": true})))
}

fn id_of(id: Id) -> Result<String, Refusal> {
    let Path(id) =
        id.map_err(|_rejection| Refusal::id_not_utf8("dead letter", "dead_letter_id"))?;
    Ok(id)
}

fn number(id: &str) -> Result<u64, InvalidRequest> {
    id.parse().map_err(|_no_number| invalid("after", "the id of a dead letter"))
}

impl From<DeadLetterError> for Refusal {
    fn from(error: DeadLetterError) -> Self {
        let message = error.to_string();
        let of = |status, code| Self::of(status, ErrorKind::InvalidRequest, code, message.clone());
        let unavailable = |cause: &dyn std::fmt::Display| {
            tracing::warn!(error = %cause, "dead letters cannot be read or changed: {cause}");
            let (status, kind) = (StatusCode::SERVICE_UNAVAILABLE, ErrorKind::ServiceUnavailable);
            Self::of(status, kind, "store_unavailable", message.clone())
        };
        match error {
            DeadLetterError::NotFound => of(StatusCode::NOT_FOUND, "dead_letter_not_found"),
            DeadLetterError::NotRedriven(_) => of(StatusCode::CONFLICT, "dead_letter_not_redriven"),
            DeadLetterError::NotStarted(error) => error.into(),
            DeadLetterError::Unavailable(cause) => unavailable(&cause).come_again(UNAVAILABLE_FOR),
            DeadLetterError::InDoubt(cause) => unavailable(&cause).not_to_be_repeated(),
        }
    }
}
