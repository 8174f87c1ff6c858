//! What is asked in the background and read by whoever asked: it counts as what its end was, if that
//! was seen here, and as handed over whatever else happens to its reader.

use std::time::Duration;

use contract::{Failure, Lane};

use crate::support::{Answer, Caller, Stage, Written, response, until};

const PATH: &str = "/v1/responses";
const STREAMED: &str = r#""background":true,"stream":true"#;
const MODEL: &str = "gen_ai_server_request_duration_seconds_count{";
const ROUTE: &str = "http_route=\"/v1/responses\"";

/// A response that somebody who asked for it reads, and that has said a word.
async fn begun(stage: &Stage) -> (Answer, Written) {
    let mut scribe = stage.scribe(Lane::Background).await;
    let mut answer = stage.caller.posts(PATH, &response(STREAMED)).answered().await;
    let mut written = scribe.takes().await;
    written.says("one ").await;
    until_said(&mut answer).await;
    (answer, written)
}

async fn until_said(answer: &mut Answer) {
    while !answer.event().await.unwrap().starts_with("event: response.output_text.delta") {}
}

/// Waits until the stream has ended so, and the job as well. Gives how often a model was asked.
async fn counted(stage: &Stage, outcome: &str) -> usize {
    stage.gateway.settles_in("background", outcome).await;
    let line =
        format!("app_http_stream_duration_seconds_count{{app_outcome=\"{outcome}\",{ROUTE}}} 1");
    until(&line, async || stage.gateway.counts(&line)).await;
    assert!(stage.gateway.counts("app_jobs_open{app_lane=\"background\"} 0"));
    let (_status, figures) = stage.gateway.health("/metrics").await;
    figures.lines().filter(|line| line.starts_with(MODEL)).count()
}

async fn status(caller: &Caller, written: &Written) -> String {
    let shown = caller.gets(&format!("{PATH}/{}", written.response_id())).await.text().await;
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    shown["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_end_that_is_seen_is_counted_with_the_figures_of_the_model() {
    let stage = Stage::set().await;
    let (answer, mut written) = begun(&stage).await;

    assert!(stage.gateway.counts("app_jobs_open{app_lane=\"background\"} 1"));
    written.completes().await;
    answer.events().await;

    assert_eq!(counted(&stage, "completed").await, 1);
    let of = "{gen_ai_operation_name=\"chat\",gen_ai_request_model=\"public\"} 1";
    for figure in ["request_duration", "time_to_first_token"] {
        let line = format!("gen_ai_server_{figure}_seconds_count{of}");
        assert!(stage.gateway.counts(&line), "{line}");
    }
}

#[tokio::test]
async fn a_failure_that_is_seen_is_one() {
    let stage = Stage::set().await;
    let (answer, mut written) = begun(&stage).await;

    let body =
        r#"{"error":{"message":"no","type":"server_error","param":null,"code":"upstream_closed"}}"#;
    written
        .fails(&Failure {
            status: 502,
            body: body.to_owned(),
            retry_after_ms: None,
            should_retry: true,
        })
        .await;
    answer.events().await;

    assert_eq!(counted(&stage, "failed").await, 1);
    let line = "gen_ai_server_request_duration_seconds_count{error_type=\"upstream_closed\"";
    assert!(stage.gateway.counts(line));
}

#[tokio::test]
async fn what_somebody_stops_is_cancelled_and_no_failure() {
    let stage = Stage::set().await;
    let (answer, written) = begun(&stage).await;

    let cancel = format!("{PATH}/{}/cancel", written.response_id());
    assert_eq!(stage.caller.posts(&cancel, "").answered().await.status, 200);
    answer.events().await;

    assert_eq!(counted(&stage, "cancelled").await, 1);
}

#[tokio::test]
async fn a_reader_who_leaves_hands_it_over() {
    let stage = Stage::set().await;
    let (answer, mut written) = begun(&stage).await;

    drop(answer);

    assert_eq!(counted(&stage, "handed_over").await, 0, "a model's figures are nobody's");
    written.says("two").await;
    written.completes().await;
    assert_eq!(status(&stage.caller, &written).await, "completed");
}

#[tokio::test]
async fn a_gateway_that_ends_hands_it_over() {
    let mut stage = Stage::with(|settings| settings.drain = Duration::from_millis(50)).await;
    let (_other_gateway, elsewhere) = stage.another_gateway().await;
    let (answer, mut written) = begun(&stage).await;

    stage.gateway.ask_to_stop();
    let last = answer.events().await.pop().unwrap();
    assert!(last.starts_with("event: error\n") && last.contains("gateway_stopped"), "{last}");
    stage.gateway.ended().await;

    let settled = "app_jobs_settled_total{app_lane=\"background\",app_outcome=\"handed_over\"} 1";
    assert!(stage.gateway.counts(settled));
    assert!(!stage.gateway.counts(MODEL), "a model's figures are nobody's");
    assert_eq!(stage.gateway.sum("app_jobs_settled_total"), 1.0);
    written.completes().await;
    assert_eq!(status(&elsewhere, &written).await, "completed");
}

#[tokio::test]
async fn a_repeat_that_reads_along_counts_nothing() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let ask = async || stage.caller.posts_as("k", PATH, &response(STREAMED)).answered().await;
    let mut lost = ask().await;
    let mut written = scribe.takes().await;
    written.says("one ").await;
    until_said(&mut lost).await;
    let mut again = ask().await;
    let first = again.event().await.unwrap();

    drop(lost);
    assert_eq!(counted(&stage, "handed_over").await, 0);
    written.completes().await;
    again.events().await;

    assert!(first.starts_with("event: response.created\nid: 0\n"), "{first}");
    assert_eq!(stage.gateway.sum("app_jobs_settled_total"), 1.0);
    assert!(!stage.gateway.counts(MODEL));
}
