//! Functions and schemas.

use serde_json::{Value, json};

use crate::support::{Server, ask};

fn with_tools(prompt: &str) -> Value {
    let mut body = ask(prompt);
    body["tools"] = json!([{"type": "function", "function": {
        "name": "get_weather",
        "parameters": {
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "days": {"type": "integer", "minimum": 1, "maximum": 7},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
            },
            "required": ["city", "unit"],
        },
    }}]);
    body
}

fn assert_fits(arguments: &str) {
    let arguments: Value = serde_json::from_str(arguments).unwrap();
    assert!(arguments["city"].is_string());
    assert!((1..=7).contains(&arguments["days"].as_i64().unwrap()));
    assert!(["celsius", "fahrenheit"].contains(&arguments["unit"].as_str().unwrap()));
}

#[tokio::test]
async fn a_call_is_named_in_its_first_fragment_and_its_arguments_follow_in_pieces() {
    let server = Server::start();

    let stream = server.stream(&with_tools("Please call get_weather")).await;

    let fragments: Vec<&Value> = stream
        .deltas(0)
        .filter_map(|delta| delta.get("tool_calls"))
        .map(|calls| &calls[0])
        .collect();
    let (first, rest) = fragments.split_first().unwrap();
    assert_eq!((&first["index"], &first["type"]), (&json!(0), &json!("function")));
    assert_eq!(first["function"], json!({"name": "get_weather", "arguments": ""}));
    assert!(first["id"].as_str().unwrap().starts_with("call_"));
    assert!(rest.len() > 3, "in pieces");
    for fragment in rest {
        let members: Vec<&String> = fragment.as_object().unwrap().keys().collect();
        assert_eq!(members, ["function", "index"]);
        assert!(fragment["function"].get("name").is_none());
    }
    let arguments: Vec<&str> =
        rest.iter().map(|fragment| fragment["function"]["arguments"].as_str().unwrap()).collect();
    assert_fits(&arguments.concat());
    assert_eq!(stream.finish_reasons(), ["tool_calls"]);
}

#[tokio::test]
async fn a_call_in_one_piece_has_no_content() {
    let server = Server::start();
    let mut body = with_tools("Good day");
    body["tool_choice"] = json!({"type": "function", "function": {"name": "get_weather"}});

    let whole = server.whole(&body).await;

    let choice = &whole["choices"][0];
    assert_eq!(choice["finish_reason"], "tool_calls");
    assert_eq!(choice["message"]["content"], Value::Null);
    let call = &choice["message"]["tool_calls"][0];
    assert_eq!(
        (&call["type"], &call["function"]["name"]),
        (&json!("function"), &json!("get_weather"))
    );
    assert_fits(call["function"]["arguments"].as_str().unwrap());
}

#[tokio::test]
async fn what_a_tool_gave_is_used_in_words() {
    let server = Server::start();
    let mut body = with_tools("simulator: tool_call");
    let call = server.whole(&body).await["choices"][0]["message"].clone();
    let id = call["tool_calls"][0]["id"].clone();
    let messages = body["messages"].as_array_mut().unwrap();
    messages.push(call);
    messages.push(json!({"role": "tool", "tool_call_id": id, "content": "18 degrees"}));

    let whole = server.whole(&body).await;

    assert_eq!(whole["choices"][0]["finish_reason"], "stop");
    assert!(whole["choices"][0]["message"]["content"].as_str().unwrap().contains("18 degrees"));
}

#[tokio::test]
async fn a_schema_is_filled() {
    let server = Server::start();
    let mut body = ask("A person, please");
    body["response_format"] = json!({"type": "json_schema", "json_schema": {
        "name": "person",
        "strict": true,
        "schema": {
            "type": "object",
            "properties": {"name": {"type": "string"}, "age": {"type": "integer", "minimum": 0}},
            "required": ["name", "age"],
            "additionalProperties": false,
        },
    }});

    let person: Value = serde_json::from_str(&server.stream(&body).await.text()).unwrap();

    assert!(person["name"].is_string() && person["age"].as_i64() >= Some(0));
    assert_eq!(person.as_object().unwrap().len(), 2);
}

#[tokio::test]
async fn any_object_is_made_when_no_schema_says_which() {
    let server = Server::start();
    let mut body = ask("JSON, please");
    body["response_format"] = json!({"type": "json_object"});

    let object: Value = serde_json::from_str(&server.stream(&body).await.text()).unwrap();

    assert!(object.is_object());
}
