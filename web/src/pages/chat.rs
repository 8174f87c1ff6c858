//! `GET /`: an empty conversation.

use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Redirect};

use super::Served;
use super::view::Chat;
use crate::conversation::Conversation;
use crate::error::Words;
use crate::paths;
use crate::preset::Preset;
use crate::session::Owner;

/// `GET /`
pub(crate) async fn show(
    State(served): State<Served>,
    Extension(owner): Extension<Owner>,
) -> impl IntoResponse {
    let models = served.gateway.on_behalf_of(owner).models().await;
    let chat = Chat {
        model: models.first().unwrap_or_default().to_owned(),
        assets: served.assets,
        conversation: Conversation::default(),
        preset: Preset::default(),
        draft: String::new(),
        note: None,
        models,
    };
    // The page itself is fine: its status is not that of the gateway.
    chat.whole(Words::of_models(&chat.models).as_ref())
}

/// `GET` where only `POST` makes sense, as when an address is opened again.
pub(crate) async fn go_home() -> Redirect {
    Redirect::to(paths::HOME)
}
