//! `GET /`: an empty conversation.

use axum::extract::State;
use axum::response::{IntoResponse, Redirect};

use super::Served;
use super::view::Chat;
use crate::conversation::Conversation;
use crate::error::Words;
use crate::paths;
use crate::preset::Preset;

/// `GET /`
pub(crate) async fn show(State(served): State<Served>) -> impl IntoResponse {
    let models = served.gateway.models().await;
    let chat = Chat {
        model: models.first().unwrap_or_default().to_owned(),
        assets: served.assets,
        conversation: Conversation::default(),
        preset: Preset::default(),
        draft: String::new(),
        note: None,
        models,
    };
    let missing = !chat.models.are_listed() || chat.models.names().is_empty();
    // The page itself is fine: its status is not that of the gateway.
    chat.whole(missing.then(Words::no_models).as_ref())
}

/// `GET` where only `POST` makes sense, as when an address is opened again.
pub(crate) async fn go_home() -> Redirect {
    Redirect::to(paths::HOME)
}
