//! What a caller is told of an unstored answer beside its words.

use contract::{EventKind, WorkFigures};
use serde_json::{Value, json};

use crate::support::{Answer, DONE, Stage, chat, chunk, embeddings};

const RECEIPT: &str = "x-chappe-receipt";

/// What a worker has measured.
pub(crate) fn work() -> WorkFigures {
    WorkFigures {
        queue_wait_ms: 1.25,
        first_token_ms: Some(0.5),
        work_ms: 800.0,
        upstream: "theirs".to_owned(),
        attempt: 1,
        input_tokens: Some(12),
        output_tokens: Some(40),
    }
}

/// A receipt without what the caller's side has measured, which stands in its order.
fn told(mut receipt: Value) -> Value {
    let members = receipt.as_object_mut().unwrap();
    let duration_ms = members.remove("duration_ms").unwrap().as_f64().unwrap();
    let first_ms = members.remove("time_to_first_token_ms").unwrap();
    assert!(duration_ms > 0.0 && first_ms.as_f64().unwrap_or_default() <= duration_ms);
    members.insert("has_first_token".to_owned(), first_ms.is_number().into());
    receipt
}

/// The same, of what [`work`] says.
fn expected(model: &str, has_first_token: bool) -> Value {
    json!({
        "model": model,
        "upstream": "theirs",
        "attempt": 1,
        "trace_id": null,
        "queue_wait_ms": 1.25,
        "model_first_token_ms": 0.5,
        "input_tokens": 12,
        "output_tokens": 40,
        "tokens_per_second": 50.0,
        "has_first_token": has_first_token,
    })
}

async fn receipt_of(answer: Answer) -> Value {
    let json: Value = serde_json::from_str(&answer.text().await).unwrap();
    json["chappe"].clone()
}

#[tokio::test]
async fn a_whole_answer_has_it_behind_what_the_model_said() {
    let mut stage = Stage::set().await;
    let said = "{\"id\":\"a\",\n  \"usage\":{\"x\":1.50}";
    let call = stage.caller.asks(&chat(false));
    let mut held = stage.worker.takes().await;
    assert!(held.job().reads_work, "its worker may tell");

    held.ends_with(EventKind::Body, &format!("{said}\n}}\n"), &work()).await;

    let text = call.answered().await.text().await;
    let behind = text.strip_prefix(said).and_then(|rest| rest.strip_prefix("\n,\"chappe\":"));
    let receipt = behind.unwrap().strip_suffix("}\n").unwrap();
    assert_eq!(told(serde_json::from_str(receipt).unwrap()), expected("public", false));
}

#[tokio::test]
async fn embeddings_have_it_too_and_so_has_an_answer_that_travels_by_name() {
    let mut stage = Stage::set().await;
    let call = stage.caller.posts("/v1/embeddings", embeddings());
    let mut held = stage.worker.takes().await;
    held.ends_with(EventKind::Body, r#"{"data":[]}"#, &work()).await;
    assert_eq!(told(receipt_of(call.answered().await).await), expected("org/embedder", false));

    let call = stage.caller.asks(&chat(false));
    let mut held = stage.worker.takes().await;
    let name = format!("answers/{}/1", held.id);
    stage.bus.blobs().await.unwrap().put(&name, br#"{"long":true}"#).await.unwrap();
    held.ends_with(EventKind::StoredBody, &name, &work()).await;
    assert_eq!(told(receipt_of(call.answered().await).await), expected("public", false));
}

#[tokio::test]
async fn the_name_is_ours_and_what_is_no_object_has_no_place_for_it() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(false));
    let forged = r#"{"chappe":{"upstream":"forged"},"a":1}"#;
    stage.worker.takes().await.ends_with(EventKind::Body, forged, &work()).await;
    assert_eq!(told(receipt_of(call.answered().await).await), expected("public", false));

    let call = stage.caller.asks(&chat(false));
    stage.worker.takes().await.ends_with(EventKind::Body, "[1.50]", &work()).await;
    assert_eq!(call.answered().await.text().await, "[1.50]");
}

#[tokio::test]
async fn a_stream_ends_with_it_for_who_wants_it() {
    let mut stage = Stage::set().await;
    let chunk = r#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"public","choices":[{"index":0,"delta":{"content":"a"}}]}"#;
    for (wish, wanted) in [(None, false), (Some("false"), false), (Some("true"), true)] {
        let request = stage.caller.request(reqwest::Method::POST, "/v1/chat/completions");
        let request = request.body(chat(true));
        let request = wish.into_iter().fold(request, |request, wish| request.header(RECEIPT, wish));
        let call = stage.caller.sends(request);
        let mut held = stage.worker.takes().await;
        held.says_chunk(chunk).await;
        held.ends_with(EventKind::Done, "", &work()).await;

        let mut events = call.answered().await.events().await;

        assert_eq!(events.pop().as_deref(), Some(DONE));
        assert_eq!(events[0], format!("data: {chunk}"));
        assert_eq!(events.len(), if wanted { 2 } else { 1 }, "{wish:?}");
        for event in &events[1..] {
            let mut last: Value =
                serde_json::from_str(event.strip_prefix("data: ").unwrap()).unwrap();
            assert_eq!(told(last["chappe"].take()), expected("public", true));
            let like_the_others = json!({
                "id": "chatcmpl-1",
                "object": "chat.completion.chunk",
                "created": 7,
                "model": "public",
                "choices": [],
                "chappe": null,
            });
            assert_eq!(last, like_the_others);
        }
    }
}

#[tokio::test]
async fn a_worker_of_the_version_before_tells_nothing_and_its_answers_arrive_all_the_same() {
    let mut stage = Stage::set().await;
    let request = stage.caller.request(reqwest::Method::POST, "/v1/chat/completions");
    let call = stage.caller.sends(request.header(RECEIPT, "true").body(chat(true)));
    let mut held = stage.worker.takes().await;
    held.says_chunk(&chunk("a")).await;
    held.is_done().await;

    let events = call.answered().await.events().await;

    assert_eq!(events, [format!("data: {}", chunk("a")), DONE.to_owned()]);
    let call = stage.caller.asks(&chat(false));
    stage.worker.takes().await.says_body(r#"{"a":1}"#).await;
    assert_eq!(call.answered().await.text().await, r#"{"a":1}"#);
}

#[tokio::test]
async fn figures_that_cannot_be_read_cost_nobody_an_answer() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(false));
    let mut held = stage.worker.takes().await;
    let body = held.event(EventKind::Body, b"{}");
    held.sends(&[contract::Event { work: b"{\"later\":1}", ..body }]).await;

    assert_eq!(call.answered().await.text().await, "{}");
}

#[tokio::test]
async fn what_the_platform_adds_to_a_first_token_is_counted_of_streams() {
    let mut stage = Stage::set().await;
    let whole = stage.caller.asks(&chat(false));
    stage.worker.takes().await.ends_with(EventKind::Body, "{}", &work()).await;
    whole.answered().await.text().await;
    let slow = WorkFigures { queue_wait_ms: 1e9, ..work() };
    for work in [&work(), &slow] {
        let stream = stage.caller.asks(&chat(true));
        let mut held = stage.worker.takes().await;
        held.says_chunk(&chunk("a")).await;
        held.ends_with(EventKind::Done, "", work).await;
        stream.answered().await.events().await;
    }

    stage.gateway.settles(3, "completed").await;
    let (_status, figures) = stage.gateway.health("/metrics").await;

    let line = |begin: &str| figures.lines().find(|line| line.starts_with(begin));
    assert_eq!(
        line("app_platform_overhead_seconds_count"),
        Some("app_platform_overhead_seconds_count 2")
    );
    let sum = line("app_platform_overhead_seconds_sum").unwrap().rsplit(' ').next().unwrap();
    assert!(sum.parse::<f64>().unwrap() >= 0.0, "never less than nothing: {sum}");
}
