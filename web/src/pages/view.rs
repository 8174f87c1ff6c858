//! The chat as a pure function of what it shows.

use maud::{Markup, PreEscaped, html};

use crate::answer::AnswerId;
use crate::assets::Assets;
use crate::components::{self, Composer};
use crate::conversation::{Author, Conversation};
use crate::error::Words;
use crate::gateway_client::Models;
use crate::layout;
use crate::markdown::Colours;
use crate::preset::Preset;

/// The name by which the model simulator goes everywhere.
const SIMULATOR: &str = "simulator";

/// Text of a conversation, from its end, in which code has colours. More would take long.
const MOST_COLOURED: usize = 256 * 1024;

/// What the page shows.
#[derive(Debug, Clone)]
pub(crate) struct Chat {
    pub(crate) assets: Assets,
    pub(crate) conversation: Conversation,
    pub(crate) models: Models,
    pub(crate) model: String,
    pub(crate) preset: Preset,
    pub(crate) draft: String,
    /// What is to be said below the last turn.
    pub(crate) note: Option<&'static str>,
}

/// Whether the page brings a stop button within the form, or had one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopButton {
    InForm,
    Before,
}

impl Chat {
    /// The page, complete.
    pub(crate) fn whole(&self, alert: Option<&Words>) -> Markup {
        html! {
            (self.begin(None))
            (self.end(alert, StopButton::InForm))
        }
    }

    /// Everything up to the place where the next turn belongs; with a button to stop what will
    /// be written there, if there is an answer on its way.
    pub(crate) fn begin(&self, answer: Option<&AnswerId>) -> Markup {
        html! {
            (layout::begin(&self.assets))
            @if let Some(answer) = answer {
                @let field = self.conversation.to_field();
                (components::stop_form(answer, &self.form(&field, StopButton::Before)))
            }
            (PreEscaped("<main id=\"chat\">"))
            h1.unseen { "Chat" }
            // The Enter key on a field means the form's first button, which is not to be another
            // one that stands in the conversation.
            button hidden type="submit" form="composer" {}
            @if self.conversation.is_empty() { (components::welcome(self.is_simulated())) }
            (PreEscaped("<section aria-label=\"Conversation\"><ol id=\"transcript\">"))
            @for (index, turn) in self.conversation.turns().iter().enumerate() {
                @if index + 1 == self.conversation.turns().len() { (latest()) }
                @match turn.role {
                    Author::User => (components::question(&turn.content)),
                    Author::Assistant => {
                        (components::answer(turn, self.colours_of(index)))
                    },
                }
            }
        }
    }

    /// Everything after that place.
    pub(crate) fn end(&self, alert: Option<&Words>, stop: StopButton) -> Markup {
        html! {
            (PreEscaped("</ol>"))
            @if let Some(note) = self.note { (components::note(note)) }
            (PreEscaped("</section>"))
            div.bottom {
                (components::alert_region(alert))
                (components::composer(&self.form(&self.conversation.to_field(), stop)))
                @if self.is_simulated() {
                    p.fine { "A simulator answers, not a model." }
                }
            }
            (PreEscaped("</main>"))
            (components::templates())
            (layout::end())
        }
    }

    fn form<'a>(&'a self, conversation: &'a str, stop: StopButton) -> Composer<'a> {
        Composer {
            conversation,
            draft: &self.draft,
            models: self.models.names(),
            model: &self.model,
            preset: self.preset,
            stop: stop == StopButton::InForm,
        }
    }

    /// The last answers have colours in their code, as far back as that costs little.
    fn colours_of(&self, index: usize) -> Colours {
        let later = self.conversation.turns().iter().rev();
        let depth = self.conversation.turns().len() - index;
        let bytes: usize = later.take(depth).map(|turn| turn.content.len()).sum();
        if bytes <= MOST_COLOURED { Colours::On } else { Colours::Off }
    }

    fn is_simulated(&self) -> bool {
        let names = self.models.names();
        self.model == SIMULATOR
            || (self.model.is_empty() && names.iter().any(|one| one == SIMULATOR))
    }
}

/// Where a browser goes after a question: to the turn that follows.
fn latest() -> Markup {
    html! { li #latest aria-hidden="true" {} }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat(model: &str) -> Chat {
        Chat {
            assets: Assets::default(),
            conversation: Conversation::default(),
            models: Models::Listed(vec![model.to_owned()]),
            model: model.to_owned(),
            preset: Preset::default(),
            draft: String::new(),
            note: None,
        }
    }

    #[test]
    fn a_simulator_is_said_to_be_one_and_a_model_is_not() {
        let page = chat("simulator").whole(None).into_string();
        assert!(page.contains("not a model") && page.contains("--model-url"), "{page}");
        assert!(!chat("llama3.2").whole(None).into_string().contains("simulator"));
    }

    #[test]
    fn status_and_alert_are_there_before_they_speak() {
        let page = chat("m").whole(None).into_string();
        assert!(page.contains("id=\"status\" role=\"status\"") || page.contains("role=\"status\""));
        assert!(page.contains("role=\"alert\""), "{page}");
    }

    #[test]
    fn a_conversation_is_shown_and_carried() {
        let mut chat = chat("m");
        chat.conversation.add(Author::User, "<b>\nx");
        chat.conversation.add(Author::Assistant, "**y**");

        let page = chat.whole(None).into_string();

        assert!(page.contains("&lt;b&gt;") && page.contains("<strong>y</strong>"), "{page}");
        assert!(page.contains("&quot;**y**&quot;"), "{page}");
        assert!(!page.contains("id=\"welcome\""));
    }
}
