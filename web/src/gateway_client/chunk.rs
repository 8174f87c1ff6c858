//! One chunk of a streamed answer, read without a tree of values.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::Broken;
use crate::receipt::Receipt;

/// One thing that a model said.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Said {
    /// Part of the answer.
    Text(String),
    /// Part of the thoughts before it.
    Reasoning(String),
    /// Part of why it does not answer.
    Refusal(String),
    /// Part of a call of a tool.
    Tool {
        /// Which of several.
        index: usize,
        /// Its name, with the first part.
        name: String,
        /// More of its arguments.
        arguments: String,
    },
    /// Why it ends.
    Finished(Finish),
    /// What it took; the gateway says this, not the model.
    Receipt(Box<Receipt>),
}

/// Why an answer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Finish {
    /// It is complete, as far as the model is concerned.
    Stop,
    /// The model may not say more.
    Length,
    /// Somebody filters what the model says.
    Filtered,
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    choices: Vec<Choice<'a>>,
    #[serde(borrow, default)]
    error: Option<Error<'a>>,
    /// Read apart: one that cannot be understood is no reason to break off.
    #[serde(borrow, default)]
    chappe: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: u32,
    #[serde(borrow, default)]
    delta: Option<Delta<'a>>,
    #[serde(borrow, default)]
    finish_reason: Option<Cow<'a, str>>,
}

#[derive(Deserialize, Default)]
struct Delta<'a> {
    #[serde(borrow, default)]
    content: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    reasoning_content: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    reasoning: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    refusal: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    tool_calls: Option<Vec<Call<'a>>>,
}

#[derive(Deserialize)]
struct Call<'a> {
    #[serde(default)]
    index: usize,
    #[serde(borrow, default)]
    function: Option<Function<'a>>,
}

#[derive(Deserialize)]
struct Function<'a> {
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    arguments: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Error<'a> {
    #[serde(borrow, default)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    code: Option<Cow<'a, str>>,
}

/// What one event of the stream says.
pub(super) fn read(data: &[u8]) -> Result<Vec<Said>, Broken> {
    let chunk: Chunk<'_> = serde_json::from_slice(data).map_err(|_json| Broken::CutOff)?;
    if let Some(error) = chunk.error {
        let code = error.code.map(Cow::into_owned);
        return Err(Broken::told(code, error.message.as_deref().unwrap_or_default()));
    }
    let mut said = Vec::with_capacity(2);
    // Only one answer is asked for.
    for choice in chunk.choices.into_iter().filter(|choice| choice.index == 0) {
        let delta = choice.delta.unwrap_or_default();
        let mut add = |text: Option<Cow<'_, str>>, kind: fn(String) -> Said| {
            if let Some(text) = text.filter(|text| !text.is_empty()) {
                said.push(kind(text.into_owned()));
            }
        };
        add(delta.reasoning_content.or(delta.reasoning), Said::Reasoning);
        add(delta.content, Said::Text);
        add(delta.refusal, Said::Refusal);
        for call in delta.tool_calls.unwrap_or_default() {
            let Some(function) = call.function else { continue };
            said.push(Said::Tool {
                index: call.index,
                name: function.name.unwrap_or_default().into_owned(),
                arguments: function.arguments.unwrap_or_default().into_owned(),
            });
        }
        if let Some(reason) = choice.finish_reason {
            said.push(Said::Finished(match reason.as_ref() {
                "length" => Finish::Length,
                "content_filter" => Finish::Filtered,
                _ => Finish::Stop,
            }));
        }
    }
    if let Some(receipt) = chunk.chappe.and_then(|receipt| Receipt::read(receipt.get())) {
        said.push(Said::Receipt(Box::new(receipt)));
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_of_a_chunk_is_said() {
        let said = |json: &str| read(json.as_bytes()).unwrap();

        assert_eq!(
            said(
                r#"{"choices":[{"delta":{"role":"assistant","content":"a\n"},"x":1}],"usage":null}"#
            ),
            [Said::Text("a\n".into())]
        );
        assert_eq!(
            said(r#"{"choices":[{"delta":{"reasoning":"hm"},"finish_reason":null}]}"#),
            [Said::Reasoning("hm".into())]
        );
        assert_eq!(
            said(
                r#"{"choices":[{"delta":{},"finish_reason":"length"},{"index":1,"delta":{"content":"b"}}]}"#
            ),
            [Said::Finished(Finish::Length)]
        );
        assert_eq!(
            said(
                r#"{"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{"}}]}}]}"#
            ),
            [Said::Tool { index: 0, name: "f".into(), arguments: "{".into() }]
        );
        assert_eq!(said(r#"{"choices":[],"usage":{"total_tokens":3}}"#), []);
        let receipt = Receipt { duration_ms: Some(812.5), ..Receipt::default() };
        assert_eq!(
            said(r#"{"choices":[],"chappe":{"duration_ms":812.5,"trace_id":null}}"#),
            [Said::Receipt(Box::new(receipt))]
        );
        assert_eq!(said(r#"{"choices":[],"chappe":{"duration_ms":"later"}}"#), []);
    }

    #[test]
    fn an_error_within_the_stream_is_told_and_nonsense_is_a_break() {
        let told = read(br#"{"error":{"message":"worker died","code":null}}"#).unwrap_err();
        assert_eq!(told, Broken::Told { code: None, message: Some("worker died".into()) });
        assert_eq!(read(b"{\"choices\": [").unwrap_err(), Broken::CutOff);
    }
}
