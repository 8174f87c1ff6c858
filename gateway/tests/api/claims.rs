//! One worker answers a request: the one that claimed it last, before anything was said.

use std::time::Duration;

use contract::{CancelReason, Event, EventKind, JobId, Verdict};

use crate::support::{DONE, Stage, chat, chunk};

#[tokio::test]
async fn the_newest_claim_counts_while_nothing_was_said() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(true));
    let mut first = stage.worker.takes().await;
    first.delivery.retry_after(Duration::ZERO).await.unwrap();

    let mut other = stage.another_worker().await;
    let mut second = other.pulls().await;
    let verdict = other.claims(&mut second).await;
    let stopped = stage.worker.told_to_stop().await;
    first.says_chunk(&chunk("from the older one")).await;
    first.is_done().await;
    second.says_chunk(&chunk("from the newer one")).await;
    second.is_done().await;

    assert_eq!((second.id, verdict), (first.id, Verdict::Go { claim: 2 }));
    assert_eq!(stopped, (first.id, 1, CancelReason::Superseded));
    let events = call.answered().await.events().await;
    assert_eq!(events, [format!("data: {}", chunk("from the newer one")), DONE.to_owned()]);
    stage.gateway.settles(1, "completed").await;
}

#[tokio::test]
async fn a_claim_after_something_was_said_breaks_the_answer_off() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(true));
    let mut first = stage.worker.takes().await;
    first.says_chunk(&chunk("one")).await;
    let mut answer = call.answered().await;
    answer.frame().await;
    first.delivery.retry_after(Duration::ZERO).await.unwrap();

    let mut other = stage.another_worker().await;
    let mut second = other.pulls().await;
    let verdict = other.claims(&mut second).await;
    let stopped = stage.worker.told_to_stop().await;
    first.says_chunk(&chunk("two")).await;

    assert_eq!(verdict, Verdict::Drop);
    assert_eq!(stopped, (first.id, 1, CancelReason::CallerLeft));
    assert_eq!(answer.breaks_off().await, "worker_lost");
    stage.gateway.settles(1, "failed").await;
}

#[tokio::test]
async fn a_delivery_that_lay_in_a_worker_for_too_long_changes_nothing() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(true));
    let out_of_date = stage.worker.pulls().await;
    out_of_date.delivery.retry_after(Duration::ZERO).await.unwrap();
    let mut other = stage.another_worker().await;
    let mut second = other.pulls().await;
    other.claims(&mut second).await;
    second.says_chunk(&chunk("one")).await;
    let mut answer = call.answered().await;
    answer.frame().await;

    let verdict = stage.worker.asks_about(out_of_date.id, &out_of_date).await;
    second.is_done().await;

    assert_eq!(verdict, Verdict::Leave);
    assert_eq!(answer.events().await, [DONE]);
    stage.gateway.settles(1, "completed").await;
}

#[tokio::test]
async fn a_job_that_nobody_waits_for_is_to_be_dropped() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(false));
    let mut held = stage.worker.takes().await;

    let unknown = stage.worker.asks_about(JobId::fresh(), &held).await;
    held.says_body("{}").await;
    call.answered().await;
    stage.gateway.settles(1, "completed").await;
    let answered = stage.worker.claims(&mut held).await;

    assert_eq!((unknown, answered), (Verdict::Drop, Verdict::Drop));
}

#[tokio::test]
async fn only_events_of_the_claim_that_counts_are_heard() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(true));
    let mut held = stage.worker.pulls().await;
    let under = |claim| Event {
        job: held.id,
        claim,
        seq: 0,
        kind: EventKind::Chunk,
        payload: b"\"not heard\"",
        work: b"",
    };
    held.sends(&[under(0), under(1)]).await;
    let others = [under(0), under(2)];

    // Both travel on one connection, so the events are there before the claim.
    stage.worker.claims(&mut held).await;
    held.sends(&others).await;
    held.says_chunk(&chunk("heard")).await;
    held.is_done().await;

    let events = call.answered().await.events().await;
    assert_eq!(events, [format!("data: {}", chunk("heard")), DONE.to_owned()]);
}

#[tokio::test]
async fn events_of_a_job_that_nobody_waits_for_do_not_hide_those_beside_them() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(false));
    let mut held = stage.worker.takes().await;

    let mine = held.event(EventKind::Body, b"{}");
    let stranger = Event { job: JobId::fresh(), ..mine.clone() };
    held.sends(&[stranger.clone(), mine, stranger]).await;

    assert_eq!(call.answered().await.text().await, "{}");
}
