//! Workers that vanish, and workers that say nothing.

use std::time::Duration;

use contract::{CancelReason, Verdict};
use tokio::time::Instant;

use crate::support::{DONE, Stage, chat, chunk};

#[tokio::test]
async fn a_stream_of_a_worker_that_vanished_ends_with_an_error() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(true));
    let mut held = stage.worker.takes().await;
    held.says_chunk(&chunk("one")).await;
    let mut answer = call.answered().await;
    answer.frame().await;
    let mut other = stage.another_worker().await;
    let other_call = stage.caller.asks(&chat(true));
    let mut others = other.takes().await;
    others.says_chunk(&chunk("one")).await;

    let died = Instant::now();
    stage.worker.falls_silent().await;

    assert_eq!(answer.breaks_off().await, "worker_lost");
    assert!(died.elapsed() > Duration::from_secs(4), "a few lost beats are no death");
    stage.gateway.settles_one("failed").await;
    // Whose worker lives, is not cut.
    others.is_done().await;
    let events = other_call.answered().await.events().await;
    assert_eq!(events.last().map(String::as_str), Some(DONE));
}

#[tokio::test]
async fn a_request_of_a_worker_that_vanished_before_its_first_word_is_answered_by_another() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(true));
    let lost = stage.worker.takes().await;

    stage.worker.falls_silent().await;
    let mut other = stage.another_worker().await;
    let mut held = other.pulls().await;
    let verdict = other.claims(&mut held).await;
    held.says_chunk(&chunk("one")).await;
    held.is_done().await;

    assert_eq!((held.id, verdict), (lost.id, Verdict::Go { claim: 2 }));
    assert_eq!(call.answered().await.events().await.len(), 2);
    stage.gateway.settles(1, "completed").await;
}

#[tokio::test]
async fn a_request_that_nobody_answers_in_time_is_given_up() {
    let brief = Duration::from_millis(50);
    let mut stage = Stage::with(|settings| settings.answer_timeout = brief).await;
    for stream in [true, false] {
        let unclaimed = stage.caller.asks(&chat(stream));
        let mut held = stage.worker.pulls().await;

        assert_eq!(unclaimed.answered().await.error().await, (504, "no_answer".to_owned()));
        assert_eq!(stage.worker.claims(&mut held).await, Verdict::Drop);
    }
    stage.gateway.settles(2, "failed").await;
}

/// Its last word may be lost with a connection that was made again: no gap shows that.
#[tokio::test]
async fn a_stream_that_is_never_finished_is_broken_off() {
    let brief = Duration::from_secs(2);
    let mut stage = Stage::with(|settings| settings.answer_timeout = brief).await;
    let call = stage.caller.asks(&chat(true));
    let mut held = stage.worker.takes().await;
    held.says_chunk(&chunk("one")).await;
    let mut answer = call.answered().await;
    answer.frame().await;

    assert_eq!(answer.breaks_off().await, "answer_incomplete");
    assert_eq!(stage.worker.told_to_stop().await, (held.id, 1, CancelReason::CallerLeft));
    stage.gateway.settles(1, "failed").await;
}

#[tokio::test]
async fn a_claimed_request_that_is_given_up_stops_its_worker() {
    let brief = Duration::from_secs(2);
    let mut stage = Stage::with(|settings| settings.answer_timeout = brief).await;
    let call = stage.caller.asks(&chat(true));
    let held = stage.worker.takes().await;

    assert_eq!(call.answered().await.status, 504);
    assert_eq!(stage.worker.told_to_stop().await, (held.id, 1, CancelReason::CallerLeft));
}
