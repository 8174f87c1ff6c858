//! What the simulator knows about its callers: above all, that one has left.

use model_simulator::{Ended, Phase};
use serde_json::{Value, json};

use crate::support::{Server, ask, order};

/// Starts a request that never ends, waits until it is in `phase`, and leaves.
async fn leaves_in(phase: Phase, fault: Value, stream: bool) {
    let server = Server::start();
    let mut body = order(json!({"script": "count", "fault": fault}));
    body["stream"] = json!(stream);
    let request = server.request(reqwest::Method::POST, "/v1/chat/completions").json(&body);
    let reading = async {
        let mut response = request.send().await.unwrap();
        while let Ok(Some(_bytes)) = response.chunk().await {}
    };

    tokio::select! {
        () = reading => panic!("it ended"),
        _ = server.until(|counts| counts.running_in.of(phase) == 1) => {}
    }

    let counts = server.until(|counts| counts.client_gone == 1).await;
    assert_eq!(counts.client_gone_in.of(phase), 1);
    assert_eq!(counts.running, 0);
    let record = server.journal().records().remove(0);
    assert_eq!((record.phase, record.ended), (phase, Some(Ended::ClientGone)));
}

#[tokio::test]
async fn a_caller_who_leaves_before_the_headers_is_seen() {
    leaves_in(Phase::Headers, json!({"stall_before_headers": true}), true).await;
}

#[tokio::test]
async fn a_caller_who_leaves_before_the_first_token_is_seen() {
    leaves_in(Phase::FirstToken, json!({"stall_before_first_token": true}), true).await;
}

#[tokio::test]
async fn a_caller_who_leaves_in_the_middle_of_a_stream_is_seen() {
    leaves_in(Phase::Stream, json!({"stall_after": 3}), true).await;
}

#[tokio::test]
async fn a_caller_who_leaves_before_an_answer_in_one_piece_is_seen() {
    leaves_in(Phase::Unary, json!({"stall_before_headers": true}), false).await;
}

#[tokio::test]
async fn a_caller_who_leaves_between_tokens_is_seen_at_once() {
    let server = Server::start();
    let mut body = order(json!({"script": "count", "tokens": 9, "token_ms": 3_600_000}));
    body["stream"] = json!(true);

    let mut response = server.chat(&body).await;
    assert!(response.chunk().await.unwrap().is_some());
    drop(response);

    server.until(|counts| counts.client_gone_in.of(Phase::Stream) == 1).await;
    assert_eq!(server.journal().records()[0].tokens_sent, 1);
}

#[tokio::test]
async fn a_caller_who_closes_at_the_last_frame_was_answered() {
    let server = Server::start();

    let stream = server.stream(&order(json!({"script": "count", "tokens": 5}))).await;

    assert!(stream.done);
    let counts = server.until(|counts| counts.finished == 1).await;
    assert_eq!((counts.complete, counts.client_gone), (1, 0));
    let record = server.journal().records().remove(0);
    assert_eq!((record.tokens_sent, record.model.as_str()), (5, "simulator"));
    assert!(record.headers_after_ms.is_some() && record.first_token_after_ms.is_some());
}

#[tokio::test]
async fn the_journal_can_be_read_waited_for_and_emptied_over_http() {
    let server = Server::start();
    server.whole(&ask("Hello")).await;
    server.chat(&json!({"model": "simulator"})).await;

    let path = "/simulator/journal?complete=1&finished=2&wait_ms=10000";
    let journal: Value = server.get(path).await.json().await.unwrap();
    assert_eq!((&journal["complete"], &journal["refused"]), (&json!(1), &json!(1)));
    let first = &journal["requests"][0];
    assert_eq!((&first["phase"], &first["ended"]), (&json!("unary"), &json!("complete")));

    let emptied = server.request(reqwest::Method::DELETE, "/simulator/journal").send().await;
    assert_eq!(emptied.unwrap().status(), 204);
    let journal: Value = server.get("/simulator/journal").await.json().await.unwrap();
    assert_eq!((&journal["started"], &journal["requests"]), (&json!(0), &json!([])));
}
