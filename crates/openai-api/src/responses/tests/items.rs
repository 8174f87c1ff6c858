//! The input as a list of items.

use serde_json::{Value, json};

use super::{SEED, json as read};
use crate::responses::CreateResponse;

fn items(input: &Value) -> Value {
    let body = json!({"model": "m", "input": input}).to_string();
    read(CreateResponse::parse(body.as_bytes()).unwrap().input_items(SEED))
}

#[test]
fn each_item_is_complete() {
    let id = |prefix: &str, n: u32| format!("{prefix}_{SEED}_in{n}");
    let text = json!([{"type": "input_text", "text": "hi"}]);
    assert_eq!(
        items(&json!("hi")),
        json!([{
            "id": id("msg", 0), "type": "message", "status": "completed", "role": "user",
            "content": text,
        }])
    );
    let input = json!([
        {"role": "user", "content": "hi"},
        {"role": "assistant", "content": "yes", "phase": "commentary"},
        {"type": "message", "role": "user", "id": "msg_own", "content": text},
        {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
        {"type": "function_call_output", "call_id": "c", "output": "o"},
        {"type": "reasoning", "id": "rs_own", "summary": []},
    ]);
    assert_eq!(
        items(&input),
        json!([
            {
                "id": id("msg", 0), "type": "message", "status": "completed", "role": "user",
                "content": text,
            },
            {
                "id": id("msg", 1), "type": "message", "status": "completed", "role": "assistant",
                "content": [
                    {"type": "output_text", "text": "yes", "annotations": [], "logprobs": []},
                ],
                "phase": "commentary",
            },
            {
                "id": "msg_own", "type": "message", "status": "completed", "role": "user",
                "content": text,
            },
            {
                "id": id("fc", 3), "type": "function_call", "status": "completed", "call_id": "c",
                "name": "f", "arguments": "{}",
            },
            {
                "id": id("fco", 4), "type": "function_call_output", "status": "completed",
                "call_id": "c", "output": "o",
            },
            {"id": "rs_own", "type": "reasoning", "summary": []},
        ])
    );
}

#[test]
fn no_two_items_have_the_same_id() {
    let again = json!({"role": "user", "content": "hi", "id": "msg_own"});

    let items = items(&json!([again, again]));

    assert_eq!(items[0]["id"], "msg_own");
    assert_eq!(items[1]["id"], format!("msg_{SEED}_in1"));
}

#[test]
fn the_list_is_one_line_and_a_context_for_the_next_turn() {
    let body = b"{\"model\":\"m\",\"input\":[\n{\"role\":\"user\",\n\"content\":\"a\\nb\"}\r\n]}";
    let request = CreateResponse::parse(body).unwrap();

    let items = request.input_items(SEED);

    assert!(!items.contains(['\n', '\r']), "{items}");
    let next = CreateResponse::parse(br#"{"model":"m","input":"hi"}"#).unwrap();
    let chat = read(next.chat_body(&items).unwrap());
    assert_eq!(chat["messages"][0], json!({"role": "user", "content": "a\nb"}));
}

#[test]
fn a_request_that_only_goes_on_has_no_items() {
    let body = br#"{"model":"m","previous_response_id":"resp_1"}"#;
    assert_eq!(CreateResponse::parse(body).unwrap().input_items(SEED), "[]");
}
