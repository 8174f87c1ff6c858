//! What a worker tells of its work with the end of an answer.

use contract::log::Outcome;
use contract::{Body, EventKind, Lane, Operation, WorkFigures};
use serde_json::value::RawValue;
use test_support::TestNats;

use crate::support::{Reply, Request, Stage, chat, chunk, upstream};

const USAGE: &str = r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5}}"#;

/// The figures apart from times, which stand in their order.
fn told(work: &WorkFigures) -> (&str, u32, Option<u64>, Option<u64>) {
    let first_token_ms = work.first_token_ms.unwrap_or_default();
    assert!(work.queue_wait_ms >= 0.0 && first_token_ms >= 0.0, "{work:?}");
    assert!(work.work_ms > 0.0 && work.work_ms >= first_token_ms, "{work:?}");
    (&work.upstream, work.attempt, work.input_tokens, work.output_tokens)
}

#[tokio::test]
async fn the_end_of_a_stream_tells_who_answered_and_how_long_it_took() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    let job = stage.ask(&chat(true)).await;
    stage.model.reply(Reply::stream_of(&[&chunk("a"), USAGE, "[DONE]"]).await);

    let all = stage.gateway.all_of(job).await;

    let (last, before) = all.split_last().unwrap();
    assert!(before.iter().all(|said| said.work.is_none()), "{before:?}");
    assert_eq!((last.kind, last.payload.len()), (EventKind::Done, 0));
    let work = last.work.as_ref().unwrap();
    assert_eq!(told(work), ("private", 1, Some(3), Some(5)));
    assert!(work.first_token_ms.is_some());
}

#[tokio::test]
async fn a_whole_answer_comes_with_figures_in_one_message() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    let embeddings = Request { operation: Operation::Embeddings, ..chat(false) };
    for (request, body, tokens) in [
        (chat(false), r#"{"usage":{"prompt_tokens":3,"completion_tokens":5}}"#, (Some(3), Some(5))),
        (chat(false), r"{}", (None, None)),
        (embeddings, r#"{"usage":{"prompt_tokens":3}}"#, (Some(3), Some(0))),
    ] {
        let before = stage.gateway.messages();
        let job = stage.ask(&request).await;
        stage.model.reply(Reply::whole(200, body));

        let all = stage.gateway.all_of(job).await;

        let work = all[0].work.as_ref().unwrap();
        assert_eq!(told(work), ("private", 1, tokens.0, tokens.1));
        assert_eq!(work.first_token_ms, None, "it came in one piece");
        assert!(!all[0].text().contains("queue_wait_ms"), "the answer is the model's alone");
        assert_eq!(stage.gateway.messages() - before, 1);
    }
}

#[tokio::test]
async fn an_answer_that_travels_by_name_comes_with_figures_too() {
    let mut stage = Stage::over(TestNats::with_max_payload(64 * 1024).await).await;
    let _worker = stage.worker().await;
    let job = stage.ask(&chat(false)).await;
    let long = "x".repeat(100_000);
    stage.model.reply(Reply::whole(200, &format!(r#"{{"text":"{long}"}}"#)));

    let all = stage.gateway.all_of(job).await;

    assert_eq!(all[0].kind, EventKind::StoredBody);
    assert!(all[0].text().starts_with("answers/"), "a name and nothing else");
    assert_eq!(told(all[0].work.as_ref().unwrap()), ("private", 1, None, None));
}

#[tokio::test]
async fn a_gateway_of_the_version_before_is_told_nothing_that_it_could_not_read() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    for stream in [true, false] {
        let request = chat(stream);
        let body = RawValue::from_string(request.body.clone()).unwrap();
        let job = stage.ask_as_before(&request, Body::Inline(&body)).await;
        stage.model.reply(match stream {
            true => Reply::stream_of(&[&chunk("a"), "[DONE]"]).await,
            false => Reply::whole(200, "{}"),
        });

        let all = stage.gateway.all_of(job).await;

        assert!(all.iter().all(|said| said.work.is_none()), "{all:?}");
    }
}

#[tokio::test]
async fn a_job_that_is_delivered_again_is_another_attempt() {
    let mut stage = Stage::set().await;
    let doomed = stage.worker().await;
    let job = stage.ask(&chat(true)).await;
    stage.model.called().await;

    let _other = stage.worker().await;
    doomed.kill();
    stage.model.called().await;
    stage.model.reply(Reply::stream_of(&[&chunk("a"), "[DONE]"]).await);

    let all = stage.gateway.all_of(job).await;
    let work = all.last().unwrap().work.as_ref().unwrap();
    assert_eq!(told(work), ("private", 2, None, None));
    assert!(work.queue_wait_ms > 1000.0, "with the time that the first one had it: {work:?}");
}

#[tokio::test]
async fn the_upstream_that_answered_is_told_by_its_name_and_not_by_its_address() {
    let mut stage = Stage::set().await;
    let url = stage.model.url();
    // The second one is a fallback, which is called as the model is.
    let fallback = format!("[[models.upstreams]]\nbase_url = \"{url}\"\nweight = 0\n");
    let _worker = stage.worker_with(&[upstream(&url, ""), fallback], |_settings| {}).await;
    let job = stage.ask(&chat(false)).await;
    stage.model.reply(Reply::whole(503, "{}"));
    stage.model.reply(Reply::whole(200, "{}"));

    let all = stage.gateway.all_of(job).await;

    assert_eq!(told(all[0].work.as_ref().unwrap()), ("public", 1, None, None));
}

#[tokio::test]
async fn the_end_of_a_log_holds_the_figures_of_the_attempt_that_ended() {
    let stage = Stage::set().await;
    let _worker = stage.worker().await;
    let log = stage.accept(Lane::Live).await;
    stage.model.reply(Reply::stream_of(&[&chunk("a"), USAGE, "[DONE]"]).await);

    let ended = log.ended().await;

    assert_eq!(ended.outcome, Outcome::Completed);
    assert_eq!(told(&ended.work.unwrap()), ("private", 1, Some(3), Some(5)));
}

#[tokio::test]
async fn a_failure_has_figures_if_a_model_had_begun_to_answer() {
    let stage = Stage::set().await;
    let _worker = stage.worker().await;
    let log = stage.accept(Lane::Live).await;
    stage.model.reply(Reply::stream_of(&[&chunk("a"), r#"{"error":{"message":"m"}}"#]).await);
    let begun = log.ended().await;
    let log = stage.accept(Lane::Live).await;
    stage.model.reply(Reply::whole(400, "{}"));
    let refused = log.ended().await;

    assert!(matches!(begun.outcome, Outcome::Failed(_)), "{begun:?}");
    assert_eq!(told(&begun.work.unwrap()), ("private", 1, None, None));
    assert!(matches!(refused.outcome, Outcome::Failed(_)), "{refused:?}");
    assert_eq!(refused.work, None, "nobody answered");
}
