//! Bodies: over what a message holds, over what is allowed, and in pieces.

use contract::{Body, EventKind, Lane, streams};
use reqwest::Method;
use test_support::TestNats;

use crate::support::{Stage, chat, until};

const SMALL: usize = 64 * 1024;

async fn over_small_messages() -> Stage {
    Stage::over(TestNats::with_max_payload(SMALL).await, |_settings| {}).await
}

/// A chat completion of about this many bytes.
fn long_chat(bytes: usize) -> String {
    let long = "x".repeat(bytes);
    chat(false).replace("hello", &long)
}

#[tokio::test]
async fn a_prompt_over_what_a_message_holds_travels_by_name_and_is_removed_at_the_end() {
    let mut stage = over_small_messages().await;
    let blobs = stage.bus.blobs().await.unwrap();
    let prompt = long_chat(3 * SMALL);
    let call = stage.caller.asks(&prompt);

    let mut held = stage.worker.takes().await;
    let Body::Stored(name) = held.job().body else { panic!("a stored body") };
    let stored = blobs.get(&name, usize::MAX).await.unwrap();
    held.says_body("{}").await;

    assert_eq!(stored.as_deref(), Some(prompt.as_bytes()));
    assert_eq!(call.answered().await.text().await, "{}");
    stage.body_is_removed(&name).await;
}

#[tokio::test]
async fn a_stored_prompt_is_removed_when_its_caller_leaves() {
    let mut stage = over_small_messages().await;
    let call = stage.caller.asks(&long_chat(2 * SMALL));
    let held = stage.worker.takes().await;
    let Body::Stored(name) = held.job().body else { panic!("a stored body") };

    drop(call);

    stage.body_is_removed(&name).await;
    stage.gateway.settles(1, "client_gone").await;
}

#[tokio::test]
async fn prompts_of_every_size_around_the_limit_of_a_message_arrive() {
    let mut stage = over_small_messages().await;
    // The bus leaves 16 KiB of a message for headers, the gateway 2 KiB for the job around it.
    let limit = SMALL - 18 * 1024;
    for bytes in [limit - 4_096, limit - 200, limit - 80, limit, limit + 4_096, SMALL] {
        let call = stage.caller.asks(&long_chat(bytes));

        stage.worker.takes().await.says_body("{}").await;

        assert_eq!(call.answered().await.status, 200, "{bytes}");
    }
}

#[tokio::test]
async fn an_answer_over_what_a_message_holds_is_fetched_and_removed() {
    let mut stage = over_small_messages().await;
    let blobs = stage.bus.blobs().await.unwrap();
    let long = format!("{{\"text\":\"{}\"}}", "x".repeat(5 * SMALL));
    blobs.put("answers/1", long.as_bytes()).await.unwrap();
    let call = stage.caller.asks(&chat(false));

    stage.worker.takes().await.says(EventKind::StoredBody, "answers/1").await;

    let answer = call.answered().await;
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    assert_eq!(answer.text().await, long);
    stage.body_is_removed("answers/1").await;
    stage.gateway.settles(1, "completed").await;
}

#[tokio::test]
async fn an_answer_that_is_not_where_it_was_said_to_be_is_an_error() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(false));

    stage.worker.takes().await.says(EventKind::StoredBody, "answers/nowhere").await;

    assert_eq!(call.answered().await.error().await, (502, "answer_incomplete".to_owned()));
    stage.gateway.settles(1, "failed").await;
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_with_its_length_announced_or_not() {
    let stage = Stage::with(|settings| settings.body_limit_bytes = SMALL).await;
    let long = long_chat(40 * SMALL);
    let pieces = || {
        let pieces = long.as_bytes().chunks(SMALL / 3).map(|piece| Ok(piece.to_vec()));
        let pieces: Vec<Result<Vec<u8>, std::io::Error>> = pieces.collect();
        reqwest::Body::wrap_stream(futures::stream::iter(pieces))
    };

    for body in [reqwest::Body::from(long.clone()), pieces()] {
        let request = stage.caller.request(Method::POST, "/v1/chat/completions").body(body);
        let answer = stage.caller.sends(request).answered().await;

        assert_eq!(answer.header("x-should-retry"), Some("false"));
        assert_eq!(answer.error().await, (413, "request_too_large".to_owned()));
    }
    assert_eq!(stage.jobs_queued().await, 0);
}

#[tokio::test]
async fn a_body_in_pieces_is_put_together() {
    let mut stage = Stage::set().await;
    let body = long_chat(100_000);
    let pieces: Vec<Result<Vec<u8>, std::io::Error>> =
        body.as_bytes().chunks(777).map(|piece| Ok(piece.to_vec())).collect();
    let pieces = reqwest::Body::wrap_stream(futures::stream::iter(pieces));
    let request = stage.caller.request(Method::POST, "/v1/chat/completions").body(pieces);

    let _call = stage.caller.sends(request);
    let held = stage.worker.pulls().await;

    assert!(matches!(held.job().body, Body::Inline(json) if json.get() == body));
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_taken() {
    let limit = chat(false).len();
    let mut stage = Stage::with(|settings| settings.body_limit_bytes = limit).await;
    let taken = stage.caller.asks(&chat(false));
    stage.worker.takes().await.says_body("{}").await;

    let refused = stage.caller.asks(&format!("{} ", chat(false))).answered().await;

    assert_eq!((taken.answered().await.status, refused.status), (200, 413));
}

/// The only test that waits for room for as long as a caller does.
#[tokio::test]
async fn large_bodies_are_held_up_to_a_limit_and_small_ones_pass() {
    let mut stage = Stage::with(|settings| settings.bodies_limit_bytes = 1024 * 1024).await;
    let large = long_chat(600 * 1024);
    let head = format!(
        "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: {}\r\n\r\n",
        large.len()
    );
    let mut slow = stage.caller.connects().await;
    slow.writes(&format!("{head}{}", &large[..1000])).await;
    until("a body on its way", async || stage.gateway.sum("http_server_active_requests") > 0.0)
        .await;

    let refused = stage.caller.asks(&large);
    let small = stage.caller.asks(&chat(false));
    let mut held = stage.worker.takes().await;
    held.says_body("{}").await;
    held.delivery.ack().await.unwrap();
    assert_eq!(small.answered().await.status, 200);
    let refused = refused.answered().await;
    assert_eq!(refused.header("retry-after"), Some("1"));
    assert_eq!(refused.error().await, (503, "server_is_overloaded".to_owned()));
    assert_eq!(stage.ever_in(streams::jobs_stream(Lane::Chat)).await, 1, "the small one");

    drop(slow);
    // One after the other: there is no room for two.
    for _large in 0..3 {
        let taken = stage.caller.asks(&large);
        stage.worker.takes().await.says_body("{}").await;
        assert_eq!(taken.answered().await.status, 200);
    }
}

/// That a body which stops is given up in the end is tested where the limit can be a short one.
#[tokio::test]
async fn a_body_that_stops_or_breaks_off_queues_nothing_and_holds_up_nobody() {
    let mut stage = Stage::set().await;
    let mut stops = stage.caller.connects().await;
    let mut breaks = stage.caller.connects().await;
    for connection in [&mut stops, &mut breaks] {
        let head =
            "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-length: 1000\r\n\r\n";
        connection.writes(&format!("{head}{{\"model\":")).await;
    }
    drop(breaks);

    let call = stage.caller.asks(&chat(false));
    stage.worker.takes().await.says_body("{}").await;

    assert_eq!(call.answered().await.status, 200);
    // The answered one is all there ever was.
    stage.gateway.settles(1, "completed").await;
    drop(stops);
}
