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
use crate::answer::{self, Cursor, NotRead, Step, Viewer};
use crate::components;
use crate::error::Words;
use crate::gateway_client::Refused;
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
    let about: (ConversationId, ResponseId) = (conversation, response);
    // Browsers say by themselves what they have when they come again.
    let last = headers.get("last-event-id").and_then(|id| id.to_str().ok());
    let first = from.map(|Query(from)| from.from).unwrap_or_default();
    let cursor: Cursor = last.unwrap_or(&first).parse().unwrap_or_default();
    let gateway = served.gateway.on_behalf_of(owner);
    let turn = (&about.0, &about.1);
    let reader = answer::Reader::Script;
    let mut viewer = match served.answers.find(&gateway, turn, cursor, reader).await {
        Ok(viewer) => viewer,
        // The script comes again, unless it is not there.
        Err(not_read) => return problem::page(&served.assets, &words_of(&not_read)),
    };
    // What was said before comes in one piece.
    viewer.catch_up().await;
    if viewer.is_gone() {
        return problem::page(&served.assets, &Words::no_such_chat());
    }
    let begin = format!("retry: {COMES_AGAIN_MS}\n\n");
    let rest = stream::unfold(Some((viewer, Events::default(), about)), step);
    stream_of("text/event-stream", stream::iter([begin]).chain(rest))
}

fn words_of(not_read: &NotRead) -> Words {
    match not_read {
        NotRead::TooMany => Words::too_many_answers(),
        NotRead::Refused(Refused::Answered { status: 404, .. }) => Words::no_such_chat(),
        NotRead::Refused(refused) => Words::of_refusal(refused),
    }
}

type Told = Option<(Viewer, Events, (ConversationId, ResponseId))>;

async fn step(told: Told) -> Option<(String, Told)> {
    let (mut viewer, mut events, about) = told?;
    Some(match viewer.next().await? {
        Step::Show(update) => {
            let actions = || {
                let actions = actions_of(&about.0, &about.1, &update, None);
                actions
                    .map(|actions| components::actions(&actions).into_string())
                    .unwrap_or_default()
            };
            let frame = events.frame(&update, actions);
            (frame, Some((viewer, events, about)))
        }
        Step::Wait => (HEARTBEAT.to_owned(), Some((viewer, events, about))),
        // The browser comes again by itself.
        Step::Leave => return None,
    })
}
