//! Requests that are wrong.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::support::{Server, ask, json_of};

#[tokio::test]
async fn a_wrong_member_is_named() {
    let server = Server::start();
    let with = |name: &str, value: Value| {
        let mut body = ask("Hello");
        body[name] = value;
        body
    };

    for (body, param) in [
        (json!({"messages": []}), "model"),
        (json!({"model": "m"}), "messages"),
        (with("messages", json!([])), "messages"),
        (with("messages", json!([{"content": "x"}])), "messages[0].role"),
        (with("messages", json!([{"role": "king", "content": "x"}])), "messages[0]"),
        (with("messages", json!([{"role": "user", "content": 7}])), "messages[0]"),
        (with("stream", json!("yes")), "stream"),
        (with("n", json!(0)), "n"),
        (with("temperature", json!("hot")), "temperature"),
        (with("temperature", json!(3)), "temperature"),
        (with("max_tokens", json!(-1)), "max_tokens"),
        (with("stop", json!(7)), "stop"),
        (with("tools", json!([{"type": "function"}])), "tools"),
        (with("tool_choice", json!("perhaps")), "tool_choice"),
        (with("response_format", json!({"type": "poem"})), "response_format"),
        (with("simulator", json!({"script": "poem"})), "simulator"),
    ] {
        let error = json_of(server.chat(&body).await, StatusCode::BAD_REQUEST).await;
        assert_eq!(error["error"]["param"], param, "{body}");
        assert_eq!(error["error"]["type"], "invalid_request_error");
    }
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused() {
    let server = Server::start();

    for body in [&b""[..], b"{", b"[]", b"{\"model\": \"\xff\"}"] {
        let request = server.request(Method::POST, "/v1/chat/completions").body(body.to_vec());
        let error = json_of(request.send().await.unwrap(), StatusCode::BAD_REQUEST).await;
        assert_eq!(error["error"]["type"], "invalid_request_error");
    }
}

#[tokio::test]
async fn a_prompt_over_the_context_is_refused_in_words_that_clients_know() {
    let server = Server::with(&[("SIMULATOR_CONTEXT_TOKENS", "100")]);

    let response = server.chat(&ask(&"word ".repeat(200))).await;

    let error = json_of(response, StatusCode::BAD_REQUEST).await["error"].clone();
    assert_eq!(
        (&error["code"], &error["param"]),
        (&json!("context_length_exceeded"), &json!("messages"))
    );
    let message = error["message"].as_str().unwrap();
    assert!(message.starts_with("This model's maximum context length is 100 tokens."), "{message}");
}

#[tokio::test]
async fn unknown_routes_and_methods_are_answered_in_the_same_form() {
    let server = Server::start();

    let route = json_of(server.get("/v1/nothing").await, StatusCode::NOT_FOUND).await;
    let method =
        json_of(server.get("/v1/chat/completions").await, StatusCode::METHOD_NOT_ALLOWED).await;

    assert_eq!(route["error"]["code"], "unknown_url");
    assert_eq!(method["error"]["code"], "method_not_allowed");
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let server = Server::start();
    // One byte over: when the server refuses, everything is read and the answer is not lost.
    let body = vec![b' '; 64 * 1024 * 1024 + 1];

    let response = server.request(Method::POST, "/v1/chat/completions").body(body).send().await;

    let error = json_of(response.unwrap(), StatusCode::PAYLOAD_TOO_LARGE).await;
    assert_eq!(error["error"]["code"], "request_too_large");
}
