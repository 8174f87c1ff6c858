//! Questions and answers.

use maud::{Markup, PreEscaped, html};

use super::{interrupted, receipt, remark};
use crate::conversation::{Author, Turn};
use crate::markdown::{self, Colours};

/// What a person asked: text, as it was written.
pub(crate) fn question(text: &str) -> Markup {
    html! {
        li.turn {
            article.message data-author=(Author::User.as_str()) {
                h2.unseen { "You said" }
                div.body dir="auto" { (text) }
            }
        }
    }
}

/// An answer that has ended. Its content is what the model wrote, in markdown.
pub(crate) fn answer(turn: &Turn, colours: Colours) -> Markup {
    html! {
        (answer_begin())
        (PreEscaped(markdown::whole(&turn.content, colours)))
        @if let Some(mark) = &turn.mark { (remark(mark)) }
        @if let Some(took) = &turn.receipt { (receipt(took)) }
        (answer_end())
    }
}

/// Everything before an answer's own HTML.
pub(crate) fn answer_begin() -> Markup {
    // Constants of ours: the elements that `answer_end` closes.
    let article = "<li class=\"turn\"><article class=\"message\" data-author=\"assistant\">";
    html! {
        (PreEscaped(article))
        h2.unseen { "The assistant said" }
        (PreEscaped("<div class=\"body\" dir=\"auto\">"))
    }
}

/// Everything after it.
pub(crate) fn answer_end() -> Markup {
    PreEscaped("</div></article></li>".to_owned())
}

/// The place for what a model thinks before it answers, open at its end.
pub(crate) fn thoughts_begin() -> Markup {
    PreEscaped("<details class=\"aside thoughts\"><summary>Thoughts</summary><div class=\"thought\" dir=\"auto\">".to_owned())
}

/// The end of that place.
pub(crate) fn thoughts_end() -> Markup {
    PreEscaped("</div></details>".to_owned())
}

/// A question and an answer without words, for the script to fill.
pub(crate) fn templates() -> Markup {
    html! {
        template #turn-user { (question("")) }
        template #turn-assistant { (answer_begin()) (answer_end()) }
        template #turn-thoughts { (thoughts_begin()) (thoughts_end()) }
        template #interrupted { (interrupted("")) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_anyone_says_is_text() {
        let said = |content: &str| {
            let (role, content) = (Author::Assistant, content.to_owned());
            answer(&Turn { role, content, mark: None, receipt: None }, Colours::On)
        };
        for markup in [question("<script>"), said("<script>"), said("`<script>`")] {
            let html = markup.into_string();
            assert!(html.contains("&lt;script&gt;") && !html.contains("<script>"), "{html}");
        }
    }
}
