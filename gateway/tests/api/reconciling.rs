//! Open logs whose jobs were lost: gateways find them, and each job is put back once.

use std::time::Duration;

use contract::log::{self, Accepted, Api, Ended, LogId, Outcome, Record};
use contract::{Body, JobId, Lane, Owner, streams};
use gateway::Settings;
use serde_json::Value;
use serde_json::value::RawValue;
use test_support::TestNats;

use crate::support::{Gateway, Scribe, Stage, Written, response, until};

const PATH: &str = "/v1/responses";
const BACKGROUND: &str = r#""background":true"#;
const QUEUE: Lane = Lane::Background;

/// Of a gateway that soon asks after what is silent.
fn hasty(settings: &mut Settings) {
    settings.open_log_quiet = Duration::from_millis(200);
}

/// What a gateway stores that dies before it queues the job.
async fn accepted(stage: &Stage, context: &str, request: &str) -> (LogId, u64) {
    let log = LogId { owner: Owner::local(), job: JobId::fresh() };
    let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
    let (context, request) = (raw(context), raw(request));
    let accepted = Accepted {
        job: log.job,
        owner: log.owner.clone(),
        api: Api::Responses,
        lane: QUEUE,
        model: "public".parse().unwrap(),
        accepted_at_ms: 7_000,
        key: None,
        trace_id: None,
        context: &context,
        request: &request,
    };
    let message = log::write::<&[u8]>(&Record::Accepted(accepted), &[]);
    let sequence = stage.bus.append(&log, 0, message.into()).await.unwrap();
    (log, sequence)
}

async fn forgotten(stage: &Stage) -> LogId {
    accepted(stage, "[]", &response(BACKGROUND)).await.0
}

async fn shown(stage: &Stage, log: &LogId) -> Value {
    let answer = stage.caller.gets(&format!("{PATH}/{}", log.job.as_response())).await;
    assert_eq!(answer.status, 200);
    serde_json::from_str(&answer.text().await).unwrap()
}

async fn created(stage: &Stage) {
    let call = stage.caller.posts(PATH, &response(BACKGROUND));
    assert_eq!(call.answered().await.status, 200);
}

async fn answers(scribe: &mut Scribe) -> Written {
    let mut written = scribe.takes().await;
    written.says("found").await;
    written.completes().await;
    written
}

fn put_back(gateways: &[&Gateway]) -> f64 {
    gateways.iter().map(|gateway| gateway.sum("app_jobs_republished_total")).sum()
}

#[tokio::test]
async fn what_was_accepted_without_a_job_is_queued_once_whoever_finds_it() {
    const LOGS: u64 = 20;
    let stage = Stage::with(hasty).await;
    let (other_gateway, _elsewhere) = stage.another_gateway_with(hasty).await;
    let mut scribe = stage.scribe(QUEUE).await;
    let mut logs = Vec::new();
    for _log in 0..LOGS {
        logs.push(forgotten(&stage).await);
    }

    for _log in 0..LOGS {
        let written = answers(&mut scribe).await;
        assert_eq!(written.chat()["messages"][0]["content"], "hello");
        assert_eq!((written.job().accepted_at_ms, written.delivery.deliveries()), (7_000, 1));
    }

    for log in &logs {
        assert_eq!(shown(&stage, log).await["status"], "completed");
    }
    assert_eq!(stage.ever_in(streams::jobs_stream(QUEUE)).await, LOGS);
    until("figures", async || put_back(&[&stage.gateway, &other_gateway]) == LOGS as f64).await;
}

#[tokio::test]
async fn a_gateway_that_has_just_started_finds_what_was_open_before() {
    let mut stage = Stage::set().await;
    let mut scribe = stage.scribe(QUEUE).await;
    let log = forgotten(&stage).await;
    for _more in 0..300 {
        // More than a page of what is over.
        let (other, last) = accepted(&stage, "[]", &response("")).await;
        ends(&stage, &other, last).await;
    }
    stage.gateway.kill();

    let (_gateway, _caller) = stage.another_gateway_with(hasty).await;

    assert_eq!(answers(&mut scribe).await.log, log);
    assert_eq!(stage.ever_in(streams::jobs_stream(QUEUE)).await, 1);
}

#[tokio::test]
async fn a_job_in_its_queue_and_a_log_with_an_end_are_left_alone() {
    let stage = Stage::with(hasty).await;
    let mut scribe = stage.scribe(QUEUE).await;
    created(&stage).await;
    let at_work = scribe.takes().await;
    created(&stage).await;
    let (cancelled, last) = accepted(&stage, "[]", &response(BACKGROUND)).await;
    ends(&stage, &cancelled, last).await;

    // What comes later is found later.
    let log = forgotten(&stage).await;
    let queued = scribe.pulls().await;
    let found = scribe.pulls().await;

    assert_eq!(found.log, log);
    assert_eq!(stage.ever_in(streams::jobs_stream(QUEUE)).await, 3);
    for left_alone in [at_work, queued] {
        assert_eq!(left_alone.delivery.deliveries(), 1);
    }
    until("figures", async || put_back(&[&stage.gateway]) == 1.0).await;
}

#[tokio::test]
async fn a_job_that_left_its_queue_in_the_middle_is_begun_anew() {
    let stage = Stage::with(hasty).await;
    let mut scribe = stage.scribe(QUEUE).await;
    created(&stage).await;
    let mut lost = scribe.takes().await;
    lost.says("half an ").await;
    lost.delivery.ack().await.unwrap();

    let mut again = scribe.pulls().await;
    again.starts().await;
    again.starts().await;
    again.says("whole").await;
    again.completes().await;

    assert!(lost.is_fenced().await);
    assert_eq!(again.log, lost.log);
    assert_eq!(shown(&stage, &again.log).await["output"][0]["content"][0]["text"], "whole");
}

#[tokio::test]
async fn a_job_that_is_lost_again_and_again_is_given_up_and_its_log_ended() {
    let stage = Stage::with(|settings| settings.open_log_quiet = Duration::from_millis(20)).await;
    let mut scribe = stage.scribe(QUEUE).await;
    let log = forgotten(&stage).await;
    let mut lost = scribe.pulls().await;
    for at in 1..=5 {
        lost.starts().await;
        lost.delivery.ack().await.unwrap();
        if at < 5 {
            lost = scribe.pulls().await;
        }
    }

    until("an end", async || shown(&stage, &log).await["status"] == "failed").await;

    assert_eq!(shown(&stage, &log).await["error"]["code"], "attempts_exhausted");
    assert_eq!(put_back(&[&stage.gateway]), 5.0);
}

#[tokio::test]
async fn a_large_body_is_beside_the_job_again() {
    let small = 64 * 1024;
    let stage = Stage::over(TestNats::with_max_payload(small).await, hasty).await;
    let mut scribe = stage.scribe(QUEUE).await;
    let text = "x".repeat(stage.bus.max_payload() - 1024);
    let request = format!(r#"{{"model":"public","input":"{text}",{BACKGROUND}}}"#);
    accepted(&stage, "[]", &request).await;

    let written = scribe.takes().await;

    let Body::Stored(name) = written.job().body else { panic!("it is inside") };
    let body = stage.bus.blobs().await.unwrap().get(&name, small * 2).await.unwrap().unwrap();
    let chat: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(chat["messages"][0]["content"], text);
}

#[tokio::test]
async fn what_was_said_before_is_asked_again_too() {
    let stage = Stage::with(hasty).await;
    let mut scribe = stage.scribe(QUEUE).await;
    let before = r#"[{"type":"message","role":"user","content":"before"}]"#;
    accepted(&stage, before, &response(BACKGROUND)).await;

    let messages = scribe.takes().await.chat()["messages"].clone();

    assert_eq!(
        (&messages[0]["content"], &messages[1]["content"]),
        (&"before".into(), &"hello".into())
    );
}

async fn ends(stage: &Stage, log: &LogId, last: u64) {
    let outcome = Outcome::Cancelled;
    let ended = Ended { attempt: 0, number: 0, outcome, at_ms: 8_000, work: None };
    let message = log::write::<&[u8]>(&Record::Ended(ended), &[]);
    stage.bus.append(log, last, message.into()).await.unwrap();
}
