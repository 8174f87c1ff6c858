//! `GET /` and `GET /c/{conversation}`: a new chat, and one that was begun.

use std::convert::Infallible;

use axum::body::Body;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use futures::{Stream, StreamExt as _, stream};
use http::StatusCode;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use serde::Deserialize;

use super::streamed::{self, StreamedPage};
use super::view::{Chat, Open};
use super::{Served, problem};
use crate::answer::{Cursor, Reader, Step, Told, TooMany, Update, Viewer};
use crate::conversation::{Options, Place};
use crate::error::Words;
use crate::gateway_client::{OnBehalf, Refused, Wanted};
use crate::headers::{STREAMED, X_ACCEL_BUFFERING};
use crate::ids::{ConversationId, ResponseId};
use crate::look::Look;
use crate::paths;
use crate::session::{self, Owner};
use crate::texts::errors;

/// How many chats stand beside one.
const BESIDE: usize = 30;
/// How many turns a page has.
const TURNS: usize = 30;

/// Which part of a conversation.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Shown {
    /// Up to this turn, and on to its newest.
    #[serde(default)]
    at: Option<ResponseId>,
    /// What stands before this one.
    #[serde(default)]
    before: Option<ResponseId>,
    /// Which question is to be written anew.
    #[serde(default)]
    edit: Option<ResponseId>,
}

/// `GET /`
pub(crate) async fn home(
    State(served): State<Served>,
    Extension(owner): Extension<Owner>,
    look: Look,
) -> Response {
    let gateway = served.gateway.on_behalf_of(owner);
    let chat = new_chat(&served, &gateway, look).await;
    let alert = Words::of_models(&chat.models);
    // The page itself is fine: its status is not that of the gateway.
    chat.whole(None, alert.as_ref()).into_response()
}

/// A chat in which nothing was said yet.
pub(super) async fn new_chat(served: &Served, gateway: &OnBehalf, look: Look) -> Chat {
    let wanted = Wanted { limit: BESIDE, ..Wanted::default() };
    let (models, history) = tokio::join!(gateway.models(), gateway.conversations(&wanted));
    Chat {
        assets: served.assets.clone(),
        look,
        history: history.ok(),
        open: None,
        belongs_to: None,
        options: Options {
            model: models.first().unwrap_or_default().to_owned(),
            ..Options::default()
        },
        models,
        place: Place::Newest,
        draft: String::new(),
        kept: None,
        once: session::fresh_digits(),
    }
}

/// `GET /c/{conversation}`
pub(crate) async fn show(
    State(served): State<Served>,
    Extension(owner): Extension<Owner>,
    Path(conversation): Path<String>,
    shown: Result<Query<Shown>, QueryRejection>,
    look: Look,
) -> Response {
    let (Ok(conversation), Ok(Query(shown))) = (conversation.parse(), shown) else {
        return problem::page(&served.assets, &Words::no_such_chat());
    };
    let gateway = served.gateway.on_behalf_of(owner);
    let chat = match opened_to_edit(&served, &gateway, &conversation, &shown, look).await {
        Ok(chat) => chat,
        Err(Refused::Answered { status: 404, .. }) => {
            return problem::page(&served.assets, &Words::no_such_chat());
        }
        Err(refused) => return problem::page(&served.assets, &Words::of_refusal(&refused)),
    };
    let is_edited = shown.edit.is_none() || chat.edits();
    let alert = Words::of_models(&chat.models);
    let alert = alert.or_else(|| (!is_edited).then(Words::no_such_question));
    let running = chat.open.as_ref().and_then(Open::running).cloned();
    let Some(turn) = running else {
        return chat.whole(None, alert.as_ref()).into_response();
    };
    if look.script {
        let (now, alert) = match snapshot(&served, &gateway, &chat).await {
            Ok(now) => (now, alert),
            // The script follows it as soon as it may. Until then it waits, and so the page says.
            Err(TooMany) => {
                let nothing = Told::default().since(Cursor::default());
                (Some(nothing), Some(Words::too_many_answers_yet()))
            }
        };
        return chat.whole(now.as_ref(), alert.as_ref()).into_response();
    }
    let reading =
        served.answers.read(&gateway, (&conversation, &turn.id), Cursor::default(), Reader::Person);
    let Ok(mut viewer) = reading else {
        let words = Words::too_many_answers();
        return problem::with_status(&words, chat.whole(None, Some(&words)));
    };
    viewer.catch_up().await;
    let now = viewer.now();
    let mut page = StreamedPage::new(chat, turn);
    let begin = page.begin() + &page.update(&now);
    let rest = if now.ending.is_some() {
        stream::iter([page.end(&now)]).left_stream()
    } else {
        stream::unfold(Some((viewer, page)), page_step).right_stream()
    };
    stream_of("text/html; charset=utf-8", stream::iter([begin]).chain(rest))
}

/// What was said so far in the answer that is being written, if one is.
pub(super) async fn snapshot(
    served: &Served,
    gateway: &OnBehalf,
    chat: &Chat,
) -> Result<Option<Update>, TooMany> {
    let Some(open) = &chat.open else { return Ok(None) };
    let Some(turn) = open.running() else { return Ok(None) };
    let turn = (open.id(), &turn.id);
    let mut viewer = served.answers.read(gateway, turn, Cursor::default(), Reader::Script)?;
    viewer.catch_up().await;
    Ok(Some(viewer.now()))
}

/// A conversation as far as it is to be shown.
pub(super) async fn opened(
    served: &Served,
    gateway: &OnBehalf,
    conversation: &ConversationId,
    shown: &Shown,
    look: Look,
) -> Result<Chat, Refused> {
    let (at, before) = (shown.at.as_ref(), shown.before.as_ref());
    let (chat, line, page) = tokio::join!(
        new_chat(served, gateway, look),
        gateway.conversation(conversation),
        gateway.turns(conversation, at, before, TURNS),
    );
    let (mut chat, line, page) = (chat, line?, page?);
    let Some(last) = page.turns.last() else {
        // Its first turn was deleted, or never began.
        chat.open = None;
        return Ok(chat);
    };
    let leaf = if before.is_some() { shown.at.clone() } else { None };
    let leaf = leaf.unwrap_or_else(|| last.id.clone());
    if !last.options.model.is_empty() {
        chat.options = last.options.clone();
    }
    chat.place = Place::After(Some(leaf.clone()));
    chat.open = Some(Open {
        line,
        has_more: page.has_more,
        leaf,
        editing: shown.edit.clone(),
        before: shown.before.clone(),
        turns: page.turns,
    });
    Ok(chat)
}

/// The same, with the question that is to be written anew: on its own branch, where it does not stand
/// on the one that is asked for.
async fn opened_to_edit(
    served: &Served,
    gateway: &OnBehalf,
    conversation: &ConversationId,
    shown: &Shown,
    look: Look,
) -> Result<Chat, Refused> {
    let chat = opened(served, gateway, conversation, shown, look).await?;
    if shown.edit.is_none() || chat.edits() {
        return Ok(chat);
    }
    let branch = Shown { at: shown.edit.clone(), before: None, edit: shown.edit.clone() };
    let other = opened(served, gateway, conversation, &branch, look).await;
    Ok(other.ok().filter(Chat::edits).unwrap_or(chat))
}

impl Shown {
    /// Up to this turn.
    pub(super) fn at(at: Option<ResponseId>) -> Self {
        Self { at, ..Self::default() }
    }
}

async fn page_step(
    state: Option<(Viewer, StreamedPage)>,
) -> Option<(String, Option<(Viewer, StreamedPage)>)> {
    let (mut viewer, mut page) = state?;
    Some(match viewer.next().await? {
        Step::Show(update) => {
            let mut html = page.update(&update);
            if update.ending.is_some() {
                html.push_str(&page.end(&update));
                (html, None)
            } else {
                (html, Some((viewer, page)))
            }
        }
        Step::Wait => (streamed::HEARTBEAT.to_owned(), Some((viewer, page))),
        Step::Leave => (page.leave(&goes_on()), None),
    })
}

pub(super) fn goes_on() -> Words {
    Words::new(StatusCode::SERVICE_UNAVAILABLE, errors::RESTARTED_GOES_ON, errors::LOAD_AGAIN)
}

/// `GET` where only `POST` makes sense, as when an address is opened again.
pub(crate) async fn go_home() -> Redirect {
    Redirect::to(paths::HOME)
}

/// The same for an address of one conversation.
pub(crate) async fn go_back(Path(conversation): Path<String>) -> Redirect {
    match conversation.parse() {
        Ok(conversation) => Redirect::to(&paths::of(paths::CONVERSATION, &conversation)),
        Err(_no_name) => Redirect::to(paths::HOME),
    }
}

/// A response of pieces, each sent as soon as it is there.
pub(super) fn stream_of(
    kind: &'static str,
    pieces: impl Stream<Item = String> + Send + 'static,
) -> Response {
    let pieces = pieces.filter(|piece| std::future::ready(!piece.is_empty()));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CACHE_CONTROL, STREAMED),
        (X_ACCEL_BUFFERING, HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(pieces.map(Ok::<_, Infallible>))).into_response()
}
