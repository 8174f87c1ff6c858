//! The load generator against the mock, and against servers that lose, double and swap tokens.

#[cfg(test)]
mod support;

use bench::load::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use support::{admits, asked, authorizations, heard, listener, locally, read_on};

#[tokio::test]
async fn whole_answers_of_the_mock_are_good() {
    locally(async {
        let (address, listener) = listener().await;
        tokio::task::spawn_local(bench::mock::serve(listener));

        let report = asked(&address, false, 4).await;

        assert!(report.is_clean(), "{report:?}");
        assert_eq!(report.tokens, report.answers * 4);
        let latency = report.latency.unwrap();
        assert!(latency.p50 >= 6_000, "the last token is due after 6 ms: {latency:?}");
        assert_eq!(report.first_token, None);
    })
    .await;
}

#[tokio::test]
async fn streams_of_the_mock_are_good_and_paced() {
    locally(async {
        let (address, listener) = listener().await;
        tokio::task::spawn_local(bench::mock::serve(listener));

        let report = asked(&address, true, 4).await;

        assert!(report.is_clean(), "{report:?}");
        let (first, gap) = (report.first_token.unwrap(), report.gap.unwrap());
        assert_eq!(gap.count, first.count * 3);
        assert!(report.latency.unwrap().p50 >= 6_000, "{report:?}");
    })
    .await;
}

#[tokio::test]
async fn the_mock_takes_telemetry_and_says_how_much() {
    locally(async {
        let (address, listener) = listener().await;
        tokio::task::spawn_local(bench::mock::serve(listener));
        let mut stream = tokio::net::TcpStream::connect(&address).await.unwrap();
        let post = "POST /v1/traces HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\nconnection: close\r\n\r\n12345";
        stream.write_all(post.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();

        let (status, received) = get(&address, "/received").await.unwrap();

        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        assert!(status.is_success());
        let received: serde_json::Value = serde_json::from_slice(&received).unwrap();
        assert_eq!(received, serde_json::json!({"requests": 1, "bytes": 5}));
    })
    .await;
}

#[tokio::test]
async fn clients_send_the_keys_one_after_the_other_and_without_any_none_of_them() {
    let keyed = authorizations(&["one", "two"], 3).await;
    let plain = authorizations(&[], 1).await;

    assert_eq!(keyed, ["Bearer one", "Bearer one", "Bearer two"]);
    assert_eq!(plain, ["Bearer unused"]);
}

#[tokio::test]
async fn a_key_is_admitted_or_refused_and_anything_else_is_an_error() {
    for (status, admitted) in [("200 OK", Some(true)), ("401 No", Some(false)), ("503 No", None)] {
        assert_eq!(admits(status).await.ok(), admitted, "{status}");
    }
}

#[tokio::test]
async fn lost_doubled_and_swapped_tokens_are_found() {
    const DONE: &str = "data: [DONE]\n\n";

    let good = heard(&["t0 ", "t1 ", "t2 t3 "], DONE).await;
    let lost = heard(&["t0 ", "t1 ", "t3 "], DONE).await;
    let doubled = heard(&["t0 ", "t1 ", "t1 ", "t2 ", "t3 "], DONE).await;
    let swapped = heard(&["t0 ", "t2 ", "t1 ", "t3 "], DONE).await;

    assert!(good.is_clean(), "{good:?}");
    for report in [&lost, &doubled, &swapped] {
        assert!(report.answers == 0 && report.errors > 0, "{report:?}");
    }
    assert_eq!((lost.lost, lost.doubled, lost.swapped), (lost.errors, 0, 0));
    assert_eq!((doubled.lost, doubled.doubled, doubled.swapped), (0, doubled.errors, 0));
    assert_eq!((swapped.lost, swapped.doubled, swapped.swapped), (0, 0, swapped.errors));
}

#[tokio::test]
async fn a_stream_without_its_end_is_no_good_answer() {
    let report = heard(&["t0 ", "t1 ", "t2 ", "t3 "], "").await;

    assert!(!report.is_clean());
    assert!(report.first_error.unwrap().contains("[DONE]"));
}

#[tokio::test]
async fn what_stands_behind_an_event_is_read_to_the_end_and_begins_where_it_must() {
    const DELTA: &str =
        r#"{"type":"response.output_text.delta","delta":"t1 ","sequence_number":3}"#;
    const END: &str = r#"{"type":"response.completed","response":{},"sequence_number":4}"#;

    let rest = read_on(2, &[DELTA, END]).await.unwrap();

    assert_eq!((rest.words.as_str(), rest.events), ("t1 ", 5));
    assert!(rest.first <= rest.all);
    for (after, events, why) in [
        (1, &[DELTA, END][..], "one is left out"),
        (2, &[DELTA, DELTA, END], "one comes again"),
        (2, &[DELTA], "the end is not there"),
        (2, &[], "nothing is there"),
    ] {
        assert!(read_on(after, events).await.is_err(), "{why}");
    }
}
