//! `POST /c/{conversation}/rate`: a thumb for an answer, or the one before taken back.

use axum::extract::{Extension, Path, Request, State};
use axum::response::Response;
use http::StatusCode;
use serde::Deserialize;

use super::{Served, form, problem, turn};
use crate::conversation::Thumb;
use crate::error::Words;
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
    let turn = match turn::meant(&conversation, &fields.answer) {
        Ok(turn) => turn,
        Err(words) => return problem::page(&served.assets, &words),
    };
    let Some(pressed) = Thumb::from_field(&fields.thumb) else {
        return problem::page(&served.assets, &Words::of_form(StatusCode::BAD_REQUEST));
    };
    // Pressed again, it is taken back.
    let thumb = (Thumb::from_field(&fields.now) != Some(pressed)).then_some(pressed);
    let rated = served.gateway.on_behalf_of(owner).rate(&turn.0, &turn.1, thumb).await;
    turn::done(&served, &turn, rated)
}
