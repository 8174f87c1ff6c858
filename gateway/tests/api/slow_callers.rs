//! A caller that does not read costs a bounded amount of memory, and nobody else anything: its
//! worker is not told to say more, and a worker that does all the same is not heard.

use contract::window::{STREAM_WINDOW, cost};
use contract::{CancelReason, EventKind, Lane};
use futures::FutureExt as _;

use crate::support::{DONE, Stage, chat, chunk, response};

/// Sockets hold a few MiB on each side, the gateway a stream's window.
const BOUND: usize = 64 * 1024 * 1024;

#[tokio::test]
async fn a_worker_that_says_more_than_is_read_is_cut_off_and_the_others_are_served() {
    let mut stage = Stage::set().await;
    let mut sleeper = stage.caller.connects().await;
    sleeper.asks(&chat(true)).await;
    let mut sleepers = stage.worker.takes().await;
    let call = stage.caller.asks(&chat(true));
    let mut awake = stage.worker.takes().await;
    awake.says_chunk(&chunk("one")).await;
    let mut answer = call.answered().await;
    answer.frame().await;
    let long = chunk(&"x".repeat(64 * 1024));

    let mut said = 0;
    let stopped = loop {
        let told = stage.worker.told_to_stop();
        if said >= BOUND {
            // The gateway may be behind what was said.
            break told.await;
        }
        if let Some(stopped) = told.now_or_never() {
            break stopped;
        }
        sleepers.says_chunk(&long).await;
        stage.bus.barrier().await.unwrap();
        said += long.len();
    };
    awake.says_chunk(&chunk("two")).await;
    awake.is_done().await;

    assert_eq!(stopped, (sleepers.id, 1, CancelReason::CallerLeft));
    assert_eq!(answer.events().await, [format!("data: {}", chunk("two")), DONE.to_owned()]);
    let read = sleeper.reads_to_the_end().await;
    let (all, last) = read.trim_end().rsplit_once("\n\n").unwrap();
    assert!(last.contains(r#""code":"read_too_slowly""#), "{last:.200}");
    let (_head, chunks) = all.split_once("\r\n\r\n").unwrap();
    assert!(chunks.split("\n\n").all(|frame| frame == format!("data: {long}")), "whole chunks");
    stage.gateway.settles(2, "client_gone").await;
    let streams = "app_http_stream_duration_seconds_count{app_outcome=\"read_too_slowly\"";
    assert!(stage.gateway.counts(streams), "it is told from callers who leave");
}

#[tokio::test]
async fn a_worker_that_says_too_many_small_chunks_is_cut_off_too() {
    let mut stage = Stage::set().await;
    let mut sleeper = stage.caller.connects().await;
    sleeper.asks(&chat(true)).await;
    let mut held = stage.worker.takes().await;

    let mut said = 0;
    loop {
        let told = stage.worker.told_to_stop();
        if said >= BOUND {
            told.await;
            break;
        }
        if told.now_or_never().is_some() {
            break;
        }
        let events: Vec<_> =
            (0..2_000).map(|_| held.event(EventKind::Chunk, b"\"a word\"")).collect();
        held.sends(&events).await;
        stage.bus.barrier().await.unwrap();
        said += 2_000 * 16;
    }

    let read = sleeper.reads_to_the_end().await;
    assert!(read.contains("read_too_slowly") && !read.contains(DONE));
}

#[tokio::test]
async fn a_worker_is_told_what_was_read_of_its_stream() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(true));
    let mut held = stage.worker.takes().await;
    let long = chunk(&"x".repeat(32 * 1024));

    let (mut said, mut read) = (0, 0);
    held.says_chunk(&long).await;
    let mut answer = call.answered().await;
    answer.frame().await;
    said += cost(long.as_bytes());
    while read < 8 * STREAM_WINDOW {
        while said + cost(long.as_bytes()) <= read + STREAM_WINDOW {
            held.says_chunk(&long).await;
            answer.frame().await;
            said += cost(long.as_bytes());
        }
        let credit = stage.worker.told_what_was_read().await;
        assert_eq!((credit.job, credit.claim), (held.id, 1));
        assert!(read < credit.read && credit.read <= said, "{credit:?}, {said} said");
        read = credit.read;
    }
    held.is_done().await;

    assert_eq!(answer.events().await, [DONE]);
}

#[tokio::test]
async fn a_worker_that_asks_is_told_how_far_its_messages_were_read() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(true));
    let mut held = stage.worker.takes().await;

    held.says_chunk(&chunk("one")).await;
    held.wants_receipt(stage.worker.id, 7).await;

    assert_eq!(stage.worker.told_of_receipt().await, (held.gateway, 7));
    held.is_done().await;
    assert_eq!(call.answered().await.events().await.len(), 2);
}

#[tokio::test]
async fn of_a_stored_answer_that_has_ended_little_waits_for_a_caller_who_does_not_read() {
    const RECORDS: usize = 96;
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let call = stage.caller.posts("/v1/responses", &response(r#""background":true"#));
    let mut written = scribe.takes().await;
    call.answered().await;
    let long = "x".repeat(256 * 1024);
    for _record in 0..RECORDS {
        written.says(&long).await;
    }
    written.completes().await;

    let path = format!("/v1/responses/{}?stream=true", written.response_id());
    let answer = stage.caller.gets(&path).await;
    // What can be read from here on had left the log.
    stage.bus.erase_log(&written.log).await.unwrap();
    let mut events = answer.events().await;

    let last = events.pop().unwrap();
    assert!(last.contains("queue_unavailable"), "{last:.200}");
    assert!(events.len() < RECORDS, "{}", events.len());
}
