//! A conversation as the gateway keeps it: turns, each behind another one or at the beginning.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use crate::files::Attached;
use crate::ids::{ConversationId, ResponseId};
use crate::parameters::{Effort, Parameters};
use crate::preset::Preset;
use crate::said::Said;
use crate::{texts, unseen};

/// How a model is to answer.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Options {
    pub(crate) model: String,
    pub(crate) preset: Preset,
    pub(crate) parameters: Parameters,
    /// What the model is told before everything that is said.
    pub(crate) instructions: String,
}

/// What was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// What a person wrote.
    pub(crate) text: String,
    /// The files that belong to it.
    pub(crate) files: Vec<Attached>,
    /// All of it, a JSON array of items, to be asked again.
    pub(crate) items: String,
}

/// What is known of an answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// It is being written, or waits to be.
    Running,
    /// Everything that was said.
    Ended(Vec<Said>),
    /// It is kept no longer.
    Gone,
}

/// What a reader thinks of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Thumb {
    Up,
    Down,
}

/// A question and its answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Turn {
    pub(crate) id: ResponseId,
    /// The turn before it.
    pub(crate) after: Option<ResponseId>,
    /// All that stand at this place, the oldest first, this one included.
    pub(crate) siblings: Vec<ResponseId>,
    pub(crate) asked: Asked,
    pub(crate) options: Options,
    pub(crate) answer: Answer,
    pub(crate) thumb: Option<Thumb>,
}

/// Some turns that follow each other.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct TurnsPage {
    pub(crate) turns: Vec<Turn>,
    /// Whether there are some before them.
    pub(crate) has_more: bool,
}

/// A conversation in the list of all.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(crate) struct Line {
    pub(crate) id: ConversationId,
    #[serde(default)]
    pub(crate) created_at: u64,
    /// Something is seen of it, and it turns nothing around.
    #[serde(default, deserialize_with = "seen")]
    pub(crate) title: Option<String>,
}

fn seen<'de, D: Deserializer<'de>>(title: D) -> Result<Option<String>, D::Error> {
    let title = Option::<String>::deserialize(title)?;
    Ok(title.and_then(|title| unseen::seen(&title)))
}

/// Some conversations, the newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(crate) struct Listed {
    pub(crate) data: Vec<Line>,
    #[serde(default)]
    pub(crate) has_more: bool,
    /// Of a search: whether it has seen all there are.
    #[serde(default)]
    pub(crate) search_complete: Option<bool>,
}

/// What the model is asked.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(untagged)]
pub(crate) enum Input<'a> {
    /// What a person wrote.
    Text(&'a str),
    /// A JSON array of items.
    Items(&'a RawValue),
}

/// Files of a turn that go with another question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) turn: ResponseId,
    pub(crate) numbers: Vec<usize>,
}

/// The same as they are shown, each with its number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct KeptFiles {
    pub(crate) turn: ResponseId,
    pub(crate) files: Vec<(usize, Attached)>,
}

/// Where a question stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind the newest turn.
    Newest,
    /// At the beginning, or behind a turn.
    After(Option<ResponseId>),
}

/// A question on its way to the gateway.
#[derive(Debug, Clone)]
pub(crate) struct Submission<'a> {
    pub(crate) conversation: &'a ConversationId,
    pub(crate) place: &'a Place,
    pub(crate) options: &'a Options,
    pub(crate) input: Input<'a>,
}

#[derive(Serialize)]
pub(crate) struct Body<'a> {
    model: &'a str,
    conversation: &'a ConversationId,
    #[serde(skip_serializing_if = "Option::is_none")]
    chappe: Option<After<'a>>,
    input: Input<'a>,
    #[serde(skip_serializing_if = "str::is_empty")]
    instructions: &'a str,
    temperature: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    max_output_tokens: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning: Option<Reasoning>,
    background: bool,
    stream: bool,
    service_tier: &'static str,
    store: bool,
    metadata: Metadata,
}

#[derive(Serialize)]
struct Reasoning {
    effort: Effort,
}

#[derive(Serialize)]
struct After<'a> {
    after: Option<&'a ResponseId>,
}

#[derive(Serialize)]
struct Metadata {
    preset: &'static str,
}

impl Thumb {
    /// As a field, and as the gateway calls it.
    pub(crate) fn to_field(self) -> &'static str {
        match self {
            Self::Up => "up",
            Self::Down => "down",
        }
    }

    /// The field read.
    pub(crate) fn from_field(field: &str) -> Option<Self> {
        [Self::Up, Self::Down].into_iter().find(|thumb| thumb.to_field() == field)
    }
}

impl Asked {
    /// Its items, each as it was sent.
    pub(crate) fn items_as_they_are(&self) -> Vec<&RawValue> {
        serde_json::from_str(&self.items).unwrap_or_default()
    }
}

impl Turn {
    /// How much was said in the answer.
    pub(crate) fn bytes(&self) -> usize {
        match &self.answer {
            Answer::Ended(said) => said.iter().map(Said::bytes).sum(),
            Answer::Running | Answer::Gone => 0,
        }
    }
}

impl Kept {
    /// Whether the file of this number is one of them.
    pub(crate) fn has(&self, number: usize) -> bool {
        self.numbers.contains(&number)
    }
}

impl Line {
    /// What a person may call it.
    pub(crate) fn name(&self) -> &str {
        self.title.as_deref().unwrap_or(texts::chat::UNTITLED)
    }
}

impl Options {
    /// The sampling temperature.
    pub(crate) fn temperature(&self) -> f32 {
        self.parameters.temperature.unwrap_or_else(|| self.preset.temperature())
    }
}

impl Submission<'_> {
    /// The body of the request.
    pub(crate) fn body(&self) -> Body<'_> {
        let Options { model, preset, parameters, instructions } = self.options;
        Body {
            model,
            conversation: self.conversation,
            chappe: match self.place {
                Place::Newest => None,
                Place::After(turn) => Some(After { after: turn.as_ref() }),
            },
            input: self.input,
            instructions,
            temperature: self.options.temperature(),
            max_output_tokens: parameters.longest,
            reasoning: parameters.effort.map(|effort| Reasoning { effort }),
            // It goes on whoever reads it.
            background: true,
            // Whoever asks reads it as well: what its gateway saw to the end, it counts.
            stream: true,
            // In the background others wait for a worker that people do not wait for.
            service_tier: "priority",
            store: true,
            metadata: Metadata { preset: preset.value() },
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_title_of_which_nothing_is_seen_is_none() {
        let named = |title: &str| {
            let line = json!({"id": "conv_1", "title": title}).to_string();
            serde_json::from_str::<Line>(&line).unwrap().name().to_owned()
        };
        assert_eq!(named("a\u{202e}b"), "ab", "nothing that stands behind it is turned around");
        assert_eq!(named("\u{200b}\u{202e}"), texts::chat::UNTITLED);
        assert_eq!(named(""), texts::chat::UNTITLED);
        let nameless: Line = serde_json::from_str(r#"{"id":"conv_1","title":null}"#).unwrap();
        assert_eq!(nameless.name(), texts::chat::UNTITLED);
    }

    #[test]
    fn a_question_is_asked_where_it_stands() {
        let options = Options { model: "m".into(), ..Options::default() };
        let conversation = "conv_1".parse().unwrap();
        let after = Place::After(Some("resp_2".parse().unwrap()));
        let body = |place: &Place, input| {
            let submission =
                Submission { conversation: &conversation, place, options: &options, input };
            serde_json::to_value(submission.body()).unwrap()
        };

        let first = body(&Place::Newest, Input::Text("Why?"));
        let temperature = options.preset.temperature();
        let expected = json!({
            "model": "m", "conversation": "conv_1", "input": "Why?", "temperature": temperature,
            "background": true, "stream": true, "service_tier": "priority", "store": true,
            "metadata": {"preset": "balanced"},
        });
        assert_eq!(first, expected);
        let items = RawValue::from_string("[{\"role\":\"user\"}]".to_owned()).unwrap();
        let again = body(&after, Input::Items(&items));
        assert_eq!(again["input"], json!([{"role": "user"}]));
        assert_eq!(again["chappe"], json!({"after": "resp_2"}));
        assert_eq!(body(&Place::After(None), Input::Text("x"))["chappe"], json!({"after": null}));
    }
}
