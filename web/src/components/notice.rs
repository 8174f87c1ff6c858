//! What a person reads before the first question.

use maud::{Markup, PreEscaped, html};

use crate::conversation::Line;
use crate::paths;

/// Every key that does something.
const KEYS: [(&str, &str); 10] = [
    ("Enter", "Send"),
    ("Shift + Enter", "A new line"),
    ("Esc", "Stop the answer"),
    ("↑ in an empty box", "Write the last question anew"),
    ("Ctrl + Shift + O", "New chat"),
    ("Ctrl + Shift + S", "All chats"),
    ("Ctrl + K", "Find in chats"),
    ("Ctrl + Shift + C", "Copy the last answer"),
    ("Ctrl + Shift + ;", "Copy the last code"),
    ("Ctrl + /", "This list"),
];

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
        aside.notice aria-label="About the model" {
            p {
                strong { "A simulator answers here, not a model." }
                " Its texts are made up. To talk to a real one, start Chappe with its address:"
            }
            pre tabindex="0" role="region" aria-label="Command" {
                code { "cargo run -- --model-url http://127.0.0.1:11434/v1" }
            }
        }
    }
}

/// What an empty conversation shows.
pub(crate) fn welcome(simulated: bool) -> Markup {
    html! {
        div #welcome.welcome {
            h2 { "What would you like to know?" }
            p { "Answers come word by word and can be stopped at any time." }
            @if simulated { (simulator_answers()) }
        }
    }
}

/// What a chat is called, and what can be done with it.
pub(crate) fn about(line: &Line) -> Markup {
    html! {
        div.about {
            h1 dir="auto" { (line.name()) }
            nav aria-label="This chat" {
                a.tool href=(paths::of(paths::RENAME, &line.id)) { "Rename" }
                a.tool download="" href=(paths::export(&line.id, "markdown")) { "Markdown" }
                a.tool download="" href=(paths::export(&line.id, "json")) { "JSON" }
                a.tool href=(paths::of(paths::DELETE, &line.id)) { "Delete" }
            }
        }
    }
}

/// What keys do, where a script runs.
pub(crate) fn keys() -> Markup {
    html! {
        dialog #help aria-labelledby="keys" {
            h2 #keys { "Keys" }
            dl.keys {
                @for (key, does) in KEYS { dt { kbd { (key) } } dd { (does) } }
            }
            p.fine { "On a Mac, the command key does as well as Ctrl." }
            form method="dialog" { button.button { "Close" } }
        }
    }
}
