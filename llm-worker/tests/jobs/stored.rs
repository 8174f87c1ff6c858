//! Stored jobs: their answers are written into their logs, whole and in order.

use std::time::Duration;

use contract::Lane;
use contract::log::{Outcome, Record, Said, Started};
use serde_json::json;
use test_support::TestNats;

use crate::support::{Log, Reply, Stage, chat, chunk, upstream};

const ERROR: &str = r#"{"error":{"message":"busy","type":"server_error","param":null,"code":"b"}}"#;

#[tokio::test]
async fn an_answer_is_written_into_its_log_in_order() {
    for lane in [Lane::Live, Lane::Background] {
        let stage = Stage::set().await;
        let worker = stage.worker().await;
        let log = stage.accept(lane).await;
        let (tokens, reply) = Reply::stream();
        stage.model.reply(reply);

        tokens.say(&chunk("one")).await;
        // The first word does not wait for company.
        log.tells("said 1.0").await;
        let usage = r#"{"id":"x","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2},"new":[1.50]}"#;
        for said in [&chunk("two"), &chunk("three"), usage, "[DONE]"] {
            tokens.say(said).await;
        }

        assert_eq!(log.ended().await.outcome, Outcome::Completed);
        let story = log.story().await;
        assert_eq!(story[..3], ["accepted", "started 1", "said 1.0"]);
        let last = story.len() - 1;
        assert_eq!(story[last], format!("ended 1.{} completed", last - 2), "numbers have no gap");
        assert_eq!(log.texts().await, ["one", "two", "three"]);
        let chunks = log.chunks().await;
        assert_eq!(chunks[0]["id"], format!("chatcmpl-{}", log.id.job));
        assert_eq!(chunks[3]["usage"], json!({"prompt_tokens": 1, "completion_tokens": 2}));
        stage.none_left_in(lane).await;
        let waited = "app_queue_wait_seconds_count{app_lane=\"";
        assert!(worker.counts(&format!("{waited}{}\"", lane.token())));
    }
}

#[tokio::test]
async fn a_model_that_talks_fast_makes_far_fewer_records_than_tokens() {
    const TOKENS: usize = 1000;
    let stage = Stage::set().await;
    let _worker = stage.worker().await;
    let log = stage.accept(Lane::Background).await;
    let (tokens, reply) = Reply::stream();
    stage.model.reply(reply);

    for number in 0..TOKENS {
        tokens.say(&chunk(&number.to_string())).await;
    }
    tokens.say("[DONE]").await;

    log.ended().await;
    let expected: Vec<String> = (0..TOKENS).map(|number| number.to_string()).collect();
    assert_eq!(log.texts().await, expected);
    let records = log.entries().await.len();
    assert!(records < TOKENS / 10, "{records} records");
}

#[tokio::test]
async fn many_answers_at_once_are_each_whole_and_in_order() {
    const STREAMS: usize = 100;
    const CHUNKS: usize = 20;
    let stage = Stage::set().await;
    let upstreams = [upstream(&stage.model.url(), "max_concurrency = 256")];
    let _worker = stage.worker_with(&upstreams, |settings| settings.max_concurrency = 256).await;
    let (mut logs, mut pens) = (Vec::new(), Vec::new());
    for _stream in 0..STREAMS {
        logs.push(stage.accept(Lane::Live).await);
        let (tokens, reply) = Reply::stream();
        stage.model.reply(reply);
        pens.push(tokens);
    }

    for number in 0..CHUNKS {
        for pen in &pens {
            pen.say(&chunk(&number.to_string())).await;
        }
    }
    for pen in pens {
        pen.say("[DONE]").await;
    }

    let expected: Vec<String> = (0..CHUNKS).map(|number| number.to_string()).collect();
    for log in &logs {
        assert_eq!(log.ended().await.outcome, Outcome::Completed);
        assert_eq!(log.texts().await, expected);
    }
    stage.none_left_in(Lane::Live).await;
}

#[tokio::test]
async fn more_than_a_message_holds_is_written_in_several_records() {
    let stage = Stage::over(TestNats::with_max_payload(64 * 1024).await).await;
    let _worker = stage.worker().await;
    let log = stage.accept(Lane::Background).await;
    let (tokens, reply) = Reply::stream();
    stage.model.reply(reply);
    let long = "x".repeat(20_000);

    for _chunk in 0..10 {
        tokens.say(&chunk(&long)).await;
    }
    tokens.say("[DONE]").await;

    assert_eq!(log.ended().await.outcome, Outcome::Completed);
    let texts = log.texts().await;
    assert_eq!((texts.len(), texts.iter().all(|text| *text == long)), (10, true));
}

#[tokio::test]
async fn a_chunk_that_no_record_holds_is_an_error_behind_what_was_said() {
    let stage = Stage::over(TestNats::with_max_payload(64 * 1024).await).await;
    let _worker = stage.worker().await;
    let log = stage.accept(Lane::Background).await;
    let (tokens, reply) = Reply::stream();
    stage.model.reply(reply);
    tokens.say(&chunk("small")).await;
    tokens.say(&chunk(&"x".repeat(70_000))).await;

    let (failure, body) = log.failed().await;

    assert_eq!(body.error.code.as_deref(), Some("chunk_too_large"));
    assert!(!failure.should_retry, "it would be as large again");
    assert_eq!(log.texts().await, ["small"]);
    tokens.left().await;
    stage.none_left_in(Lane::Background).await;
}

#[tokio::test]
async fn a_model_that_does_not_stream_says_all_in_one_chunk() {
    let stage = Stage::set().await;
    let _worker = stage.worker().await;
    let log = stage.accept(Lane::Live).await;
    let body = r#"{"id":"x","object":"chat.completion","created":1,"model":"private",
        "choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],
        "usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}"#;
    stage.model.reply(Reply::whole(200, body));

    assert_eq!(log.ended().await.outcome, Outcome::Completed);

    assert_eq!(log.story().await, ["accepted", "started 1", "ended 1.0 completed"]);
    let chunks = log.chunks().await;
    assert_eq!(chunks.len(), 1);
    assert_eq!(chunks[0]["object"], "chat.completion.chunk");
    assert_eq!(chunks[0]["model"], "public");
    assert_eq!(chunks[0]["usage"]["total_tokens"], 7);
    let choice = json!({
        "index": 0,
        "delta": {"role": "assistant", "content": "hi"},
        "finish_reason": "stop",
    });
    assert_eq!(chunks[0]["choices"], json!([choice]));
}

#[tokio::test]
async fn what_was_asked_whole_is_asked_whole() {
    let stage = Stage::set().await;
    let _worker = stage.worker().await;
    for (stream, accepts) in [(false, "application/json"), (true, "text/event-stream")] {
        let log = Log::begin(&stage.bus, Lane::Live).await;
        stage.queue_with(Lane::Live, &log, &chat(stream)).await;
        stage.model.reply(Reply::whole(
            200,
            r#"{"choices":[{"index":0,"message":{"content":"a"},"finish_reason":"stop"}]}"#,
        ));

        let call = stage.model.called().await;

        assert_eq!(call.header("accept"), accepts);
        let asked: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
        assert_eq!(asked["stream"], stream);
        assert_eq!(log.ended().await.outcome, Outcome::Completed);
        assert_eq!(log.texts().await, ["a"]);
    }
}

#[tokio::test]
async fn a_failure_before_the_first_word_is_tried_again() {
    let stage = Stage::set().await;
    let _worker = stage.worker().await;
    let log = stage.accept(Lane::Live).await;
    stage.model.reply(Reply::whole(503, ERROR));
    stage.model.reply(Reply::stream_of(&[&chunk("a"), "[DONE]"]).await);

    assert_eq!(log.ended().await.outcome, Outcome::Completed);

    assert_eq!(log.story().await[..3], ["accepted", "started 1", "started 2"]);
    stage.none_left_in(Lane::Live).await;
}

#[tokio::test]
async fn a_failure_that_stays_ends_the_log_in_the_models_words() {
    let stage = Stage::set().await;
    let _worker = stage.worker().await;
    let log = stage.accept(Lane::Live).await;
    stage.model.reply(Reply::whole(500, ERROR));
    stage.model.reply(Reply::whole(500, ERROR));

    let (failure, _body) = log.failed().await;

    assert_eq!((failure.status, failure.body.as_str()), (500, ERROR));
    assert_eq!(log.story().await, ["accepted", "started 1", "started 2", "ended 2.0 failed"]);
    stage.none_left_in(Lane::Live).await;
}

#[tokio::test]
async fn a_failure_in_the_middle_ends_the_log_behind_what_was_said() {
    let stage = Stage::set().await;
    let _worker = stage.worker().await;
    let log = stage.accept(Lane::Background).await;
    let (tokens, reply) = Reply::stream();
    stage.model.reply(reply);
    tokens.say(&chunk("one")).await;
    tokens.say(&chunk("two")).await;
    // A connection that breaks takes along what was not yet read from it.
    log.tells("said 1.0").await;
    crate::support::until("the second word", async || log.texts().await.len() == 2).await;
    tokens.cut().await;

    let (failure, body) = log.failed().await;

    assert_eq!((failure.status, body.error.code.as_deref()), (502, Some("upstream_closed")));
    assert_eq!(log.texts().await, ["one", "two"]);
}

#[tokio::test]
async fn a_log_that_has_ended_or_is_gone_costs_no_model_call() {
    let stage = Stage::set().await;
    let _worker = stage.worker().await;
    let ended = Log::begin(&stage.bus, Lane::Live).await;
    ended.cancel().await;
    let before = ended.entries().await;

    stage.queue(Lane::Live, &ended).await;
    stage.queue(Lane::Live, &Log::none(&stage.bus)).await;

    stage.none_left_in(Lane::Live).await;
    assert_eq!(ended.entries().await, before);
    assert!(!stage.model.was_called().await);
}

#[tokio::test]
async fn a_job_that_kills_its_workers_is_buried_and_its_log_ended() {
    let stage = Stage::set().await;
    let worker = stage.worker().await;
    let log = Log::begin(&stage.bus, Lane::Background).await;
    let writer = contract::WorkerId::fresh();
    let started = Started { attempt: 5, writer, continues_at: None, at_ms: 0 };
    log.append(&Record::Started(started)).await;

    stage.queue(Lane::Background, &log).await;
    let (_failure, body) = log.failed().await;

    assert_eq!(body.error.code.as_deref(), Some("attempts_exhausted"));
    assert_eq!(log.story().await, ["accepted", "started 5", "ended 5.0 failed"]);
    let letter = stage.dead_letter().await;
    assert_eq!(letter["reason"], "attempts_exhausted");
    assert!(letter["subject"].as_str().unwrap().starts_with("job.background."));
    stage.none_left_in(Lane::Background).await;
    assert!(!stage.model.was_called().await);
    assert!(worker.counts("app_jobs_dead_total{app_reason=\"attempts_exhausted\"} 1"));
}

#[tokio::test]
async fn a_job_whose_log_cannot_be_read_is_buried_and_its_log_left_as_it_is() {
    let stage = Stage::set().await;
    let _worker = stage.worker().await;
    let log = Log::none(&stage.bus);
    stage.bus.append(&log.id, 0, "no record".into()).await.unwrap();
    let before = log.entries().await;

    stage.queue(Lane::Background, &log).await;

    assert_eq!(stage.dead_letter().await["reason"], "unreadable");
    stage.none_left_in(Lane::Background).await;
    assert_eq!(log.entries().await, before);
    assert!(!stage.model.was_called().await);
}

#[tokio::test]
async fn a_job_that_was_handed_back_in_order_is_tried_however_often() {
    let stage = Stage::set().await;
    let _worker = stage.worker().await;
    let log = Log::begin(&stage.bus, Lane::Background).await;
    let writer = contract::WorkerId::fresh();
    for attempt in 1..=9 {
        let started = Started { attempt, writer, continues_at: None, at_ms: 0 };
        log.append(&Record::Started(started)).await;
        log.append(&Record::HandedBack(Said { attempt, number: 0 })).await;
    }

    stage.queue(Lane::Background, &log).await;
    stage.model.called().await;
    stage.model.reply(Reply::stream_of(&[&chunk("a"), "[DONE]"]).await);

    assert_eq!(log.ended().await.outcome, Outcome::Completed);
}

#[tokio::test]
async fn a_stopping_worker_hands_back_what_it_has_and_another_one_begins_anew() {
    for spoken in [false, true] {
        let stage = Stage::set().await;
        let upstreams = [upstream(&stage.model.url(), "")];
        let short = Duration::from_millis(50);
        let mut worker = stage.worker_with(&upstreams, |settings| settings.drain = short).await;
        let log = stage.accept(Lane::Background).await;
        let call = stage.model.called().await;
        let (tokens, reply) = Reply::stream();
        if spoken {
            stage.model.reply(reply);
            tokens.say(&chunk("lost")).await;
            log.tells("said 1.0").await;
        }

        worker.ask_to_stop();
        call.left().await;
        worker.ended().await;
        let _other = stage.worker().await;
        stage.model.called().await;
        stage.model.reply(Reply::stream_of(&[&chunk("a"), "[DONE]"]).await);

        assert_eq!(log.ended().await.outcome, Outcome::Completed);
        let story = log.story().await;
        assert_eq!(story.contains(&"said 1.0".to_owned()), spoken);
        let handed_back = if spoken { "handed back 1.1" } else { "handed back 1.0" };
        assert!(story.contains(&handed_back.to_owned()), "{story:?}");
        assert!(story.contains(&"started 2".to_owned()), "{story:?}");
        assert_eq!(log.texts().await.last().unwrap(), "a");
        stage.none_left_in(Lane::Background).await;
    }
}
