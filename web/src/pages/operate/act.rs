//! Sends a dead letter again or deletes it, once its operator has said so twice.

use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::{HeaderMap, StatusCode};
use maud::html;

use super::super::{Served, problem};
use super::{Visit, show, sign_in};
use crate::components;
use crate::cookie::Way;
use crate::error::Words;
use crate::gateway_client::Refused;
use crate::layout::{OperatorsPage, operators_page};
use crate::operate::{DeadLetter, LetterId};
use crate::paths;

/// How many letters are looked through for the one that is meant.
const LOOKED_THROUGH: usize = 100;

/// What can be done with a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    Redrive,
    Delete,
}

impl Act {
    /// As addresses have it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Redrive => "redrive",
            Self::Delete => "delete",
        }
    }

    fn read(word: &str) -> Option<Self> {
        [Self::Redrive, Self::Delete].into_iter().find(|act| act.word() == word)
    }

    fn title(self) -> &'static str {
        match self {
            Self::Redrive => "Send a dead letter again?",
            Self::Delete => "Delete a dead letter?",
        }
    }

    fn meaning(self) -> &'static str {
        match self {
            Self::Redrive => {
                "It becomes a new response of the same owner with the same input, and is answered in the background. Whoever asked is not told: they were told that it failed."
            }
            Self::Delete => {
                "What was asked is gone then, and cannot be sent again. Its response and its log stay as they are."
            }
        }
    }

    fn button(self) -> &'static str {
        match self {
            Self::Redrive => "Send it again",
            Self::Delete => "Delete it",
        }
    }
}

/// `GET /operate/dead-letters/{id}/{act}`
pub(super) async fn ask(
    State(served): State<Served>,
    Path((id, act)): Path<(String, String)>,
    Extension(way): Extension<Way>,
    headers: HeaderMap,
) -> Response {
    let (Some(id), Some(act)) = (LetterId::read(&id), Act::read(&act)) else {
        return problem::not_found(State(served)).await;
    };
    let visit = Visit::of(&served, &headers, way);
    match visit.gateway.dead_letters(LOOKED_THROUGH, None).await {
        Ok(letters) => {
            let letter = letters.data.into_iter().find(|one| one.id == id.to_string());
            page(&served, &visit, &id, act, letter.as_ref(), None).into_response()
        }
        Err(refused) => not_done(&served, &visit, &id, act, &refused),
    }
}

/// `POST /operate/dead-letters/{id}/{act}`
pub(super) async fn carry_out(
    State(served): State<Served>,
    Path((id, act)): Path<(String, String)>,
    Extension(way): Extension<Way>,
    headers: HeaderMap,
) -> Response {
    let (Some(id), Some(act)) = (LetterId::read(&id), Act::read(&act)) else {
        return problem::not_found(State(served)).await;
    };
    let visit = Visit::of(&served, &headers, way);
    let done = match act {
        Act::Redrive => visit.gateway.redrive(&id).await.map(|done| done.response_id),
        Act::Delete => visit.gateway.delete(&id).await.map(|()| None),
    };
    match done {
        Ok(response) => {
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("done", act.word()).append_pair("id", &id.to_string());
            if let Some(response) = response {
                query.append_pair("response", &response);
            }
            Redirect::to(&format!("{}?{}", paths::DEAD_LETTERS, query.finish())).into_response()
        }
        Err(refused) => not_done(&served, &visit, &id, act, &refused),
    }
}

fn not_done(
    served: &Served,
    visit: &Visit,
    id: &LetterId,
    act: Act,
    refused: &Refused,
) -> Response {
    let words = match refused {
        Refused::Key(trouble) => {
            let response = sign_in::wanted(served, visit, *trouble);
            visit.refused(served, refused);
            return response;
        }
        Refused::Answered { status: 404, .. } => Words::new(
            StatusCode::NOT_FOUND,
            "There is no such dead letter any more.",
            "Somebody else was faster, or it was too old.",
        ),
        Refused::Answered { status: 409, message, .. } => Words::new(
            StatusCode::CONFLICT,
            "This cannot be done.",
            message.clone().unwrap_or_else(|| "The gateway does not say why.".to_owned()),
        ),
        _ => return show::silence(served, visit, refused).into_response(),
    };
    problem::with_status(&words, page(served, visit, id, act, None, Some(&words)))
}

fn page(
    served: &Served,
    visit: &Visit,
    id: &LetterId,
    act: Act,
    letter: Option<&DeadLetter>,
    words: Option<&Words>,
) -> maud::Markup {
    let content = html! {
        div.narrow {
            h1 { (act.title()) }
            (components::alert_region(words))
            dl.facts {
                div { dt { "Letter" } dd { (id) } }
                @if let Some(letter) = letter {
                    @for (name, value) in [
                        ("Model", &letter.model),
                        ("Queue", &letter.queue),
                        ("Lane", &letter.lane),
                        ("Reason", &letter.reason),
                        ("Job", &letter.job_id),
                    ] {
                        @if !value.is_empty() { div { dt { (name) } dd { (value) } } }
                    }
                }
            }
            @if words.is_none() {
                p { (act.meaning()) }
                form.confirm method="post" action=(paths::dead_letter(id, act.word())) {
                    button.button.primary type="submit" { (act.button()) }
                    a.button href=(paths::OPERATE) { "Leave it" }
                }
            } @else {
                p { a href=(paths::DEAD_LETTERS) { "To the dead letters" } }
            }
        }
    };
    let (level, live, signed_in) = (None, false, visit.signed_in);
    let page = OperatorsPage { title: act.title(), level, live, signed_in, content };
    operators_page(&served.assets, &page)
}
