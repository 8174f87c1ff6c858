//! `POST /stop`: ends an answer that a page without a script shows, and shows what was said.

use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;

use super::view::Chat;
use super::{Served, form, problem};
use crate::answer::AnswerId;
use crate::conversation::{Conversation, Mark};
use crate::error::Words;
use crate::preset::Preset;
use crate::session::Owner;

/// The button's form.
#[derive(Debug, Deserialize)]
pub(crate) struct Fields {
    answer: String,
    conversation: String,
    #[serde(default)]
    model: String,
    #[serde(default)]
    preset: String,
}

/// `POST /stop`
pub(crate) async fn stop(
    State(served): State<Served>,
    Extension(owner): Extension<Owner>,
    request: Request,
) -> Response {
    let fields: Fields = match form::read(request).await {
        Ok(fields) => fields,
        Err(status) => return problem::page(&served.assets, &Words::of_form(status)),
    };
    let said = served.running.stop(&AnswerId::from_field(&fields.answer));
    let conversation = match Conversation::from_field(&fields.conversation) {
        Ok(conversation) => conversation,
        Err(unreadable) => return problem::page(&served.assets, &Words::of_unreadable(unreadable)),
    };
    let mut chat = Chat {
        models: served.gateway.on_behalf_of(owner).models().await,
        assets: served.assets,
        conversation,
        model: fields.model,
        preset: Preset::from_field(&fields.preset),
        draft: String::new(),
        note: None,
    };
    chat.close(said);
    chat.whole(None).into_response()
}

impl Chat {
    /// Ends the conversation with what was said to its last question.
    fn close(&mut self, said: Option<String>) {
        match said.filter(|text| !text.trim().is_empty()) {
            Some(text) => {
                let mark = Some(Mark::Note("Stopped.".to_owned()));
                self.conversation.add_answer(text, mark, None);
            }
            // Nothing was said yet, or another replica heard it: the question can be asked again.
            None => {
                self.draft = self.conversation.take_back();
                self.note = Some("Stopped.");
            }
        }
    }
}
