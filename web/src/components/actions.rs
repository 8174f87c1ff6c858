//! What can be done with a turn: forms and links, which need no script.

use maud::{Markup, PreEscaped, html};

use crate::conversation::{Thumb, Turn};
use crate::ids::{ConversationId, ResponseId};
use crate::paths;
use crate::texts;

/// What can be done with an answer that is over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Actions<'a> {
    pub(crate) conversation: &'a ConversationId,
    pub(crate) response: &'a ResponseId,
    /// Whether it was cut, and can be gone on with.
    pub(crate) is_cut: bool,
    pub(crate) may_be_asked_again: bool,
    /// What its reader thinks of it.
    pub(crate) thumb: Option<Thumb>,
    /// Whether to ask again is what helps.
    pub(crate) has_failed: bool,
}

/// The buttons below an answer. They send the composer's form: what is picked there counts. Of one
/// that has failed, to ask again stands out, and first.
pub(crate) fn actions(of: &Actions<'_>) -> Markup {
    let response = of.response.as_str();
    html! {
        div.tools {
            @if of.has_failed { (again(of)) }
            button.tool data-copy="" type="button" hidden { (texts::answers::COPY) }
            @if !of.has_failed { (again(of)) }
            @if of.is_cut {
                button.tool type="submit" form="composer" name="go_on" value=(response) formnovalidate {
                    (texts::answers::GO_ON)
                }
            }
            (thumbs(of))
        }
    }
}

fn again(of: &Actions<'_>) -> Markup {
    let response = of.response.as_str();
    html! {
        @if of.may_be_asked_again {
            button.tool.first[of.has_failed] type="submit" form="composer" name="again" value=(response) formnovalidate {
                (texts::answers::TRY_AGAIN)
            }
        }
    }
}

/// Two thumbs, of which one may be pressed.
fn thumbs(of: &Actions<'_>) -> Markup {
    let now = of.thumb.map(Thumb::to_field);
    html! {
        form.rate method="post" action=(paths::of(paths::RATE, of.conversation)) {
            input type="hidden" name="answer" value=(of.response);
            input type="hidden" name="now" autocomplete="off" value=(now.unwrap_or_default());
            @for (thumb, name) in [(Thumb::Up, texts::answers::GOOD), (Thumb::Down, texts::answers::BAD)] {
                button.tool type="submit" name="thumb" value=(thumb.to_field()) aria-label=(name) title=(name)
                    aria-pressed=(of.thumb == Some(thumb)) { (hand()) }
            }
        }
    }
}

/// A hand with its thumb up; the style sheet turns it.
fn hand() -> Markup {
    // A constant of ours.
    PreEscaped(
        "<svg viewBox=\"0 0 24 24\" width=\"16\" height=\"16\" aria-hidden=\"true\"><path d=\"M7 \
         11v9H4v-9zl4-8c1.6 0 2.6 1.1 2.3 2.7L12.7 9H19c1.3 0 2.3 1.2 2 2.5l-1.6 6.9c-.3 1-1.1 1.6\
         -2.1 1.6H7\" fill=\"none\" stroke=\"currentColor\" stroke-width=\"1.8\" \
         stroke-linejoin=\"round\"/></svg>"
            .to_owned(),
    )
}

/// The ways to the other versions of a question or its answer.
pub(crate) fn versions(turn: &Turn, conversation: &ConversationId) -> Markup {
    let Some(at) = turn.siblings.iter().position(|one| *one == turn.id) else { return html! {} };
    let (count, number) = (turn.siblings.len(), at + 1);
    let version = |at: Option<usize>| at.and_then(|at| turn.siblings.get(at));
    html! {
        @if count > 1 {
            nav.versions aria-label=(texts::chat::VERSIONS) {
                (step(version(at.checked_sub(1)), conversation, texts::chat::VERSION_BEFORE, "‹"))
                span { (texts::chat::version(number, count)) }
                (step(version(Some(number)), conversation, texts::chat::NEXT_VERSION, "›"))
            }
        }
    }
}

fn step(to: Option<&ResponseId>, conversation: &ConversationId, name: &str, sign: &str) -> Markup {
    html! {
        @match to {
            Some(to) => a.tool href=(paths::version(conversation, to)) aria-label=(name) { (sign) },
            None => span.tool aria-hidden="true" { (sign) },
        }
    }
}
