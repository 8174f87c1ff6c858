//! The receipt of a stored answer is read from its log: everybody is told the same.

use contract::{Failure, Lane, WorkFigures};
use openai_api::completion;
use serde_json::{Value, json};

use crate::receipts;
use crate::support::{Call, Caller, Stage, chat, chunk, response};

const KEY: &str = "receipt-7";

/// What a worker has measured.
fn work() -> WorkFigures {
    WorkFigures { input_tokens: Some(3), output_tokens: Some(2), ..receipts::work() }
}

fn receipt(json: &str) -> Value {
    let response: Value = serde_json::from_str(json).unwrap();
    response["chappe"].clone()
}

fn asks(caller: &Caller, stream: bool) -> Call {
    let request = caller.request(reqwest::Method::POST, "/v1/chat/completions");
    let request = request.header("idempotency-key", KEY).header("x-chappe-receipt", "true");
    caller.sends(request.body(chat(stream)))
}

#[tokio::test]
async fn a_response_has_it_from_its_end_on_for_everybody() {
    let stage = Stage::set().await;
    let (_gateway, elsewhere) = stage.another_gateway().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let call = stage.caller.posts("/v1/responses", &response(r#""stream":true"#));
    let mut written = scribe.takes().await;
    let path = format!("/v1/responses/{}", written.response_id());
    written.says("hi").await;
    let before = elsewhere.gets(&path).await.text().await;
    written.has_measured(&work());
    written.completes().await;

    let events = call.answered().await.events().await;
    let shown = stage.caller.gets(&path).await.text().await;

    assert_eq!(receipt(&before), Value::Null, "it is not known yet");
    let last: Value =
        serde_json::from_str(events.last().unwrap().rsplit_once("data: ").unwrap().1).unwrap();
    assert_eq!(last["type"], "response.completed");
    assert_eq!(last["response"], serde_json::from_str::<Value>(&shown).unwrap());
    let told = receipt(&shown);
    assert_eq!((&told["upstream"], &told["model"]), (&json!("theirs"), &json!("public")));
    assert_eq!((&told["attempt"], &told["tokens_per_second"]), (&json!(1), &json!(2.5)));
    assert_eq!(elsewhere.gets(&path).await.text().await, shown, "byte for byte");
}

#[tokio::test]
async fn a_response_that_failed_in_the_middle_has_it_and_one_that_was_cancelled_has_none() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let failure =
        Failure { status: 502, body: "{}".to_owned(), retry_after_ms: None, should_retry: true };
    for cancelled in [false, true] {
        let call = stage.caller.posts("/v1/responses", &response(""));
        let mut written = scribe.takes().await;
        written.says("hi").await;
        if cancelled {
            written.is_cancelled().await;
        } else {
            written.has_measured(&work());
            written.fails(&failure).await;
        }

        let told = receipt(&call.answered().await.text().await);

        assert_eq!(told.is_null(), cancelled, "{told}");
    }
}

#[tokio::test]
async fn a_repeat_is_told_the_same_whole_and_in_pieces() {
    for stream in [false, true] {
        let stage = Stage::set().await;
        let (_gateway, elsewhere) = stage.another_gateway().await;
        let mut scribe = stage.scribe(Lane::Live).await;
        let first = asks(&stage.caller, stream);
        let mut written = scribe.takes().await;
        written.has_measured(&work());
        let whole = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"public","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]}"#;
        let said = match stream {
            true => chunk("hi"),
            false => String::from_utf8(completion::as_chunk(whole.as_bytes()).unwrap()).unwrap(),
        };
        written.completes_with(&[said]).await;

        let first = first.answered().await.text().await;
        let again = asks(&elsewhere, stream).answered().await.text().await;

        assert_eq!(first, again);
        assert_eq!(first.matches(r#""chappe":{"model":"public","upstream":"theirs""#).count(), 1);
        if !stream {
            assert!(first.starts_with(whole.strip_suffix('}').unwrap()), "{first}");
        }
    }
}
