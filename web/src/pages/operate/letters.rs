//! Dead letters: what nobody could do, with the reason, and what can be done about it.

use axum::extract::{Extension, Query, State};
use axum::response::{IntoResponse, Response};
use http::HeaderMap;
use maud::{Markup, html};
use serde::Deserialize;

use super::super::Served;
use super::act::Act;
use super::tables::{Column, Kind, Row, name, section, table};
use super::{Visit, show, sign_in};
use crate::components::{self, count, optional, when};
use crate::cookie::Way;
use crate::gateway_client::Refused;
use crate::layout::{OperatorsPage, operators_page};
use crate::operate::{DeadLetter, LetterId, Overview};
use crate::paths;

/// On one page.
const ON_A_PAGE: usize = 20;

/// What an address may say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    after: Option<String>,
    /// What was just done, and with which letter.
    done: Option<String>,
    id: Option<String>,
    response: Option<String>,
}

/// `GET /operate/dead-letters`
pub(super) async fn list(
    State(served): State<Served>,
    Query(asked): Query<Asked>,
    Extension(way): Extension<Way>,
    headers: HeaderMap,
) -> Response {
    let visit = Visit::of(&served, &headers, way);
    let after = asked.after.as_deref().and_then(LetterId::read);
    let letters = match visit.gateway.dead_letters(ON_A_PAGE, after.as_ref()).await {
        Ok(letters) => letters,
        Err(Refused::Key(trouble)) => {
            let response = sign_in::wanted(&served, &visit, trouble);
            visit.refused(&served, &Refused::Key(trouble));
            return response;
        }
        Err(refused) => return show::silence(&served, &visit, &refused).into_response(),
    };
    let last = letters.data.last().and_then(|letter| LetterId::read(&letter.id));
    let now = now(&letters.data);
    let content = html! {
        h1 { "Dead letters" }
        p { "Work that was given up, the newest first. Whoever asked for it was told so, if they were still there." }
        @if let Some(words) = done(&asked) { (components::note(&words)) }
        (rows("Dead letters", Some(&letters.data), now))
        @if let (true, Some(last)) = (letters.has_more, last) {
            p { a href={ (paths::DEAD_LETTERS) "?after=" (last) } { "Older ones" } }
        }
        p { a href=(paths::OPERATE) { "To the state of everything" } }
    };
    let (level, live, signed_in) = (None, false, visit.signed_in);
    let page = OperatorsPage { title: "Dead letters · Operate", level, live, signed_in, content };
    operators_page(&served.assets, &page).into_response()
}

/// Times on this page are told from the newest letter on, where no clock of the gateway is told.
fn now(letters: &[DeadLetter]) -> Option<f64> {
    let told = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).ok()?;
    let newest = letters.iter().filter_map(|letter| letter.created_at).fold(0.0, f64::max);
    Some(told.as_secs_f64().max(newest))
}

/// What was just done. Words of ours: anybody can write an address.
fn done(asked: &Asked) -> Option<String> {
    let id = LetterId::read(asked.id.as_deref()?)?;
    let response = asked.response.as_deref().filter(|response| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        response.len() <= 100 && response.bytes().all(plain)
    });
    Some(match (asked.done.as_deref()?, response) {
        ("redrive", Some(response)) => {
            format!("Dead letter {id} was sent again, as the response {response}.")
        }
        ("redrive", None) => format!("Dead letter {id} was sent again."),
        ("delete", _) => format!("Dead letter {id} was deleted."),
        _ => return None,
    })
}

/// The newest of them, on the page of everything.
pub(super) fn recent(overview: &Overview) -> Markup {
    let letters = overview.dead_letters.as_ref();
    let recent = letters.map(|letters| letters.recent.as_slice());
    let kept = letters.and_then(|letters| letters.kept).unwrap_or_default();
    let shown = recent.map_or(0, <[_]>::len);
    let content = html! {
        (rows("The newest dead letters", recent, Some(overview.at)))
        @if kept > shown as f64 {
            p { a href=(paths::DEAD_LETTERS) { "All " (count(kept)) " dead letters" } }
        }
    };
    section("dead-letters", "Dead letters", &content)
}

fn rows(caption: &str, letters: Option<&[DeadLetter]>, now: Option<f64>) -> Markup {
    let columns = [
        Column("Letter", Kind::Text),
        Column("Reason", Kind::Text),
        Column("What can be done", Kind::Text),
        Column("Given up", Kind::Text),
        Column("Model", Kind::Text),
        Column("Lane", Kind::Text),
        Column("Attempts", Kind::Number),
        Column("Job", Kind::Text),
    ];
    table(caption, &columns, letters, "Nothing was given up.", |letter| {
        Row(
            letter.id.clone(),
            vec![
                name(&letter.id),
                html! { span.reason { (letter.reason) } },
                acts(letter),
                when(letter.created_at, now.unwrap_or_default()),
                name(&letter.model),
                html! { (letter.queue) "/" (letter.lane) },
                html! { (optional(letter.attempts, count)) },
                name(&letter.job_id),
            ],
        )
    })
}

fn acts(letter: &DeadLetter) -> Markup {
    let Some(id) = LetterId::read(&letter.id) else { return html! {} };
    let of_letter = |words: &str| html! { (words) span.unseen { " dead letter " (id) } };
    html! {
        span.acts {
            @if letter.can_redrive {
                a.button href=(paths::dead_letter(&id, Act::Redrive.word())) { (of_letter("Send again…")) }
            } @else if !letter.why_not.is_empty() {
                span.why-not { (letter.why_not) }
            }
            a.button href=(paths::dead_letter(&id, Act::Delete.word())) { (of_letter("Delete…")) }
        }
    }
}
