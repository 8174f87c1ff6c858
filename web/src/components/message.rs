//! Questions and answers.

use maud::{Markup, PreEscaped, html};

use super::actions::{Actions, actions, versions};
use super::files::files;
use crate::conversation::Turn;
use crate::ids::{ConversationId, ResponseId};
use crate::paths;
use crate::texts;
use crate::waiting::Waiting;

/// Where a turn stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing<'a> {
    pub(crate) conversation: &'a ConversationId,
    /// The last turn on the way that is shown.
    pub(crate) leaf: &'a ResponseId,
    /// The turn before which those shown end, if that is not the last.
    pub(crate) before: Option<&'a ResponseId>,
}

/// What a person asked: text, as it was written.
pub(crate) fn question(turn: &Turn, standing: Standing<'_>) -> Markup {
    html! {
        li.turn id=(turn.id) {
            article.message data-author="user" {
                h2.unseen { (texts::chat::YOU_SAID) }
                (files(turn, standing.conversation))
                // A question may be files alone.
                @if !turn.asked.text.is_empty() || turn.asked.files.is_empty() {
                    div.body dir="auto" { (turn.asked.text) }
                }
                div.tools {
                    (versions(turn, standing.conversation))
                    a.tool data-edit="" href=(paths::edit(standing.conversation, standing.leaf, standing.before, &turn.id)) {
                        (texts::chat::EDIT)
                    }
                }
            }
        }
    }
}

/// Everything before an answer's own HTML, up to its thoughts.
pub(crate) fn answer_begin(turn: &Turn, busy: Option<&str>) -> Markup {
    let model = turn.options.model.as_str();
    html! {
        // The elements that `answer_end` closes.
        (PreEscaped("<li class=\"turn\">"))
        @match busy {
            // A script tells its reader itself, and not with every word.
            Some(live) => (PreEscaped(format!(
                "<article class=\"message\" data-author=\"assistant\" aria-busy=\"true\" aria-live=\"off\" {live}>"
            ))),
            None => (PreEscaped("<article class=\"message\" data-author=\"assistant\">")),
        }
        h2.unseen { (texts::answers::said_by(model)) }
    }
}

/// What stands there until the first word. Then a script gives the window its `title`, if there is
/// one: until then it says that something is waited for.
pub(crate) fn waiting(why: Waiting, title: Option<&str>) -> Markup {
    html! { p.waiting data-kind=(why.kind()) data-title=[title] { (why.words()) } }
}

/// What a model thought before it answered.
pub(crate) fn thoughts(text: &str) -> Markup {
    html! {
        details.aside.thoughts {
            summary { (texts::answers::THOUGHTS) }
            div.thought dir="auto" { (text) }
        }
    }
}

/// Where an answer's own HTML begins, and where it ends.
pub(crate) const BODY: &str = "<div class=\"body\" dir=\"auto\">";
pub(crate) const BODY_ENDS: &str = "</div>";

/// What can be done with an answer that is over, and everything after it.
pub(crate) fn answer_end(can: Option<&Actions<'_>>) -> Markup {
    html! {
        @if let Some(can) = can { (actions(can)) }
        (PreEscaped("</article></li>"))
    }
}

/// The place for what a model thinks before it answers, open at its end.
pub(crate) fn thoughts_begin() -> Markup {
    html! {
        (PreEscaped("<details class=\"aside thoughts\"><summary>"))
        (texts::answers::THOUGHTS)
        (PreEscaped("</summary><div class=\"thought\" dir=\"auto\">"))
    }
}

/// The end of that place.
pub(crate) fn thoughts_end() -> Markup {
    PreEscaped("</div></details>".to_owned())
}
