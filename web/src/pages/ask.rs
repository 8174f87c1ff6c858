//! `POST /chat`: a question, to be answered whoever waits; its answer is a page of its own.

use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::chat::{self, Shown};
use super::{Served, form, problem};
use crate::answer::Told;
use crate::conversation::{Answer, Input, Options, Place, Submission, Turn};
use crate::error::Words;
use crate::gateway_client::{Following, OnBehalf, Once, Refused};
use crate::ids::{ConversationId, ResponseId};
use crate::look::Look;
use crate::markdown::Colours;
use crate::parameters;
use crate::paths;
use crate::preset::Preset;
use crate::session::Owner;
use crate::texts::answers::PLEASE_GO_ON;

/// How many turns are looked through at a time for the one that is meant.
const LOOKED_THROUGH: usize = 100;

/// The fields of a composer.
#[derive(Debug, Deserialize)]
pub(crate) struct Fields {
    #[serde(default)]
    prompt: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    preset: String,
    #[serde(flatten)]
    parameters: parameters::Fields,
    #[serde(default)]
    instructions: String,
    #[serde(default)]
    conversation: String,
    #[serde(default)]
    after: String,
    #[serde(default)]
    once: String,
    /// The button that asks a question again.
    #[serde(default)]
    again: Option<String>,
    /// The button that has an answer gone on with.
    #[serde(default)]
    go_on: Option<String>,
}

/// What is wanted.
#[derive(Debug)]
enum Wish {
    Say(String),
    Again(ResponseId),
    GoOn(ResponseId),
}

/// A form that was read.
#[derive(Debug)]
struct Asked {
    conversation: Option<ConversationId>,
    place: Place,
    wish: Wish,
    options: Options,
    once: Once,
    /// What is written, to be given back if it is not sent.
    draft: String,
}

/// `POST /chat`
pub(crate) async fn ask(
    State(served): State<Served>,
    Extension(owner): Extension<Owner>,
    look: Look,
    request: Request,
) -> Response {
    let fields: Fields = match form::read(request).await {
        Ok(fields) => fields,
        Err(status) => return problem::page(&served.assets, &Words::of_form(status)),
    };
    let Some(asked) = Asked::read(fields) else {
        let words = Words::of_form(http::StatusCode::BAD_REQUEST);
        return problem::page(&served.assets, &words);
    };
    let gateway = served.gateway.on_behalf_of(owner);
    match asked.submit(&gateway).await {
        Ok(Sent { conversation, response, following }) => {
            served.answers.begin(&gateway, &response, following);
            Redirect::to(&paths::turn(&conversation, &response)).into_response()
        }
        Err(refused) => asked.give_back(&served, &gateway, look, refused).await,
    }
}

/// A question that was taken.
#[derive(Debug)]
struct Sent {
    conversation: ConversationId,
    response: ResponseId,
    /// Its answer, from the beginning.
    following: Box<Following>,
}

impl Asked {
    /// `None` when it is no form of ours.
    fn read(fields: Fields) -> Option<Self> {
        // Forms end lines with CR LF, whatever was written.
        let draft = fields.prompt.replace("\r\n", "\n");
        let wish = match (fields.again, fields.go_on) {
            (Some(response), _) => Wish::Again(response.parse().ok()?),
            (None, Some(response)) => Wish::GoOn(response.parse().ok()?),
            (None, None) => Wish::Say(draft.clone()),
        };
        let conversation = match fields.conversation.as_str() {
            "" => None,
            id => Some(id.parse().ok()?),
        };
        Some(Self {
            conversation,
            place: Place::from_field(&fields.after)?,
            wish,
            options: Options {
                model: fields.model.trim().to_owned(),
                preset: Preset::from_field(&fields.preset),
                parameters: fields.parameters.read(),
                instructions: fields.instructions.replace("\r\n", "\n").trim().to_owned(),
            },
            once: Once::from_field(&fields.once),
            draft,
        })
    }

    async fn submit(&self, gateway: &OnBehalf) -> Result<Sent, Refused> {
        let mut options = self.options.clone();
        if options.model.is_empty() {
            gateway.models().await.first().unwrap_or_default().clone_into(&mut options.model);
        }
        match (&self.wish, &self.conversation) {
            (Wish::Say(text), conversation) => {
                if text.trim().is_empty() {
                    return Err(Refused::Nothing);
                }
                let input = Input::Text(text);
                match conversation {
                    Some(conversation) => {
                        self.send(gateway, conversation, &self.place, &options, input).await
                    }
                    None => self.send_first(gateway, &options, input).await,
                }
            }
            (Wish::Again(response), Some(conversation)) => {
                let turn = find(gateway, conversation, response).await?;
                let items = raw(turn.asked.items)?;
                let place = Place::After(turn.after);
                self.send(gateway, conversation, &place, &options, Input::Items(&items)).await
            }
            (Wish::GoOn(response), Some(conversation)) => {
                let turn = find(gateway, conversation, response).await?;
                let items = raw(go_on_after(&turn))?;
                let place = Place::After(Some(turn.id));
                self.send(gateway, conversation, &place, &options, Input::Items(&items)).await
            }
            (Wish::Again(_) | Wish::GoOn(_), None) => Err(Refused::Nothing),
        }
    }

    async fn send(
        &self,
        gateway: &OnBehalf,
        conversation: &ConversationId,
        place: &Place,
        options: &Options,
        input: Input<'_>,
    ) -> Result<Sent, Refused> {
        let submission = Submission { conversation, place, options, input };
        let (response, following) = gateway.submit(&submission, &self.once).await?;
        Ok(Sent { conversation: conversation.clone(), response, following })
    }

    /// Begins a conversation with it; what is not accepted leaves none.
    async fn send_first(
        &self,
        gateway: &OnBehalf,
        options: &Options,
        input: Input<'_>,
    ) -> Result<Sent, Refused> {
        let conversation = gateway.begin(&self.once).await?;
        let sent = self.send(gateway, &conversation, &Place::Newest, options, input).await;
        if let Err(refused) = &sent
            && !refused.may_have_been_done()
            && let Err(error) = gateway.delete(&conversation).await
        {
            tracing::debug!("an empty conversation was not deleted: {error:?}");
        }
        sent
    }

    /// The page as it was, with what was written in it, and why it was not sent.
    async fn give_back(
        self,
        served: &Served,
        gateway: &OnBehalf,
        look: Look,
        refused: Refused,
    ) -> Response {
        let at = match &self.place {
            Place::After(turn) => turn.clone(),
            Place::Newest => None,
        };
        let opened = match &self.conversation {
            Some(conversation) => {
                chat::opened(served, gateway, conversation, &Shown::at(at), look).await
            }
            None => Ok(chat::new_chat(served, gateway, look).await),
        };
        let mut chat = match opened {
            Ok(chat) => chat,
            // What was written is worth more than what it belongs to.
            Err(why) => {
                let mut chat = chat::new_chat(served, gateway, look).await;
                // It may be there the next time.
                if !matches!(why, Refused::Answered { status: 404, .. }) {
                    chat.belongs_to.clone_from(&self.conversation);
                }
                chat
            }
        };
        if chat.open.is_some() || chat.belongs_to.is_some() {
            chat.place = self.place;
        }
        (chat.draft, chat.options) = (self.draft, self.options);
        if refused.may_have_been_done() {
            // Sent again as it is, it is asked once.
            self.once.as_str().clone_into(&mut chat.once);
        }
        let now = chat::snapshot(served, gateway, &chat).await.unwrap_or_default();
        let words = Words::of_refusal(&refused);
        problem::with_status(&words, chat.whole(now.as_ref(), Some(&words)))
    }
}

/// The turn of this response.
pub(super) async fn find(
    gateway: &OnBehalf,
    conversation: &ConversationId,
    response: &ResponseId,
) -> Result<Turn, Refused> {
    let mut before = None;
    loop {
        let page =
            gateway.turns(conversation, Some(response), before.as_ref(), LOOKED_THROUGH).await?;
        let first = page.turns.first().map(|turn| turn.id.clone());
        if let Some(turn) = page.turns.into_iter().find(|turn| turn.id == *response) {
            return Ok(turn);
        }
        if !page.has_more || first.is_none() || first == before {
            return Err(Refused::gone());
        }
        before = first;
    }
}

/// What a model is told to go on with an answer. One that was stopped or broke off is in nobody's
/// conversation: then it is told as well.
fn go_on_after(turn: &Turn) -> String {
    #[derive(serde::Serialize)]
    struct Message<'a> {
        role: &'static str,
        content: &'a str,
    }
    let go_on = Message { role: "user", content: PLEASE_GO_ON };
    let told = match &turn.answer {
        Answer::Ended(said) => Some(Told::of(said, Colours::Off)),
        Answer::Running | Answer::Gone => None,
    };
    let cut = told.as_ref().filter(|told| !told.is_whole() && !told.text().trim().is_empty());
    let cut = cut.map(|told| Message { role: "assistant", content: told.text() });
    let items: Vec<Message<'_>> = cut.into_iter().chain([go_on]).collect();
    // Strings: this cannot fail.
    serde_json::to_string(&items).unwrap_or_default()
}

fn raw(items: String) -> Result<Box<RawValue>, Refused> {
    RawValue::from_string(items).map_err(|_json| Refused::Unreadable)
}
