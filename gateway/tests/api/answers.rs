//! Answers reach their callers as the worker said them, and jobs the worker as callers wrote them.

use contract::{Body, EventKind, Lane, Operation, QueueName, TenantName, subjects};

use crate::support::{DONE, Stage, chat, chunk, embeddings};

#[tokio::test]
async fn a_request_is_queued_as_it_came_under_its_own_name() {
    let mut stage = Stage::set().await;
    let body = r#"{"model":"public", "messages":[{"role":"user","content":"hé"}],"stream":true,"new":{"b":[1.50,1e3]},"seed":7}"#;

    let _call = stage.caller.asks(body);
    let held = stage.worker.pulls().await;

    let job = held.job();
    assert!(matches!(job.body, Body::Inline(json) if json.get() == body), "{:?}", job.body);
    assert_eq!((job.operation, job.model.as_str()), (Operation::ChatCompletions, "public"));
    assert_eq!((job.stream, &job.tenant), (true, &TenantName::local()));
    assert!(job.accepted_at_ms > 1_700_000_000_000);
    assert_eq!(job.gateway, stage.beat(|_any| true).await);
    let (queue, tenant) = (QueueName::default_queue(), TenantName::local());
    assert_eq!(held.delivery.subject(), subjects::job(Lane::Chat, &queue, &tenant, job.id));
    assert_eq!(held.delivery.header("Nats-Msg-Id"), Some(job.id.to_string()));
}

#[tokio::test]
async fn a_whole_answer_arrives_byte_for_byte() {
    let mut stage = Stage::set().await;
    let json = "{\"id\":\"a\",\n  \"usage\":{\"x\":1.50},\"text\":\"\\u00e9é\"}\n";

    let call = stage.caller.asks(&chat(false));
    stage.worker.takes().await.says_body(json).await;

    let answer = call.answered().await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.text().await, json);
    stage.gateway.settles(1, "completed").await;
}

#[tokio::test]
async fn a_stream_arrives_frame_by_frame_and_ends_once() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(true));
    let mut held = stage.worker.takes().await;

    held.says_chunk(&chunk("one")).await;
    let mut answer = call.answered().await;
    let first = answer.frame().await;
    held.says_chunk(&chunk("two")).await;
    let second = answer.frame().await;
    held.is_done().await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream; charset=utf-8"));
    assert_eq!(answer.header("cache-control"), Some("no-store, no-transform"));
    assert_eq!(answer.header("x-accel-buffering"), Some("no"));
    assert_eq!(first, Some(format!("data: {}", chunk("one"))));
    assert_eq!(second, Some(format!("data: {}", chunk("two"))));
    assert_eq!(answer.events().await, [DONE]);
    stage.gateway.settles(1, "completed").await;
}

#[tokio::test]
async fn callers_whose_events_share_a_message_each_get_their_own() {
    const CALLERS: usize = 20;
    const CHUNKS: usize = 30;
    let mut stage = Stage::set().await;
    let (mut calls, mut jobs) = (Vec::new(), Vec::new());
    for _caller in 0..CALLERS {
        calls.push(stage.caller.asks(&chat(true)));
        jobs.push(stage.worker.takes().await);
    }

    for number in 0..CHUNKS {
        let texts: Vec<String> =
            jobs.iter().map(|job| format!("\"{} {number}\"", job.id)).collect();
        let pairs = jobs.iter_mut().zip(&texts);
        let events: Vec<_> =
            pairs.map(|(job, text)| job.event(EventKind::Chunk, text.as_bytes())).collect();
        jobs[0].sends(&events).await;
    }
    let last: Vec<_> = jobs.iter_mut().map(|job| job.event(EventKind::Done, b"")).collect();
    jobs[0].sends(&last).await;

    // Calls and jobs were made one after the other, so they are in the same order.
    for (call, job) in calls.into_iter().zip(&jobs) {
        let events = call.answered().await.events().await;
        let said = (0..CHUNKS).map(|number| format!("data: \"{} {number}\"", job.id));
        assert_eq!(events, said.chain([DONE.to_owned()]).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn embeddings_are_asked_for_and_answered_likewise() {
    let mut stage = Stage::set().await;
    let json = r#"{"object":"list","data":[{"embedding":[0.10,-2e-3],"index":0}]}"#;

    let call = stage.caller.posts("/v1/embeddings", embeddings());
    let mut held = stage.worker.takes().await;
    held.says_body(json).await;

    let job = held.job();
    assert_eq!((job.operation, job.model.as_str()), (Operation::Embeddings, "org/embedder"));
    assert!(matches!(job.body, Body::Inline(body) if body.get() == embeddings()));
    assert_eq!(call.answered().await.text().await, json);
}

#[tokio::test]
async fn a_chunk_laid_out_over_many_lines_is_one_event() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(true));
    let mut held = stage.worker.takes().await;

    held.says_chunk("{\n  \"a\": 1,\r\n\r\n  \"b\": 2\n}").await;
    held.is_done().await;

    let events = call.answered().await.events().await;
    assert_eq!(events, [r#"data: {   "a": 1,      "b": 2 }"#, DONE]);
}

#[tokio::test]
async fn a_model_that_does_not_stream_answers_in_the_form_it_has() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(true));

    stage.worker.takes().await.says_body("{}").await;

    let answer = call.answered().await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.text().await, "{}");
}

#[tokio::test]
async fn pieces_of_an_answer_that_was_to_be_whole_are_an_error() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(false));
    let mut held = stage.worker.takes().await;

    held.says_chunk(&chunk("one")).await;

    assert_eq!(call.answered().await.error().await, (502, "internal_error".to_owned()));
    assert_eq!(stage.worker.told_to_stop().await.0, held.id);
}
