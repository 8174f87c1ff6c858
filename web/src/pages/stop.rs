//! `POST /c/{conversation}/stop`: ends an answer, whoever reads it. What was said stays.

use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde::Deserialize;

use super::{Served, form, problem};
use crate::error::Words;
use crate::ids::{ConversationId, ResponseId};
use crate::paths;
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
    let Ok(conversation) = conversation.parse::<ConversationId>() else {
        return problem::page(&served.assets, &Words::no_such_chat());
    };
    let Ok(answer) = fields.answer.parse::<ResponseId>() else {
        return problem::page(&served.assets, &Words::of_form(StatusCode::BAD_REQUEST));
    };
    match served.gateway.on_behalf_of(owner).cancel(&answer).await {
        Ok(()) => Redirect::to(&paths::turn(&conversation, &answer)).into_response(),
        Err(refused) => {
            let mut words = Words::of_refusal(&refused);
            if words.status == StatusCode::NOT_FOUND {
                words = Words::no_such_chat();
            }
            problem::page(&served.assets, &words)
        }
    }
}
