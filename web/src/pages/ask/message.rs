//! What is asked that is more than a text.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::answer::Told;
use crate::conversation::{Answer, Turn};
use crate::gateway_client::Refused;
use crate::markdown::Colours;
use crate::texts::answers::PLEASE_GO_ON;

/// What was written with files, a JSON array of one message; `None` when there are none.
pub(super) fn with_files(
    text: &str,
    files: &[Box<RawValue>],
) -> Result<Option<Box<RawValue>>, Refused> {
    #[derive(Serialize)]
    struct Message<'a> {
        role: &'static str,
        content: Vec<&'a RawValue>,
    }
    #[derive(Serialize)]
    struct Text<'a> {
        #[serde(rename = "type")]
        kind: &'static str,
        text: &'a str,
    }
    if files.is_empty() {
        return Ok(None);
    }
    let text = (!text.trim().is_empty()).then_some(Text { kind: "input_text", text });
    let json = |value| serde_json::value::to_raw_value(value).map_err(|_json| Refused::Unreadable);
    let text = text.as_ref().map(json).transpose()?;
    // What is written stands behind what it is about.
    let content = files.iter().chain(&text).map(AsRef::as_ref).collect();
    let message = [Message { role: "user", content }];
    serde_json::value::to_raw_value(&message).map(Some).map_err(|_json| Refused::Unreadable)
}

/// What a model is told to go on with an answer. One that was stopped or broke off is in nobody's
/// conversation: then it is told as well.
pub(super) fn go_on_after(turn: &Turn) -> String {
    #[derive(Serialize)]
    struct Message<'a> {
        role: &'static str,
        content: &'a str,
    }
    let go_on = Message { role: "user", content: PLEASE_GO_ON };
    let told = match &turn.answer {
        Answer::Ended(said) => Some(Told::of(said, Colours::Off)),
        Answer::Running | Answer::Gone => None,
    };
    let cut = told.as_ref().filter(|told| !told.is_whole() && !told.text().trim().is_empty());
    let cut = cut.map(|told| Message { role: "assistant", content: told.text() });
    let items: Vec<Message<'_>> = cut.into_iter().chain([go_on]).collect();
    // Strings: this cannot fail.
    serde_json::to_string(&items).unwrap_or_default()
}
