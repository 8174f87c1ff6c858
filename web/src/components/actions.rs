//! What can be done with a turn: forms and links, which need no script.

use maud::{Markup, html};

use crate::conversation::Turn;
use crate::ids::{ConversationId, ResponseId};
use crate::paths;
use crate::texts;

/// What can be done with an answer that is over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Actions<'a> {
    pub(crate) response: &'a ResponseId,
    /// Whether it was cut, and can be gone on with.
    pub(crate) is_cut: bool,
    pub(crate) may_be_asked_again: bool,
}

/// The buttons below an answer. They send the composer's form: what is picked there counts.
pub(crate) fn actions(of: &Actions<'_>) -> Markup {
    let response = of.response.as_str();
    html! {
        div.tools {
            button.tool data-copy="" type="button" hidden { (texts::answers::COPY) }
            @if of.may_be_asked_again {
                button.tool type="submit" form="composer" name="again" value=(response) formnovalidate {
                    (texts::answers::TRY_AGAIN)
                }
            }
            @if of.is_cut {
                button.tool type="submit" form="composer" name="go_on" value=(response) formnovalidate {
                    (texts::answers::GO_ON)
                }
            }
        }
    }
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
            Some(to) => a.tool href=(paths::turn(conversation, to)) aria-label=(name) { (sign) },
            None => span.tool aria-hidden="true" { (sign) },
        }
    }
}
