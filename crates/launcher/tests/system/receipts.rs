//! The trace that a receipt names is that of the request that asked for the answer.

use serde_json::{Value, json};
use test_support::{OtlpReceiver, Stack};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const OTHER_TRACE: &str = "0af7651916cd43dd8448eb211c80319c";

#[tokio::test]
async fn a_receipt_names_the_trace_that_is_exported() {
    let collector = OtlpReceiver::start();
    let stack = Stack::builder().otlp(collector.endpoint()).start().await;
    let messages = json!([{"role": "user", "content": "Hello"}]);
    let chat = json!({"model": "simulator", "messages": messages});
    let streamed = json!({"model": "simulator", "messages": messages, "stream": true});
    let response = json!({"model": "simulator", "input": "Hello"});
    let completions = "/v1/chat/completions";
    let key = Some("receipt");

    for (path, body, key) in [
        (completions, &chat, None),
        (completions, &streamed, None),
        ("/v1/responses", &response, None),
        (completions, &chat, key),
    ] {
        let receipt = receipt(&stack, path, body, key, TRACE).await;
        assert_eq!(receipt["trace_id"], TRACE, "{path}: {receipt}");
    }
    // Whoever repeats a request has a trace of its own, and the receipt of the first.
    let again = receipt(&stack, completions, &chat, key, OTHER_TRACE).await;
    assert_eq!(again["trace_id"], TRACE);
    collector.wait_for(|spans| spans.iter().any(|span| span.trace_id == TRACE)).await;
    stack.stop().await;
}

/// The receipt of an answer, whole or at the end of a stream.
async fn receipt(stack: &Stack, path: &str, body: &Value, key: Option<&str>, trace: &str) -> Value {
    let request = test_support::http_client()
        .post(format!("{}{path}", stack.gateway_url))
        .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
        .header("x-chappe-receipt", "true")
        .body(body.to_string());
    let request = key.into_iter().fold(request, |it, key| it.header("idempotency-key", key));
    let text = request.send().await.unwrap().text().await.unwrap();
    let last = text.trim_end().trim_end_matches("data: [DONE]").trim_end();
    let json = last.rsplit_once("\ndata: ").map_or(last, |(_before, json)| json);
    let answer: Value =
        serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {text}"));
    answer["chappe"].clone()
}
