//! A response is the same, whoever folds its log, in whichever pieces, from wherever.

use std::sync::Arc;

use bus::Entry;
use bytes::Bytes;
use contract::log::{self, Accepted, Api, Ended, LogId, Outcome, Record, Said, Started};
use contract::{Failure, JobId, Lane, Owner, WorkFigures, WorkerId};
use openai_api::responses::{ResponseEvent, Status};
use proptest::prelude::*;
use serde_json::value::RawValue;

use super::{Fold, Following, Readers, Step};

fn log_id() -> LogId {
    LogId { owner: Owner::local(), job: JobId::fresh() }
}

fn accepted(log: &LogId, request: &str) -> Vec<u8> {
    accepted_by(Api::Responses, log, request)
}

/// The first record of a log, as whoever asks by an API begins one.
pub(super) fn accepted_by(api: Api, log: &LogId, request: &str) -> Vec<u8> {
    let raw = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
    let (context, request) = (raw("[]"), raw(request));
    let accepted = Accepted {
        job: log.job,
        owner: log.owner.clone(),
        api,
        lane: Lane::Live,
        model: "m".parse().unwrap(),
        accepted_at_ms: 1_000,
        key: None,
        trace_id: None,
        context: &context,
        request: &request,
    };
    log::write::<&[u8]>(&Record::Accepted(accepted), &[])
}

fn started(attempt: u32) -> Vec<u8> {
    let writer = WorkerId::from_bytes([7; 16]);
    let started = Started { attempt, writer, continues_at: None, at_ms: 2_000 };
    log::write::<&[u8]>(&Record::Started(started), &[])
}

fn said(attempt: u32, number: u32, chunks: &[String]) -> Vec<u8> {
    log::write(&Record::Said(Said { attempt, number }), chunks)
}

fn ended(attempt: u32, outcome: Outcome, chunks: &[String]) -> Vec<u8> {
    ended_with(None, attempt, outcome, chunks)
}

fn ended_with(
    work: Option<WorkFigures>,
    attempt: u32,
    outcome: Outcome,
    chunks: &[String],
) -> Vec<u8> {
    let ended = Ended { attempt, number: 99, outcome, at_ms: 9_000, work };
    log::write(&Record::Ended(ended), chunks)
}

/// What a worker measured.
fn work() -> WorkFigures {
    WorkFigures {
        queue_wait_ms: 400.5,
        first_token_ms: Some(30.25),
        work_ms: 2_000.0,
        upstream: "theirs".to_owned(),
        attempt: 1,
        input_tokens: Some(7),
        output_tokens: Some(9),
    }
}

fn refused() -> Outcome {
    Outcome::Failed(Failure {
        status: 400,
        body: r#"{"error":{"message":"too long","type":"invalid_request_error","param":null,"code":"context_length_exceeded"}}"#.to_owned(),
        retry_after_ms: None,
        should_retry: false,
    })
}

fn chunk(text: &str) -> String {
    format!(r#"{{"choices":[{{"index":0,"delta":{{"content":"{text}"}}}}]}}"#)
}

/// Sequences grow, with gaps: other logs are in the same stream.
fn entries(messages: Vec<Vec<u8>>) -> Vec<Entry> {
    let numbered = messages.into_iter().enumerate();
    numbered
        .map(|(at, message)| Entry { sequence: at as u64 * 3 + 5, message: message.into() })
        .collect()
}

fn events(log: &LogId, entries: &[Entry]) -> Vec<ResponseEvent> {
    let mut events = Vec::new();
    let mut fold = Fold::begin(log, &entries[0], &mut events).unwrap();
    for entry in &entries[1..] {
        fold.read(entry, &mut events);
    }
    events
}

const REQUEST: &str = r#"{"model":"m","input":"hello"}"#;

/// The same chunks, stored in pieces that end at `cuts`.
fn written(log: &LogId, chunks: &[String], cuts: &[usize], restart_at: usize) -> Vec<Entry> {
    let mut messages = vec![accepted(log, REQUEST), started(1)];
    let (mut attempt, mut number, mut piece) = (1, 0, Vec::new());
    for (at, chunk) in chunks.iter().enumerate() {
        let restarts = at == restart_at && at > 0;
        if restarts || cuts.contains(&at) {
            messages.push(said(attempt, number, &piece));
            piece.clear();
            number += 1;
        }
        if restarts {
            attempt += 1;
            number = 0;
            messages.push(started(attempt));
        }
        piece.push(chunk.clone());
    }
    messages.push(ended_with(Some(work()), attempt, Outcome::Completed, &piece));
    entries(messages)
}

async fn read_behind(log: &LogId, entries: &[Entry], after: Option<u64>) -> Vec<ResponseEvent> {
    let readers = Readers::default();
    let mut following: Following =
        Following::of_the_past(log.clone(), entries.to_vec(), &readers, after);
    let mut all = Vec::new();
    while let Some(step) = following.next().await {
        let Step::News(events) = step else { panic!("broken off") };
        all.extend(events);
    }
    assert_eq!(readers.count(), 1);
    drop(following);
    assert_eq!(readers.count(), 0);
    all
}

proptest! {
    #[test]
    fn it_does_not_matter_in_which_pieces_an_answer_was_stored(
        texts in proptest::collection::vec("[a-z ]{0,4}", 0..8),
        cuts in proptest::collection::vec(0_usize..8, 0..8),
        restart_at in 0_usize..8,
    ) {
        let log = log_id();
        let chunks: Vec<String> = texts.iter().map(|text| chunk(text)).collect();

        let whole = written(&log, &chunks, &[], restart_at);
        let cut = written(&log, &chunks, &cuts, restart_at);

        prop_assert_eq!(events(&log, &whole), events(&log, &cut));
        prop_assert_eq!(
            Fold::of(&log, &whole).unwrap().response(),
            Fold::of(&log, &cut).unwrap().response()
        );
    }

    #[test]
    fn what_was_read_and_what_is_read_behind_it_is_the_whole(
        texts in proptest::collection::vec("[a-z ]{0,4}", 0..6),
        cuts in proptest::collection::vec(0_usize..6, 0..6),
        restart_at in 0_usize..6,
    ) {
        let log = log_id();
        let chunks: Vec<String> = texts.iter().map(|text| chunk(text)).collect();
        let entries = written(&log, &chunks, &cuts, restart_at);
        let whole = events(&log, &entries);
        let numbers: Vec<u64> = whole.iter().map(|event| event.sequence_number).collect();
        prop_assert_eq!(&numbers, &(0..whole.len() as u64).collect::<Vec<_>>());

        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let from_the_beginning = runtime.block_on(read_behind(&log, &entries, None));
        prop_assert_eq!(&from_the_beginning, &whole);
        for after in numbers {
            let rest = runtime.block_on(read_behind(&log, &entries, Some(after)));
            prop_assert_eq!(&rest[..], &whole[after as usize + 1..]);
        }
    }
}

#[test]
fn a_log_that_does_not_begin_as_logs_do_is_no_response() {
    let log = log_id();
    let other = log_id();
    let elsewhere =
        LogId { owner: Owner { name: "other".parse().unwrap(), ..Owner::local() }, job: log.job };
    for (why, message) in [
        ("nothing", None),
        ("a worker's record", Some(started(1))),
        ("an end", Some(ended(0, Outcome::Cancelled, &[]))),
        ("what is no record", Some(b"[DONE]".to_vec())),
        ("of another job", Some(accepted(&other, REQUEST))),
        ("of another owner", Some(accepted(&elsewhere, REQUEST))),
        ("no request", Some(accepted(&log, "{}"))),
        ("of another API", Some(accepted_by(Api::ChatCompletions, &log, REQUEST))),
    ] {
        let entries = entries(message.into_iter().collect());
        assert!(Fold::of(&log, &entries).is_err(), "{why}");
    }
}

#[test]
fn what_does_not_belong_to_a_log_changes_nothing() {
    let log = log_id();
    let plain = vec![
        accepted(&log, REQUEST),
        started(2),
        said(2, 0, &[chunk("a")]),
        ended(2, Outcome::Completed, &[chunk("b")]),
    ];
    let mut littered = plain.clone();
    littered.insert(1, accepted(&log, REQUEST));
    littered.insert(2, said(1, 0, &[chunk("before anybody started")]));
    littered.insert(4, said(1, 7, &[chunk("of a writer that is out")]));
    littered.insert(5, b"no record".to_vec());
    littered.push(said(2, 1, &[chunk("behind the end")]));
    littered.push(ended(2, refused(), &[]));

    let (plain, littered) = (entries(plain), entries(littered));

    assert_eq!(events(&log, &plain), events(&log, &littered));
    let fold = Fold::of(&log, &littered).unwrap();
    assert_eq!((fold.status(), fold.failure()), (Status::Completed, None));
    let response: serde_json::Value = serde_json::from_slice(&fold.response()).unwrap();
    assert_eq!(response["output"][0]["content"][0]["text"], "ab");
}

#[test]
fn a_failure_is_the_whole_answer_while_nothing_was_said() {
    let log = log_id();
    for (why, said_before, chunks, alone) in [
        ("nothing was said", vec![], vec![], true),
        ("something was", vec![chunk("a")], vec![], false),
        ("with the end", vec![], vec![chunk("a")], false),
    ] {
        let mut messages = vec![accepted(&log, REQUEST), started(1)];
        if !said_before.is_empty() {
            messages.push(said(1, 0, &said_before));
        }
        messages.push(ended(1, refused(), &chunks));
        let fold = Fold::of(&log, &entries(messages)).unwrap();

        assert_eq!(fold.status(), Status::Failed, "{why}");
        assert!(fold.failure().is_some(), "{why}");
        assert_eq!(fold.failure_alone().is_some(), alone, "{why}");
        let response: serde_json::Value = serde_json::from_slice(&fold.response()).unwrap();
        assert_eq!(response["error"]["code"], "context_length_exceeded", "{why}");
    }
}

#[test]
fn the_context_of_a_next_turn_is_what_was_asked_and_answered() {
    let log = log_id();
    let messages =
        vec![accepted(&log, REQUEST), started(1), ended(1, Outcome::Completed, &[chunk("hi")])];
    let fold = Fold::of(&log, &entries(messages)).unwrap();

    let context: Vec<serde_json::Value> =
        serde_json::from_str(&fold.next_context().unwrap()).unwrap();
    let roles: Vec<_> = context.iter().map(|item| item["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant"]);
    let input: Vec<serde_json::Value> = serde_json::from_str(&fold.input_items().unwrap()).unwrap();
    assert_eq!(input, context[..1]);
    assert!(fold.is_kept());
    let forgotten = r#"{"model":"m","input":"hello","store":false}"#;
    let fold = Fold::of(&log, &entries(vec![accepted(&log, forgotten)])).unwrap();
    assert!(!fold.is_kept());
}

#[test]
fn a_receipt_is_told_at_the_end_by_the_logs_own_times() {
    let log = log_id();
    let tells = |work: Option<WorkFigures>, outcome: Outcome| {
        let begun = vec![accepted(&log, REQUEST), started(1), said(1, 0, &[chunk("a")])];
        let end = vec![ended_with(work, 1, outcome, &[])];
        events(&log, &entries([begun, end].concat()))
    };
    let told = |events: &[ResponseEvent]| -> Vec<serde_json::Value> {
        let json = |event: &ResponseEvent| serde_json::from_slice(&event.json).unwrap();
        events.iter().map(json).collect()
    };

    for outcome in [Outcome::Completed, refused()] {
        let events = told(&tells(Some(work()), outcome));

        let (last, before) = events.split_last().unwrap();
        let expected = serde_json::json!({
            "model": "m",
            "upstream": "theirs",
            "attempt": 1,
            "trace_id": null,
            "queue_wait_ms": 400.5,
            "model_first_token_ms": 30.25,
            "time_to_first_token_ms": 1_030.25,
            "duration_ms": 8_000.0,
            "input_tokens": 7,
            "output_tokens": 9,
            "tokens_per_second": 4.5,
        });
        assert_eq!(last["response"]["chappe"], expected);
        assert!(before.iter().all(|event| event["response"].get("chappe").is_none()));
    }
    for (work, outcome) in [(None, Outcome::Completed), (None, refused())] {
        let events = told(&tells(work, outcome));
        let response = &events.last().unwrap()["response"];
        assert!(response.get("chappe").is_none(), "nobody has measured it: {response}");
    }
}

#[tokio::test]
async fn of_a_log_that_cannot_be_read_on_a_reader_is_told_what_it_is_and_then_that_it_is_cut() {
    let log = log_id();
    let first = accepted(&log, r#"{"model":"m","input":"hello","background":true,"stream":true}"#);
    let entries = vec![Entry { sequence: 1, message: first.into() }];
    let mut following = Following::<Fold>::of_the_past(log, entries, &Readers::default(), None);

    let Some(Step::News(events)) = following.next().await else { panic!("no events") };
    let names: Vec<&str> = events.iter().map(|event| event.name).collect();
    assert_eq!(names, ["response.created", "response.queued"]);
    let Some(Step::BrokenOff(failure)) = following.next().await else { panic!("it is not cut") };
    assert!(failure.body.contains("queue_unavailable"), "{}", failure.body);
    assert!(following.next().await.is_none());
}

#[tokio::test]
async fn who_follows_an_answer_does_not_hold_what_was_asked() {
    struct Asked {
        record: Vec<u8>,
        _held: Arc<()>,
    }
    impl AsRef<[u8]> for Asked {
        fn as_ref(&self) -> &[u8] {
            &self.record
        }
    }
    let (log, held) = (log_id(), Arc::new(()));
    let record = accepted(&log, r#"{"model":"m","input":"long"}"#);
    let first = Asked { record, _held: Arc::clone(&held) };
    let first = Entry { sequence: 1, message: Bytes::from_owner(first) };
    let later = entries(vec![started(1), ended(1, Outcome::Completed, &[])]);
    let all = std::iter::once(first).chain(later).collect();
    let mut following = Following::<Fold>::of_the_past(log, all, &Readers::default(), None);

    let Some(Step::News(_created)) = following.next().await else { panic!("no events") };

    assert_eq!(Arc::strong_count(&held), 1, "only the test");
}
