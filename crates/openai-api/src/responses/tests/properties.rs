//! What holds whatever a model says, in whatever order.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Fold, failed};
use crate::responses::{End, ResponseEvent};

/// Something that happens to a response.
#[derive(Debug, Clone)]
enum Step {
    Start { continues: bool },
    Text(String),
    Thought(String),
    Refusal(String),
    Call { index: Option<u64>, id: Option<String>, name: Option<String>, arguments: String },
    Finish(&'static str),
    Usage(u32),
    Garbage,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => any::<bool>().prop_map(|continues| Step::Start { continues }),
        8 => ".{0,6}".prop_map(Step::Text),
        4 => ".{0,6}".prop_map(Step::Thought),
        1 => ".{0,6}".prop_map(Step::Refusal),
        6 => call(),
        1 => prop_oneof![Just("stop"), Just("length"), Just("tool_calls")].prop_map(Step::Finish),
        1 => any::<u32>().prop_map(Step::Usage),
        1 => Just(Step::Garbage),
    ]
}

fn call() -> impl Strategy<Value = Step> {
    let index = proptest::option::of(0_u64..3);
    let id = proptest::option::of("[a-c]");
    let name = proptest::option::of("f");
    let arguments = "[{}\"a:1]{0,4}|[{][}]";
    (index, id, name, arguments).prop_map(|(index, id, name, arguments)| Step::Call {
        index,
        id,
        name,
        arguments,
    })
}

fn end() -> impl Strategy<Value = End> {
    prop_oneof![Just(End::Completed), Just(failed()), Just(End::Cancelled)]
}

fn fold(background: bool, steps: &[Step], end: &End) -> Fold {
    let mut fold = Fold::of(&json!({"model": "m", "input": "hi", "background": background}));
    fold.start(false);
    for step in steps {
        match step {
            Step::Start { continues } => fold.start(*continues),
            Step::Text(text) => fold.delta(&json!({"content": text})),
            Step::Thought(text) => fold.delta(&json!({"reasoning_content": text})),
            Step::Refusal(text) => fold.delta(&json!({"refusal": text})),
            Step::Call { index, id, name, arguments } => {
                let function = json!({"name": name, "arguments": arguments});
                let call = json!({"index": index, "id": id, "function": function});
                fold.delta(&json!({"tool_calls": [call]}));
            }
            Step::Finish(reason) => fold.finish(reason),
            Step::Usage(tokens) => {
                let usage = json!({"choices": [], "usage": {"prompt_tokens": tokens}});
                fold.projection.chunk(usage.to_string().as_bytes(), &mut fold.events);
            }
            Step::Garbage => fold.projection.chunk(b"{\"choices\":[", &mut fold.events),
        }
    }
    fold.end(end);
    fold
}

/// What a client knows of the items that it was told of.
#[derive(Default)]
struct Client {
    open: BTreeMap<u64, Value>,
    done: BTreeMap<u64, Value>,
    /// What the deltas of an item, or of a part of it, say together.
    deltas: BTreeMap<(u64, Option<u64>), String>,
}

impl Client {
    fn hear(&mut self, event: &ResponseEvent) {
        let data = super::json(&event.json);
        assert_eq!(data["type"], event.name);
        assert_eq!(data["sequence_number"], event.sequence_number);
        let Some(index) = data["output_index"].as_u64() else { return };
        let place = (index, data["content_index"].as_u64());
        match event.name {
            "response.output_item.added" => {
                let expected = (self.open.len() + self.done.len()) as u64;
                assert_eq!(index, expected, "the next item");
                self.open.insert(index, data["item"].clone());
            }
            "response.output_item.done" => {
                let open = self.open.remove(&index).expect("only what is open is closed");
                assert_eq!(open["id"], data["item"]["id"]);
                self.done.insert(index, data["item"].clone());
            }
            "response.content_part.added" => {
                assert!(self.deltas.insert(place, String::new()).is_none());
            }
            name => {
                assert_eq!(data["item_id"], self.open[&index]["id"], "{name}");
                if let Some(delta) = data["delta"].as_str() {
                    self.deltas.entry(place).or_default().push_str(delta);
                } else if name.ends_with("_text.done") {
                    assert_eq!(data["text"], self.deltas[&place]);
                }
            }
        }
    }

    /// Whether an item says what its deltas said.
    fn check(&self, index: u64) {
        let item = &self.done[&index];
        assert_ne!(item["status"], "in_progress");
        if item["type"] == "function_call" {
            let deltas = self.deltas.get(&(index, None)).cloned().unwrap_or_default();
            assert_eq!(item["arguments"], deltas);
            return;
        }
        for (at, part) in item["content"].as_array().unwrap().iter().enumerate() {
            let said = part.get("text").or(part.get("refusal")).unwrap();
            assert_eq!(said, &self.deltas[&(index, Some(at as u64))]);
        }
    }
}

proptest! {
    #[test]
    fn a_client_is_told_the_whole_answer_in_order(
        background: bool,
        steps in proptest::collection::vec(step(), 0..24),
        end in end(),
    ) {
        let fold = fold(background, &steps, &end);

        let mut client = Client::default();
        for (number, event) in fold.events.iter().enumerate() {
            prop_assert_eq!(event.sequence_number, number as u64);
            prop_assert!(!event.json.contains(&b'\n'));
            client.hear(event);
        }

        prop_assert!(client.open.is_empty(), "every item that was begun is closed");
        client.done.keys().for_each(|index| client.check(*index));
        let output = fold.response()["output"].clone();
        let output = output.as_array().unwrap();
        let last = client.done.values().skip(client.done.len() - output.len());
        prop_assert!(last.eq(output), "the response holds the items of the last attempt");
        prop_assert_eq!(fold.events[0].name, "response.created");
        let last = fold.events.last().unwrap();
        if last.name == "error" {
            prop_assert_eq!(end, End::Cancelled);
        } else {
            prop_assert_eq!(&super::json(&last.json)["response"], &fold.response());
        }
    }

    #[test]
    fn the_same_calls_give_the_same_bytes(
        background: bool,
        steps in proptest::collection::vec(step(), 0..24),
        end in end(),
    ) {
        let (one, other) = (fold(background, &steps, &end), fold(background, &steps, &end));

        prop_assert_eq!(&one.events, &other.events);
        prop_assert_eq!(one.projection.response(), other.projection.response());
        prop_assert_eq!(one.projection.output_items(), other.projection.output_items());
    }
}
