//! `GET /settings`: what a reader can set, each kept in a cookie of this browser.

use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse, Redirect, Response};
use http::header::{HeaderValue, SET_COOKIE};
use maud::{Markup, html};
use serde::Deserialize;

use super::{Served, form, problem};
use crate::cookie::Way;
use crate::error::Words;
use crate::layout::{self, Shell};
use crate::look::{Aloud, Enter, Look, Setting, Theme};
use crate::paths;
use crate::texts;

/// The setting that was picked.
#[derive(Debug, Deserialize)]
pub(crate) struct Picked {
    theme: Option<String>,
    enter: Option<String>,
    aloud: Option<String>,
}

/// `GET /settings`
pub(crate) async fn show(State(served): State<Served>, look: Look) -> Response {
    let (title, skips) = (texts::settings::TITLE, layout::TO_THE_CONTENT);
    let shell = Shell { assets: &served.assets, look, title, skips };
    layout::page(&shell, &content(look)).into_response()
}

/// What the page is about.
pub(super) fn content(look: Look) -> Markup {
    html! {
        h1 { (texts::settings::TITLE) }
        section.settings aria-labelledby="looks" {
            h2 #looks { (texts::settings::COLOURS) }
            (choice("theme", look.theme))
        }
        section.settings aria-labelledby="enter" {
            h2 #enter { (texts::settings::ENTER) }
            (choice("enter", look.enter))
        }
        section.settings aria-labelledby="aloud" {
            h2 #aloud { (texts::settings::ALOUD) }
            (choice("aloud", look.aloud))
            p.fine { (texts::settings::ABOUT_ALOUD) }
        }
    }
}

/// One of a few, of which one is picked.
fn choice<S: Setting>(name: &str, picked: S) -> Markup {
    html! {
        form.look method="post" action=(paths::LOOK) {
            @for one in S::ALL {
                button.button type="submit" name=(name) value=(one.value()) aria-pressed=(*one == picked) { (one.label()) }
            }
        }
    }
}

/// `POST /look`
pub(crate) async fn pick(
    State(served): State<Served>,
    Extension(way): Extension<Way>,
    request: Request,
) -> Response {
    let Picked { theme, enter, aloud } = match form::read(&served.room, request).await {
        Ok(picked) => picked,
        Err(status) => return problem::page(&served.assets, &Words::of_form(status)),
    };
    let mut response = Redirect::to(paths::SETTINGS).into_response();
    let cookies = [
        cookie_of::<Theme>(theme, way),
        cookie_of::<Enter>(enter, way),
        cookie_of::<Aloud>(aloud, way),
    ];
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// Where only `POST` makes sense, as when an address is opened again.
pub(crate) async fn go_there() -> Redirect {
    Redirect::to(paths::SETTINGS)
}

fn cookie_of<S: Setting>(picked: Option<String>, way: Way) -> Option<HeaderValue> {
    S::from_field(&picked?).to_cookie(way)
}
