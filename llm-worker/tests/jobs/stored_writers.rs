//! A log has one writer: whoever is out stops its model and changes nothing.

use std::time::Duration;

use contract::log::{Outcome, Record, Started};
use contract::{Lane, WorkerId, streams};

use crate::support::{Log, Reply, Stage, background, chunk, until, upstream};

/// How the deliveries of a worker ended.
fn ended(outcome: &str) -> String {
    format!("messaging_process_duration_seconds_count{{app_outcome=\"{outcome}\"")
}

#[tokio::test]
async fn a_worker_whose_job_another_has_taken_stops_its_model_and_changes_nothing() {
    let stage = Stage::set().await;
    let worker = stage.worker().await;
    let log = stage.accept(Lane::Live).await;
    let (tokens, reply) = Reply::stream();
    stage.model.reply(reply);
    tokens.say(&chunk("one")).await;
    log.tells("said 1.0").await;

    let started = Started { attempt: 2, writer: WorkerId::fresh(), continues_at: None, at_ms: 0 };
    log.append(&Record::Started(started)).await;
    let before = log.entries().await;
    tokens.say(&chunk("two")).await;
    tokens.left().await;

    until("a job that is left", async || worker.counts(&ended("superseded"))).await;
    assert_eq!(log.entries().await, before);
    // Neither acknowledged nor handed back: whoever has taken it settles it.
    assert_eq!(stage.queued_in(Lane::Live).await, 1);
    // One that was handed back would come before a new one.
    let next = stage.accept(Lane::Live).await;
    stage.model.reply(Reply::stream_of(&[&chunk("a"), "[DONE]"]).await);
    assert_eq!(next.ended().await.outcome, Outcome::Completed);
    assert_eq!(log.entries().await, before);
}

#[tokio::test]
async fn a_cancelled_answer_stops_its_model_at_the_next_word() {
    let stage = Stage::set().await;
    let worker = stage.worker().await;
    let log = stage.accept(Lane::Background).await;
    let (tokens, reply) = Reply::stream();
    stage.model.reply(reply);
    tokens.say(&chunk("one")).await;
    log.tells("said 1.0").await;

    log.cancel().await;
    let before = log.entries().await;
    tokens.say(&chunk("two")).await;
    tokens.left().await;

    until("a job that is left", async || worker.counts(&ended("superseded"))).await;
    assert_eq!(log.entries().await, before);
}

#[tokio::test]
async fn a_cancelled_answer_stops_a_silent_model_too() {
    for spoken in [false, true] {
        let stage = Stage::set().await;
        let upstreams = [upstream(&stage.model.url(), "")];
        let short = Duration::from_millis(600);
        let _worker = stage.worker_with(&upstreams, |settings| settings.unread = short).await;
        let log = stage.accept(Lane::Background).await;
        let call = stage.model.called().await;
        let (tokens, reply) = Reply::stream();
        if spoken {
            stage.model.reply(reply);
            tokens.say(&chunk("one")).await;
            log.tells("said 1.0").await;
        }

        log.cancel().await;

        if spoken {
            tokens.left().await
        } else {
            call.left().await
        }
        assert_eq!(log.ended().await.outcome, Outcome::Cancelled);
    }
}

#[tokio::test]
async fn an_outage_of_the_log_loses_and_doubles_nothing() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    let log = stage.accept(Lane::Background).await;
    let (tokens, reply) = Reply::stream();
    stage.model.reply(reply);
    tokens.say(&chunk("0")).await;
    log.tells("said 1.0").await;

    stage.nats.kill().await;
    for number in 1..50 {
        tokens.say(&chunk(&number.to_string())).await;
    }
    stage.nats.restart().await;
    for number in 50..100 {
        tokens.say(&chunk(&number.to_string())).await;
    }
    tokens.say("[DONE]").await;

    let mut state = stage.bus.state();
    state.wait_for(|state| *state == bus::LinkState::Connected).await.unwrap();
    stage.bus.barrier().await.unwrap();
    assert_eq!(log.ended().await.outcome, Outcome::Completed);
    let expected: Vec<String> = (0..100).map(|number: u32| number.to_string()).collect();
    assert_eq!(log.texts().await, expected);
    stage.none_left_in(Lane::Background).await;
}

#[tokio::test]
async fn who_cannot_take_the_log_asks_no_model() {
    let stage = Stage::set().await;
    let worker = stage.worker().await;
    let log = Log::begin(&stage.bus, Lane::Background).await;
    stage.fill_up(streams::LOGS).await;

    stage.queue(Lane::Background, &log).await;

    until("a job that is left", async || worker.counts(&ended("log_unavailable"))).await;
    assert!(!stage.model.was_called().await);
    assert_eq!(log.story().await, ["accepted"]);
}

#[tokio::test]
async fn a_worker_that_was_held_up_does_not_hand_back_a_job_that_is_another_ones_by_now() {
    let stage = Stage::set().await;
    let upstreams = [upstream(&stage.model.url(), "")];
    // One slot: it asks for no other job meanwhile. Nor does it look whether it is out.
    let held_up = stage
        .worker_with(&upstreams, |settings| {
            (settings.max_concurrency, settings.unread) = (1, Duration::from_secs(600));
        })
        .await;
    let log = stage.accept(Lane::Live).await;
    let mut reader = stage.bus.read_log(log.id.clone()).await.unwrap();
    background(async move { while reader.next().await.is_some() {} });
    stage.model.called().await;

    let hold = held_up.hold_up();
    let _other = stage.worker().await;
    log.tells("started 2").await;
    stage.model.called().await;
    // The first call has waited longest: its reply comes first.
    stage.model.reply(Reply::whole(503, "{}"));
    drop(hold);
    until("the end of the first attempt", async || held_up.counts(&ended("retried"))).await;
    stage.model.reply(Reply::stream_of(&[&chunk("a"), "[DONE]"]).await);

    assert_eq!(log.ended().await.outcome, Outcome::Completed);
    let handed_back =
        "messaging_client_operation_duration_seconds_count{messaging_operation_name=\"nak\"";
    assert!(!held_up.counts(handed_back));
    stage.none_left_in(Lane::Live).await;
}
