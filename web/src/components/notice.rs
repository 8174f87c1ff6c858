//! What a person reads before the first question.

use maud::{Markup, PreEscaped, html};

use crate::conversation::Line;
use crate::ids::ResponseId;
use crate::paths;
use crate::texts;

/// The sign of the house: Chappe's telegraph, one beam with two arms.
pub(crate) fn mark() -> Markup {
    // A constant of ours.
    PreEscaped(
        "<svg class=\"mark\" viewBox=\"0 0 24 24\" width=\"24\" height=\"24\" aria-hidden=\"true\">\
         <path d=\"M12 22V9M6 12l12-6M6 12l-3-5M18 6l3 5\" fill=\"none\" stroke=\"currentColor\" \
         stroke-width=\"2.2\" stroke-linecap=\"round\" stroke-linejoin=\"round\"/></svg>"
            .to_owned(),
    )
}

/// Says that no real model answers, and how to connect one.
fn simulator_answers() -> Markup {
    html! {
        aside.notice aria-label=(texts::chat::ABOUT_THE_MODEL) {
            p {
                strong { (texts::chat::SIMULATED) }
                " " (texts::chat::HOW_TO_CONNECT)
            }
            pre tabindex="0" role="group" aria-label=(texts::chat::COMMAND) {
                code { (texts::chat::CONNECTS) }
            }
        }
    }
}

/// What an empty conversation shows.
pub(crate) fn welcome(simulated: bool) -> Markup {
    html! {
        div #welcome.welcome {
            h2 { (texts::chat::WELCOME) }
            p { (texts::chat::WELCOME_MORE) }
            @if simulated { (simulator_answers()) }
        }
    }
}

/// What a chat is called, and what can be done with it as far as `leaf`.
pub(crate) fn about(line: &Line, leaf: &ResponseId) -> Markup {
    html! {
        div.about {
            h1 dir="auto" { (line.name()) }
            nav aria-label=(texts::chat::THIS_CHAT) {
                a.tool href=(paths::of(paths::RENAME, &line.id)) { (texts::chat::RENAME) }
                a.tool download="" href=(paths::export(&line.id, "markdown", leaf)) { (texts::chat::AS_MARKDOWN) }
                a.tool download="" href=(paths::export(&line.id, "json", leaf)) { (texts::chat::AS_JSON) }
                a.tool href=(paths::of(paths::DELETE, &line.id)) { (texts::chat::DELETE) }
            }
        }
    }
}

/// What keys do, where a script runs.
pub(crate) fn keys() -> Markup {
    html! {
        dialog #help aria-labelledby="keys" {
            h2 #keys { (texts::keys::TITLE) }
            dl.keys {
                @for (key, does) in texts::keys::ALL { dt { kbd { (key) } } dd { (does) } }
            }
            p.fine { (texts::keys::ON_A_MAC) }
            form method="dialog" { button.button { (texts::keys::CLOSE) } }
        }
    }
}
