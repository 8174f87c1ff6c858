//! A caller who leaves stops the model, in every phase, and leaves nothing behind.

use std::time::Duration;

use contract::{CancelReason, Verdict};

use crate::support::{Stage, chat, chunk, until};

#[tokio::test]
async fn a_job_whose_caller_left_the_queue_is_dropped_when_it_is_claimed() {
    for stream in [true, false] {
        let mut stage = Stage::set().await;
        let call = stage.caller.asks(&chat(stream));
        until("a queued job", async || stage.jobs_queued().await == 1).await;

        drop(call);

        stage.gateway.settles(1, "client_gone").await;
        let mut held = stage.worker.pulls().await;
        assert_eq!(stage.worker.claims(&mut held).await, Verdict::Drop);
        stage.nothing_is_held().await;
    }
}

#[tokio::test]
async fn a_caller_who_leaves_before_the_first_word_stops_the_worker() {
    for stream in [true, false] {
        let mut stage = Stage::set().await;
        let call = stage.caller.asks(&chat(stream));
        let held = stage.worker.takes().await;

        drop(call);

        let stopped = stage.worker.told_to_stop().await;
        assert_eq!(stopped, (held.id, 1, CancelReason::CallerLeft));
        stage.gateway.settles(1, "client_gone").await;
        stage.nothing_is_held().await;
    }
}

#[tokio::test]
async fn a_caller_who_leaves_under_a_head_without_a_word_stops_the_worker() {
    let mut stage = Stage::with(|settings| settings.head_wait = Duration::ZERO).await;
    let mut answer = stage.caller.asks(&chat(true)).answered().await;
    answer.frame().await;
    let held = stage.worker.takes().await;

    drop(answer);

    assert_eq!(stage.worker.told_to_stop().await, (held.id, 1, CancelReason::CallerLeft));
    stage.gateway.settles(1, "client_gone").await;
}

#[tokio::test]
async fn a_caller_who_leaves_in_the_middle_stops_the_worker() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(true));
    let mut held = stage.worker.takes().await;
    held.says_chunk(&chunk("one")).await;
    let mut answer = call.answered().await;
    answer.frame().await;

    drop(answer);

    assert_eq!(stage.worker.told_to_stop().await, (held.id, 1, CancelReason::CallerLeft));
    // What is still said is for nobody, and a second worker has nothing to do.
    held.says_chunk(&chunk("two")).await;
    assert_eq!(stage.worker.claims(&mut held).await, Verdict::Drop);
    stage.gateway.settles(1, "client_gone").await;
    stage.nothing_is_held().await;
}

#[tokio::test]
async fn a_caller_who_leaves_takes_nobody_along() {
    let mut stage = Stage::set().await;
    let leaver = stage.caller.asks(&chat(true));
    let leavers = stage.worker.takes().await;
    let stayer = stage.caller.asks(&chat(true));
    let mut stayers = stage.worker.takes().await;

    drop(leaver);
    assert_eq!(stage.worker.told_to_stop().await.0, leavers.id);
    stayers.says_chunk(&chunk("one")).await;
    stayers.is_done().await;

    assert_eq!(stayer.answered().await.events().await.len(), 2);
    stage.gateway.settles(2, "client_gone").await;
    stage.gateway.settles(2, "completed").await;
}
