//! A gateway that is told to stop lets open answers end, or says why they do not.

use std::time::Duration;

use contract::{CancelReason, ClaimRequest, JobId, Lane, WorkerId};
use futures::FutureExt as _;

use crate::support::{DONE, Stage, chat, chunk, code_of, response, until};

const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn open_answers_end_whole_before_the_gateway_does() {
    let mut stage = Stage::set().await;
    let whole = stage.caller.asks(&chat(false));
    let mut wholes = stage.worker.takes().await;
    let stream = stage.caller.asks(&chat(true));
    let mut streams = stage.worker.takes().await;
    streams.says_chunk(&chunk("one")).await;
    let mut answer = stream.answered().await;
    answer.frame().await;

    stage.gateway.ask_to_stop();
    stage.gateway.readiness_is(503).await;
    streams.says_chunk(&chunk("two")).await;
    let second = answer.frame().await;
    streams.is_done().await;
    wholes.says_body("{}").await;

    assert_eq!(second, Some(format!("data: {}", chunk("two"))));
    assert_eq!(answer.events().await, [DONE]);
    assert_eq!(whole.answered().await.text().await, "{}");
    stage.gateway.ended().await;
    assert!(stage.gateway.counts("app_drain_aborted_total 0"));
}

#[tokio::test]
async fn a_job_in_the_queue_is_still_claimed_and_answered() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(false));
    until("a queued job", async || stage.jobs_queued().await == 1).await;

    stage.gateway.ask_to_stop();
    stage.gateway.readiness_is(503).await;
    stage.worker.takes().await.says_body("{}").await;

    assert_eq!(call.answered().await.text().await, "{}");
    stage.gateway.ended().await;
}

#[tokio::test]
async fn whoever_watches_a_drain_sees_it() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(false));
    let mut held = stage.worker.takes().await;
    stage.beat(|beat| !beat.draining && beat.requests == 1).await;

    stage.gateway.ask_to_stop();

    stage.gateway.readiness_is(503).await;
    until("a closed door", async || stage.caller.is_refused().await).await;
    stage.beat(|beat| beat.draining && beat.requests == 1).await;
    let (_status, report) = stage.gateway.health("/readyz").await;
    assert!(report.contains(r#""draining":true"#), "{report}");
    assert_eq!(stage.gateway.health("/livez").await.0, 200);
    assert_eq!(stage.gateway.health("/startupz").await.0, 200);
    held.says_body("{}").await;
    assert_eq!(call.answered().await.status, 200);
    stage.gateway.ended().await;
}

#[tokio::test]
async fn what_outlasts_the_patience_ends_with_an_error_and_stops_its_worker() {
    let mut stage = Stage::with(|settings| settings.drain = SHORT).await;
    let stream = stage.caller.asks(&chat(true));
    let mut streams = stage.worker.takes().await;
    streams.says_chunk(&chunk("one")).await;
    let mut answer = stream.answered().await;
    answer.frame().await;
    let whole = stage.caller.asks(&chat(false));
    let wholes = stage.worker.takes().await;

    stage.gateway.ask_to_stop();

    assert_eq!(answer.breaks_off().await, "gateway_stopped");
    assert_eq!(whole.answered().await.error().await, (502, "gateway_stopped".to_owned()));
    stage.gateway.ended().await;
    let mut stopped = [stage.worker.told_to_stop().await, stage.worker.told_to_stop().await];
    stopped.sort_by_key(|(job, ..)| *job);
    let told = |job| (job, 1, CancelReason::CallerLeft);
    assert_eq!(stopped, [told(streams.id), told(wholes.id)]);
    stage.gateway.settles(2, "failed").await;
    assert!(stage.gateway.counts("app_drain_aborted_total 2"));
}

#[tokio::test]
async fn a_response_that_outlasts_the_patience_is_named_and_not_to_be_asked_for_again() {
    let mut stage = Stage::with(|settings| settings.drain = SHORT).await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let kept = stage.caller.posts("/v1/responses", &response(""));
    let written = scribe.takes().await;
    let unkept = stage.caller.posts("/v1/responses", &response(r#""store":false"#));
    scribe.takes().await;

    stage.gateway.ask_to_stop();

    let kept = kept.answered().await;
    assert_eq!((kept.status, kept.header("x-should-retry")), (502, Some("false")));
    let text = kept.text().await;
    assert_eq!(code_of(&text), "gateway_stopped");
    let address = format!("GET /v1/responses/{}?stream=true", written.response_id());
    assert!(text.contains(&address), "{text}");
    let unkept = unkept.answered().await;
    assert_eq!((unkept.status, unkept.header("x-should-retry")), (502, None));
    assert!(unkept.text().await.contains("Send the request again"), "it ends with its reader");
    stage.gateway.ended().await;
}

#[tokio::test]
async fn idle_connections_do_not_hold_up_the_end() {
    let mut stage = Stage::set().await;
    let silent = stage.caller.connects().await;
    assert_eq!(stage.caller.gets("/v1/models").await.status, 200);

    stage.gateway.ask_to_stop();

    stage.gateway.ended().await;
    assert_eq!(silent.reads_to_the_end().await, "");
}

#[tokio::test]
async fn callers_that_neither_write_nor_read_hold_up_the_end_only_so_long() {
    let mut stage = Stage::with(|settings| settings.drain = SHORT).await;
    let mut writer = stage.caller.connects().await;
    writer.writes("POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 9\r\n\r\n{").await;
    let mut reader = stage.caller.connects().await;
    reader.asks(&chat(true)).await;
    let mut held = stage.worker.takes().await;
    let long = chunk(&"x".repeat(64 * 1024));
    while stage.worker.told_to_stop().now_or_never().is_none() {
        held.says_chunk(&long).await;
        stage.bus.barrier().await.unwrap();
    }

    stage.gateway.ask_to_stop();

    stage.gateway.ended().await;
}

#[tokio::test]
async fn a_gateway_that_ended_or_was_killed_judges_no_claim() {
    for kill in [true, false] {
        let mut stage = Stage::set().await;
        let gateway = stage.beat(|_any| true).await;

        if kill {
            stage.gateway.kill();
        } else {
            stage.gateway.ask_to_stop();
            stage.gateway.ended().await;
        }

        let claim = ClaimRequest { job: JobId::fresh(), worker: WorkerId::fresh(), delivery: 1 };
        until("a claim that nobody judges", async || {
            let verdict = stage.bus.claim(gateway, &claim).await;
            matches!(verdict, Err(bus::ClaimError::NoGateway))
        })
        .await;
    }
}
