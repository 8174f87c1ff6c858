//! What is refused, and the member that is at fault.

use serde_json::{Value, json};

use crate::request::MAX_MESSAGES;
use crate::responses::CreateResponse;

fn refused(body: &Value) -> (Option<String>, &'static str, String) {
    let Err(error) = CreateResponse::parse(body.to_string().as_bytes()) else {
        panic!("accepted: {body}");
    };
    (error.param, error.code, error.message)
}

#[test]
fn each_fault_names_its_member() {
    let function = json!({"type": "function", "name": "f"});
    let pairs: serde_json::Map<String, Value> =
        (0..17).map(|n| (n.to_string(), json!("v"))).collect();
    for (member, value, param, code) in [
        ("model", json!(7), "model", "invalid_type"),
        ("stream", json!("yes"), "stream", "invalid_type"),
        ("input", json!(7), "input", "invalid_type"),
        ("input", json!([]), "input", "empty_array"),
        ("input", json!([{"type": "reasoning"}]), "input", "empty_array"),
        ("instructions", json!([]), "instructions", "invalid_type"),
        ("temperature", json!("hot"), "temperature", "invalid_type"),
        ("max_output_tokens", json!(0), "max_output_tokens", "invalid_value"),
        ("max_output_tokens", json!(1.5), "max_output_tokens", "invalid_value"),
        ("max_output_tokens", json!("1"), "max_output_tokens", "invalid_type"),
        ("top_logprobs", json!(21), "top_logprobs", "invalid_value"),
        ("text", json!("json"), "text", "invalid_type"),
        ("text", json!({"format": {}}), "text.format.type", "missing_required_parameter"),
        ("text", json!({"format": {"type": "xml"}}), "text.format.type", "invalid_value"),
        (
            "text",
            json!({"format": {"type": "json_schema", "schema": {}}}),
            "text.format.name",
            "missing_required_parameter",
        ),
        (
            "text",
            json!({"format": {"type": "json_schema", "name": "n"}}),
            "text.format.schema",
            "missing_required_parameter",
        ),
        ("reasoning", json!({"effort": 3}), "reasoning.effort", "invalid_type"),
        ("tools", json!({}), "tools", "invalid_type"),
        ("tools", json!(["f"]), "tools[0]", "invalid_type"),
        (
            "tools",
            json!([function, {"type": "function"}]),
            "tools[1].name",
            "missing_required_parameter",
        ),
        ("tools", json!([{"type": "web_search"}]), "tools[0].type", "unsupported_value"),
        ("tools", json!([{"type": "custom", "name": "c"}]), "tools[0].type", "unsupported_value"),
        ("tool_choice", json!("some"), "tool_choice", "invalid_value"),
        ("tool_choice", json!("required"), "tool_choice", "invalid_value"),
        ("tool_choice", json!(7), "tool_choice", "invalid_type"),
        (
            "tool_choice",
            json!({"type": "function", "name": "g"}),
            "tool_choice.name",
            "invalid_value",
        ),
        ("tool_choice", json!({"type": "file_search"}), "tool_choice.type", "unsupported_value"),
        (
            "tool_choice",
            json!({"type": "allowed_tools", "mode": "auto", "tools": []}),
            "tool_choice.tools",
            "missing_required_parameter",
        ),
        ("metadata", json!(pairs), "metadata", "object_above_max_properties"),
        ("metadata", json!({"k".repeat(65): "v"}), "metadata", "string_above_max_length"),
        ("metadata", json!({"k": "é".repeat(513)}), "metadata.k", "string_above_max_length"),
        ("metadata", json!({"k": 1}), "metadata.k", "invalid_type"),
        ("metadata", json!({"k": null}), "metadata.k", "invalid_type"),
        ("include", json!(["everything"]), "include[0]", "invalid_value"),
        ("include", json!([1]), "include[0]", "invalid_type"),
        ("truncation", json!("middle"), "truncation", "invalid_value"),
        ("service_tier", json!("scale"), "service_tier", "invalid_value"),
        ("stream_options", json!([]), "stream_options", "invalid_type"),
        ("conversation", json!(7), "conversation", "invalid_type"),
        ("conversation", json!({"id": 7}), "conversation.id", "invalid_type"),
        ("conversation", json!({}), "conversation.id", "missing_required_parameter"),
        ("chappe", json!("resp_1"), "chappe", "invalid_type"),
        ("chappe", json!({"after": 7}), "chappe.after", "invalid_type"),
        ("chappe", json!({"after": "resp_1"}), "chappe.after", "invalid_value"),
        ("chappe", json!({"after": null}), "chappe.after", "invalid_value"),
        ("chappe", json!({"before": null}), "chappe.before", "unsupported_parameter"),
        ("chappe", json!({"a": 1, "after": null}), "chappe.a", "unsupported_parameter"),
        ("prompt", json!({"id": "p"}), "prompt", "unsupported_parameter"),
        ("messages", json!([]), "messages", "unsupported_parameter"),
        ("max_tokens", json!(1), "max_tokens", "unsupported_parameter"),
        ("n", json!(2), "n", "unsupported_parameter"),
    ] {
        let mut body = json!({"model": "m", "input": "hi"});
        body[member] = value;
        let (got, got_code, _) = refused(&body);
        assert_eq!((got.as_deref(), got_code), (Some(param), code), "{body}");
    }
}

#[test]
fn each_faulty_item_is_found() {
    let content = |part: Value| json!({"role": "user", "content": [part]});
    for (item, param, code) in [
        (json!("hi"), "input[1]", "invalid_type"),
        (json!({}), "input[1].role", "missing_required_parameter"),
        (json!({"role": "tool", "content": "x"}), "input[1].role", "invalid_value"),
        (json!({"role": "user"}), "input[1].content", "missing_required_parameter"),
        (json!({"role": "user", "content": 7}), "input[1].content", "invalid_type"),
        (json!({"role": "user", "content": ["a"]}), "input[1].content[0]", "invalid_type"),
        (content(json!({})), "input[1].content[0].type", "missing_required_parameter"),
        (content(json!({"type": "input_audio"})), "input[1].content[0].type", "invalid_value"),
        (
            content(json!({"type": "input_text"})),
            "input[1].content[0].text",
            "missing_required_parameter",
        ),
        (
            content(json!({"type": "input_image", "file_id": "file_1"})),
            "input[1].content[0].file_id",
            "unsupported_parameter",
        ),
        (
            content(json!({"type": "input_image", "image_url": {"url": "x"}})),
            "input[1].content[0].image_url",
            "invalid_type",
        ),
        (
            content(json!({"type": "input_file", "file_url": "https://x"})),
            "input[1].content[0].file_url",
            "unsupported_parameter",
        ),
        (
            content(json!({"type": "input_file", "file_data": "data:application/pdf;base64,aGk="})),
            "input[1].content[0].file_data",
            "unsupported_value",
        ),
        (
            json!({"type": "function_call", "name": "f", "arguments": "{}"}),
            "input[1].call_id",
            "missing_required_parameter",
        ),
        (
            json!({"type": "function_call", "call_id": "c", "name": "f", "arguments": {}}),
            "input[1].arguments",
            "invalid_type",
        ),
        (
            json!({"type": "function_call_output", "call_id": "c"}),
            "input[1].output",
            "missing_required_parameter",
        ),
        (json!({"type": "item_reference", "id": "msg_1"}), "input[1].type", "unsupported_value"),
        (json!({"id": "msg_1"}), "input[1].type", "unsupported_value"),
        (json!({"type": "web_search_call", "id": "ws_1"}), "input[1].type", "unsupported_value"),
    ] {
        let input = json!([{"role": "user", "content": "hi"}, item]);
        let (got, got_code, _) = refused(&json!({"model": "m", "input": input}));
        assert_eq!((got.as_deref(), got_code), (Some(param), code), "{item}");
    }
}

#[test]
fn members_that_forbid_each_other_or_are_missing_are_named() {
    for (body, param) in [
        (json!({"input": "hi"}), "model"),
        (json!({"model": "m"}), "input"),
        (json!({"model": "m", "input": "hi", "background": true, "store": false}), "background"),
        (
            json!({
                "model": "m", "input": "hi", "previous_response_id": "resp_1",
                "conversation": {"id": "conv_1"},
            }),
            "previous_response_id",
        ),
        (json!({"model": "m", "input": "hi", "store": false, "conversation": "conv_1"}), "store"),
    ] {
        assert_eq!(refused(&body).0.as_deref(), Some(param), "{body}");
    }
}

#[test]
fn a_refusal_says_what_it_refuses() {
    let with = |member: &str, value: Value| {
        let mut body = json!({"model": "m", "input": "hi"});
        body[member] = value;
        refused(&body).2
    };
    assert!(with("tools", json!([{"type": "code_interpreter"}])).contains("code_interpreter"));
    assert!(with("max_tokens", json!(1)).contains("max_output_tokens"));
    assert!(with("service_tier", json!("scale")).contains("'priority'"));
}

#[test]
fn everything_has_a_limit() {
    let input: Vec<Value> =
        (0..=MAX_MESSAGES).map(|_| json!({"role": "user", "content": "a"})).collect();
    let (param, code, _) = refused(&json!({"model": "m", "input": input}));
    assert_eq!((param.as_deref(), code), (Some("input"), "array_above_max_length"));

    // Together with what was said before.
    let almost =
        CreateResponse::parse(json!({"model": "m", "input": &input[1..]}).to_string().as_bytes())
            .unwrap();
    assert!(almost.chat_body("[]").is_ok());
    let context = json!([{"role": "user", "content": "a"}]).to_string();
    assert_eq!(almost.chat_body(&context).unwrap_err().code, "array_above_max_length");

    let mut body = json!({"model": "m", "input": "hi"});
    for n in 0..127 {
        body[format!("x{n}")] = json!(n);
    }
    assert_eq!(refused(&body).1, "object_above_max_properties");

    // Each of them would take more than a hundred times its bytes.
    let parts = json!([{"role": "user", "content": vec![json!({}); MAX_MESSAGES + 1]}]);
    for (member, value, at) in [
        ("tools", json!(vec![json!({}); MAX_MESSAGES + 1]), "tools"),
        ("input", parts, "input[0].content"),
    ] {
        let mut body = json!({"model": "m", "input": "hi"});
        body[member] = value;
        let (param, code, _) = refused(&body);
        assert_eq!((param.as_deref(), code), (Some(at), "array_above_max_length"));
    }
    let many: serde_json::Map<String, Value> =
        (0..=MAX_MESSAGES).map(|n| (n.to_string(), json!("v"))).collect();
    let (param, code, message) = refused(&json!({"model": "m", "input": "hi", "metadata": many}));
    assert_eq!((param.as_deref(), code), (Some("metadata"), "object_above_max_properties"));
    assert!(!message.contains("expected an object"), "{message}");

    // What is refused is not told back at length.
    let word = "x".repeat(10_000);
    for body in [
        json!({"model": "m", "input": [{"type": word}]}),
        json!({"model": "m", "input": [{"role": word, "content": "a"}]}),
        json!({"model": "m", "input": "hi", "tools": [{"type": word}]}),
        json!({"model": "m", "input": "hi", "tool_choice": {"type": "function", "name": word}}),
        json!({"model": "m", "input": "hi", "truncation": word}),
        json!({"model": "m", "input": "hi", "chappe": {word.as_str(): 1}}),
    ] {
        assert!(refused(&body).2.len() < 400);
    }
}

#[test]
fn a_context_that_is_none_is_refused() {
    let request = CreateResponse::parse(br#"{"model":"m","input":"hi"}"#).unwrap();
    for context in ["", "{}", "[1]", r#"[{"type":"x"}]"#] {
        let error = request.chat_body(context).unwrap_err();
        assert!(error.param.unwrap().starts_with("previous_response_id"), "{context}");
    }
}

#[test]
fn a_name_with_half_a_character_is_said_to_be_that() {
    let error = CreateResponse::parse(br#"{"model":"\ud800","input":"hi"}"#).unwrap_err();
    assert_eq!((error.param.as_deref(), error.code), (Some("model"), "invalid_unicode"));
}
