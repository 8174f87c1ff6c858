//! A chat completion with a key is stored: its chunks are read from a log, as often as it is asked
//! for.

use std::time::Duration;

use contract::log::{self, Accepted, Api, LogId, Record};
use contract::{Chore, Failure, JobId, Lane, Owner, streams};
use openai_api::completion;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::support::{Call, Caller, DONE, Stage, chat, chunk, code_of, embeddings, until};

const PATH: &str = "/v1/chat/completions";
const KEY: &str = "chat-7";
const COMPLETION: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"public","choices":[{"index":0,"message":{"role":"assistant","content":"hi","new":1.50},"finish_reason":"stop","stop_reason":null,"content_filter_results":{"hate":{"filtered":false}}}],"usage":{"total_tokens":5}}"#;

fn asks(caller: &Caller, stream: bool) -> Call {
    caller.posts_as(KEY, PATH, &chat(stream))
}

fn data(chunks: &[String]) -> Vec<String> {
    chunks.iter().map(|chunk| format!("data: {chunk}")).collect()
}

fn whole() -> String {
    String::from_utf8(completion::as_chunk(COMPLETION.as_bytes()).unwrap()).unwrap()
}

fn code_of_last(mut events: Vec<String>) -> String {
    code_of(events.pop().unwrap().strip_prefix("data: ").unwrap())
}

#[tokio::test]
async fn a_stream_is_the_chunks_as_they_came_for_who_asks_first_and_for_who_repeats() {
    let stage = Stage::set().await;
    let (_gateway, elsewhere) = stage.another_gateway().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let first = asks(&stage.caller, true);
    let mut written = scribe.takes().await;
    written.says_chunks(&[chunk("a"), chunk("b")]).await;
    let first = first.answered().await;
    let joins = asks(&elsewhere, true).answered().await;
    written.completes_with(&[chunk("c")]).await;

    let again = asks(&elsewhere, true).answered().await;

    let mut expected = data(&[chunk("a"), chunk("b"), chunk("c")]);
    expected.push(DONE.to_owned());
    for (answer, repeat) in [(first, None), (joins, Some("true")), (again, Some("true"))] {
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("idempotent-replayed"), repeat);
        assert_eq!(answer.events().await, expected);
    }
    assert_eq!(stage.ever_in(streams::jobs_stream(Lane::Live)).await, 1);
    assert_eq!(stage.jobs_queued().await, 0);
    stage.gateway.settles_in("live", "completed").await;
}

#[tokio::test]
async fn the_model_is_asked_as_the_caller_asked_and_the_log_is_no_response() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let call = asks(&stage.caller, false);
    let mut written = scribe.takes().await;

    let body: Value = serde_json::from_str(&chat(false)).unwrap();
    assert_eq!(written.chat(), body);
    written.completes_with(&[whole()]).await;

    assert_eq!(call.answered().await.status, 200);
    let shown = stage.caller.gets(&format!("/v1/responses/{}", written.response_id())).await;
    assert_eq!(shown.error().await, (404, "response_not_found".to_owned()));
    stage.bus.publish_chore(Chore::Seal, &written.log).await.unwrap();
    let line = "app_logs_sealed_total{app_outcome=\"not_kept\"}";
    until("it is not kept for longer", async || stage.gateway.counts(line)).await;
}

#[tokio::test]
async fn a_whole_answer_is_the_models_for_who_asks_first_and_for_who_repeats() {
    let stage = Stage::set().await;
    let (_gateway, elsewhere) = stage.another_gateway().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let calls = [asks(&stage.caller, false), asks(&elsewhere, false)];
    let mut written = scribe.takes().await;
    // An attempt that came to nothing.
    written.says("lost").await;
    written.starts().await;
    written.completes_with(&[whole()]).await;

    let mut told = Vec::new();
    for call in calls {
        told.push(call.answered().await.text().await);
    }
    told.push(asks(&elsewhere, false).answered().await.text().await);

    assert_eq!(told, [COMPLETION; 3]);
    assert_eq!(stage.ever_in(streams::jobs_stream(Lane::Live)).await, 1);
}

#[tokio::test]
async fn an_attempt_that_goes_on_is_gone_on_reading() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let call = asks(&stage.caller, true);
    let mut written = scribe.takes().await;
    written.says("one").await;
    written.starts_behind(Some(3)).await;
    written.completes_with(&[chunk("two")]).await;

    let mut expected = data(&[chunk("one"), chunk("two")]);
    expected.push(DONE.to_owned());
    assert_eq!(call.answered().await.events().await, expected);
    assert_eq!(asks(&stage.caller, true).answered().await.events().await, expected);
}

#[tokio::test]
async fn an_attempt_that_begins_anew_breaks_the_stream_off_and_a_repeat_reads_only_that() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let call = asks(&stage.caller, true);
    let mut written = scribe.takes().await;
    written.says("lost").await;
    let first = call.answered().await;
    written.starts().await;
    written.says("found").await;

    let broken = first.events().await;
    let joins = asks(&stage.caller, true).answered().await;
    written.completes_with(&[]).await;
    let again = asks(&stage.caller, true).answered().await;

    assert_eq!(broken[..1], data(&[chunk("lost")]));
    assert_eq!((broken.len(), code_of_last(broken).as_str()), (2, "worker_lost"));
    let mut expected = data(&[chunk("found")]);
    expected.push(DONE.to_owned());
    assert_eq!(joins.events().await, expected);
    assert_eq!(again.events().await, expected);
}

#[tokio::test]
async fn a_failure_is_the_answer_and_one_that_another_try_may_mend_is_tried_again() {
    let body =
        r#"{"error":{"message":"no","type":"server_error","param":null,"code":"upstream_error"}}"#;
    for (should_retry, said) in [(true, false), (true, true), (false, false)] {
        let stage = Stage::set().await;
        let mut scribe = stage.scribe(Lane::Live).await;
        let call = asks(&stage.caller, true);
        let mut written = scribe.takes().await;
        if said {
            written.says("half").await;
        }
        let retry_after_ms = None;
        written
            .fails(&Failure { status: 502, body: body.to_owned(), retry_after_ms, should_retry })
            .await;
        let first = call.answered().await;
        if said {
            assert_eq!(code_of_last(first.events().await), "upstream_error");
        } else {
            assert_eq!(first.error().await, (502, "upstream_error".to_owned()));
        }

        let again = asks(&stage.caller, true);

        if should_retry {
            let mut written = scribe.takes().await;
            written.completes_with(&[chunk("found")]).await;
            let again = again.answered().await;
            assert_eq!(again.header("idempotent-replayed"), None);
            assert_eq!(again.events().await, [data(&[chunk("found")])[0].as_str(), DONE]);
        } else {
            let again = again.answered().await;
            assert_eq!(again.header("idempotent-replayed"), Some("true"));
            assert_eq!(again.header("x-should-retry"), Some("false"));
            assert_eq!(again.error().await, (502, "upstream_error".to_owned()));
        }
    }
}

#[tokio::test]
async fn a_caller_who_leaves_only_leaves() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let call = asks(&stage.caller, true);
    let mut written = scribe.takes().await;
    written.says("one").await;
    let answer = call.answered().await;

    drop(answer);
    stage.gateway.settles_in("live", "client_gone").await;
    stage.has_no_reader(&written.log).await;
    written.completes_with(&[]).await;

    let again = asks(&stage.caller, true).answered().await.events().await;
    assert_eq!(again, [data(&[chunk("one")])[0].as_str(), DONE]);
}

#[tokio::test]
async fn a_job_that_was_lost_is_put_back_with_what_was_asked() {
    let stage = Stage::with(|settings| settings.open_log_quiet = Duration::from_millis(200)).await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let log = LogId { owner: Owner::local(), job: JobId::fresh() };
    let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
    let (context, request) = (raw("[]"), raw(&chat(true)));
    let accepted = Accepted {
        job: log.job,
        owner: log.owner.clone(),
        api: Api::ChatCompletions,
        lane: Lane::Live,
        model: "public".parse().unwrap(),
        accepted_at_ms: 7_000,
        key: None,
        trace_id: None,
        context: &context,
        request: &request,
    };
    let message = log::write::<&[u8]>(&Record::Accepted(accepted), &[]);
    stage.bus.append(&log, 0, message.into()).await.unwrap();

    let written = scribe.takes().await;

    assert_eq!(written.log, log);
    assert_eq!(written.chat(), serde_json::from_str::<Value>(&chat(true)).unwrap());
    until("figures", async || stage.gateway.sum("app_jobs_republished_total") == 1.0).await;
}

#[tokio::test]
async fn embeddings_are_computed_again_and_only_for_the_same_request() {
    let path = "/v1/embeddings";
    let mut stage = Stage::set().await;
    for _time in 0..2 {
        let call = stage.caller.posts_as(KEY, path, embeddings());
        let mut held = stage.worker.takes().await;
        held.says_body(r#"{"object":"list","data":[]}"#).await;

        let answer = call.answered().await;
        assert_eq!((answer.status, answer.header("idempotent-replayed")), (200, None));
        assert_eq!(answer.text().await, r#"{"object":"list","data":[]}"#);
    }

    let other = embeddings().replace("\"a\"", "\"b\"");
    let refused = stage.caller.posts_as(KEY, path, &other).answered().await;

    assert_eq!(refused.error().await, (409, "idempotency_key_reused".to_owned()));
}
