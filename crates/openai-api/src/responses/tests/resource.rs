//! The response object.

use serde_json::{Value, json};

use super::{Fold, SEED, chat, failed};
use crate::responses::{About, End, Projection, Status, one_line};

#[test]
fn every_key_is_there_with_the_defaults_of_the_api() {
    let fold = Fold::of(&json!({"model": "m", "input": "hi"}));

    assert_eq!(
        fold.response(),
        json!({
            "id": "resp_1",
            "object": "response",
            "created_at": 1_700_000_000,
            "status": "in_progress",
            "completed_at": null,
            "error": null,
            "incomplete_details": null,
            "output": [],
            "usage": null,
            "background": false,
            "conversation": null,
            "frequency_penalty": 0.0,
            "instructions": null,
            "max_output_tokens": null,
            "max_tool_calls": null,
            "metadata": {},
            "model": "m",
            "presence_penalty": 0.0,
            "previous_response_id": null,
            "prompt_cache_key": null,
            "reasoning": {"effort": null, "summary": null},
            "safety_identifier": null,
            "service_tier": "default",
            "store": true,
            "temperature": 1.0,
            "text": {"format": {"type": "text"}},
            "parallel_tool_calls": true,
            "tool_choice": "auto",
            "tools": [],
            "top_logprobs": 0,
            "top_p": 1.0,
            "truncation": "disabled",
            "user": null,
        })
    );
}

#[test]
fn it_names_its_conversation_however_that_was_named() {
    for conversation in [json!("conv_1"), json!({"id": "conv_1"})] {
        let request = json!({"model": "m", "input": "hi", "conversation": conversation});
        assert_eq!(Fold::of(&request).response()["conversation"], json!({"id": "conv_1"}));
    }
}

#[test]
fn what_was_asked_is_told_again() {
    let echoed = json!({
        "background": true,
        "frequency_penalty": 0.25,
        "instructions": "be \"brief\"",
        "max_output_tokens": 9,
        "max_tool_calls": 2,
        "metadata": {"a": "b"},
        "parallel_tool_calls": false,
        "presence_penalty": -1,
        "previous_response_id": "resp_0",
        "prompt_cache_key": "k",
        "reasoning": {"effort": "low", "summary": "auto"},
        "safety_identifier": "s",
        "service_tier": "priority",
        "store": true,
        "temperature": 0.5,
        "text": {
            "format": {
                "type": "json_schema", "name": "n", "description": null, "schema": {},
                "strict": false,
            },
            "verbosity": "low",
        },
        "tool_choice": {"type": "function", "name": "f"},
        "tools": [{
            "type": "function", "name": "f", "description": null, "parameters": {"type": "object"},
            "strict": null,
        }],
        "top_logprobs": 3,
        "top_p": 0.9,
        "truncation": "auto",
        "user": "u",
    });
    let mut request = echoed.clone();
    request["input"] = json!("hi");
    request["model"] = json!("other");

    let response = Fold::of(&request).response();

    for (key, value) in echoed.as_object().unwrap() {
        assert_eq!(&response[key], value, "{key}");
    }
    // The name of the model is the public one.
    assert_eq!(response["model"], "m");
}

#[test]
fn which_functions_were_allowed_is_told_whole() {
    let tool = |name: &str| json!({"type": "function", "name": name});
    let choice = json!({"type": "allowed_tools", "tools": [tool("b")]});
    let tools = json!([tool("a"), tool("b")]);

    let fold =
        Fold::of(&json!({"model": "m", "input": "hi", "tools": tools, "tool_choice": choice}));

    let expected = json!({"type": "allowed_tools", "mode": "auto", "tools": [tool("b")]});
    let response = fold.response();
    assert_eq!(response["tool_choice"], expected);
    assert_eq!(response["tools"].as_array().map(Vec::len), Some(2));
}

#[test]
fn automatic_is_the_default_tier() {
    let fold = Fold::of(&json!({"model": "m", "input": "hi", "service_tier": "auto"}));
    assert_eq!(fold.response()["service_tier"], "default");
}

#[test]
fn what_it_cost_is_told_in_other_words() {
    for (usage, expected) in [
        (
            json!({"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7}),
            json!({
                "input_tokens": 3,
                "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
                "output_tokens": 4,
                "output_tokens_details": {"reasoning_tokens": 0},
                "total_tokens": 7,
            }),
        ),
        (
            json!({
                "prompt_tokens": 3, "completion_tokens": 4,
                "prompt_tokens_details": {"cached_tokens": 2, "audio_tokens": null},
                "completion_tokens_details": {"reasoning_tokens": 1},
            }),
            json!({
                "input_tokens": 3,
                "input_tokens_details": {"cached_tokens": 2, "cache_write_tokens": 0},
                "output_tokens": 4,
                "output_tokens_details": {"reasoning_tokens": 1},
                "total_tokens": 7,
            }),
        ),
    ] {
        let mut fold = Fold::started();
        let chunk = json!({"choices": [], "usage": usage}).to_string();
        fold.projection.chunk(chunk.as_bytes(), &mut fold.events);
        fold.end(&End::Completed);
        assert_eq!(fold.response()["usage"], expected);
    }
}

#[test]
fn only_a_completed_response_has_a_time_of_completion() {
    for (end, at) in [
        (End::Completed, json!(1_700_000_009)),
        (failed(), Value::Null),
        (End::Cancelled, Value::Null),
    ] {
        let mut fold = Fold::started();
        fold.end(&end);
        assert_eq!(fold.response()["completed_at"], at);
    }
}

#[test]
fn the_text_so_far_can_be_asked_for() {
    let mut fold = Fold::started();
    fold.delta(&json!({"content": "Hel"}));

    let item = &fold.response()["output"][0];

    assert_eq!(
        (&item["status"], &item["content"][0]["text"]),
        (&json!("in_progress"), &json!("Hel"))
    );
    assert_eq!(fold.projection.output_items(), "[]", "what is not closed is no context");
}

#[test]
fn the_items_of_an_answer_are_a_context_for_the_next_turn() {
    let mut fold = Fold::started();
    fold.delta(&json!({"reasoning": "Hm"}));
    fold.delta(&json!({"content": "Yes"}));
    let call = |id: &str, arguments: &str| json!({"tool_calls": [{"id": id, "function": {"name": "f", "arguments": arguments}}]});
    fold.delta(&call("a", "{}"));
    fold.delta(&call("b", "{\"cut"));
    fold.finish("length");
    fold.end(&End::Completed);

    let context = fold.projection.output_items();

    let request = json!({"model": "m", "input": "next", "previous_response_id": "resp_1"});
    let called =
        json!({"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    assert_eq!(
        chat(&request, &context)["messages"],
        json!([
            {"role": "assistant", "content": "Yes", "tool_calls": [called]},
            {"role": "user", "content": "next"},
        ])
    );
}

#[test]
fn events_are_one_line_however_the_request_was_written() {
    let request = "{\"model\":\"m\",\"input\":\"hi\",\"metadata\":{\r\n\"a\":\n\"b\"},\n\"tools\":[\n\
                   {\"type\":\"function\",\"name\":\"f\",\"parameters\":{\n\"a\":1}}]}";
    let about = About { id: "resp_1", seed: SEED, created_at: 0, model: "m", request };
    let mut events = Vec::new();

    Projection::new(&about).unwrap().accepted(&mut events);

    assert!(!events[0].json.contains(&b'\n') && !events[0].json.contains(&b'\r'));
    assert_eq!(super::json(&events[0].json)["response"]["metadata"], json!({"a": "b"}));
    assert_eq!(one_line("{\"a\":\r\n1}"), "{\"a\":  1}");
}

#[test]
fn each_status_has_its_word() {
    for (status, word, terminal) in [
        (Status::Queued, "queued", false),
        (Status::InProgress, "in_progress", false),
        (Status::Completed, "completed", true),
        (Status::Incomplete, "incomplete", true),
        (Status::Failed, "failed", true),
        (Status::Cancelled, "cancelled", true),
    ] {
        assert_eq!((status.as_str(), status.is_terminal()), (word, terminal));
    }
}
