//! `POST /c/{conversation}/stop`: ends an answer, whoever reads it. What was said stays.

use axum::extract::{Extension, Path, Request, State};
use axum::response::Response;
use serde::Deserialize;

use super::{Served, form, problem, turn};
use crate::error::Words;
use crate::gateway_client::{OnBehalf, Refused};
use crate::ids::{ConversationId, ResponseId};
use crate::session::Owner;

/// The button's form.
#[derive(Debug, Deserialize)]
pub(crate) struct Fields {
    #[serde(default)]
    answer: String,
}

/// `POST /c/{conversation}/stop`
pub(crate) async fn stop(
    State(served): State<Served>,
    Extension(owner): Extension<Owner>,
    Path(conversation): Path<String>,
    request: Request,
) -> Response {
    let fields: Fields = match form::read(&served.room, request).await {
        Ok(fields) => fields,
        Err(status) => return problem::page(&served.assets, &Words::of_form(status)),
    };
    let turn = match turn::meant(&conversation, &fields.answer) {
        Ok(turn) => turn,
        Err(words) => return problem::page(&served.assets, &words),
    };
    let stopped = stop_in(&served, &served.gateway.on_behalf_of(owner), &turn).await;
    turn::done(&served, &turn, stopped)
}

/// The gateway stops an answer by its own name, whatever conversation it is in.
async fn stop_in(
    served: &Served,
    gateway: &OnBehalf,
    (conversation, response): &(ConversationId, ResponseId),
) -> Result<(), Refused> {
    if !served.answers.stop(gateway, (conversation, response)) {
        gateway.turn(conversation, response).await?;
    }
    gateway.cancel(response).await
}
