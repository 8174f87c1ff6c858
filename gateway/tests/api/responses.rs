//! Responses whose callers wait: stored before they are queued, and read from their logs.

use std::time::Duration;

use contract::log::{self, Record};
use contract::{Body, Failure, Lane, Operation, Owner, QueueName, TenantName, subjects};
use serde_json::Value;
use test_support::TestNats;

use crate::support::{Answer, Stage, chunk, response, until};

const PATH: &str = "/v1/responses";
const TOO_LONG: &str = r#"{"error":{"message":"too long","type":"invalid_request_error","param":null,"code":"context_length_exceeded"}}"#;

fn too_long() -> Failure {
    Failure { status: 400, body: TOO_LONG.to_owned(), retry_after_ms: None, should_retry: false }
}

async fn json(answer: Answer) -> Value {
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    serde_json::from_str(&answer.text().await).unwrap()
}

/// Name, number and data of each event.
fn parts(frames: &[String]) -> Vec<(String, u64, Value)> {
    let parts = |frame: &String| {
        let [name, id, data] = frame.split('\n').collect::<Vec<_>>()[..] else {
            panic!("three lines: {frame}")
        };
        let data: Value = serde_json::from_str(data.strip_prefix("data: ").unwrap()).unwrap();
        let name = name.strip_prefix("event: ").unwrap().to_owned();
        let number = id.strip_prefix("id: ").unwrap().parse().unwrap();
        assert_eq!(data["type"], name.as_str());
        assert_eq!(data["sequence_number"], number);
        (name, number, data)
    };
    frames.iter().map(parts).collect()
}

#[tokio::test]
async fn a_response_is_stored_before_it_is_queued() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let body = "{\n \"model\": \"public\", \"input\": \"hé\", \"new\": {\"b\": [1.50, 1e3]}\r\n}";

    let _call = stage.caller.posts(PATH, body);
    let written = scribe.pulls().await;

    let job = written.job();
    assert_eq!((job.operation, job.model.as_str()), (Operation::ChatCompletions, "public"));
    assert_eq!((&job.owner, job.id), (&Owner::local(), written.log.job));
    let (queue, owner) = (QueueName::default_queue(), TenantName::local());
    let subject = subjects::job(Lane::Live, &queue, &owner, job.id);
    assert_eq!(written.delivery.subject(), subject);
    assert_eq!(written.delivery.header("Nats-Msg-Id"), Some(job.id.to_string()));
    let chat = written.chat();
    assert_eq!((&chat["model"], &chat["stream"]), (&"public".into(), &true.into()));
    assert_eq!(chat["stream_options"]["include_usage"], true);
    assert_eq!(chat["messages"][0]["content"], "hé");
    let records = written.records().await;
    let Ok((Record::Accepted(accepted), _)) = log::read(&records[0].message) else {
        panic!("it begins with what was accepted")
    };
    assert_eq!(records.len(), 1);
    assert_eq!(accepted.request.get(), body.replace(['\n', '\r'], " "));
    assert_eq!((accepted.lane, accepted.context.get()), (Lane::Live, "[]"));
    assert_eq!(accepted.accepted_at_ms, job.accepted_at_ms);
}

#[tokio::test]
async fn whoever_waits_gets_the_response_as_it_is_at_its_end() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let call = stage.caller.posts(PATH, &response(r#""metadata":{"order":"7"}"#));
    let mut written = scribe.takes().await;

    written.says("one ").await;
    written.says("two").await;
    written.completes().await;

    let shown = json(call.answered().await).await;
    assert_eq!((&shown["object"], &shown["status"]), (&"response".into(), &"completed".into()));
    assert_eq!(shown["id"], written.response_id());
    assert_eq!(shown["model"], "public");
    assert_eq!(shown["output"][0]["content"][0]["text"], "one two");
    assert_eq!(shown["usage"]["total_tokens"], 5);
    assert_eq!(shown["metadata"]["order"], "7");
    let again = stage.caller.gets(&format!("{PATH}/{}", written.response_id())).await;
    assert_eq!(json(again).await, shown);
    stage.gateway.settles_in("live", "completed").await;
    stage.nothing_is_held().await;
}

#[tokio::test]
async fn a_stream_is_the_events_in_order_and_ends_with_the_last_one() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let call = stage.caller.posts(PATH, &response(r#""stream":true"#));
    let mut written = scribe.takes().await;
    written.says("one").await;
    let mut answer = call.answered().await;
    let mut frames = Vec::new();
    for _event in 0..5 {
        frames.push(answer.frame().await.unwrap());
    }

    written.says("two").await;
    frames.push(answer.frame().await.unwrap());
    written.completes().await;
    frames.extend(answer.events().await);

    let parts = parts(&frames);
    let names: Vec<&str> = parts.iter().map(|(name, ..)| name.as_str()).collect();
    let expected = [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ];
    assert_eq!(names, expected);
    let numbers: Vec<u64> = parts.iter().map(|(_, number, _)| *number).collect();
    assert_eq!(numbers, (0..10).collect::<Vec<u64>>());
    assert_eq!((&parts[4].2["delta"], &parts[5].2["delta"]), (&"one".into(), &"two".into()));
    assert_eq!(parts[9].2["response"]["output"][0]["content"][0]["text"], "onetwo");
    let line = "app_http_stream_duration_seconds_count{app_outcome=\"completed\",http_route=\"/v1/responses\"} 1";
    until("a counted stream", async || stage.gateway.counts(line)).await;
}

#[tokio::test]
async fn a_stream_has_the_headers_of_one() {
    let stage = Stage::with(|settings| settings.head_wait = Duration::ZERO).await;

    let answer = stage.caller.posts(PATH, &response(r#""stream":true"#)).answered().await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store, no-transform"));
    assert_eq!(answer.header("x-accel-buffering"), Some("no"));
}

#[tokio::test]
async fn a_failure_before_the_first_word_is_the_answer_itself() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    for stream in ["true", "false"] {
        let call = stage.caller.posts(PATH, &response(&format!(r#""stream":{stream}"#)));

        let mut written = scribe.takes().await;
        written.fails(&too_long()).await;

        let answer = call.answered().await;
        assert_eq!((answer.status, answer.header("x-should-retry")), (400, Some("false")));
        assert_eq!(answer.text().await, TOO_LONG);
        // It is stored all the same, as what it is.
        let shown = stage.caller.gets(&format!("{PATH}/{}", written.response_id())).await;
        let shown = json(shown).await;
        assert_eq!(
            (&shown["status"], &shown["error"]["code"]),
            (&"failed".into(), &"context_length_exceeded".into())
        );
    }
    stage.gateway.settles_in("live", "failed").await;
}

#[tokio::test]
async fn a_failure_behind_the_first_word_is_told_with_what_was_said() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    for stream in [true, false] {
        let call = stage.caller.posts(PATH, &response(&format!(r#""stream":{stream}"#)));
        let mut written = scribe.takes().await;
        written.says("one").await;
        written.fails(&too_long()).await;

        let answer = call.answered().await;
        let shown = if stream {
            let events = parts(&answer.events().await);
            let (name, _number, data) = events.last().unwrap();
            assert_eq!(name, "response.failed");
            data["response"].clone()
        } else {
            json(answer).await
        };
        assert_eq!(shown["status"], "failed");
        assert_eq!(shown["output"][0]["content"][0]["text"], "one");
    }
}

#[tokio::test]
async fn a_second_attempt_opens_the_next_item_and_the_response_holds_only_that() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let call = stage.caller.posts(PATH, &response(r#""stream":true"#));
    let mut written = scribe.takes().await;
    written.says("lost").await;
    written.starts().await;
    written.says("found").await;
    written.completes().await;

    let events = parts(&call.answered().await.events().await);

    let deltas: Vec<_> = events
        .iter()
        .filter(|(name, ..)| name == "response.output_text.delta")
        .map(|(_, _, data)| (data["output_index"].as_u64().unwrap(), data["delta"].clone()))
        .collect();
    assert_eq!(deltas, [(0, "lost".into()), (1, "found".into())]);
    let output = &events.last().unwrap().2["response"]["output"];
    assert_eq!(output.as_array().unwrap().len(), 1);
    assert_eq!(output[0]["content"][0]["text"], "found");
}

#[tokio::test]
async fn a_silent_worker_is_waited_for_under_a_head_that_has_been_sent() {
    let stage = Stage::with(|settings| settings.head_wait = Duration::from_millis(50)).await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let call = stage.caller.posts(PATH, &response(r#""stream":true"#));

    let mut answer = call.answered().await;
    let first = answer.frame().await.unwrap();
    let mut written = scribe.takes().await;
    written.fails(&too_long()).await;
    let events = parts(&answer.events().await);

    assert!(first.starts_with("event: response.created\n"), "{first}");
    assert_eq!(events.last().unwrap().0, "response.failed", "an event and not a status");
}

#[tokio::test]
async fn an_answer_that_nobody_gives_ends_with_an_error() {
    let stage = Stage::with(|settings| {
        settings.head_wait = Duration::from_millis(1);
        settings.answer_timeout = Duration::from_millis(200);
    })
    .await;

    let whole = stage.caller.posts(PATH, &response("")).answered().await;
    let stream = stage.caller.posts(PATH, &response(r#""stream":true"#)).answered().await;

    assert_eq!(whole.error().await, (504, "no_answer".to_owned()));
    let frames = stream.events().await;
    let last = frames.last().unwrap();
    assert!(last.starts_with("event: error\ndata: {\"error\":"), "{last}");
    assert!(last.contains("no_answer"), "{last}");
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_stores_nothing() {
    let stage = Stage::set().await;
    for (body, status, code) in [
        ("", 400, "invalid_json"),
        ("{}", 400, "missing_required_parameter"),
        (r#"{"model":"public"}"#, 400, "missing_required_parameter"),
        (r#"{"model":"unknown","input":"hello"}"#, 404, "model_not_found"),
        (r#"{"model":"org/embedder","input":"hello"}"#, 400, "unsupported_model"),
        (r#"{"model":"public","input":"a","include":["everything"]}"#, 400, "invalid_value"),
    ] {
        let answer = stage.caller.posts(PATH, body).answered().await;

        assert_eq!(answer.header("x-should-retry"), Some("false"), "{body}");
        assert_eq!(answer.error().await, (status, code.to_owned()), "{body}");
    }
    assert_eq!(stage.messages_in("LOGS").await, 0);
    assert!(!stage.gateway.counts("app_jobs_accepted_total{"));
}

#[tokio::test]
async fn a_full_lane_refuses_and_the_log_that_was_begun_ends() {
    let stage = Stage::set().await;
    stage.takes_at_most("JOBS_LIVE", 1).await;
    let _waiting = stage.caller.posts(PATH, &response(""));
    stage.has_messages("JOBS_LIVE", 1).await;

    let refused = stage.caller.posts(PATH, &response("")).answered().await;

    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.error().await, (503, "server_is_overloaded".to_owned()));
    stage.gateway.settles_in("live", "not_queued").await;
    // Two that were accepted, and the end of one.
    stage.has_messages("LOGS", 3).await;
    assert_eq!(stage.messages_in("JOBS_LIVE").await, 1);
}

#[tokio::test]
async fn what_does_not_fit_a_record_is_refused_and_what_does_not_fit_a_job_travels_by_name() {
    let small = 64 * 1024;
    let nats = TestNats::with_max_payload(small).await;
    let stage = Stage::over(nats, |_settings| {}).await;
    let mut scribe = stage.scribe(Lane::Live).await;
    // The bus leaves 16 KiB of a message for headers, a job 2 KiB for what is around its body.
    let limit = small - 16 * 1024;
    let long = |bytes: usize| response("").replace("hello", &"x".repeat(bytes));

    let refused = stage.caller.posts(PATH, &long(limit)).answered().await;
    let call = stage.caller.posts(PATH, &long(limit - 1_000));
    let mut written = scribe.takes().await;
    let Body::Stored(name) = written.job().body else { panic!("a stored body") };
    let blobs = stage.bus.blobs().await.unwrap();
    let stored = blobs.get(&name, usize::MAX).await.unwrap().unwrap();
    written.says_chunks(&[chunk("short")]).await;
    written.completes().await;

    assert_eq!(refused.error().await, (413, "request_too_large".to_owned()));
    assert!(serde_json::from_slice::<Value>(&stored).unwrap()["messages"].is_array());
    assert_eq!(json(call.answered().await).await["status"], "completed");
    stage.body_is_removed(&name).await;
}

#[tokio::test]
async fn a_caller_who_leaves_a_stored_response_only_leaves() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let call = stage.caller.posts(PATH, &response(r#""stream":true"#));
    let mut written = scribe.takes().await;
    written.says("one").await;
    let mut answer = call.answered().await;
    answer.frame().await;
    assert!(stage.bus.has_reader(&written.log).await.unwrap());

    drop(answer);

    stage.gateway.settles_in("live", "client_gone").await;
    stage.has_no_reader(&written.log).await;
    written.completes().await;
    let shown = stage.caller.gets(&format!("{PATH}/{}", written.response_id())).await;
    assert_eq!(json(shown).await["status"], "completed");
}
