//! `GET /v1/models` and `GET /v1/models/{model}`.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use openai_api::{Model, ModelList};

use super::Api;
use super::refusal::Refusal;
use crate::chat::ChatError;

/// Who serves every model, as far as callers are concerned.
const OWNER: &str = "chappe";

pub(super) async fn list(State(api): State<Api>) -> Json<ModelList> {
    let models = api.chats().catalogue().models();
    Json(ModelList::of(models.map(|model| shown(model, &api)).collect()))
}

pub(super) async fn show(
    State(api): State<Api>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Model>, Refusal> {
    let Path(name) = name.map_err(|_rejection| Refusal::name_not_utf8())?;
    match api.chats().catalogue().model(&name) {
        Some(model) => Ok(Json(shown(model, &api))),
        None => Err(ChatError::UnknownModel(name).into()),
    }
}

fn shown(model: &contract::Model, api: &Api) -> Model {
    Model {
        id: model.name.to_string(),
        object: "model".to_owned(),
        created: api.started_at(),
        owned_by: OWNER.to_owned(),
        capabilities: model.capabilities.iter().map(|one| one.as_str().to_owned()).collect(),
    }
}
