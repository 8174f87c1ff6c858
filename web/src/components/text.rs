//! What the page itself says: notes, errors, and what a model asked for.

use maud::{Markup, html};

use crate::error::{Action, Words};
use crate::paths;
use crate::texts;

/// The place where errors are announced. It is there from the first byte, so that screen readers
/// know it before it speaks.
pub(crate) fn alert_region(words: Option<&Words>) -> Markup {
    html! {
        div #alert.alert role="alert" {
            @if let Some(words) = words { (alert(words)) }
        }
    }
}

/// What went wrong, and what to do.
pub(crate) fn alert(words: &Words) -> Markup {
    html! {
        p data-passes[words.action == Action::Wait] { strong { (words.what) } " " (advice(words)) }
        @if words.action == Action::StartAnew {
            a.button href=(paths::HOME) { (texts::errors::START_ANEW) }
        }
    }
}

/// Where it says when, a script counts down beside it, and then says that it is time.
fn advice(words: &Words) -> Markup {
    let wait = words.retry_after.map(|wait| wait.as_secs());
    let counts = words.advice == texts::errors::again_after(words.retry_after);
    html! {
        @match wait.filter(|seconds| counts && *seconds > 1) {
            Some(seconds) => span data-wait=(seconds) data-then=(texts::errors::NOW_AGAIN) { (words.advice) },
            None => (words.advice),
        }
    }
}

/// A remark below an answer, which is not part of it.
pub(crate) fn note(text: &str) -> Markup {
    html! { p.note { (text) } }
}

/// That an answer broke off, and why.
pub(crate) fn interrupted(reason: &str) -> Markup {
    html! { p.note.wrong { (texts::answers::interrupted(reason)) } }
}

/// The same of one that cannot be read for now: it may be there when the page is loaded again.
pub(crate) fn unreadable(reason: &str) -> Markup {
    html! {
        p.note.wrong {
            (texts::answers::interrupted(reason)) " "
            // This very page.
            a href="" { (texts::answers::LOAD_AGAIN) }
        }
    }
}

/// A call of a tool that the model asks for. Nothing here carries it out.
pub(crate) fn tool_call(name: &str, arguments: &str) -> Markup {
    html! {
        details.aside open {
            summary { (texts::answers::ASKS_FOR_TOOL) " " code { (name) } }
            @if !arguments.trim().is_empty() {
                div.code { pre tabindex="0" role="group" aria-label=(texts::answers::ARGUMENTS) { code { (arguments) } } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn text_is_never_html() {
        let words = Words::new(StatusCode::BAD_GATEWAY, "<script>", "<script>");
        for markup in [
            alert_region(Some(&words)),
            note("<script>"),
            interrupted("<script>"),
            unreadable("<script>"),
            tool_call("<script>", "<script>"),
        ] {
            let html = markup.into_string();
            assert!(html.contains("&lt;script&gt;") && !html.contains("<script>"), "{html}");
        }
    }
}
