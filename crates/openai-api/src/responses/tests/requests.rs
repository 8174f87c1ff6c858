//! What a model is asked.

use serde_json::{Value, json};

use super::chat;
use crate::responses::CreateResponse;

fn messages(input: &Value, context: &Value) -> Value {
    let request = json!({"model": "m", "input": input});
    chat(&request, &context.to_string())["messages"].clone()
}

#[test]
fn a_plain_request_becomes_a_stream_that_says_what_it_cost() {
    assert_eq!(
        chat(&json!({"model": "m", "input": "hi"}), "[]"),
        json!({
            "model": "m",
            "stream": true,
            "stream_options": {"include_usage": true},
            "messages": [{"role": "user", "content": "hi"}],
        })
    );
}

#[test]
fn options_get_their_names_in_a_chat() {
    let tool = json!({
        "type": "function", "name": "f", "description": "d", "strict": true,
        "parameters": {"type": "object"},
    });
    let chat_tool = json!([{
        "type": "function",
        "function": {
            "name": "f", "description": "d", "strict": true, "parameters": {"type": "object"},
        },
    }]);
    let schema = json!({"type": "json_schema", "name": "s", "schema": {"a": 1}, "strict": true});
    let chat_schema = json!({
        "type": "json_schema", "json_schema": {"name": "s", "schema": {"a": 1}, "strict": true},
    });
    let named = json!({"type": "function", "name": "f"});
    let chat_named = json!({"type": "function", "function": {"name": "f"}});
    for (asked, expected) in [
        (json!({"max_output_tokens": 7}), json!({"max_completion_tokens": 7})),
        (
            json!({"temperature": 0.5, "top_p": 0.9, "user": "u"}),
            json!({"temperature": 0.5, "top_p": 0.9, "user": "u"}),
        ),
        (
            json!({"safety_identifier": "s", "prompt_cache_key": "k", "service_tier": "flex"}),
            json!({"safety_identifier": "s", "prompt_cache_key": "k", "service_tier": "flex"}),
        ),
        (json!({"service_tier": "priority"}), json!({"service_tier": "priority"})),
        // There it says which queue is meant, and no model's server is to bill it.
        (json!({"service_tier": "priority", "background": true}), json!({})),
        (
            json!({"reasoning": {"effort": "low", "summary": "auto"}}),
            json!({"reasoning_effort": "low"}),
        ),
        (json!({"text": {"format": {"type": "text"}}}), json!({})),
        (json!({"text": {"verbosity": "low"}}), json!({"verbosity": "low"})),
        (
            json!({"text": {"format": {"type": "json_object"}}}),
            json!({"response_format": {"type": "json_object"}}),
        ),
        (json!({"text": {"format": schema}}), json!({"response_format": chat_schema})),
        (json!({"include": ["message.output_text.logprobs"]}), json!({"logprobs": true})),
        (json!({"include": ["reasoning.encrypted_content"]}), json!({})),
        (json!({"top_logprobs": 2}), json!({"logprobs": true, "top_logprobs": 2})),
        (json!({"top_logprobs": 0}), json!({})),
        (json!({"tools": [tool]}), json!({"tools": chat_tool})),
        (
            json!({"tools": [tool], "tool_choice": "required", "parallel_tool_calls": false}),
            json!({"tools": chat_tool, "tool_choice": "required", "parallel_tool_calls": false}),
        ),
        (
            json!({"tools": [tool], "tool_choice": named}),
            json!({"tools": chat_tool, "tool_choice": chat_named}),
        ),
        // Chat completions refuse a word about tools when there are none.
        (json!({"tools": [], "tool_choice": "auto", "parallel_tool_calls": true}), json!({})),
        // Kept here, no matter for the model.
        (
            json!({
                "metadata": {"a": "b"}, "store": true, "truncation": "auto", "background": true,
                "stream": true, "stream_options": {"include_obfuscation": false},
                "max_tool_calls": 3, "previous_response_id": "resp_0",
            }),
            json!({}),
        ),
        // Nothing is asked by `null`.
        (
            json!({
                "temperature": null, "tools": null, "text": null, "conversation": null, "n": null,
                "reasoning": {"effort": null}, "prompt": null, "context_management": [],
            }),
            json!({}),
        ),
        // Extensions of model servers.
        (
            json!({"simulator": {"text": "x"}, "top_k": 5, "stop": ["a"], "a\"b\n": 1.50}),
            json!({"simulator": {"text": "x"}, "top_k": 5, "stop": ["a"], "a\"b\n": 1.50}),
        ),
    ] {
        let with = |more: &Value, base: Value| {
            let mut all = base;
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        let request = with(&asked, json!({"model": "m", "input": "hi"}));
        let base = chat(&json!({"model": "m", "input": "hi"}), "[]");
        assert_eq!(chat(&request, "[]"), with(&expected, base), "{asked}");
    }
}

#[test]
fn a_model_is_told_of_no_function_that_is_not_allowed() {
    let tool = |name: &str| json!({"type": "function", "name": name});
    let nested = |name: &str| json!({"type": "function", "function": {"name": name}});
    for (mode, word) in
        [(json!("required"), "required"), (json!("none"), "none"), (json!(null), "auto")]
    {
        let request = json!({
            "model": "m", "input": "hi", "tools": [tool("a"), tool("b"), tool("c")],
            "tool_choice": {"type": "allowed_tools", "mode": mode, "tools": [tool("c"), tool("a")]},
        });

        let asked = chat(&request, "[]");

        assert_eq!(asked["tools"], json!([nested("a"), nested("c")]));
        assert_eq!(asked["tool_choice"], word);
    }
}

#[test]
fn extensions_are_handed_on_byte_for_byte_and_once() {
    let body = r#"{"model":"m","input":"hi","top_k":1,"x": { "a" : 1.50 },"top_k":2}"#;
    let request = CreateResponse::parse(body.as_bytes()).unwrap();

    let chat = String::from_utf8(request.chat_body("[]").unwrap()).unwrap();

    assert!(chat.contains(r#""x":{ "a" : 1.50 }"#), "{chat}");
    assert_eq!(chat.matches("top_k").count(), 1);
    assert!(chat.contains(r#""top_k":2"#), "{chat}");
}

#[test]
fn items_become_messages() {
    let user = |content: Value| json!([{"role": "user", "content": content}]);
    let text = json!({"type": "input_text", "text": "a"});
    let image = json!({"type": "input_image", "image_url": "https://x/y.png", "detail": "low"});
    let file = json!({"type": "input_file", "filename": "f", "file_data": "data:text/plain;base64,YgpjIg=="});
    let nameless = json!({"type": "input_file", "file_data": "data:text/plain;base64,aGk="});
    let refusal = json!({"type": "refusal", "refusal": "no"});
    for (input, expected) in [
        (user(json!("hi")), user(json!("hi"))),
        (json!([{"type": "message", "role": "user", "content": "hi"}]), user(json!("hi"))),
        (json!([{"role": "system", "content": "s"}]), json!([{"role": "system", "content": "s"}])),
        (
            json!([{"role": "developer", "content": "d"}]),
            json!([{"role": "system", "content": "d"}]),
        ),
        (user(json!([text])), user(json!("a"))),
        (user(json!([])), user(json!(""))),
        (user(json!([file])), user(json!("f:\n\nb\nc\""))),
        (user(json!([nameless])), user(json!("hi"))),
        (
            user(json!([text, image])),
            user(json!([
                {"type": "text", "text": "a"},
                {"type": "image_url", "image_url": {"url": "https://x/y.png", "detail": "low"}},
            ])),
        ),
        (
            json!([{"role": "assistant", "content": [{"type": "output_text", "text": "a"}, refusal]}]),
            json!([{"role": "assistant", "content": [{"type": "text", "text": "a"}, refusal]}]),
        ),
        (
            json!([
                {"type": "reasoning", "id": "rs_1", "summary": []},
                {"role": "assistant", "content": "a"},
                {"role": "assistant", "content": "b"},
            ]),
            json!([{"role": "assistant", "content": "a"}, {"role": "assistant", "content": "b"}]),
        ),
    ] {
        assert_eq!(messages(&input, &json!([])), expected, "{input}");
    }
}

#[test]
fn what_a_model_did_at_a_time_is_one_message() {
    let call =
        |id: &str| json!({"type": "function_call", "call_id": id, "name": "f", "arguments": "{}"});
    let output = |id: &str| json!({"type": "function_call_output", "call_id": id, "output": "o"});
    let chat_call = |id: &str| json!({"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let chat_output = |id: &str| json!({"role": "tool", "tool_call_id": id, "content": "o"});
    let parts = json!([{"type": "input_text", "text": "o"}]);
    for (input, expected) in [
        (
            json!([{"role": "assistant", "content": "a"}, call("1"), call("2"), output("1"), output("2")]),
            json!([
                {"role": "assistant", "content": "a", "tool_calls": [chat_call("1"), chat_call("2")]},
                chat_output("1"),
                chat_output("2"),
            ]),
        ),
        (
            json!([call("1"), output("1"), {"type": "reasoning"}, call("2"), output("2")]),
            json!([
                {"role": "assistant", "content": null, "tool_calls": [chat_call("1")]},
                chat_output("1"),
                {"role": "assistant", "content": null, "tool_calls": [chat_call("2")]},
                chat_output("2"),
            ]),
        ),
        (
            json!([call("1"), {"role": "assistant", "content": "a"}, output("1")]),
            json!([
                {"role": "assistant", "content": "a", "tool_calls": [chat_call("1")]},
                chat_output("1"),
            ]),
        ),
        (
            json!([{"type": "function_call_output", "call_id": "1", "output": parts}]),
            json!([chat_output("1")]),
        ),
    ] {
        assert_eq!(messages(&input, &json!([])), expected, "{input}");
    }
}

#[test]
fn earlier_turns_stand_between_the_instructions_of_this_one_and_its_input() {
    let context = json!([
        {"type": "message", "id": "msg_1", "role": "user", "content": [{"type": "input_text", "text": "q"}]},
        {"type": "message", "id": "msg_2", "role": "assistant", "status": "completed",
         "content": [{"type": "output_text", "text": "a", "annotations": [], "logprobs": []}]},
    ]);
    let request = json!({
        "model": "m", "instructions": "be brief", "input": "hi", "previous_response_id": "resp_1",
    });
    let before = json!([
        {"role": "system", "content": "be brief"},
        {"role": "user", "content": "q"},
        {"role": "assistant", "content": "a"},
    ]);
    let mut with_input = before.clone();
    with_input.as_array_mut().unwrap().push(json!({"role": "user", "content": "hi"}));

    assert_eq!(chat(&request, &context.to_string())["messages"], with_input);

    let mut without_input = request;
    without_input.as_object_mut().unwrap().remove("input");
    assert_eq!(chat(&without_input, &context.to_string())["messages"], before);
}

#[test]
fn what_decides_the_way_is_read() {
    let plain = CreateResponse::parse(br#"{"model":"m","input":"hi"}"#).unwrap();
    assert_eq!(plain.model(), "m");
    assert!(!plain.stream() && !plain.background() && plain.store());
    assert_eq!(plain.previous_response_id(), None);

    let other = br#"{"model":"n","input":"hi","stream":true,"background":true,"store":true,
        "previous_response_id":"resp_1"}"#;
    let other = CreateResponse::parse(other).unwrap();
    assert!(other.stream() && other.background() && other.store());
    assert_eq!(other.previous_response_id(), Some("resp_1"));
    assert!(!format!("{other:?}").contains("hi"), "a prompt is never printed");

    let forgotten = br#"{"model":"n","input":"hi","store":false}"#;
    assert!(!CreateResponse::parse(forgotten).unwrap().store());
}
