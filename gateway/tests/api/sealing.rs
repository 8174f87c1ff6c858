//! Responses that have ended are sealed, and are the same when their logs are gone.

use contract::log::LogId;
use contract::{Chore, Lane, streams, subjects};
use reqwest::Method;
use serde_json::Value;
use test_support::TestNats;

use crate::support::{Caller, Gateway, Scribe, Stage, Written, response, until};

const PATH: &str = "/v1/responses";
const BACKGROUND: &str = r#""background":true"#;

async fn begun(stage: &Stage, scribe: &mut Scribe, more: &str) -> Written {
    let call = stage.caller.posts(PATH, &response(&format!("{BACKGROUND}{more}")));
    assert_eq!(call.answered().await.status, 200);
    scribe.takes().await
}

fn address(log: &LogId) -> String {
    format!("{PATH}/{}", log.job.as_response())
}

/// Has it sealed, as its worker does at its end.
async fn sealed(stage: &Stage, log: &LogId) {
    stage.bus.publish_chore(Chore::Seal, log).await.unwrap();
    stage.has_messages(streams::CHORES, 0).await;
    assert!(kept(stage, log).await.is_some());
}

/// The revision of what is sealed of a log.
async fn kept(stage: &Stage, log: &LogId) -> Option<u64> {
    let records = stage.bus.records(streams::RESPONSES).await.unwrap();
    let record = records.get(&subjects::response_key(log)).await.unwrap();
    record.map(|record| record.revision)
}

async fn became(gateway: &Gateway, outcome: &str) {
    let line = format!("app_logs_sealed_total{{app_outcome=\"{outcome}\"}} 1");
    until(&line, async || gateway.counts(&line)).await;
}

/// Everything that can be read of a response.
async fn everything(caller: &Caller, log: &LogId) -> Vec<String> {
    let address = address(log);
    let mut addresses = vec![
        address.clone(),
        format!("{address}/input_items"),
        format!("{address}/input_items?order=asc&limit=1"),
        format!("{address}?stream=true"),
    ];
    let events = caller.gets(&addresses[3]).await.events().await.len();
    addresses.extend((0..events).map(|at| format!("{address}?stream=true&starting_after={at}")));
    let mut read = Vec::new();
    for address in addresses {
        let answer = caller.gets(&address).await;
        assert_eq!(answer.status, 200, "{address}");
        read.push(answer.text().await);
    }
    read
}

#[tokio::test]
async fn when_its_log_is_gone_a_response_is_the_same_byte_for_byte() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let (_other_gateway, elsewhere) = stage.another_gateway().await;
    let mut first = begun(&stage, &mut scribe, "").await;
    first.says("earlier").await;
    first.completes().await;
    let more = format!(r#","previous_response_id":"{}""#, first.response_id());
    let mut written = begun(&stage, &mut scribe, &more).await;
    written.says("lost").await;
    written.starts().await;
    for piece in ["a \\\"quoted\\\" ", "b\\n", "\\u2028c"] {
        written.says(piece).await;
    }
    written.completes().await;
    let log = written.log.clone();
    let live = everything(&stage.caller, &log).await;
    assert!(live.len() > 10 && live[1].contains("earlier"), "{live:?}");

    sealed(&stage, &log).await;
    let oldest = written.records().await[0].sequence;
    let logs = stage.jetstream().await.get_stream(streams::LOGS).await.unwrap();
    logs.delete_message(oldest).await.unwrap();
    let headless = everything(&elsewhere, &log).await;
    stage.bus.erase_log(&log).await.unwrap();
    let gone = everything(&elsewhere, &log).await;

    assert_eq!(headless, live);
    assert_eq!(gone, live);
    assert_eq!(everything(&stage.caller, &log).await, live);
    let more = more.replace(&first.response_id(), &written.response_id());
    let messages = begun(&stage, &mut scribe, &more).await.chat()["messages"].clone();
    assert_eq!(messages.as_array().unwrap().len(), 5, "it goes on from there: {messages}");
}

#[tokio::test]
async fn it_is_written_once_however_often_it_is_asked_for() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let mut written = begun(&stage, &mut scribe, "").await;
    written.completes().await;
    sealed(&stage, &written.log).await;
    let first = kept(&stage, &written.log).await;

    // Asked for again after longer than the stream knows that it was asked for before.
    let again = subjects::chore(Chore::Seal, &written.log);
    stage.jetstream().await.publish(again, "".into()).await.unwrap().await.unwrap();

    became(&stage.gateway, "settled_before").await;
    assert_eq!(kept(&stage, &written.log).await, first);
}

#[tokio::test]
async fn whoever_cancels_it_has_it_sealed() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let mut written = begun(&stage, &mut scribe, "").await;
    written.says("half an ").await;
    let cancel = format!("{}/cancel", address(&written.log));

    let cancelled = stage.caller.posts(&cancel, "").answered().await.text().await;

    became(&stage.gateway, "sealed").await;
    stage.bus.erase_log(&written.log).await.unwrap();
    assert_eq!(stage.caller.gets(&address(&written.log)).await.text().await, cancelled);
    assert_eq!(stage.caller.posts(&cancel, "").answered().await.text().await, cancelled);
}

#[tokio::test]
async fn what_is_deleted_is_gone_whether_it_is_sealed_before_or_after() {
    let not_found = (404, "response_not_found".to_owned());
    for before in [true, false] {
        let stage = Stage::set().await;
        let mut scribe = stage.scribe(Lane::Background).await;
        let mut written = begun(&stage, &mut scribe, "").await;
        written.completes().await;
        let records = written.records().await;
        if before {
            sealed(&stage, &written.log).await;
            // By its age.
            stage.bus.erase_log(&written.log).await.unwrap();
        }

        let delete = stage.caller.request(Method::DELETE, &address(&written.log));
        assert_eq!(stage.caller.sends(delete).answered().await.status, 200);
        // As if the sealer had read the log before it was erased.
        let mut last = 0;
        for record in records {
            last = stage.bus.append(&written.log, last, record.message).await.unwrap();
        }
        let again = subjects::chore(Chore::Seal, &written.log);
        stage.jetstream().await.publish(again, "".into()).await.unwrap().await.unwrap();
        became(&stage.gateway, "settled_before").await;
        stage.bus.erase_log(&written.log).await.unwrap();

        let answer = stage.caller.gets(&address(&written.log)).await;
        assert_eq!(answer.error().await, not_found, "sealed before: {before}");
        assert_eq!(kept(&stage, &written.log).await, None);
    }
}

#[tokio::test]
async fn what_is_not_to_be_kept_is_not_sealed() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let call = stage.caller.posts(PATH, &response(r#""store":false,"stream":true"#));
    let mut written = scribe.takes().await;
    written.says("secret").await;
    stage.bus.publish_chore(Chore::Seal, &written.log).await.unwrap();
    became(&stage.gateway, "not_kept").await;
    written.completes().await;

    assert_eq!(call.answered().await.status, 200);
    assert_eq!(kept(&stage, &written.log).await, None);
}

#[tokio::test]
async fn what_is_over_one_message_stays_as_long_as_its_log() {
    let stage = Stage::over(TestNats::with_max_payload(64 * 1024).await, |_settings| {}).await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let mut written = begun(&stage, &mut scribe, "").await;
    for _record in 0..3 {
        written.says(&"x".repeat(20 * 1024)).await;
    }
    written.completes().await;

    stage.bus.publish_chore(Chore::Seal, &written.log).await.unwrap();

    became(&stage.gateway, "too_large").await;
    assert_eq!(kept(&stage, &written.log).await, None);
    let shown = stage.caller.gets(&address(&written.log)).await.text().await;
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["output"][0]["content"][0]["text"].as_str().unwrap().len(), 60 * 1024);
}

#[tokio::test]
async fn only_gateways_with_the_role_do_chores() {
    let stage = Stage::with(|settings| settings.roles.chores = false).await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let mut written = begun(&stage, &mut scribe, "").await;
    written.completes().await;
    stage.bus.publish_chore(Chore::Seal, &written.log).await.unwrap();

    let (other_gateway, _caller) =
        stage.another_gateway_with(|settings| settings.roles.api = false).await;

    became(&other_gateway, "sealed").await;
    assert!(!stage.gateway.counts("app_logs_sealed_total"));
}
