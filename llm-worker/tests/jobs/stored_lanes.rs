//! Who is served, and for how long: live work while somebody reads it, background work in the slots
//! that people leave.

use std::time::Duration;

use contract::log::Outcome;
use contract::{EventKind, Lane};
use tokio::time::Instant;

use crate::support::{Log, Reply, Stage, Worker, background, chat, chunk, upstream};

/// A worker with so many slots, and so much patience with live jobs that nobody reads.
async fn worker(stage: &Stage, slots: usize, unread: Duration) -> Worker {
    let upstreams = [upstream(&stage.model.url(), "")];
    stage
        .worker_with(&upstreams, |settings| {
            (settings.max_concurrency, settings.unread) = (slots, unread);
        })
        .await
}

async fn answer() -> Reply {
    Reply::stream_of(&[&chunk("a"), "[DONE]"]).await
}

#[tokio::test]
async fn a_live_answer_that_nobody_reads_is_cancelled_and_a_background_one_is_not() {
    let stage = Stage::set().await;
    let _worker = worker(&stage, 64, Duration::from_millis(300)).await;
    let quiet = stage.accept(Lane::Background).await;
    let (quiet_tokens, reply) = Reply::stream();
    stage.model.reply(reply);
    stage.model.called().await;
    let live = stage.accept(Lane::Live).await;
    let (tokens, reply) = Reply::stream();
    stage.model.reply(reply);
    tokens.say(&chunk("kept")).await;

    assert_eq!(live.ended().await.outcome, Outcome::Cancelled);

    assert_eq!(live.texts().await, ["kept"]);
    tokens.left().await;
    stage.none_left_in(Lane::Live).await;
    quiet_tokens.say(&chunk("a")).await;
    quiet_tokens.say("[DONE]").await;
    assert_eq!(quiet.ended().await.outcome, Outcome::Completed);
}

#[tokio::test]
async fn whether_somebody_has_to_read_an_answer_does_not_hang_on_where_it_waited() {
    let stage = Stage::set().await;
    let _worker = worker(&stage, 64, Duration::from_millis(300)).await;
    let quiet = stage.accept_as(Lane::Live, true).await;
    let (quiet_tokens, reply) = Reply::stream();
    stage.model.reply(reply);
    stage.model.called().await;
    let flexible = stage.accept_as(Lane::Background, false).await;
    let (tokens, reply) = Reply::stream();
    stage.model.reply(reply);
    tokens.say(&chunk("kept")).await;

    assert_eq!(flexible.ended().await.outcome, Outcome::Cancelled);

    tokens.left().await;
    quiet_tokens.say(&chunk("a")).await;
    quiet_tokens.say("[DONE]").await;
    assert_eq!(quiet.ended().await.outcome, Outcome::Completed);
}

#[tokio::test]
async fn a_live_answer_goes_on_while_somebody_reads_it() {
    let stage = Stage::set().await;
    let _worker = worker(&stage, 64, Duration::from_millis(300)).await;
    let read = stage.accept(Lane::Live).await;
    let mut reader = stage.bus.read_log(read.id.clone()).await.unwrap();
    background(async move { while reader.next().await.is_some() {} });
    let (tokens, reply) = Reply::stream();
    stage.model.reply(reply);
    stage.model.called().await;

    // Another one that nobody reads tells the time.
    let unread = stage.accept(Lane::Live).await;
    assert_eq!(unread.ended().await.outcome, Outcome::Cancelled);

    tokens.say(&chunk("a")).await;
    tokens.say("[DONE]").await;
    assert_eq!(read.ended().await.outcome, Outcome::Completed);
}

#[tokio::test]
async fn the_patience_with_an_unread_answer_begins_when_its_last_reader_leaves() {
    let stage = Stage::set().await;
    let patience = Duration::from_millis(1_800);
    let _worker = worker(&stage, 64, patience).await;
    let read = stage.accept(Lane::Live).await;
    let mut reader = stage.bus.read_log(read.id.clone()).await.unwrap();
    let (leave, mut left) = tokio::sync::oneshot::channel::<()>();
    let (gone, leaves) = tokio::sync::oneshot::channel();
    background(async move {
        loop {
            tokio::select! {
                _ = &mut left => break,
                _ = reader.next() => {}
            }
        }
        drop(reader);
        gone.send(Instant::now()).unwrap();
    });
    // Another one that nobody reads tells the time.
    let unread = stage.accept(Lane::Live).await;
    assert_eq!(unread.ended().await.outcome, Outcome::Cancelled);

    leave.send(()).unwrap();
    let left_at = leaves.await.unwrap();
    assert_eq!(read.ended().await.outcome, Outcome::Cancelled);

    assert!(left_at.elapsed() > patience / 2, "{:?}", left_at.elapsed());
}

#[tokio::test]
async fn an_old_live_job_that_nobody_reads_costs_no_model_call() {
    let stage = Stage::set().await;
    let log = stage.accept(Lane::Live).await;
    let _worker = worker(&stage, 64, Duration::from_micros(600)).await;

    assert_eq!(log.ended().await.outcome, Outcome::Cancelled);

    assert_eq!(log.story().await, ["accepted", "ended 0.0 cancelled"]);
    stage.none_left_in(Lane::Live).await;
    assert!(!stage.model.was_called().await);
}

#[tokio::test]
async fn background_work_leaves_slots_to_people() {
    let mut stage = Stage::set().await;
    let _worker = worker(&stage, 4, Duration::from_secs(30)).await;
    let mut logs = Vec::new();
    for _job in 0..6 {
        logs.push(stage.accept(Lane::Background).await);
    }
    for _job in 0..3 {
        stage.model.called().await;
    }

    let live = stage.accept(Lane::Live).await;
    stage.model.called().await;

    live.tells("started 1").await;
    assert_eq!(stage.model.most_at_once(), 4);
    for _job in 0..7 {
        stage.model.reply(answer().await);
    }
    for log in &logs {
        assert_eq!(log.ended().await.outcome, Outcome::Completed);
    }
    let job = stage.ask(&chat(true)).await;
    stage.model.reply(answer().await);
    assert_eq!(stage.gateway.all_of(job).await.len(), 2);
    assert_eq!(stage.model.most_at_once(), 4);
}

#[tokio::test]
async fn one_slot_serves_every_lane() {
    let mut stage = Stage::set().await;
    let _worker = worker(&stage, 1, Duration::from_secs(30)).await;
    for _round in 0..3 {
        for lane in [Lane::Background, Lane::Live] {
            let log = stage.accept(lane).await;
            stage.model.reply(answer().await);
            assert_eq!(log.ended().await.outcome, Outcome::Completed);
            stage.none_left_in(lane).await;
        }
        let job = stage.ask(&chat(true)).await;
        stage.model.reply(answer().await);
        assert_eq!(stage.gateway.all_of(job).await[1].kind, EventKind::Done);
        stage.no_jobs_left().await;
    }
    assert_eq!(stage.model.most_at_once(), 1);
}

#[tokio::test]
async fn a_full_worker_serves_every_lane_in_turn() {
    const JOBS: usize = 15;
    let mut stage = Stage::set().await;
    let _worker = worker(&stage, 2, Duration::from_secs(30)).await;
    let mut logs: Vec<Log> = Vec::new();
    for _job in 0..JOBS {
        stage.ask(&chat(true)).await;
        logs.push(stage.accept(Lane::Live).await);
        logs.push(stage.accept(Lane::Background).await);
    }

    for _job in 0..3 * JOBS {
        stage.model.called().await;
        stage.model.reply(answer().await);
    }

    for log in &logs {
        assert_eq!(log.ended().await.outcome, Outcome::Completed);
        assert_eq!(log.texts().await, ["a"]);
    }
    for lane in [Lane::Chat, Lane::Live, Lane::Background] {
        stage.none_left_in(lane).await;
    }
    assert_eq!(stage.model.most_at_once(), 2);
    while stage.gateway.has_news() {
        stage.gateway.heard().await;
    }
}
