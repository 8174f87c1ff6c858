//! A log has one writer: whoever is out stops its model and changes nothing.

use std::time::Duration;

use contract::log::{Outcome, Record, Started};
use contract::{Lane, WorkerId};

use crate::support::{Reply, Stage, chunk, until, upstream};

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
