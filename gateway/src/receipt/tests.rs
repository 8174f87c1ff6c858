//! A receipt is put into an answer, and nothing else of the answer changes.

use std::time::Duration;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn work() -> WorkFigures {
    WorkFigures {
        queue_wait_ms: 1.25,
        first_token_ms: Some(30.5),
        work_ms: 800.0,
        upstream: "theirs".to_owned(),
        attempt: 2,
        input_tokens: Some(12),
        output_tokens: Some(40),
    }
}

fn put(answer: &str, receipt: &str) -> String {
    let answer = put_into(Bytes::copy_from_slice(answer.as_bytes()), receipt);
    String::from_utf8(answer.to_vec()).unwrap()
}

#[test]
fn it_tells_what_the_worker_measured_and_what_the_caller_saw() {
    let work = work();
    let answer = AnswerFigures {
        operation: Some("chat"),
        model: "public",
        stream: true,
        duration: Duration::from_micros(812_250),
        to_first_token: Some(Duration::from_micros(34_500)),
        speaking: Default::default(),
        longest_gap: Duration::ZERO,
        outcome: "completed",
        error_type: None,
        callers_mistake: false,
        request_id: "req_1",
        job: None,
        lane: None,
        work: Some(&work),
        trace_id: Some("0af7651916cd43dd8448eb211c80319c"),
    };

    let receipt = Receipt::at_the_edge(&answer).unwrap().json();

    let expected = json!({
        "model": "public",
        "upstream": "theirs",
        "attempt": 2,
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "queue_wait_ms": 1.25,
        "model_first_token_ms": 30.5,
        "time_to_first_token_ms": 34.5,
        "duration_ms": 812.25,
        "input_tokens": 12,
        "output_tokens": 40,
        "tokens_per_second": 50.0,
    });
    assert_eq!(serde_json::from_str::<Value>(&receipt).unwrap(), expected);
    let unknown = AnswerFigures { work: None, ..answer };
    assert!(Receipt::at_the_edge(&unknown).is_none());
}

#[test]
fn what_nobody_has_counted_has_no_rate() {
    assert_eq!(rate(0, 10.0), Some(0.0));
    assert_eq!(rate(7, 0.0), None);
    let work = WorkFigures { output_tokens: None, ..work() };
    let whole =
        Whole { model: "m", trace_id: None, time_to_first_token_ms: None, duration_ms: 1.0 };
    let receipt: Value = serde_json::from_str(&Receipt::new(&work, whole).json()).unwrap();
    assert_eq!((&receipt["tokens_per_second"], &receipt["trace_id"]), (&json!(null), &json!(null)));
}

#[test]
fn it_is_the_last_member_and_everything_before_it_stays_byte_for_byte() {
    for (answer, expected) in [
        (r#"{"a":1.50}"#, r#"{"a":1.50,"chappe":{}}"#),
        ("\n{ \"a\" : [ 1 ]\n}\r\n ", "\n{ \"a\" : [ 1 ]\n,\"chappe\":{}}\r\n "),
        ("{}", r#"{"chappe":{}}"#),
        ("{ \n}", "{ \n\"chappe\":{}}"),
        (r#"{"text":"a \"chappe\": b"}"#, r#"{"text":"a \"chappe\": b","chappe":{}}"#),
        (r#"{"text":"chappe"}"#, r#"{"text":"chappe","chappe":{}}"#),
        (r#"{"a":{"chappe":1}}"#, r#"{"a":{"chappe":1},"chappe":{}}"#),
    ] {
        assert_eq!(put(answer, "{}"), expected);
    }
}

#[test]
fn what_is_no_object_stays_as_it_is() {
    for answer in ["", " ", "[]", "\"a\"", "1", "{", "}", "[{}]", "{}[", "null"] {
        assert_eq!(put(answer, "{}"), answer);
    }
}

#[test]
fn a_member_of_its_name_that_a_model_has_sent_is_replaced() {
    let answer = r#"{"chappe":{"upstream":"mine"},"a":1.50}"#;
    assert_eq!(put(answer, r#"{"attempt":1}"#), r#"{"chappe":{"attempt":1},"a":1.50}"#);
}

#[test]
fn its_chunk_is_of_the_same_answer_as_the_one_before_it() {
    let last = br#"{"id":"chatcmpl-1","object":"chat.completion.chunk","created":7,"model":"m","choices":[{"delta":{}}],"usage":{}}"#;
    for (last, expected) in [
        (
            Some(&last[..]),
            json!({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 7,
                "model": "m", "choices": [], "chappe": {"attempt": 1}}),
        ),
        (
            None,
            json!({"id": "ours", "object": "chat.completion.chunk", "model": "public",
                "choices": [], "chappe": {"attempt": 1}}),
        ),
    ] {
        let chunk = chunk("ours", "public", last, r#"{"attempt":1}"#);
        assert_eq!(serde_json::from_slice::<Value>(&chunk).unwrap(), expected);
    }
}

/// JSON of any form, now and then with members of our name.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<i64>().prop_map(Value::from),
        "[a-z\"\\\\{}\n]{0,8}|chappe".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            members(inner),
        ]
    })
}

fn members(value: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    proptest::collection::btree_map("[a-z\"}]{0,3}|chappe", value, 0..4)
        .prop_map(|members| Value::from(members.into_iter().collect::<Map<_, _>>()))
}

proptest! {
    #[test]
    fn every_object_gains_it_and_keeps_the_rest(
        answer in members(any_json()),
        pretty in any::<bool>(),
        space in "[ \n\t\r]{0,3}",
    ) {
        let text = if pretty {
            serde_json::to_string_pretty(&answer).unwrap()
        } else {
            answer.to_string()
        };

        let with_receipt = put(&format!("{space}{text}{space}"), r#"{"attempt":1}"#);

        let mut expected = answer;
        expected[MEMBER] = json!({"attempt": 1});
        prop_assert_eq!(serde_json::from_str::<Value>(&with_receipt).unwrap(), expected);
        prop_assert_eq!(with_receipt.matches(r#""chappe":{"attempt":1}"#).count(), 1);
    }

    #[test]
    fn what_is_no_object_is_never_changed(answer in any_json().prop_filter("an object", |answer| !answer.is_object())) {
        let text = answer.to_string();
        prop_assert_eq!(put(&text, "{}"), text);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
        let answer = put_into(bytes.clone().into(), "{}");
        let is_changed = answer.as_ref() != bytes.as_slice();
        prop_assert!(!is_changed || answer.windows(MEMBER.len()).any(|name| name == MEMBER.as_bytes()));
        let _any = chunk("id", "m", Some(&bytes), "{}");
    }
}
