//! When tokens come.

use serde_json::json;
use tokio::time::Instant;

use crate::support::{Server, ask, order};

#[tokio::test]
async fn tokens_are_not_early() {
    let server = Server::start();
    let pace = json!({"script": "count", "tokens": 5, "ttft_ms": 60, "token_ms": 20, "jitter": 0});

    let started = Instant::now();
    let stream = server.stream(&order(pace.clone())).await;
    assert!(started.elapsed().as_millis() >= 140, "{:?}", started.elapsed());
    assert_eq!(stream.text(), "t0 t1 t2 t3 t4 ");

    let started = Instant::now();
    server.whole(&order(pace)).await;
    assert!(started.elapsed().as_millis() >= 140, "{:?}", started.elapsed());
}

#[tokio::test]
async fn models_named_for_their_pace_count() {
    let server = Server::with(&[]);
    let mut body = ask("Hello");
    body["model"] = json!("mock-t5-i1-n30");

    let stream = server.stream(&body).await;

    let expected: String = (0..30).map(|token| format!("t{token} ")).collect();
    assert_eq!(stream.text(), expected);
    assert_eq!(stream.deltas(0).next().unwrap(), &json!({"role": "assistant", "content": "t0 "}));
}

#[tokio::test]
async fn many_streams_at_once_lose_nothing() {
    let server = Server::start();
    let body = order(json!({"script": "count", "tokens": 50, "token_ms": 2}));
    let expected: String = (0..50).map(|token| format!("t{token} ")).collect();

    let streams = futures::future::join_all((0..50).map(|_| server.stream(&body))).await;

    assert!(streams.iter().all(|stream| stream.done && stream.text() == expected));
    server.until(|counts| counts.complete == 50).await;
}
