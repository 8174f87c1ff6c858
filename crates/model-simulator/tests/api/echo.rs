//! What arrived, given back.

use serde_json::Value;

use crate::support::Server;

const BODY: &str = r#"{ "model":"m", "messages":[{"role":"user","content":"é \"x\""}],
    "simulator": {"script": "echo"}, "x_big":12345678901234567890.50, "x_twice":1, "x_twice":2 }"#;

#[tokio::test]
async fn the_body_comes_back_byte_for_byte_and_the_headers_with_it() {
    let server = Server::start();

    let response = server
        .request(reqwest::Method::POST, "/v1/chat/completions")
        .header("x-one", "1")
        .header("x-many", "a")
        .header("x-many", "b")
        .body(BODY)
        .send();
    let whole: Value = response.await.unwrap().json().await.unwrap();

    let echo = whole["choices"][0]["message"]["content"].as_str().unwrap();
    let body = echo.strip_prefix("{\"body\":").unwrap();
    assert!(body.starts_with(BODY), "{body}");
    let echo: Value = serde_json::from_str(echo).unwrap();
    assert_eq!(echo["headers"]["x-one"], "1");
    assert_eq!(echo["headers"]["x-many"], serde_json::json!(["a", "b"]));
}

#[tokio::test]
async fn embeddings_carry_the_echo_beside_them() {
    let server = Server::start();
    let body = serde_json::json!({
        "model": "simulator-embeddings", "input": "text", "x": 1, "simulator": {"script": "echo"},
    });

    let list: Value = server.post("/v1/embeddings", &body).await.json().await.unwrap();

    assert_eq!(list["echo"]["body"], body);
}
