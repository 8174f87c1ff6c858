//! Asks for an operator's key, and keeps it as long as they come back.

use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use serde::Deserialize;

use super::super::{Served, form, problem};
use super::Visit;
use super::show;
use crate::cookie::Way;
use crate::error::Words;
use crate::gateway_client::{ApiKey, KeyTrouble, Refused};
use crate::layout::{OperatorsPage, operators_page};
use crate::operate::{COOKIE, Ticket};
use crate::{components, paths};

/// The form's field.
#[derive(Deserialize)]
struct Fields {
    key: String,
}

/// `POST /operate/sign-in`
pub(super) async fn sign_in(
    State(served): State<Served>,
    Extension(way): Extension<Way>,
    request: Request,
) -> Response {
    let visit = Visit::of(&served, request.headers(), way);
    let fields: Fields = match form::read(&served.room, request).await {
        Ok(fields) => fields,
        Err(status) => return problem::page(&served.assets, &Words::of_form(status)),
    };
    let Some(key) = ApiKey::from_field(&fields.key) else {
        return page(&served, Some(&words(KeyTrouble::Unknown)));
    };
    match served.gateway.as_operator(Some(key.clone())).overview().await {
        Ok(_) => {}
        Err(Refused::Key(trouble)) => return page(&served, Some(&words(trouble))),
        Err(refused) => return show::silence(&served, &visit, &refused).into_response(),
    }
    if let Some(before) = &visit.ticket {
        served.operators.leave(before);
    }
    let ticket = served.operators.enter(key);
    with_cookie(Redirect::to(paths::OPERATE), ticket.as_str(), None, way)
}

/// `POST /operate/sign-out`
pub(super) async fn sign_out(
    State(served): State<Served>,
    Extension(way): Extension<Way>,
    headers: HeaderMap,
) -> Response {
    if let Some(ticket) = Ticket::of(&headers, way) {
        served.operators.leave(&ticket);
    }
    with_cookie(Redirect::to(paths::OPERATE), "", Some(0), way)
}

/// `GET` of where the form goes, as when an address is opened again.
pub(super) async fn go_on() -> Redirect {
    Redirect::to(paths::OPERATE)
}

/// What the gateway says of a key, or of there being none.
pub(super) fn wanted(served: &Served, visit: &Visit, trouble: KeyTrouble) -> Response {
    page(served, visit.signed_in.then(|| words(trouble)).as_ref())
}

fn page(served: &Served, words: Option<&Words>) -> Response {
    let content = html! {
        div.narrow {
            h1 { "Operate" }
            p { "The gateway shows operators how everything is: who waits, which model is slow, what failed. It asks for their key." }
            (components::alert_region(words))
            (key_form())
        }
    };
    let (level, live, signed_in) = (None, false, false);
    let page = OperatorsPage { title: "Sign in to operate", level, live, signed_in, content };
    let page = operators_page(&served.assets, &page);
    match words {
        Some(words) => problem::with_status(words, page),
        None => page.into_response(),
    }
}

fn key_form() -> Markup {
    html! {
        form.sign-in method="post" action=(paths::SIGN_IN) {
            label for="key" { "API key with the scope " code { "operator" } }
            input #key type="password" name="key" required autocomplete="current-password"
                spellcheck="false" autocapitalize="off";
            button.button.primary type="submit" { "Sign in" }
        }
        p.fine { "Made with " code { "chappe keys create my-name --operator" } ". It is kept in this server's memory until you sign out, or have not come back for twelve hours." }
    }
}

fn words(trouble: KeyTrouble) -> Words {
    let (what, advice) = match trouble {
        KeyTrouble::Missing | KeyTrouble::Unknown => {
            ("The gateway does not know this key.", "See whether all of it was copied.")
        }
        KeyTrouble::Revoked => ("This key was revoked.", "Take another one."),
        KeyTrouble::Expired => ("This key has expired.", "Take another one."),
        KeyTrouble::NotOnBehalfOf | KeyTrouble::NotAllowed => {
            ("This key is no operator's.", "It lacks the scope `operator`: take another one.")
        }
    };
    Words::new(StatusCode::FORBIDDEN, what, advice)
}

fn with_cookie(redirect: Redirect, value: &str, seconds: Option<u32>, way: Way) -> Response {
    let mut response = redirect.into_response();
    // Without a time: it ends with the browser, or before that here.
    if let Some(cookie) = COOKIE.set(value, seconds, way) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
