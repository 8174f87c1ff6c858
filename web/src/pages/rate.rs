//! `POST /c/{conversation}/rate`: a thumb for an answer, or the one before taken back.

use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::StatusCode;
use serde::Deserialize;

use super::{Served, form, problem};
use crate::conversation::Thumb;
use crate::error::Words;
use crate::ids::{ConversationId, ResponseId};
use crate::paths;
use crate::session::Owner;

/// The form below an answer.
#[derive(Debug, Deserialize)]
pub(crate) struct Fields {
    #[serde(default)]
    answer: String,
    /// The button that was pressed.
    #[serde(default)]
    thumb: String,
    /// The thumb that stands there.
    #[serde(default)]
    now: String,
}

/// `POST /c/{conversation}/rate`
pub(crate) async fn rate(
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
    let pressed = Thumb::from_field(&fields.thumb);
    let (Ok(answer), Some(pressed)) = (fields.answer.parse::<ResponseId>(), pressed) else {
        return problem::page(&served.assets, &Words::of_form(StatusCode::BAD_REQUEST));
    };
    // Pressed again, it is taken back.
    let thumb = (Thumb::from_field(&fields.now) != Some(pressed)).then_some(pressed);
    match served.gateway.on_behalf_of(owner).rate(&conversation, &answer, thumb).await {
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
