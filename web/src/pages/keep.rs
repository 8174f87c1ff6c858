//! Names and deletes conversations. What cannot be taken back is asked for twice.

use std::collections::HashSet;

use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::StatusCode;
use maud::Markup;
use serde::Deserialize;

use super::{Served, form, problem};
use crate::components::{self, LONGEST_TITLE};
use crate::conversation::Line;
use crate::error::Words;
use crate::gateway_client::{OnBehalf, Refused, Wanted};
use crate::ids::ConversationId;
use crate::layout::{self, Shell};
use crate::look::Look;
use crate::paths;
use crate::session::Owner;
use crate::texts::{self, errors};
use crate::unseen;

/// How many are deleted with one look.
const AT_ONCE: usize = 100;
/// How many of them side by side: most of the time of each is a wait.
const SIDE_BY_SIDE: usize = 8;

#[derive(Debug, Deserialize)]
pub(crate) struct Title {
    #[serde(default)]
    title: String,
}

/// `GET /c/{conversation}/rename`
pub(crate) async fn ask_for_name(
    State(served): State<Served>,
    Extension(owner): Extension<Owner>,
    Path(conversation): Path<String>,
    look: Look,
) -> Response {
    let title = texts::chats::RENAME_ONE;
    with_line(&served, owner, &conversation, look, title, components::ask_for_name).await
}

/// `POST /c/{conversation}/rename`
pub(crate) async fn name(
    State(served): State<Served>,
    Extension(owner): Extension<Owner>,
    Path(conversation): Path<String>,
    request: Request,
) -> Response {
    let (Ok(conversation), title) =
        (conversation.parse(), form::read::<Title>(&served.room, request).await)
    else {
        return problem::page(&served.assets, &Words::no_such_chat());
    };
    let title = match title {
        Ok(Title { title }) => unseen::seen(&title),
        Err(status) => return problem::page(&served.assets, &Words::of_form(status)),
    };
    let Some(title) = title else {
        let words = Words::new(StatusCode::BAD_REQUEST, errors::NEEDS_NAME, errors::WRITE_ONE);
        return problem::page(&served.assets, &words);
    };
    let title: String = title.chars().take(LONGEST_TITLE).collect();
    let named = served.gateway.on_behalf_of(owner).rename(&conversation, &title).await;
    let to = paths::of(paths::CONVERSATION, &conversation);
    named.map_or_else(|refused| refuse(&served, &refused), |()| Redirect::to(&to).into_response())
}

/// `GET /c/{conversation}/delete`
pub(crate) async fn ask_to_delete(
    State(served): State<Served>,
    Extension(owner): Extension<Owner>,
    Path(conversation): Path<String>,
    look: Look,
) -> Response {
    let title = texts::chats::DELETE_ONE;
    with_line(&served, owner, &conversation, look, title, components::ask_to_delete).await
}

/// `POST /c/{conversation}/delete`
pub(crate) async fn delete(
    State(served): State<Served>,
    Extension(owner): Extension<Owner>,
    Path(conversation): Path<String>,
) -> Response {
    let Ok(conversation) = conversation.parse() else {
        return problem::page(&served.assets, &Words::no_such_chat());
    };
    let deleted = served.gateway.on_behalf_of(owner).delete(&conversation).await;
    deleted.map_or_else(
        |refused| refuse(&served, &refused),
        |()| Redirect::to(paths::CHATS).into_response(),
    )
}

/// `GET /chats/delete`
pub(crate) async fn ask_to_delete_all(State(served): State<Served>, look: Look) -> Response {
    let title = texts::chats::DELETE_ALL_ASKED;
    let shell = Shell { assets: &served.assets, look, title, skips: layout::TO_THE_CONTENT };
    layout::page(&shell, &components::ask_to_delete_all()).into_response()
}

/// `POST /chats/delete`
pub(crate) async fn delete_all(
    State(served): State<Served>,
    Extension(owner): Extension<Owner>,
) -> Response {
    let gateway = served.gateway.on_behalf_of(owner);
    match delete_each(&gateway).await {
        Ok(()) => Redirect::to(paths::HOME).into_response(),
        Err(refused) => refuse(&served, &refused),
    }
}

async fn delete_each(gateway: &OnBehalf) -> Result<(), Refused> {
    let wanted = Wanted { limit: AT_ONCE, ..Wanted::default() };
    let mut deleted = HashSet::new();
    loop {
        let listed = gateway.conversations(&wanted).await?.data;
        let left = listed.into_iter().map(|line| line.id).filter(|id| !deleted.contains(id));
        let left: Vec<_> = left.collect();
        if left.is_empty() {
            return Ok(());
        }
        let deletions = stream::iter(left.into_iter().map(|id| delete_one(gateway.clone(), id)));
        let gone: Vec<_> = deletions.buffer_unordered(SIDE_BY_SIDE).try_collect().await?;
        deleted.extend(gone);
    }
}

async fn delete_one(gateway: OnBehalf, id: ConversationId) -> Result<ConversationId, Refused> {
    gateway.delete(&id).await?;
    Ok(id)
}

/// A page about one conversation.
async fn with_line(
    served: &Served,
    owner: Owner,
    conversation: &str,
    look: Look,
    title: &str,
    content: impl FnOnce(&Line) -> Markup,
) -> Response {
    let Ok(conversation) = conversation.parse::<ConversationId>() else {
        return problem::page(&served.assets, &Words::no_such_chat());
    };
    match served.gateway.on_behalf_of(owner).conversation(&conversation).await {
        Ok(line) => {
            let skips = layout::TO_THE_CONTENT;
            let shell = Shell { assets: &served.assets, look, title, skips };
            layout::page(&shell, &content(&line)).into_response()
        }
        Err(refused) => refuse(served, &refused),
    }
}

fn refuse(served: &Served, refused: &Refused) -> Response {
    let words = match refused {
        Refused::Answered { status: 404, .. } => Words::no_such_chat(),
        refused => Words::of_refusal(refused),
    };
    problem::page(&served.assets, &words)
}
