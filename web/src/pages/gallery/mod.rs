//! `GET /gallery`: every piece of the pages in every state, with what could be in it made up. For
//! whoever works on them; with `WEB_GALLERY=on` alone.
//!
//! A state of a page is a page of its own, made as the real one is: by `view`, `streamed` and the
//! components. What stands in it is in `samples`. Forms lead to the real pages.

mod parts;
mod samples;
mod scenes;

use std::time::Duration;

use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use futures::{StreamExt as _, stream};
use tokio::time::sleep;

use super::chat::stream_of;
use super::{Served, problem};
use crate::look::Look;
use crate::paths;
use scenes::{SCENES, Stage};

/// So long an answer that is being written says nothing, before the script comes again.
const SILENT_FOR: Duration = Duration::from_secs(5);

/// The pages of the gallery.
pub(super) fn routes() -> Router<Served> {
    Router::new()
        .route(paths::GALLERY, get(index))
        .route(paths::SCENE, get(scene))
        .route(&paths::LIVE.replace("{conversation}", samples::CONVERSATION), get(silence))
}

/// `GET /gallery`
async fn index(State(served): State<Served>, look: Look) -> Response {
    parts::page(&Stage { assets: &served.assets, look }).into_response()
}

/// `GET /gallery/{scene}`
async fn scene(State(served): State<Served>, Path(name): Path<String>, look: Look) -> Response {
    let stage = Stage { assets: &served.assets, look };
    let scene = SCENES.iter().find(|scene| scene.name == name);
    match scene.and_then(|scene| (scene.page)(&stage)) {
        Some(page) => page.into_response(),
        None => problem::not_found(State(served)).await,
    }
}

/// An answer that is being written, and stays as it is.
async fn silence() -> Response {
    let begin = stream::iter(["retry: 100\n\n".to_owned()]);
    let end = stream::once(async {
        sleep(SILENT_FOR).await;
        String::new()
    });
    stream_of("text/event-stream", begin.chain(end))
}
