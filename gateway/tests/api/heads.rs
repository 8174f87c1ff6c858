//! The status line waits for the worker's first word, but not for ever.

use std::time::Duration;

use contract::Failure;

use crate::support::{DONE, Stage, chat, chunk};

const TOO_LONG: &str = r#"{"error":{"message":"too long","type":"invalid_request_error","param":null,"code":"context_length_exceeded"}}"#;

fn too_long() -> Failure {
    Failure {
        status: 400,
        body: TOO_LONG.to_owned(),
        retry_after_ms: Some(1_500),
        should_retry: false,
    }
}

#[tokio::test]
async fn a_failure_before_the_first_word_is_the_response_itself() {
    let mut stage = Stage::set().await;
    for stream in [true, false] {
        let call = stage.caller.asks(&chat(stream));

        stage.worker.takes().await.fails(&too_long()).await;

        let answer = call.answered().await;
        assert_eq!((answer.status, answer.header("content-type")), (400, Some("application/json")));
        assert_eq!(answer.header("retry-after"), Some("2"));
        assert_eq!(answer.header("retry-after-ms"), Some("1500"));
        assert_eq!(answer.header("x-should-retry"), Some("false"));
        assert_eq!(answer.text().await, TOO_LONG);
    }
    stage.gateway.settles(2, "failed").await;
}

#[tokio::test]
async fn a_failure_that_another_try_may_mend_leaves_the_sdks_to_their_own_rule() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(true));

    let failure = Failure { status: 503, retry_after_ms: None, should_retry: true, ..too_long() };
    stage.worker.takes().await.fails(&failure).await;

    let answer = call.answered().await;
    assert_eq!(answer.status, 503);
    for absent in ["retry-after", "retry-after-ms", "x-should-retry"] {
        assert_eq!(answer.header(absent), None, "{absent}");
    }
}

#[tokio::test]
async fn a_failure_without_an_error_status_is_a_bad_gateway() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(false));

    stage.worker.takes().await.fails(&Failure { status: 200, ..too_long() }).await;

    assert_eq!(call.answered().await.status, 502);
}

#[tokio::test]
async fn a_silent_worker_is_waited_for_under_a_head_that_has_been_sent() {
    let mut stage = Stage::with(|settings| settings.head_wait = Duration::from_millis(50)).await;
    let call = stage.caller.asks(&chat(true));

    let mut answer = call.answered().await;
    let comment = answer.frame().await;
    let mut held = stage.worker.takes().await;
    held.says_chunk(&chunk("late")).await;
    held.is_done().await;

    assert_eq!(answer.status, 200);
    assert_eq!(comment.as_deref(), Some(": waiting"));
    assert_eq!(answer.events().await, [format!("data: {}", chunk("late")), DONE.to_owned()]);
}

#[tokio::test]
async fn a_failure_under_a_head_that_has_been_sent_is_an_event_and_never_the_end_mark() {
    let mut stage = Stage::with(|settings| settings.head_wait = Duration::from_millis(50)).await;
    let answer = stage.caller.asks(&chat(true)).answered().await;

    stage.worker.takes().await.fails(&too_long()).await;

    assert_eq!(answer.status, 200);
    assert_eq!(answer.events().await, [format!("data: {TOO_LONG}")]);
    stage.gateway.settles(1, "failed").await;
}

#[tokio::test]
async fn a_whole_answer_under_a_head_that_has_been_sent_is_one_event() {
    let mut stage = Stage::with(|settings| settings.head_wait = Duration::from_millis(50)).await;
    let answer = stage.caller.asks(&chat(true)).answered().await;

    stage.worker.takes().await.says_body("{\n}").await;

    assert_eq!(answer.events().await, ["data: { }", DONE]);
}

#[tokio::test]
async fn a_first_word_in_time_is_the_first_thing_read() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(true));
    let mut held = stage.worker.takes().await;
    held.says_chunk(&chunk("one")).await;

    let mut answer = call.answered().await;

    assert_eq!(answer.frame().await, Some(format!("data: {}", chunk("one"))));
}

#[tokio::test]
async fn an_answer_that_is_not_streamed_is_waited_for_longer_than_a_head() {
    let mut stage = Stage::with(|settings| settings.head_wait = Duration::from_millis(1)).await;
    let call = stage.caller.asks(&chat(false));
    let mut held = stage.worker.takes().await;
    // A beat takes up to a second: by then a head without a word would be out.
    stage.beat(|beat| beat.requests == 1).await;

    held.says_body("{}").await;

    assert_eq!(call.answered().await.text().await, "{}");
}
