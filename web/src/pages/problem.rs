//! Pages that say that something is not possible.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use maud::html;
use service_runtime::Foreign;

use super::Served;
use crate::assets::Assets;
use crate::error::Words;
use crate::layout::Shell;
use crate::look::Look;
use crate::texts::{self, errors};
use crate::{components, layout, paths};

/// A page of words, with their status.
pub(crate) fn page(assets: &Assets, words: &Words) -> Response {
    let content = html! {
        h1.unseen { (texts::shell::NOT_POSSIBLE) }
        (components::alert_region(Some(words)))
        p { a href=(paths::HOME) { (texts::shell::TO_THE_CHAT) } }
    };
    let shell = Shell { assets, look: Look::here(), title: "", skips: layout::TO_THE_CONTENT };
    with_status(words, layout::page(&shell, &content))
}

/// A response with the status that the words have.
pub(crate) fn with_status(words: &Words, response: impl IntoResponse) -> Response {
    let mut response = (words.status, response).into_response();
    if let Some(wait) = words.retry_after
        && let Ok(seconds) = HeaderValue::from_str(&wait.as_secs().to_string())
    {
        response.headers_mut().insert(RETRY_AFTER, seconds);
    }
    response
}

/// Any other address.
pub(crate) async fn not_found(State(served): State<Served>) -> Response {
    let words = Words::new(StatusCode::NOT_FOUND, errors::NO_SUCH_PAGE, errors::CHAT_ELSEWHERE);
    page(&served.assets, &words)
}

/// What axum refuses by itself, in plain text, is an address with a name in it that is none.
pub(crate) async fn in_words(State(served): State<Served>, response: Response) -> Response {
    let plain = response
        .headers()
        .get(CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if response.status() == StatusCode::BAD_REQUEST && plain {
        return page(&served.assets, &Words::no_such_chat());
    }
    response
}

/// A page under a name that is not ours: another site may have made it up.
pub(crate) fn refused_host(assets: &Assets, foreign: &Foreign) -> Response {
    let words = Words::new(
        StatusCode::FORBIDDEN,
        errors::OTHER_ADDRESS,
        errors::allow_name(foreign.variable()),
    );
    page(assets, &words)
}

/// A form that another site sends in the name of our reader.
pub(crate) fn refused_origin(assets: &Assets) -> Response {
    let words = Words::new(StatusCode::FORBIDDEN, errors::FOREIGN_SITE, errors::WRITE_IT_HERE);
    page(assets, &words)
}
