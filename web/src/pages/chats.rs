//! `GET /chats`: every conversation, to be found, renamed and deleted.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Extension, Query, State};
use axum::response::{IntoResponse, Response};
use maud::{Markup, html};
use serde::Deserialize;

use super::{Served, problem};
use crate::components;
use crate::conversation::{Line, Listed};
use crate::error::Words;
use crate::gateway_client::Wanted;
use crate::ids::ConversationId;
use crate::layout::{self, Shell};
use crate::look::Look;
use crate::paths;
use crate::session::Owner;
use crate::texts;

/// How many a page has.
const PAGE: usize = 50;
/// Longest text that is looked for.
const LONGEST_SOUGHT: usize = 200;

/// Which of them.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    find: String,
    #[serde(default)]
    after: Option<ConversationId>,
}

/// `GET /chats`
pub(crate) async fn list(
    State(served): State<Served>,
    Extension(owner): Extension<Owner>,
    asked: Result<Query<Asked>, QueryRejection>,
    look: Look,
) -> Response {
    // What cannot be read asks for nothing.
    let Query(asked) = asked.unwrap_or_default();
    let sought: String = asked.find.trim().chars().take(LONGEST_SOUGHT).collect();
    let search = (!sought.is_empty()).then_some(sought.as_str());
    let wanted = Wanted { limit: PAGE, after: asked.after.as_ref(), search };
    let listed = match served.gateway.on_behalf_of(owner).conversations(&wanted).await {
        Ok(listed) => listed,
        Err(refused) => return problem::page(&served.assets, &Words::of_refusal(&refused)),
    };
    let skips = layout::TO_THE_CONTENT;
    let shell = Shell { assets: &served.assets, look, title: texts::chats::TITLE, skips };
    layout::page(&shell, &content(&listed, search)).into_response()
}

/// What the page is about.
pub(super) fn content(listed: &Listed, search: Option<&str>) -> Markup {
    html! {
        h1 { (texts::chats::TITLE) }
        (components::find_form(search))
        (found(listed, search))
        (more(listed, search))
        // At the top there is no room for it on a phone.
        p { a href=(paths::SETTINGS) { (texts::shell::SETTINGS) } }
        @if !listed.data.is_empty() || search.is_some() {
            p { a.danger href=(paths::DELETE_ALL) { (texts::chats::DELETE_ALL_CHATS) } }
        }
    }
}

fn found(listed: &Listed, search: Option<&str>) -> Markup {
    html! {
        @match (listed.data.len(), search) {
            (0, None) => p { (texts::chats::NONE_YET) " " a href=(paths::HOME) { (texts::chats::BEGIN_ONE) } "." },
            (0, Some(text)) => p role="status" { (texts::chats::NOTHING_FOUND.0) bdi { (text) } (texts::chats::NOTHING_FOUND.1) },
            (count, Some(text)) => {
                @let (before, behind) = texts::chats::found(count);
                p.fine role="status" { (before) bdi { (text) } (behind) }
            },
            _ => {},
        }
        @if listed.search_complete == Some(false) {
            p.fine { (texts::chats::NOT_ALL_SOUGHT) }
        }
        ul.chats.long {
            @for line in &listed.data { (row(line)) }
        }
    }
}

fn row(line: &Line) -> Markup {
    let name = line.name();
    html! {
        li {
            (components::link(line, None))
            a.tool href=(paths::of(paths::RENAME, &line.id)) aria-label=(texts::chats::rename(name)) { (texts::chats::RENAME) }
            a.tool href=(paths::of(paths::DELETE, &line.id)) aria-label=(texts::chats::delete(name)) { (texts::chats::DELETE) }
        }
    }
}

fn more(listed: &Listed, search: Option<&str>) -> Markup {
    let last = listed.data.last().filter(|_| listed.has_more);
    html! {
        @if let Some(last) = last {
            form action=(paths::CHATS) {
                @if let Some(text) = search { input type="hidden" name="find" value=(text); }
                button.button type="submit" name="after" value=(last.id) { (texts::chats::OLDER) }
            }
        }
    }
}
