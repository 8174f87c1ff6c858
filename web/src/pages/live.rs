//! `GET /c/{conversation}/live/{response}`: an answer as events, behind what a page has of it.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Path, Query, State};
use axum::response::Response;
use futures::{StreamExt as _, stream};
use http::HeaderMap;
use serde::Deserialize;

use super::chat::stream_of;
use super::view::actions_of;
use super::{Served, problem};
use crate::answer::events::{Events, HEARTBEAT};
use crate::answer::{self, Cursor, Step, Viewer};
use crate::components;
use crate::error::Words;
use crate::ids::{ConversationId, ResponseId};
use crate::session::Owner;

/// A browser waits so long before it comes again, in milliseconds.
const COMES_AGAIN_MS: u32 = 250;

/// Behind what the page was sent with.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct From {
    #[serde(default)]
    from: String,
}

/// `GET /c/{conversation}/live/{response}`
pub(crate) async fn follow(
    State(served): State<Served>,
    Extension(owner): Extension<Owner>,
    Path((conversation, response)): Path<(String, String)>,
    from: Result<Query<From>, QueryRejection>,
    headers: HeaderMap,
) -> Response {
    let (Ok(conversation), Ok(response)) = (conversation.parse(), response.parse()) else {
        return problem::page(&served.assets, &Words::no_such_chat());
    };
    // Browsers say by themselves what they have when they come again.
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let first = from.map(|Query(from)| from.from).unwrap_or_default();
    let cursor: Cursor = last.unwrap_or(&first).parse().unwrap_or_default();
    let gateway = served.gateway.on_behalf_of(owner);
    let reading = served.answers.read(&gateway, &response, cursor, answer::Reader::Script);
    let Ok(mut viewer) = reading else {
        // The script comes again.
        return problem::page(&served.assets, &Words::too_many_answers());
    };
    // What was said before comes in one piece.
    viewer.catch_up().await;
    if viewer.is_gone() {
        return problem::page(&served.assets, &Words::no_such_chat());
    }
    let begin = format!("retry: {COMES_AGAIN_MS}\n\n");
    let about: (ConversationId, ResponseId) = (conversation, response);
    let rest = stream::unfold(Some((viewer, Events::default(), about)), step);
    stream_of("text/event-stream", stream::iter([begin]).chain(rest))
}

type Told = Option<(Viewer, Events, (ConversationId, ResponseId))>;

async fn step(told: Told) -> Option<(String, Told)> {
    let (mut viewer, mut events, about) = told?;
    Some(match viewer.next().await? {
        Step::Show(update) => {
            let actions = || {
                let actions = actions_of(&about.0, &about.1, &update, None);
                components::actions(&actions).into_string()
            };
            let frame = events.frame(&update, actions);
            (frame, Some((viewer, events, about)))
        }
        Step::Wait => (HEARTBEAT.to_owned(), Some((viewer, events, about))),
        // The browser comes again by itself.
        Step::Leave => return None,
    })
}
