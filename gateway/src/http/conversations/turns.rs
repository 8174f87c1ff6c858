//! A page of turns as JSON. Items and responses are the JSON that their logs tell.

use bytes::Bytes;
use contract::JobId;
use openai_api::responses::Feedback;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::conversations::History;

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Turn<'a>>,
    first_id: Option<String>,
    last_id: Option<String>,
    has_more: bool,
}

#[derive(Serialize)]
struct Turn<'a> {
    object: &'static str,
    id: String,
    after: Option<String>,
    siblings: Vec<String>,
    feedback: Option<Thumb<'a>>,
    input: Vec<&'a RawValue>,
    response: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Thumb<'a> {
    rating: &'static str,
    comment: Option<&'a str>,
}

impl<'a> Thumb<'a> {
    fn of(feedback: &'a Feedback) -> Self {
        Self { rating: feedback.rating(), comment: feedback.comment.as_deref() }
    }
}

#[derive(Serialize)]
struct Rated<'a> {
    object: &'static str,
    id: String,
    feedback: Option<Thumb<'a>>,
}

/// What is kept of what somebody thought of a turn.
pub(super) fn rated(turn: JobId, feedback: Option<&Feedback>) -> Bytes {
    let feedback = feedback.map(Thumb::of);
    let rated = Rated { object: "conversation.turn.feedback", id: turn.as_response(), feedback };
    // Texts: writing them to memory cannot fail.
    serde_json::to_vec(&rated).unwrap_or_default().into()
}

/// The page as a list object.
pub(super) fn list(history: &History) -> Bytes {
    let turns = history.turns.iter().map(|turn| {
        let said = turn.said.as_ref();
        let input = said.and_then(|said| serde_json::from_str(&said.input).ok());
        Turn {
            object: "conversation.turn",
            id: turn.turn.as_response(),
            after: turn.after.map(JobId::as_response),
            siblings: turn.siblings.iter().map(|turn| turn.as_response()).collect(),
            feedback: turn.feedback.as_ref().map(Thumb::of),
            input: input.unwrap_or_default(),
            response: said.and_then(|said| serde_json::from_slice(&said.response).ok()),
        }
    });
    let data: Vec<Turn<'_>> = turns.collect();
    let id = |turn: Option<&Turn<'_>>| turn.map(|turn| turn.id.clone());
    let (first_id, last_id) = (id(data.first()), id(data.last()));
    let list = List { object: "list", data, first_id, last_id, has_more: history.has_more };
    // Texts and JSON that was read before: writing them to memory cannot fail.
    serde_json::to_vec(&list).unwrap_or_default().into()
}
