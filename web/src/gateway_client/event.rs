//! Events of a response, and what stands in one that has ended, read without a tree of values.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::error::presentable;
use crate::ids::ResponseId;
use crate::receipt::Receipt;
use crate::said::{Ending, Said};

/// A response as the gateway shows it.
#[derive(Deserialize)]
pub(super) struct Object<'a> {
    #[serde(borrow, default)]
    pub(super) status: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) model: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(super) instructions: Option<&'a RawValue>,
    #[serde(borrow, default)]
    pub(super) metadata: Option<&'a RawValue>,
    #[serde(default)]
    pub(super) temperature: Option<f32>,
    #[serde(default)]
    pub(super) max_output_tokens: Option<u32>,
    #[serde(borrow, default)]
    pub(super) reasoning: Option<&'a RawValue>,
    #[serde(borrow, default)]
    output: Vec<Item<'a>>,
    #[serde(borrow, default)]
    error: Option<Fault<'a>>,
    #[serde(borrow, default)]
    incomplete_details: Option<Details<'a>>,
    /// Read apart: one that cannot be understood is no reason to break off.
    #[serde(borrow, default)]
    chappe: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    content: Option<Vec<Part<'a>>>,
    #[serde(borrow, default)]
    name: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    arguments: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    status: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(borrow, default)]
    text: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    refusal: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Fault<'a> {
    #[serde(borrow, default)]
    message: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    code: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Details<'a> {
    #[serde(borrow, default)]
    reason: Cow<'a, str>,
}

#[derive(Deserialize)]
struct Event<'a> {
    /// What is cut by a gateway has none: it is no event of the response.
    #[serde(borrow, default, rename = "type")]
    kind: Cow<'a, str>,
    #[serde(default)]
    sequence_number: Option<u64>,
    #[serde(borrow, default)]
    delta: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    item: Option<Item<'a>>,
    #[serde(borrow, default)]
    response: Option<Object<'a>>,
    #[serde(borrow, default)]
    code: Option<Cow<'a, str>>,
}

/// It is no event of a response: the stream is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut;

/// Whose events these are, as the first one says.
pub(super) fn response_of(data: &[u8]) -> Option<ResponseId> {
    #[derive(Deserialize)]
    struct First {
        response: Named,
    }
    #[derive(Deserialize)]
    struct Named {
        id: ResponseId,
    }
    serde_json::from_slice::<First>(data).ok().map(|first| first.response.id)
}

/// What one event says, and its number.
pub(super) fn read(data: &[u8]) -> Result<(u64, Vec<Said>), Cut> {
    let event: Event<'_> = serde_json::from_slice(data).map_err(|_json| Cut)?;
    let number = event.sequence_number.ok_or(Cut)?;
    let delta = || event.delta.as_deref().unwrap_or_default().to_owned();
    let said = match event.kind.as_ref() {
        "response.in_progress" => vec![Said::Begun],
        "response.output_text.delta" => vec![Said::Text(delta())],
        "response.reasoning_text.delta" | "response.reasoning_summary_text.delta" => {
            vec![Said::Reasoning(delta())]
        }
        "response.refusal.delta" => vec![Said::Refusal(delta())],
        "response.function_call_arguments.delta" => vec![Said::Arguments(delta())],
        "response.output_item.added" => match event.item {
            Some(item) if item.kind == "function_call" => vec![Said::Tool(item.name())],
            _ => Vec::new(),
        },
        "response.output_item.done" => match event.item {
            Some(item) if item.status.as_deref() == Some("incomplete") => vec![Said::CutShort],
            _ => Vec::new(),
        },
        "response.completed" | "response.incomplete" | "response.failed" => {
            event.response.map(|response| response.last_words()).unwrap_or_default()
        }
        "error" if event.code.as_deref() == Some("response_cancelled") => {
            vec![Said::End(Ending::Stopped)]
        }
        "error" => return Err(Cut),
        _ => Vec::new(),
    };
    Ok((number, said))
}

impl Item<'_> {
    fn name(&self) -> String {
        self.name.as_deref().unwrap_or_default().to_owned()
    }

    fn said(&self) -> Vec<Said> {
        let parts = self.content.iter().flatten();
        match self.kind.as_ref() {
            "message" => parts.filter_map(Part::said).collect(),
            "reasoning" => parts
                .filter_map(|part| part.text.as_deref())
                .map(|text| Said::Reasoning(text.to_owned()))
                .collect(),
            "function_call" => {
                let arguments = self.arguments.as_deref().unwrap_or_default().to_owned();
                vec![Said::Tool(self.name()), Said::Arguments(arguments)]
            }
            _ => Vec::new(),
        }
    }
}

impl Part<'_> {
    fn said(&self) -> Option<Said> {
        let text = |text: &Option<Cow<'_, str>>| text.as_deref().unwrap_or_default().to_owned();
        match self.kind.as_ref() {
            "output_text" => Some(Said::Text(text(&self.text))),
            "refusal" => Some(Said::Refusal(text(&self.refusal))),
            _ => None,
        }
    }
}

impl Object<'_> {
    /// Whether it is over.
    pub(super) fn has_ended(&self) -> bool {
        !matches!(self.status.as_ref(), "queued" | "in_progress")
    }

    /// Everything that it says, of one that is over: what its events say, but for the pieces.
    pub(super) fn said(&self) -> Vec<Said> {
        let mut said: Vec<Said> = self.output.iter().flat_map(Item::said).collect();
        said.extend(self.end());
        said
    }

    /// What its last event says.
    fn last_words(&self) -> Vec<Said> {
        let nothing = self.output.is_empty().then_some(Said::NothingLeft);
        nothing.into_iter().chain(self.end()).collect()
    }

    /// What it took, and how it ended.
    fn end(&self) -> Vec<Said> {
        let receipt = self.chappe.and_then(|receipt| Receipt::read(receipt.get()));
        let receipt = receipt.map(|receipt| Said::Receipt(Box::new(receipt)));
        receipt.into_iter().chain([Said::End(self.ending())]).collect()
    }

    fn ending(&self) -> Ending {
        match self.status.as_ref() {
            "completed" => Ending::Complete,
            "cancelled" => Ending::Stopped,
            "incomplete" => match &self.incomplete_details {
                Some(details) if details.reason == "content_filter" => Ending::Filtered,
                _ => Ending::Length,
            },
            _ => {
                let fault = self.error.as_ref();
                let code = fault.and_then(|fault| fault.code.as_deref()).map(str::to_owned);
                let message = fault.and_then(|fault| fault.message.as_deref());
                Ending::Failed { code, message: message.and_then(presentable) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(json: &str) -> Vec<Said> {
        read(json.as_bytes()).unwrap().1
    }

    #[test]
    fn each_event_says_its_part() {
        for (json, expected) in [
            (r#"{"type":"response.in_progress","sequence_number":1}"#, Said::Begun),
            (
                r#"{"type":"response.output_text.delta","sequence_number":4,"delta":"a\n"}"#,
                Said::Text("a\n".into()),
            ),
            (
                r#"{"type":"response.reasoning_text.delta","sequence_number":4,"delta":"hm"}"#,
                Said::Reasoning("hm".into()),
            ),
            (
                r#"{"type":"response.output_item.added","sequence_number":4,"item":{"type":"function_call","name":"f"}}"#,
                Said::Tool("f".into()),
            ),
            (
                r#"{"type":"response.output_item.done","sequence_number":4,"item":{"type":"message","status":"incomplete"}}"#,
                Said::CutShort,
            ),
            (
                r#"{"type":"error","sequence_number":9,"code":"response_cancelled"}"#,
                Said::End(Ending::Stopped),
            ),
        ] {
            assert_eq!(said(json), [expected], "{json}");
        }
        assert_eq!(said(r#"{"type":"response.queued","sequence_number":0}"#), []);
    }

    #[test]
    fn what_is_no_event_of_a_response_is_a_cut() {
        for json in [
            "{",
            r#"{"error":{"code":"gateway_stopped","message":"x"}}"#,
            r#"{"type":"error","sequence_number":3,"code":"other"}"#,
        ] {
            assert_eq!(read(json.as_bytes()), Err(Cut), "{json}");
        }
    }

    #[test]
    fn what_has_ended_says_the_same_as_its_events_did() {
        let object: Object<'_> = serde_json::from_str(
            r#"{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},
                "chappe":{"duration_ms":3.0},"output":[
                {"type":"reasoning","content":[{"type":"reasoning_text","text":"hm"}]},
                {"type":"message","content":[{"type":"output_text","text":"a"},{"type":"refusal","refusal":"b"}]},
                {"type":"function_call","name":"f","arguments":"{}"}]}"#,
        )
        .unwrap();
        assert!(object.has_ended());
        let receipt = Receipt { duration_ms: Some(3.0), ..Receipt::default() };
        assert_eq!(
            object.said(),
            [
                Said::Reasoning("hm".into()),
                Said::Text("a".into()),
                Said::Refusal("b".into()),
                Said::Tool("f".into()),
                Said::Arguments("{}".into()),
                Said::Receipt(Box::new(receipt)),
                Said::End(Ending::Length),
            ]
        );
    }
}
