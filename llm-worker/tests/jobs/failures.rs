//! What goes wrong at the model is retried while nothing was said, and said honestly otherwise.

use contract::EventKind;
use secrecy::SecretString;

use crate::support::{Reply, Stage, chat, chunk, upstream};

const ERROR: &str = r#"{"error":{"message":"busy","type":"server_error","param":null,"code":"b"}}"#;

#[tokio::test]
async fn a_failure_before_the_first_word_is_tried_again_and_the_caller_never_knows() {
    let mut stage = Stage::set().await;
    let worker = stage.worker().await;
    let job = stage.ask(&chat(true)).await;
    stage.model.reply(Reply::whole(503, ERROR));
    stage.model.reply(Reply::with(429, ("retry-after-ms", "50"), ERROR));
    stage.model.reply(Reply::stream_of(&[&chunk("a"), "[DONE]"]).await);

    let all = stage.gateway.all_of(job).await;

    let kinds: Vec<EventKind> = all.iter().map(|said| said.kind).collect();
    assert_eq!(kinds, [EventKind::Chunk, EventKind::Done]);
    assert!(all.iter().all(|said| said.claim == 3), "the third claim counts");
    stage.no_jobs_left().await;
    assert!(worker.counts("app_jobs_redelivered_total{app_lane=\"chat\"} 2"));
    let back = "app_jobs_handed_back_total{app_lane=\"chat\",app_reason=\"retried\"} 2";
    assert!(worker.counts(back));
}

#[tokio::test]
async fn after_four_attempts_the_caller_is_told_in_the_models_words() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    let job = stage.ask(&chat(false)).await;
    for _attempt in 0..4 {
        stage.model.reply(Reply::whole(503, ERROR));
    }

    let all = stage.gateway.all_of(job).await;

    let (failure, body) = all[0].failure();
    assert_eq!((all[0].claim, failure.status, failure.should_retry), (4, 503, true));
    assert_eq!(body.error.message, "busy");
    assert_eq!(failure.body, ERROR);
    stage.no_jobs_left().await;
}

#[tokio::test]
async fn a_refusal_reaches_the_caller_at_once_and_as_it_is() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    let refusal = r#"{"error": {"message":"too long","type":"invalid_request_error","param":"messages","code":"context_length_exceeded","theirs":1.50}}"#;
    let job = stage.ask(&chat(true)).await;
    stage.model.reply(Reply::whole(400, refusal));

    let all = stage.gateway.all_of(job).await;

    let (failure, _body) = all[0].failure();
    assert_eq!((failure.status, failure.should_retry), (400, false));
    assert_eq!(failure.body, refusal);
    stage.no_jobs_left().await;
}

#[tokio::test]
async fn a_request_that_the_model_fails_at_is_tried_twice_and_spoils_it_for_nobody() {
    let mut stage = Stage::set().await;
    let worker = stage.worker().await;
    for _bad in 0..3 {
        let job = stage.ask(&chat(false)).await;
        stage.model.reply(Reply::whole(500, ERROR));
        stage.model.reply(Reply::whole(500, ERROR));
        let all = stage.gateway.all_of(job).await;
        assert_eq!((all[0].claim, all[0].failure().0.status), (2, 500));
    }

    let good = stage.ask(&chat(false)).await;
    stage.model.reply(Reply::whole(200, "{}"));

    assert_eq!(stage.gateway.all_of(good).await[0].kind, EventKind::Body);
    assert!(worker.counts("app_upstream_open{"), "it is measured");
    assert!(!worker.counts(&format!(
        "app_upstream_open{{app_model=\"public\",app_upstream=\"{}\"}} 1",
        stage.model.url()
    )));
}

#[tokio::test]
async fn a_wrong_key_is_our_fault_and_not_the_callers() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    // More often than a circuit breaker waits for: the reason stays visible.
    for _request in 0..7 {
        let job = stage.ask(&chat(false)).await;
        stage.model.reply(Reply::whole(401, ERROR));

        let (failure, body) = stage.gateway.all_of(job).await[0].failure();

        assert_eq!((failure.status, failure.should_retry), (502, false));
        assert_eq!(body.error.code.as_deref(), Some("upstream_auth"));
    }
}

#[tokio::test]
async fn a_long_wait_that_the_model_asks_for_is_passed_on() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    let job = stage.ask(&chat(true)).await;
    stage.model.reply(Reply::with(429, ("retry-after", "7"), "slow down"));

    let (failure, body) = stage.gateway.all_of(job).await[0].failure();

    assert_eq!((failure.status, failure.retry_after_ms), (429, Some(7_000)));
    assert_eq!(body.error.kind, "rate_limit_error", "in OpenAI's form");
}

#[tokio::test]
async fn a_model_that_is_not_there_is_said_after_the_last_attempt() {
    let mut stage = Stage::set().await;
    // Nobody can listen on port 1.
    let _worker = stage.worker_with(&[upstream("http://127.0.0.1:1/v1", "")], |_settings| {}).await;

    let job = stage.ask(&chat(false)).await;
    let (failure, body) = stage.gateway.all_of(job).await[0].failure();

    assert_eq!((failure.status, failure.should_retry), (503, true));
    assert_eq!(body.error.code.as_deref(), Some("upstream_unavailable"));
}

#[tokio::test]
async fn a_model_that_says_nothing_is_given_up_after_its_time() {
    let limits = "first_token_timeout_ms = 60\ntotal_timeout_ms = 60";
    for stream in [true, false] {
        // Anew for each: after several failures in a row the model would be left alone.
        let mut stage = Stage::set().await;
        let upstreams = [upstream(&stage.model.url(), limits)];
        let _worker = stage.worker_with(&upstreams, |_settings| {}).await;

        let job = stage.ask(&chat(stream)).await;
        let (failure, body) = stage.gateway.all_of(job).await[0].failure();

        assert_eq!((failure.status, failure.should_retry), (504, true));
        assert_eq!(body.error.code.as_deref(), Some("upstream_timeout"));
        stage.no_jobs_left().await;
    }
}

#[tokio::test]
async fn comments_are_no_first_token() {
    let mut stage = Stage::set().await;
    let limits = "first_token_timeout_ms = 150";
    let _worker = stage.worker_with(&[upstream(&stage.model.url(), limits)], |_settings| {}).await;
    let job = stage.ask(&chat(true)).await;
    let mut pens = Vec::new();
    for _attempt in 0..4 {
        let (tokens, reply) = Reply::stream();
        tokens.raw(": still loading\n\n").await;
        stage.model.reply(reply);
        pens.push(tokens);
    }

    let (_failure, body) = stage.gateway.all_of(job).await[0].failure();

    assert_eq!(body.error.code.as_deref(), Some("upstream_timeout"));
}

/// What a stream that has spoken ends with, by what the model does after its first word.
async fn after_the_first_word(
    limits: &str,
    then: impl AsyncFnOnce(crate::support::Tokens),
) -> (u16, Option<String>) {
    let mut stage = Stage::set().await;
    let _worker = stage.worker_with(&[upstream(&stage.model.url(), limits)], |_settings| {}).await;
    let job = stage.ask(&chat(true)).await;
    let (tokens, reply) = Reply::stream();
    stage.model.reply(reply);
    tokens.say(&chunk("one")).await;
    let first = stage.gateway.heard().await;
    assert_eq!((first.job, first.kind), (job, EventKind::Chunk));
    then(tokens).await;

    let last = stage.gateway.heard().await;

    stage.no_jobs_left().await;
    assert!(!stage.gateway.has_news(), "one chunk, one failure, and never done");
    let (failure, body) = last.failure();
    (failure.status, body.error.code)
}

#[tokio::test]
async fn a_stream_that_is_cut_is_no_complete_answer() {
    let code = after_the_first_word("", async |tokens| tokens.cut().await).await;
    assert_eq!(code, (502, Some("upstream_closed".to_owned())));
}

#[tokio::test]
async fn a_stream_that_ends_in_order_but_too_early_is_no_complete_answer() {
    let code = after_the_first_word("", async |tokens| drop(tokens)).await;
    assert_eq!(code, (502, Some("upstream_closed".to_owned())));
}

#[tokio::test]
async fn a_malformed_chunk_ends_the_answer_with_an_error() {
    let code = after_the_first_word("", async |tokens| {
        tokens.say("{\"choices\":[{").await;
        tokens.left().await;
    });
    assert_eq!(code.await, (502, Some("upstream_malformed".to_owned())));
}

#[tokio::test]
async fn an_error_within_the_stream_is_passed_on() {
    let code = after_the_first_word("", async |tokens| tokens.say(ERROR).await).await;
    assert_eq!(code, (502, Some("b".to_owned())));
}

#[tokio::test]
async fn silence_within_a_stream_ends_it_after_its_time() {
    let code = after_the_first_word("idle_timeout_ms = 100", async |tokens| tokens.left().await);
    assert_eq!(code.await, (504, Some("upstream_timeout".to_owned())));
}

#[tokio::test]
async fn an_answer_that_goes_on_for_ever_ends_after_its_time() {
    let limits = "total_timeout_ms = 300";
    let code = after_the_first_word(limits, async |tokens| tokens.left().await).await;
    assert_eq!(code, (504, Some("upstream_timeout".to_owned())));
}

#[tokio::test]
async fn answers_that_are_none_are_said_to_be() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    for (stream, body, code) in [
        (false, "<html>", "upstream_malformed"),
        (false, "[1]", "upstream_malformed"),
        // A whole answer where a stream was asked for.
        (true, "{\"choices\":[]}", "upstream_malformed"),
    ] {
        let job = stage.ask(&chat(stream)).await;
        stage.model.reply(Reply::whole(200, body));

        let (failure, told) = stage.gateway.all_of(job).await[0].failure();

        assert_eq!((failure.status, told.error.code.as_deref()), (502, Some(code)), "{body}");
    }
}

#[tokio::test]
async fn a_model_server_that_repeats_our_key_does_not_tell_it_to_the_caller() {
    const KEY: &str = "hunter2-is-the-key";
    let mut stage = Stage::set().await;
    let upstream = upstream(&stage.model.url(), "api_key_env = \"KEY\"");
    let _worker = stage
        .worker_with(&[upstream], |settings| {
            settings.keys.insert("KEY".to_owned(), SecretString::from(KEY));
        })
        .await;
    let error = ERROR.replace("busy", &format!("`{KEY}` may not ask for that"));
    let job = stage.ask(&chat(false)).await;
    stage.model.reply(Reply::whole(400, &error));
    let refused = stage.gateway.all_of(job).await;
    let job = stage.ask(&chat(true)).await;
    let (tokens, reply) = Reply::stream();
    stage.model.reply(reply);
    tokens.say(&chunk("one")).await;
    tokens.say(&error).await;

    let broken = stage.gateway.all_of(job).await;

    for said in [&refused[0], broken.last().unwrap()] {
        let (_failure, body) = said.failure();
        assert_eq!(body.error.message, "`…` may not ask for that");
    }
}
