//! `GET /v1/models` and `GET /v1/models/{model}`.

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, State};
use openai_api::{Model, ModelList};

use super::Api;
use super::refusal::Refusal;
use crate::chat::ChatError;
use crate::keys::Caller;

/// Who serves every model, as far as callers are concerned.
const OWNER: &str = "chappe";

pub(super) async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
) -> Json<ModelList> {
    let models = api.chats().catalogue().models();
    let models = models.filter(|model| caller.sees_model(model.name.as_str()));
    Json(ModelList::of(models.map(|model| shown(model, &api)).collect()))
}

pub(super) async fn show(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Json<Model>, Refusal> {
    let Path(name) = name.map_err(|_rejection| Refusal::name_not_utf8())?;
    match api.chats().catalogue().model(&name) {
        Some(model) if caller.sees_model(&name) => Ok(Json(shown(model, &api))),
        _ => Err(ChatError::UnknownModel(name).into()),
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
