//! A chat completion is the same, in whichever pieces its log was stored.

use contract::log::{Accepted, Ended, Said, Started};
use contract::{Failure, JobId, Lane, Owner, WorkFigures, WorkerId};
use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;

fn log_id() -> LogId {
    LogId { owner: Owner::local(), job: JobId::fresh() }
}

fn accepted(log: &LogId, api: Api) -> Vec<u8> {
    let nothing = RawValue::from_string("[]".to_owned()).unwrap();
    let accepted = Accepted {
        job: log.job,
        owner: log.owner.clone(),
        api,
        lane: Lane::Live,
        model: "m".parse().unwrap(),
        accepted_at_ms: 1,
        key: None,
        trace_id: None,
        context: &nothing,
        request: &nothing,
    };
    log::write::<&[u8]>(&Record::Accepted(accepted), &[])
}

fn started(attempt: u32, continues_at: Option<u64>) -> Vec<u8> {
    let writer = WorkerId::from_bytes([7; 16]);
    let started = Started { attempt, writer, continues_at, at_ms: 2 };
    log::write::<&[u8]>(&Record::Started(started), &[])
}

fn said(attempt: u32, chunks: &[String]) -> Vec<u8> {
    log::write(&Record::Said(Said { attempt, number: 0 }), chunks)
}

fn ended(attempt: u32, outcome: Outcome, chunks: &[String]) -> Vec<u8> {
    let ended = Ended { attempt, number: 9, outcome, at_ms: 3, work: None };
    log::write(&Record::Ended(ended), chunks)
}

fn entries(messages: Vec<Vec<u8>>) -> Vec<Entry> {
    let numbered = messages.into_iter().enumerate();
    numbered
        .map(|(at, message)| Entry { sequence: at as u64 * 3 + 5, message: message.into() })
        .collect()
}

fn failure() -> Failure {
    Failure { status: 502, body: "{}".to_owned(), retry_after_ms: None, should_retry: true }
}

/// What a reader is told, one line each.
fn told(log: &LogId, entries: &[Entry], way: Way) -> Vec<String> {
    let mut out = Vec::new();
    let mut fold = <Completion as Projected>::begin(log, &entries[0], way, &mut out).ok().unwrap();
    for entry in &entries[1..] {
        Projected::read(&mut fold, entry, &mut out);
    }
    let text = |bytes: Bytes| String::from_utf8(bytes.to_vec()).unwrap();
    out.into_iter()
        .map(|news| match news {
            News::Chunk(json) | News::Body(json, _) => text(json),
            News::Done(_) => "done".to_owned(),
            News::Failed(failure) => format!("failed {}", failure.body),
        })
        .collect()
}

const STREAM: Way = Way { stream: true, from: 0 };
const WHOLE: Way = Way { stream: false, from: 0 };

proptest! {
    #[test]
    fn it_does_not_matter_in_which_pieces_an_answer_was_stored(
        texts in proptest::collection::vec("[a-z]{0,4}", 0..8),
        cuts in proptest::collection::vec(0_usize..8, 0..8),
        handed_back in any::<bool>(),
    ) {
        let log = log_id();
        let chunks: Vec<String> = texts.iter().map(|text| format!(r#"{{"t":"{text}"}}"#)).collect();
        let mut messages = vec![accepted(&log, Api::ChatCompletions), started(1, None)];
        let (mut attempt, mut piece) = (1, Vec::new());
        for (at, chunk) in chunks.iter().enumerate() {
            if cuts.contains(&at) && handed_back {
                let said = Record::HandedBack(Said { attempt, number: 0 });
                messages.push(log::write(&said, &piece));
                attempt += 1;
                messages.push(started(attempt, Some(at as u64)));
                piece.clear();
            } else if cuts.contains(&at) {
                messages.push(said(attempt, &piece));
                piece.clear();
            }
            piece.push(chunk.clone());
        }
        messages.push(ended(attempt, Outcome::Completed, &piece));

        let mut expected = chunks;
        expected.push("done".to_owned());
        prop_assert_eq!(told(&log, &entries(messages), STREAM), expected);
    }
}

#[test]
fn who_reads_pieces_is_not_told_two_beginnings() {
    let log = log_id();
    let (lost, found) = (r#"{"t":"lost"}"#.to_owned(), r#"{"t":"found"}"#.to_owned());
    let entries = entries(vec![
        accepted(&log, Api::ChatCompletions),
        started(1, None),
        started(2, None),
        said(2, std::slice::from_ref(&lost)),
        started(3, None),
        said(2, std::slice::from_ref(&lost)),
        ended(3, Outcome::Completed, std::slice::from_ref(&found)),
        said(3, std::slice::from_ref(&lost)),
    ]);

    let first = told(&log, &entries, STREAM);
    let late = told(&log, &entries, Way::behind(true, &entries));
    let early = told(&log, &entries, Way::behind(true, &entries[..2]));

    assert_eq!(first[..1], [lost]);
    assert!(first.len() == 2 && first[1].contains("worker_lost"), "{first:?}");
    assert_eq!(late, [found, "done".to_owned()]);
    assert_eq!(early, first);
}

#[test]
fn who_wants_the_whole_gets_that_of_the_last_attempt_or_why_there_is_none() {
    let log = log_id();
    let completion = r#"{"object":"chat.completion","choices":[{"index":0,"message":{"content":"a"},"logprobs":null,"finish_reason":"stop"}]}"#;
    let chunk = completion::as_chunk(completion.as_bytes()).unwrap();
    let chunk = [String::from_utf8(chunk).unwrap()];
    let begun = || vec![accepted(&log, Api::ChatCompletions), started(1, None), said(1, &chunk)];
    let whole = |end: Vec<Vec<u8>>| told(&log, &entries([begun(), end].concat()), WHOLE);

    let completed = whole(vec![started(2, None), ended(2, Outcome::Completed, &chunk)]);
    let pieces = whole(vec![ended(1, Outcome::Completed, &chunk)]);
    let failed = whole(vec![ended(1, Outcome::Failed(failure()), &[])]);
    let stopped = whole(vec![ended(1, Outcome::Cancelled, &[])]);

    assert_eq!(completed, [completion]);
    assert!(pieces[0].contains("internal_error"), "{pieces:?}");
    assert_eq!(failed, ["failed {}"]);
    assert!(stopped[0].contains("answer_stopped"), "{stopped:?}");
    assert!(whole(Vec::new()).is_empty());
}

#[test]
fn what_is_no_chat_completion_is_not_read_as_one() {
    let (log, other) = (log_id(), log_id());
    for message in [
        accepted(&log, Api::Responses),
        accepted(&other, Api::ChatCompletions),
        started(1, None),
        b"no record".to_vec(),
    ] {
        let entry = Entry { sequence: 1, message: message.into() };
        assert!(<Completion as Projected>::begin(&log, &entry, STREAM, &mut Vec::new()).is_err());
    }
}

#[test]
fn who_asks_first_and_who_repeats_are_told_the_same_of_the_work() {
    let log = log_id();
    let chunk = [r#"{"choices":[{"index":0,"delta":{"content":"a"}}]}"#.to_owned()];
    let work = WorkFigures {
        queue_wait_ms: 0.5,
        first_token_ms: None,
        work_ms: 0.0,
        upstream: "theirs".to_owned(),
        attempt: 2,
        input_tokens: None,
        output_tokens: Some(1),
    };
    let ended = Ended {
        attempt: 2,
        number: 0,
        outcome: Outcome::Completed,
        at_ms: 3,
        work: Some(work.clone()),
    };
    let messages = vec![
        accepted(&log, Api::ChatCompletions),
        started(1, None),
        said(1, &chunk),
        started(2, None),
        log::write(&Record::Ended(ended), &chunk),
    ];
    let entries = entries(messages);
    let last = |way: Way| {
        let mut out = Vec::new();
        let begun = <Completion as Projected>::begin(&log, &entries[0], way, &mut out);
        let mut fold = begun.ok().unwrap();
        for entry in &entries[1..] {
            Projected::read(&mut fold, entry, &mut out);
        }
        match out.pop() {
            Some(News::Done(Some(behind)) | News::Body(_, Some(behind))) => *behind,
            other => panic!("{other:?}"),
        }
    };

    let whole = last(WHOLE);

    assert_eq!(whole.work, work);
    let receipt: serde_json::Value =
        serde_json::from_str(whole.receipt.as_deref().unwrap()).unwrap();
    let expected = serde_json::json!({
        "model": "m",
        "upstream": "theirs",
        "attempt": 2,
        "trace_id": null,
        "queue_wait_ms": 0.5,
        "model_first_token_ms": null,
        "time_to_first_token_ms": null,
        "duration_ms": 2.0,
        "input_tokens": null,
        "output_tokens": 1,
        "tokens_per_second": null,
    });
    assert_eq!(receipt, expected);
    assert_eq!(last(Way::behind(true, &entries)), whole);
}
