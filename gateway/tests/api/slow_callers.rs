//! A caller that does not read costs a bounded amount of memory, and nobody else anything.

use contract::{CancelReason, EventKind};
use futures::FutureExt as _;

use crate::support::{DONE, Stage, chat, chunk};

/// Sockets hold a few MiB on each side, the gateway one more.
const BOUND: usize = 64 * 1024 * 1024;

#[tokio::test]
async fn a_caller_that_never_reads_is_cut_off_and_the_others_are_served() {
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
        if let Some(stopped) = stage.worker.told_to_stop().now_or_never() {
            break stopped;
        }
        assert!(said < BOUND, "still not cut off after {said} bytes");
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
}

#[tokio::test]
async fn a_caller_that_never_reads_many_small_chunks_is_cut_off_too() {
    let mut stage = Stage::set().await;
    let mut sleeper = stage.caller.connects().await;
    sleeper.asks(&chat(true)).await;
    let mut held = stage.worker.takes().await;

    let mut said = 0;
    while stage.worker.told_to_stop().now_or_never().is_none() {
        assert!(said < BOUND, "still not cut off after {said} bytes");
        let events: Vec<_> =
            (0..2_000).map(|_| held.event(EventKind::Chunk, b"\"a word\"")).collect();
        held.sends(&events).await;
        stage.bus.barrier().await.unwrap();
        said += 2_000 * 16;
    }

    let read = sleeper.reads_to_the_end().await;
    assert!(read.contains("read_too_slowly") && !read.contains(DONE));
}
