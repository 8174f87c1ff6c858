//! Where a person writes.

use maud::{Markup, html};

use super::files::choose_files;
use crate::conversation::{KeptFiles, Options, Place};
use crate::ids::{ConversationId, ResponseId};
use crate::parameters::{Effort, HOTTEST, Parameters};
use crate::paths;
use crate::preset::Preset;
use crate::texts;

/// How a form that may bring files is sent.
const WITH_FILES: &str = "multipart/form-data";

/// The same for a button of it that is about something else.
const WITHOUT_FILES: &str = "application/x-www-form-urlencoded";

/// What a form for a question holds.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Composer<'a> {
    /// None when it begins one.
    pub(crate) conversation: Option<&'a ConversationId>,
    pub(crate) place: &'a Place,
    /// What is written and not sent.
    pub(crate) draft: &'a str,
    /// The models to pick from.
    pub(crate) models: &'a [String],
    pub(crate) options: &'a Options,
    /// Files of another turn that go with it.
    pub(crate) kept: Option<&'a KeptFiles>,
    /// Names this form, so that it is acted upon once.
    pub(crate) once: &'a str,
    /// The answer that is being written, for a button to stop it.
    pub(crate) running: Option<&'a ResponseId>,
}

impl Place {
    /// As a field.
    pub(crate) fn to_field(&self) -> &str {
        match self {
            Self::Newest => "",
            Self::After(None) => "beginning",
            Self::After(Some(turn)) => turn.as_str(),
        }
    }

    /// The field read; what cannot be read is no place.
    pub(crate) fn from_field(field: &str) -> Option<Self> {
        match field {
            "" => Some(Self::Newest),
            "beginning" => Some(Self::After(None)),
            turn => turn.parse().ok().map(|turn| Self::After(Some(turn))),
        }
    }
}

/// The form below a conversation.
pub(crate) fn composer(form: &Composer<'_>) -> Markup {
    html! {
        form #composer.composer method="post" action=(paths::CHAT) enctype=(WITH_FILES) {
            (hidden(form))
            div.box {
                label.unseen for="prompt" { (texts::composer::YOUR_MESSAGE) }
                textarea #prompt name="prompt" rows="1" dir="auto" enterkeyhint="enter"
                    placeholder=(texts::composer::ASK_ANYTHING) { (form.draft) }
                div.controls {
                    (model_picker(form.models, &form.options.model))
                    (presets(form.options.preset))
                    (instructions(&form.options.instructions))
                    (parameters(&form.options.parameters))
                    (choose_files("files", form.kept))
                    div.actions {
                        @if let (Some(conversation), Some(running)) = (form.conversation, form.running) {
                            button #stop.button type="submit" name="answer" value=(running) formenctype=(WITHOUT_FILES)
                                formaction=(paths::of(paths::STOP, conversation)) formnovalidate { (texts::composer::STOP) }
                        }
                        button #send.button.primary type="submit" hidden[form.running.is_some()] { (texts::composer::SEND) }
                    }
                }
            }
        }
    }
}

/// A form that stands in the place of a question, to write it anew.
pub(crate) fn editor(form: &Composer<'_>, back: &str) -> Markup {
    let Options { model, preset, parameters, instructions } = form.options;
    let [temperature, longest, effort] = values(parameters);
    html! {
        li.turn {
            form #edit.composer method="post" action=(paths::CHAT) enctype=(WITH_FILES) {
                (hidden(form))
                input type="hidden" name="model" value=(model);
                input type="hidden" name="preset" value=(preset.value());
                input type="hidden" name="temperature" value=(temperature);
                input type="hidden" name="longest" value=(longest);
                input type="hidden" name="effort" value=(effort);
                input type="hidden" name="instructions" value=(instructions);
                div.box {
                    label.unseen for="edited" { (texts::composer::WRITTEN_ANEW) }
                    textarea #edited name="prompt" rows="3" dir="auto" { (form.draft) }
                    div.controls {
                        (choose_files("more-files", form.kept))
                        div.actions {
                            a.button href=(back) { (texts::composer::CANCEL) }
                            button.button.primary type="submit" { (texts::composer::SEND) }
                        }
                    }
                }
            }
        }
    }
}

/// A button that ends the answer of a page that is being streamed, without a script.
pub(crate) fn stop_form(conversation: &ConversationId, answer: &ResponseId) -> Markup {
    html! {
        form.stop-form method="post" action=(paths::of(paths::STOP, conversation)) {
            input type="hidden" name="answer" value=(answer);
            button.button type="submit" { (texts::composer::STOP) }
        }
    }
}

fn hidden(form: &Composer<'_>) -> Markup {
    html! {
        @for (name, value) in [
            ("conversation", form.conversation.map_or("", ConversationId::as_str)),
            ("after", form.place.to_field()),
            ("once", form.once),
        ] {
            input type="hidden" name=(name) autocomplete="off" value=(value);
        }
    }
}

fn model_picker(models: &[String], picked: &str) -> Markup {
    html! {
        label.unseen for="model" { (texts::composer::MODEL) }
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
            legend.unseen { (texts::composer::PRESETS) }
            @for preset in Preset::ALL {
                label {
                    input type="radio" name="preset" value=(preset.value()) checked[preset == picked];
                    span { (preset.label()) }
                }
            }
        }
    }
}

fn instructions(text: &str) -> Markup {
    html! {
        details.more.instructions open[!text.is_empty()] {
            summary { (texts::composer::INSTRUCTIONS) }
            label.unseen for="instructions" { (texts::composer::WHAT_INSTRUCTIONS_ARE) }
            textarea #instructions name="instructions" rows="2" dir="auto"
                placeholder=(texts::composer::WHAT_INSTRUCTIONS_ARE) { (text) }
        }
    }
}

/// What is set of them, as fields.
fn values(of: &Parameters) -> [String; 3] {
    [
        of.temperature.map(|number| number.to_string()).unwrap_or_default(),
        of.longest.map(|tokens| tokens.to_string()).unwrap_or_default(),
        of.effort.map(|effort| effort.to_field().to_owned()).unwrap_or_default(),
    ]
}

fn parameters(of: &Parameters) -> Markup {
    let [temperature, longest, _effort] = values(of);
    html! {
        details.more open[*of != Parameters::default()] {
            summary { (texts::composer::PARAMETERS) }
            div.parameters {
                label for="temperature" { (texts::composer::TEMPERATURE) }
                input #temperature type="number" name="temperature" min="0" max=(HOTTEST) step="any"
                    inputmode="decimal" placeholder=(texts::composer::AS_PICKED) value=(temperature);
                label for="longest" { (texts::composer::LONGEST) }
                input #longest type="number" name="longest" min="1" step="1" inputmode="numeric"
                    placeholder=(texts::composer::AS_THE_MODEL) value=(longest);
                label for="effort" { (texts::composer::EFFORT) }
                select #effort name="effort" {
                    option value="" { (texts::composer::AS_THE_MODEL) }
                    @for effort in Effort::ALL {
                        option value=(effort.to_field()) selected[of.effort == Some(effort)] { (effort.label()) }
                    }
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
        let options = Options {
            model: "<script>".into(),
            preset: Preset::Creative,
            instructions: "</textarea><script>".into(),
            ..Options::default()
        };
        let form = Composer {
            conversation: None,
            place: &Place::Newest,
            draft: "</textarea><script>",
            kept: None,
            models: &models,
            options: &options,
            once: "\"><script>",
            running: None,
        };

        let html = composer(&form).into_string();

        assert!(!html.contains("<script>"), "{html}");
        assert_eq!(html.matches("&lt;script&gt;").count(), 5);
        assert!(html.contains("value=\"creative\" checked"), "{html}");
        assert!(!editor(&form, "/").into_string().contains("<script>"));
    }

    #[test]
    fn a_place_is_read_as_it_is_written() {
        let turn = "resp_1".parse().unwrap();
        for place in [Place::Newest, Place::After(None), Place::After(Some(turn))] {
            assert_eq!(Place::from_field(place.to_field()), Some(place));
        }
        assert_eq!(Place::from_field("conv_1"), None);
    }
}
