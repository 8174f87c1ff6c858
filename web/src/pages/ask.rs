//! `POST /chat`: a question, to be answered whoever waits; its answer is a page of its own.

mod fields;
mod first;
mod message;

use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::value::RawValue;
use service_runtime::Tasks;

use self::fields::Fields;
use super::chat::{self, Shown};
use super::{Served, form, problem};
use crate::conversation::{Input, Kept, KeptFiles, Options, Place, Submission};
use crate::error::Words;
use crate::files::{self, Unfit, Upload};
use crate::gateway_client::{Following, OnBehalf, Once, Refused};
use crate::ids::{ConversationId, ResponseId};
use crate::look::Look;
use crate::paths;
use crate::preset::Preset;
use crate::session::Owner;

/// What is wanted.
#[derive(Debug)]
enum Wish {
    Say(String),
    Again(ResponseId),
    GoOn(ResponseId),
}

/// Why nothing was asked.
#[derive(Debug)]
enum NotSent {
    Refused(Refused),
    /// The same, and it is known not to have been done.
    NotTaken(Refused),
    Unfit(Unfit),
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
    uploads: Vec<Upload>,
    /// Files of another turn that go with it.
    kept: Option<Kept>,
}

/// `POST /chat`
pub(crate) async fn ask(
    State(served): State<Served>,
    Extension(owner): Extension<Owner>,
    look: Look,
    request: Request,
) -> Response {
    let sent = match form::read_with_files(&served.room, request).await {
        Ok(sent) => sent,
        Err(status) => return problem::page(&served.assets, &Words::of_form(status)),
    };
    let Some(asked) = Asked::read(Fields::of(sent.fields), sent.files) else {
        let words = Words::of_form(http::StatusCode::BAD_REQUEST);
        return problem::page(&served.assets, &words);
    };
    let gateway = served.gateway.on_behalf_of(owner);
    match asked.submit(&served.tasks, &gateway).await {
        Ok(Sent { conversation, response, following }) => {
            served.answers.begin(&gateway, (&conversation, &response), following);
            Redirect::to(&paths::turn(&conversation, &response)).into_response()
        }
        Err(why) => asked.give_back(&served, &gateway, look, why).await,
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
    fn read(fields: Fields, uploads: Vec<Upload>) -> Option<Self> {
        let kept = fields.kept()?;
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
            uploads,
            kept,
        })
    }

    async fn submit(&self, tasks: &Tasks, gateway: &OnBehalf) -> Result<Sent, NotSent> {
        let mut options = self.options.clone();
        if options.model.is_empty() {
            gateway.models().await.first().unwrap_or_default().clone_into(&mut options.model);
        }
        match (&self.wish, &self.conversation) {
            (Wish::Say(text), conversation) => {
                let uploads = files::take(&self.uploads)?;
                let mut files = self.kept_parts(gateway).await?;
                files.extend(uploads);
                let items = message::with_files(text, &files)?;
                let input = match &items {
                    Some(items) => Input::Items(items),
                    None if text.trim().is_empty() => return Err(Refused::Nothing.into()),
                    None => Input::Text(text),
                };
                match conversation {
                    Some(conversation) => {
                        self.send(gateway, conversation, &self.place, &options, input).await
                    }
                    None => self.send_first(tasks, gateway, &options, input).await,
                }
            }
            (Wish::Again(response), Some(conversation)) => {
                let turn = gateway.turn(conversation, response).await?;
                let items = raw(turn.asked.items)?;
                let place = Place::After(turn.after);
                self.send(gateway, conversation, &place, &options, Input::Items(&items)).await
            }
            (Wish::GoOn(response), Some(conversation)) => {
                let turn = gateway.turn(conversation, response).await?;
                let items = raw(message::go_on_after(&turn))?;
                let place = Place::After(Some(turn.id));
                self.send(gateway, conversation, &place, &options, Input::Items(&items)).await
            }
            (Wish::Again(_) | Wish::GoOn(_), None) => Err(Refused::Nothing.into()),
        }
    }

    /// The files of another turn that go with it, as they were asked there.
    async fn kept_parts(&self, gateway: &OnBehalf) -> Result<Vec<Box<RawValue>>, NotSent> {
        let Some(kept) = &self.kept else { return Ok(Vec::new()) };
        let conversation = self.conversation.as_ref().ok_or_else(Refused::gone)?;
        let turn = gateway.turn(conversation, &kept.turn).await?;
        let parts = files::parts(turn.asked.items_as_they_are());
        let wanted = parts.into_iter().enumerate().filter(|(number, _)| kept.has(*number));
        let wanted: Vec<_> = wanted.map(|(_, part)| part.to_owned()).collect();
        if wanted.len() + self.uploads.len() > files::MOST {
            return Err(NotSent::Unfit(Unfit::TooMany));
        }
        Ok(wanted)
    }

    async fn send(
        &self,
        gateway: &OnBehalf,
        conversation: &ConversationId,
        place: &Place,
        options: &Options,
        input: Input<'_>,
    ) -> Result<Sent, NotSent> {
        let submission = Submission { conversation, place, options, input };
        let (response, following) = gateway.submit(&submission, &self.once).await?;
        Ok(Sent { conversation: conversation.clone(), response, following })
    }

    /// Begins a conversation with it; what is not accepted leaves none.
    async fn send_first(
        &self,
        tasks: &Tasks,
        gateway: &OnBehalf,
        options: &Options,
        input: Input<'_>,
    ) -> Result<Sent, NotSent> {
        let conversation = match gateway.begin(&self.once).await {
            Ok(conversation) => conversation,
            Err(refused) => {
                return Err(first::not_begun(tasks, gateway, &self.once, refused).await);
            }
        };
        match self.send(gateway, &conversation, &Place::Newest, options, input).await {
            Err(NotSent::Refused(refused)) => {
                Err(first::not_taken(tasks, gateway, conversation, refused).await)
            }
            sent => sent,
        }
    }

    /// The same as they are shown, if they can be read.
    async fn kept_files(&self, gateway: &OnBehalf) -> Option<KeptFiles> {
        let (kept, conversation) = (self.kept.as_ref()?, self.conversation.as_ref()?);
        let turn = gateway.turn(conversation, &kept.turn).await.ok()?;
        let files =
            turn.asked.files.into_iter().enumerate().filter(|(number, _)| kept.has(*number));
        Some(KeptFiles { turn: kept.turn.clone(), files: files.collect() })
    }

    /// The page as it was, with what was written in it, and why it was not sent.
    async fn give_back(
        self,
        served: &Served,
        gateway: &OnBehalf,
        look: Look,
        why: NotSent,
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
        chat.kept = self.kept_files(gateway).await;
        if chat.open.is_some() || chat.belongs_to.is_some() {
            chat.place = self.place;
        }
        (chat.draft, chat.options) = (self.draft, self.options);
        if why.may_have_been_done() {
            // Sent again as it is, it is asked once.
            self.once.as_str().clone_into(&mut chat.once);
        }
        let now = chat::snapshot(served, gateway, &chat).await.unwrap_or_default();
        let names: Vec<&str> = self.uploads.iter().map(Upload::name).collect();
        let words = why.words(&names, self.conversation.is_none());
        problem::with_status(&words, chat.whole(now.as_ref(), Some(&words)))
    }
}

impl NotSent {
    fn may_have_been_done(&self) -> bool {
        matches!(self, Self::Refused(refused) if refused.may_have_been_done())
    }

    /// The same in words; `first`: nothing was said before. No page can give files back.
    fn words(&self, files: &[&str], first: bool) -> Words {
        match self {
            Self::Refused(refused) | Self::NotTaken(refused) if first => {
                Words::of_a_first_question(refused, files)
            }
            Self::Refused(refused) | Self::NotTaken(refused) => {
                Words::of_refusal_with_files(refused, files)
            }
            Self::Unfit(unfit) => Words::of_files(unfit, files),
        }
    }
}

impl From<Refused> for NotSent {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

impl From<Unfit> for NotSent {
    fn from(unfit: Unfit) -> Self {
        Self::Unfit(unfit)
    }
}

fn raw(items: String) -> Result<Box<RawValue>, Refused> {
    RawValue::from_string(items).map_err(|_json| Refused::Unreadable)
}
