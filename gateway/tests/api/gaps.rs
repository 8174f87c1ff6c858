//! What was lost on the way is said, and never skipped.

use contract::{CancelReason, EventKind, subjects};

use crate::support::{Stage, chat, chunk, packed};

#[tokio::test]
async fn a_stream_with_a_missing_piece_ends_with_an_error() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(true));
    let mut held = stage.worker.takes().await;
    held.says_chunk(&chunk("one")).await;
    let mut answer = call.answered().await;
    answer.frame().await;

    held.seq += 1;
    held.says_chunk(&chunk("three")).await;
    let stopped = stage.worker.told_to_stop().await;
    held.is_done().await;

    assert_eq!(stopped, (held.id, 1, CancelReason::CallerLeft));
    assert_eq!(answer.breaks_off().await, "answer_incomplete");
    stage.gateway.settles(1, "failed").await;
}

#[tokio::test]
async fn a_piece_that_comes_twice_is_not_read_twice() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(true));
    let mut held = stage.worker.takes().await;
    held.says_chunk(&chunk("one")).await;
    let mut answer = call.answered().await;
    answer.frame().await;

    held.seq = 0;
    held.says_chunk(&chunk("one")).await;

    assert_eq!(answer.breaks_off().await, "answer_incomplete");
}

#[tokio::test]
async fn an_answer_whose_beginning_was_lost_has_an_error_status() {
    let mut stage = Stage::set().await;
    for stream in [true, false] {
        let call = stage.caller.asks(&chat(stream));
        let mut held = stage.worker.takes().await;

        held.seq = 1;
        held.says_body("{}").await;

        assert_eq!(call.answered().await.error().await, (502, "answer_incomplete".to_owned()));
        assert_eq!(stage.worker.told_to_stop().await.0, held.id);
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_passed_over_and_the_next_message_heard() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(false));
    let mut held = stage.worker.takes().await;
    let client = async_nats::connect(stage.nats.url()).await.unwrap();

    for bytes in [&b""[..], b"\x09", b"\x01\xc8", b"\x01\x00cut short", &[1; 4_000]] {
        held.sends_raw(bytes.to_vec()).await;
    }
    let claims = subjects::gateway_claim(held.gateway);
    client.publish(claims.clone(), "{".into()).await.unwrap();
    client.publish(claims.replace("claim", "unheard.of"), "{}".into()).await.unwrap();
    client.flush().await.unwrap();
    held.says_body("{}").await;

    assert_eq!(call.answered().await.text().await, "{}");
}

#[tokio::test]
async fn what_stands_before_the_unreadable_is_heard_and_what_it_hid_is_missed() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(true));
    let mut held = stage.worker.takes().await;

    let events =
        [held.event(EventKind::Chunk, b"\"one\""), held.event(EventKind::Chunk, b"\"two\"")];
    let whole = packed(&events);
    held.sends_raw(whole[..whole.len() - 1].to_vec()).await;
    let mut answer = call.answered().await;
    let first = answer.frame().await;
    held.is_done().await;

    assert_eq!(first.as_deref(), Some("data: \"one\""));
    assert_eq!(answer.breaks_off().await, "answer_incomplete");
}

#[tokio::test]
async fn a_failure_that_cannot_be_read_is_a_failure() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(true));

    stage.worker.takes().await.says(EventKind::Failed, "{").await;

    assert_eq!(call.answered().await.error().await, (502, "internal_error".to_owned()));
}
