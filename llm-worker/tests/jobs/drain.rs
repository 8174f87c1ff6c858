//! A worker that is told to stop finishes, or hands back, or says so.

use std::time::Duration;

use contract::EventKind;

use crate::support::{Reply, Stage, chat, chunk, until, upstream};

#[tokio::test]
async fn work_in_hand_ends_before_the_worker_does() {
    let mut stage = Stage::set().await;
    let mut worker = stage.worker().await;
    let job = stage.ask(&chat(true)).await;
    let (tokens, reply) = Reply::stream();
    stage.model.reply(reply);
    tokens.say(&chunk("one")).await;
    stage.gateway.heard().await;
    assert!(worker.counts("app_worker_free_slots{app_queue=\"default\"} 63"));

    worker.ask_to_stop();
    until("no slot is offered", async || {
        worker.counts("app_worker_free_slots{app_queue=\"default\"} 0")
    })
    .await;
    tokens.say(&chunk("two")).await;
    stage.gateway.heard().await;
    tokens.say("[DONE]").await;

    assert_eq!(stage.gateway.heard().await.kind, EventKind::Done);
    worker.ended().await;
    stage.no_jobs_left().await;
    assert_ne!(job.to_string(), "");
}

#[tokio::test]
async fn a_stopping_worker_takes_no_new_job_and_another_one_gets_it() {
    let mut stage = Stage::set().await;
    let mut first = stage.worker().await;
    let held = stage.ask(&chat(false)).await;
    let held_by = stage.gateway.claimed().await.worker;
    stage.model.called().await;

    first.ask_to_stop();
    let _second = stage.worker().await;
    // Whatever was on its way to the first worker is handed back without a claim.
    for _job in 0..10 {
        stage.ask(&chat(false)).await;
    }
    let mut claims = Vec::new();
    for _job in 0..10 {
        claims.push(stage.gateway.claimed().await);
    }

    assert!(claims.iter().all(|claim| claim.job != held));
    assert!(claims.iter().skip(1).all(|claim| claim.worker != held_by), "{claims:?}");
    for _job in 0..11 {
        stage.model.reply(Reply::whole(200, "{}"));
    }
    first.ended().await;
    stage.no_jobs_left().await;
}

#[tokio::test]
async fn what_was_not_begun_to_be_said_is_handed_back() {
    let mut stage = Stage::set().await;
    let upstreams = [upstream(&stage.model.url(), "")];
    let short = Duration::from_millis(50);
    let mut worker = stage.worker_with(&upstreams, |settings| settings.drain = short).await;
    let job = stage.ask(&chat(true)).await;
    let call = stage.model.called().await;

    worker.ask_to_stop();
    call.left().await;
    worker.ended().await;
    let _other = stage.worker().await;
    stage.model.called().await;
    stage.model.reply(Reply::stream_of(&[&chunk("a"), "[DONE]"]).await);

    let all = stage.gateway.all_of(job).await;
    assert!(all.iter().all(|said| said.claim == 2), "the second worker's words only");
    stage.no_jobs_left().await;
}

#[tokio::test]
async fn what_was_begun_to_be_said_ends_with_an_error_when_the_time_is_over() {
    let mut stage = Stage::set().await;
    let upstreams = [upstream(&stage.model.url(), "")];
    let short = Duration::from_millis(50);
    let mut worker = stage.worker_with(&upstreams, |settings| settings.drain = short).await;
    let job = stage.ask(&chat(true)).await;
    let (tokens, reply) = Reply::stream();
    stage.model.reply(reply);
    tokens.say(&chunk("one")).await;

    // The first word must be out before the end is asked for.
    let first = stage.gateway.heard().await;
    worker.ask_to_stop();
    let last = stage.gateway.heard().await;

    assert_eq!((first.job, first.seq, last.seq), (job, 0, 1));
    assert_eq!(last.failure().1.error.code.as_deref(), Some("worker_stopped"));
    tokens.left().await;
    worker.ended().await;
    stage.no_jobs_left().await;
    assert!(
        worker.counts("app_drain_aborted_jobs_total 1")
            || worker.counts("app_drain_aborted_total 1")
    );
}
