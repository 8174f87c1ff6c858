//! Failures on order.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Server, Stream, ask, json_of, order};

fn fault(fault: Value) -> Value {
    order(json!({"script": "count", "tokens": 6, "fault": fault}))
}

fn streamed(mut body: Value) -> Value {
    body["stream"] = json!(true);
    body
}

#[tokio::test]
async fn a_status_comes_with_an_error_body_and_a_time_to_come_again() {
    let server = Server::start();

    let response = server.chat(&fault(json!({"status": 429, "retry_after": 7}))).await;

    assert_eq!(response.headers()["retry-after"], "7");
    let error = json_of(response, StatusCode::TOO_MANY_REQUESTS).await["error"].clone();
    assert_eq!((&error["type"], &error["param"]), (&json!("rate_limit_error"), &Value::Null));
    assert_eq!(error["code"], "rate_limit_exceeded");
    assert_eq!(server.journal().counts().fault, 1);
}

#[tokio::test]
async fn a_model_may_be_named_for_its_status() {
    let server = Server::start();
    let mut body = ask("Hello");
    body["model"] = json!("fault-503");

    assert_eq!(server.chat(&body).await.status(), StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn a_fault_of_the_first_few_requests_is_over_after_them() {
    let server = Server::start();
    let body = fault(json!({"status": 500, "times": 2, "key": "mine"}));

    let mut statuses = Vec::new();
    for _attempt in 0..3 {
        statuses.push(server.chat(&body).await.status().as_u16());
    }

    assert_eq!(statuses, [500, 500, 200]);
}

#[tokio::test]
async fn a_cut_stream_ends_with_a_broken_connection_after_its_tokens() {
    let server = Server::start();

    let mut response = server.chat(&streamed(fault(json!({"cut_after": 3})))).await;
    let mut text = String::new();
    let broken = loop {
        match response.chunk().await {
            Ok(Some(bytes)) => text.push_str(std::str::from_utf8(&bytes).unwrap()),
            Ok(None) => break false,
            Err(_error) => break true,
        }
    };

    let stream = Stream::of(&text);
    assert!(broken && !stream.done);
    assert_eq!(stream.text(), "t0 t1 t2 ");
    server.until(|counts| counts.fault == 1).await;
}

#[tokio::test]
async fn a_cut_answer_in_one_piece_is_shorter_than_it_promised() {
    let server = Server::start();

    let response = server.chat(&fault(json!({"cut_after": 3}))).await;

    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.text().await.is_err());
}

#[tokio::test]
async fn a_stream_may_end_as_if_it_were_complete() {
    let server = Server::start();

    let stream = server.stream(&fault(json!({"close_without_done_after": 3}))).await;

    assert_eq!(stream.text(), "t0 t1 t2 ");
    assert!(!stream.done && stream.finish_reasons().is_empty());
}

#[tokio::test]
async fn a_chunk_may_be_no_json() {
    let server = Server::start();

    let stream = server.stream(&fault(json!({"malformed_chunk_after": 3}))).await;

    assert_eq!(stream.unreadable.len(), 1);
    assert_eq!(stream.text(), "t0 t1 t2 t3 t4 t5 ");
}

#[tokio::test]
async fn an_error_may_take_the_place_of_the_rest() {
    let server = Server::start();

    let stream =
        server.stream(&fault(json!({"error_chunk_after": 3, "message": "out of memory"}))).await;

    assert_eq!(stream.text(), "t0 t1 t2 ");
    assert!(!stream.done);
    let error = &stream.chunks.last().unwrap()["error"];
    assert_eq!(
        (&error["message"], &error["type"]),
        (&json!("out of memory"), &json!("server_error"))
    );
}

#[tokio::test]
async fn a_line_may_be_huge() {
    let server = Server::start();

    let stream = server.stream(&fault(json!({"huge_line_bytes": 300_000}))).await;

    let longest =
        stream.deltas(0).filter_map(|delta| delta["content"].as_str()).map(str::len).max();
    assert_eq!(longest, Some(300_000));
    assert!(stream.done);
}

#[tokio::test]
async fn the_content_type_and_the_json_may_be_wrong() {
    let server = Server::start();

    let typed = server.chat(&streamed(fault(json!({"wrong_content_type": true})))).await;
    let garbage = server.chat(&fault(json!({"garbage_json": true}))).await;

    assert_eq!(typed.headers()["content-type"], "text/html; charset=utf-8");
    assert_eq!(garbage.status(), StatusCode::OK);
    assert!(garbage.json::<Value>().await.is_err());
}

#[tokio::test]
async fn a_connection_may_end_without_a_byte() {
    let server = Server::start();

    for body in
        [fault(json!({"reset_on_accept": true})), streamed(fault(json!({"reset_on_accept": true})))]
    {
        let request = server.request(reqwest::Method::POST, "/v1/chat/completions").json(&body);
        assert!(request.send().await.is_err());
    }

    server.until(|counts| counts.fault == 2).await;
}

#[tokio::test]
async fn headers_may_be_slow() {
    let server = Server::start();
    let started = tokio::time::Instant::now();

    let response = server.chat(&fault(json!({"slow_headers_ms": 120}))).await;

    assert_eq!(response.status(), StatusCode::OK);
    assert!(started.elapsed().as_millis() >= 120);
}

#[tokio::test]
async fn a_stalled_answer_does_not_hold_up_the_end_of_the_process() {
    let server = Server::start();
    let mut response = server.chat(&streamed(fault(json!({"stall_after": 1})))).await;
    while !response.chunk().await.unwrap().unwrap().ends_with(b"\n\n") {}

    server.stop().await.unwrap();

    while let Ok(Some(_rest)) = response.chunk().await {}
    assert_eq!(server.journal().counts().fault, 1);
}
