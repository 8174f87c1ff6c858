//! Calls of functions, told as events.

use serde_json::{Value, json};

use super::{Fold, id};
use crate::responses::End;

#[test]
fn calls_are_items_of_their_own() {
    let mut fold = Fold::started();
    fold.delta(&json!({"content": "Let me see."}));
    let begin = |index: u64, id: &str| {
        json!({"tool_calls": [{
            "index": index, "id": id, "type": "function",
            "function": {"name": "f", "arguments": ""},
        }]})
    };
    let more = |index: u64, text: &str| json!({"tool_calls": [{"index": index, "function": {"arguments": text}}]});
    fold.delta(&begin(0, "call_a"));
    fold.delta(&more(0, "{\"x\""));
    fold.delta(&more(0, ":\"é\\n\"}"));
    fold.delta(&begin(1, "call_b"));
    fold.delta(&more(1, "{}"));
    fold.finish("tool_calls");
    fold.end(&End::Completed);

    assert_eq!(
        fold.names()[7..],
        [
            "response.output_item.done",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.output_item.added",
            "response.function_call_arguments.delta",
            "response.function_call_arguments.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
    let call = |n: usize, call_id: &str, arguments: &str| {
        json!({
            "id": id("fc", n), "type": "function_call", "status": "completed",
            "call_id": call_id, "name": "f", "arguments": arguments,
        })
    };
    let first = "{\"x\":\"é\\n\"}";
    assert_eq!(fold.response()["output"][1], call(1, "call_a", first));
    assert_eq!(fold.response()["output"][2], call(2, "call_b", "{}"));
    let done = &fold.told("response.function_call_arguments.done")[0];
    assert_eq!((&done["name"], &done["arguments"]), (&json!("f"), &json!(first)));
    assert_eq!(done["item_id"], json!(id("fc", 1)));
}

#[test]
fn calls_are_told_apart_however_a_server_counts() {
    let whole = |mut call: Value, arguments: &str| {
        call["function"] = json!({"name": "f", "arguments": arguments});
        call
    };
    for (calls, expected) in [
        // Interleaved, as OpenAI allows.
        (
            vec![
                whole(json!({"index": 0, "id": "a"}), "{"),
                whole(json!({"index": 1, "id": "b"}), "["),
                json!({"index": 0, "function": {"arguments": "}"}}),
                json!({"index": 1, "function": {"arguments": "]"}}),
            ],
            vec![("a", "{}"), ("b", "[]")],
        ),
        // Every call is number 0.
        (
            vec![
                whole(json!({"index": 0, "id": "a"}), "{}"),
                whole(json!({"index": 0, "id": "b"}), "{}"),
            ],
            vec![("a", "{}"), ("b", "{}")],
        ),
        // No numbers.
        (
            vec![
                whole(json!({"id": "a"}), "{"),
                json!({"function": {"arguments": "}"}}),
                whole(json!({"id": "b"}), "{}"),
            ],
            vec![("a", "{}"), ("b", "{}")],
        ),
        // The id in every fragment.
        (
            vec![
                whole(json!({"index": 0, "id": "a"}), "{"),
                json!({"index": 0, "id": "a", "function": {"arguments": "}"}}),
            ],
            vec![("a", "{}")],
        ),
    ] {
        let mut fold = Fold::started();
        for call in &calls {
            fold.delta(&json!({"tool_calls": [call]}));
        }
        fold.end(&End::Completed);
        let output = fold.response()["output"].clone();
        let got: Vec<(&str, &str)> = output
            .as_array()
            .unwrap()
            .iter()
            .map(|item| (item["call_id"].as_str().unwrap(), item["arguments"].as_str().unwrap()))
            .collect();
        assert_eq!(got, expected, "{calls:?}");
    }
}

#[test]
fn a_call_without_an_id_gets_one() {
    let mut fold = Fold::started();
    fold.delta(
        &json!({"tool_calls": [{"index": 0, "function": {"name": "f", "arguments": "{}"}}]}),
    );
    assert_eq!(fold.response()["output"][0]["call_id"], json!(id("call", 0)));
}
