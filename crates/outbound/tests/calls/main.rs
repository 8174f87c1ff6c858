//! Calls to a server on loopback: what is sent, what is refused, what a limit does.

#[cfg(test)]
mod support;
#[cfg(test)]
mod untrusted;

use std::time::Duration;

use outbound::{CallError, Phase};

use crate::support::{LIMIT, Upstream, client, post};

#[tokio::test]
async fn a_call_carries_its_key_and_body_and_the_answer_comes_whole() {
    let upstream = Upstream::start();

    let response = client().post(post(&upstream.url("/echo"), "{\"a\":1}")).await.unwrap();

    assert_eq!(response.status(), 200);
    assert!(!response.is_event_stream());
    let body = response.whole(1024, LIMIT).await.unwrap();
    assert_eq!(body.as_ref(), b"Bearer k|application/json|{\"a\":1}");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_not_followed() {
    let upstream = Upstream::start();

    let response = client().post(post(&upstream.url("/elsewhere"), "{}")).await.unwrap();

    assert_eq!(response.status(), 307);
}

#[tokio::test]
async fn when_to_come_again_is_read_in_seconds_and_milliseconds() {
    let upstream = Upstream::start();
    let mut waits = Vec::new();

    for path in ["/seconds", "/millis", "/date"] {
        let response = client().post(post(&upstream.url(path), "{}")).await.unwrap();
        waits.push(response.retry_after());
    }

    let expected = [Some(Duration::from_secs(7)), Some(Duration::from_millis(1500)), None];
    assert_eq!(waits, expected);
}

#[tokio::test]
async fn silence_before_and_within_a_body_ends_at_its_limit() {
    let upstream = Upstream::start();
    let short = Duration::from_millis(100);
    let stalled = upstream.url("/never");
    let mut before = post(&stalled, "{}");
    before.head_timeout = short;

    let error = client().post(before).await.unwrap_err();
    assert_eq!(error, CallError::Timeout { phase: Phase::Head, limit: short });

    let mut response = client().post(post(&upstream.url("/stalls"), "{}")).await.unwrap();
    assert_eq!(response.piece(LIMIT).await.unwrap().unwrap().as_ref(), b"first");
    let error = response.piece(short).await.unwrap_err();
    assert_eq!(error, CallError::Timeout { phase: Phase::Body, limit: short });
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused() {
    let upstream = Upstream::start();

    let response = client().post(post(&upstream.url("/large"), "{}")).await.unwrap();

    assert_eq!(response.whole(1000, LIMIT).await, Err(CallError::TooLarge { limit: 1000 }));
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_costs_nobody_a_failure() {
    let url = support::closes_each_connection_at_its_second_request();
    let client = client();

    for call in 1..=4 {
        let response = client.post(post(&url, "{}")).await;
        let body = response.unwrap().whole(1024, LIMIT).await.unwrap();
        assert_eq!(body.as_ref(), b"hi", "call {call}");
    }
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_no_connection() {
    let url = support::nobody_listens();

    let error = client().post(post(&url, "{}")).await.unwrap_err();

    assert!(matches!(error, CallError::Connect(_)), "{error:?}");
}
