//! The form of an answer in one piece.

use serde_json::{Value, json};

use crate::support::{Server, ask, order};

#[tokio::test]
async fn an_answer_has_the_members_that_clients_read() {
    let server = Server::start();

    let whole = server.whole(&order(json!({"text": "one \"two\"\n"}))).await;

    assert_eq!(whole["object"], "chat.completion");
    assert_eq!(whole["model"], "simulator");
    assert_eq!(
        whole["choices"],
        json!([{
            "index": 0,
            "message": {"role": "assistant", "content": "one \"two\"\n", "refusal": null},
            "logprobs": null,
            "finish_reason": "stop",
        }])
    );
    assert_eq!(whole["usage"]["completion_tokens"], 2);
    assert!(whole["id"].as_str().unwrap().starts_with("chatcmpl-"));
}

#[tokio::test]
async fn any_model_name_is_served_and_given_back() {
    let server = Server::start();
    let mut body = ask("Hello");
    body["model"] = json!("org/\"odd\" name:7b");

    assert_eq!(server.whole(&body).await["model"], body["model"]);
    assert_eq!(server.stream(&body).await.chunks[0]["model"], body["model"]);
}

#[tokio::test]
async fn a_limit_of_tokens_ends_the_answer_and_says_so() {
    let server = Server::start();
    let mut body = order(json!({"script": "count", "tokens": 100}));

    for limit in ["max_tokens", "max_completion_tokens"] {
        body[limit] = json!(3);
        let whole = server.whole(&body).await;
        let choice = &whole["choices"][0];
        assert_eq!(choice["message"]["content"], "t0 t1 t2 ");
        assert_eq!(choice["finish_reason"], "length");
        assert_eq!(whole["usage"]["completion_tokens"], 3);
        body.as_object_mut().unwrap().remove(limit);
    }
}

#[tokio::test]
async fn images_are_counted_and_described() {
    let server = Server::start();
    let part = |url: &str| json!({"type": "image_url", "image_url": {"url": url}});
    let body = json!({"model": "simulator", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "What is this?"},
        part("data:image/png;base64,aGVsbG8="),
        part("https://example.com/a.jpg"),
    ]}]});

    let whole = server.whole(&body).await;

    let text = whole["choices"][0]["message"]["content"].as_str().unwrap();
    assert!(text.contains("I see 2 images (png, 5 bytes; linked)."), "{text}");
    assert!(text.contains("What is this?"));
}

#[tokio::test]
async fn the_header_orders_like_the_body() {
    let server = Server::start();

    let response = server
        .request(reqwest::Method::POST, "/v1/chat/completions")
        .header("x-simulator", r#"{"text": "from the header"}"#)
        .json(&order(json!({"text": "from the body"})))
        .send();
    let whole: Value = response.await.unwrap().json().await.unwrap();

    assert_eq!(whole["choices"][0]["message"]["content"], "from the header");
}
