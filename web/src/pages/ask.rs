//! `POST /chat`: a question, answered with a page that grows or with events.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt as _, stream};
use http::HeaderMap;
use http::header::{ACCEPT, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use serde::Deserialize;
use service_runtime::Shutdown;

use super::streamed::StreamedPage;
use super::view::Chat;
use super::{Served, form, problem, streamed};
use crate::answer::{self, Events, Flow, Step, Stoppable};
use crate::conversation::{Author, Conversation};
use crate::error::Words;
use crate::gateway_client::{OnBehalf, Question};
use crate::headers::{STREAMED, X_ACCEL_BUFFERING};
use crate::preset::Preset;
use crate::session::Owner;

/// How long a page waits for a refusal, so that it has the right status. Longer than any refusal
/// takes that needs no thought, and shorter than people notice.
const PATIENCE: Duration = Duration::from_secs(1);

/// The composer's fields.
#[derive(Debug, Deserialize)]
pub(crate) struct Fields {
    prompt: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    preset: String,
    #[serde(default)]
    conversation: String,
    /// The button that asks the last question again.
    #[serde(default)]
    again: Option<String>,
}

/// In which form the answer is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Page,
    Events,
}

/// `POST /chat`
pub(crate) async fn ask(
    State(served): State<Served>,
    Extension(owner): Extension<Owner>,
    request: Request,
) -> Response {
    let wanted = Wanted::of(request.headers());
    let fields: Fields = match form::read(request).await {
        Ok(fields) => fields,
        Err(status) => return wanted.refusal(&served, &Words::of_form(status)),
    };
    let conversation = match Conversation::from_field(&fields.conversation) {
        Ok(conversation) => conversation,
        Err(unreadable) => return wanted.refusal(&served, &Words::of_unreadable(unreadable)),
    };
    let gateway = served.gateway.on_behalf_of(owner);
    let chat = chat_of(&served, &gateway, &fields, conversation).await;
    match wanted {
        Wanted::Events => events(&served, gateway, chat).await,
        Wanted::Page => page(&served, gateway, chat).await,
    }
}

/// The chat with the question as its last turn, if there is one.
async fn chat_of(
    served: &Served,
    gateway: &OnBehalf,
    fields: &Fields,
    mut conversation: Conversation,
) -> Chat {
    let models = gateway.models().await;
    let model = match fields.model.trim() {
        "" => models.first().unwrap_or_default(),
        picked => picked,
    };
    // Forms end lines with CR LF, whatever was written.
    let mut draft = fields.prompt.replace("\r\n", "\n");
    if fields.again.is_some() {
        conversation.take_back_answer();
    } else if !draft.trim().is_empty() {
        conversation.add(Author::User, std::mem::take(&mut draft));
    }
    Chat {
        assets: served.assets.clone(),
        conversation,
        model: model.to_owned(),
        models,
        preset: Preset::from_field(&fields.preset),
        draft,
        note: None,
    }
}

async fn page(served: &Served, gateway: OnBehalf, mut chat: Chat) -> Response {
    if chat.conversation.turns().last().is_none_or(|turn| turn.role != Author::User) {
        // Nothing was written: show what there is.
        return chat.whole(None).into_response();
    }
    let answer = served.running.begin();
    let mut flow = flow(served, gateway, &chat, answer.stop());
    if let Err(refused) = flow.opened(PATIENCE).await {
        chat.draft = chat.conversation.take_back();
        let words = Words::of_refusal(&refused);
        return problem::with_status(&words, chat.whole(Some(&words)));
    }
    let page = StreamedPage::new(chat);
    let begin = page.begin(answer.id());
    let rest = stream::unfold(Some((flow, page, answer)), page_step);
    stream_of("text/html; charset=utf-8", stream::iter([begin]).chain(rest))
}

async fn page_step(
    state: Option<(Flow, StreamedPage, Stoppable)>,
) -> Option<(String, Option<(Flow, StreamedPage, Stoppable)>)> {
    let (mut flow, mut page, answer) = state?;
    Some(match flow.next().await? {
        Step::Show(said) => {
            let html = page.said(&said);
            answer.heard(page.text());
            (html, Some((flow, page, answer)))
        }
        Step::Wait => (streamed::HEARTBEAT.to_owned(), Some((flow, page, answer))),
        Step::End(ending) => (page.end(&ending), None),
    })
}

async fn events(served: &Served, gateway: OnBehalf, chat: Chat) -> Response {
    // A script stops by leaving.
    let mut flow = flow(served, gateway, &chat, Shutdown::manual());
    if let Err(refused) = flow.opened(PATIENCE).await {
        return Wanted::Events.refusal(served, &Words::of_refusal(&refused));
    }
    let rest = stream::unfold(Some((flow, Events::default())), events_step);
    stream_of("text/event-stream", stream::iter([answer::HEARTBEAT.to_owned()]).chain(rest))
}

async fn events_step(state: Option<(Flow, Events)>) -> Option<(String, Option<(Flow, Events)>)> {
    let (mut flow, mut events) = state?;
    Some(match flow.next().await? {
        Step::Show(said) => (events.said(&said), Some((flow, events))),
        Step::Wait => (answer::HEARTBEAT.to_owned(), Some((flow, events))),
        Step::End(ending) => (events.ended(&ending), None),
    })
}

fn flow(served: &Served, gateway: OnBehalf, chat: &Chat, stop: Shutdown) -> Flow {
    let (preset, model) = (chat.preset, chat.model.clone());
    let conversation = chat.conversation.clone();
    let ask = async move {
        let turns = conversation.turns();
        gateway.ask(&Question { model: &model, preset, turns }).await
    };
    Flow::new(ask, stop, served.closing.clone())
}

/// A response of pieces, each sent as soon as it is there.
fn stream_of(kind: &'static str, pieces: impl Stream<Item = String> + Send + 'static) -> Response {
    let pieces = pieces.filter(|piece| std::future::ready(!piece.is_empty()));
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static(kind)),
        (CACHE_CONTROL, STREAMED),
        (X_ACCEL_BUFFERING, HeaderValue::from_static("no")),
    ];
    (headers, Body::from_stream(pieces.map(Ok::<_, Infallible>))).into_response()
}

impl Wanted {
    fn of(headers: &HeaderMap) -> Self {
        let accept = headers.get(ACCEPT).and_then(|value| value.to_str().ok());
        let events = accept.is_some_and(|accept| accept.contains("text/event-stream"));
        if events { Self::Events } else { Self::Page }
    }

    /// A refusal of a question that is not shown.
    fn refusal(self, served: &Served, words: &Words) -> Response {
        match self {
            Self::Page => problem::page(&served.assets, words),
            Self::Events => {
                let only = stream::iter([answer::refusal(words)]);
                problem::with_status(words, stream_of("text/event-stream", only))
            }
        }
    }
}
