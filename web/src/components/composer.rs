//! Where a person writes: the form that carries the conversation.

use maud::{Markup, html};

use crate::answer::AnswerId;
use crate::paths;
use crate::preset::Preset;

/// What the form holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Composer<'a> {
    /// The conversation so far, as a field.
    pub(crate) conversation: &'a str,
    /// What is written and not sent.
    pub(crate) draft: &'a str,
    /// The models to pick from.
    pub(crate) models: &'a [String],
    /// The one that is picked.
    pub(crate) model: &'a str,
    /// The preset that is picked.
    pub(crate) preset: Preset,
    /// Whether a button to stop is to be in the form: a streamed page has one of its own.
    pub(crate) stop: bool,
}

/// The form.
pub(crate) fn composer(form: &Composer<'_>) -> Markup {
    html! {
        form #composer.composer method="post" action=(paths::CHAT_LATEST) {
            input type="hidden" name="conversation" autocomplete="off" value=(form.conversation);
            div.box {
                label.unseen for="prompt" { "Your message" }
                textarea #prompt name="prompt" rows="1" required dir="auto" enterkeyhint="send"
                    placeholder="Ask anything" { (form.draft) }
                div.controls {
                    (model_picker(form.models, form.model))
                    (presets(form.preset))
                    div.actions {
                        @if form.stop { button #stop.button type="button" hidden { "Stop" } }
                        button #send.button.primary type="submit" { "Send" }
                    }
                }
            }
        }
    }
}

/// A button that ends the answer of a page that is being streamed, without a script. A browser
/// leaves that page for what the form answers, so that the form carries the conversation too.
pub(crate) fn stop_form(answer: &AnswerId, form: &Composer<'_>) -> Markup {
    html! {
        form #stop-form.stop-form method="post" action=(paths::STOP_LATEST) {
            @for (name, value) in [
                ("conversation", form.conversation),
                ("model", form.model),
                ("preset", form.preset.value()),
            ] {
                input type="hidden" name=(name) autocomplete="off" value=(value);
            }
            input type="hidden" name="answer" autocomplete="off" value=(answer);
            button #stop.button type="submit" { "Stop" }
        }
    }
}

fn model_picker(models: &[String], picked: &str) -> Markup {
    html! {
        label.unseen for="model" { "Model" }
        select #model name="model" disabled[models.is_empty()] {
            @for model in models {
                option value=(model) selected[model == picked] { (model) }
            }
        }
    }
}

fn presets(picked: Preset) -> Markup {
    html! {
        fieldset.presets {
            legend.unseen { "How the model chooses its words" }
            @for preset in Preset::ALL {
                label {
                    input type="radio" name="preset" value=(preset.value()) checked[preset == picked];
                    span { (preset.label()) }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_form_holds_is_text() {
        let models = ["<script>".to_owned()];
        let form = Composer {
            conversation: "\"><script>",
            draft: "</textarea><script>",
            models: &models,
            model: "<script>",
            preset: Preset::Creative,
            stop: true,
        };

        let html = composer(&form).into_string();

        assert!(!html.contains("<script>"), "{html}");
        assert_eq!(html.matches("&lt;script&gt;").count(), 4);
        assert!(html.contains("value=\"creative\" checked"), "{html}");
    }
}
