//! A repeat is told what came to something, and makes anew what did not.

use contract::log::{Accepted, Api, Ended, Said};
use contract::{Failure, JobId, Lane, Owner};
use serde_json::value::RawValue;

use super::*;

/// A log of what this API was asked, with or without words, and with this end.
fn entries(log: &LogId, api: Api, asked: &str, said: bool, end: Option<Outcome>) -> Vec<Entry> {
    let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
    let (context, request) = (raw("[]"), raw(asked));
    let lane = if asked.contains("background") { Lane::Background } else { Lane::Live };
    let accepted = Record::Accepted(Accepted {
        job: log.job,
        owner: log.owner.clone(),
        api,
        lane,
        model: "m".parse().unwrap(),
        accepted_at_ms: 1,
        key: None,
        trace_id: None,
        context: &context,
        request: &request,
    });
    let mut messages = vec![record::write::<&[u8]>(&accepted, &[])];
    if said {
        let said = Record::Said(Said { attempt: 1, number: 0 });
        messages.push(record::write(&said, &[r#"{"choices":[]}"#]));
    }
    if let Some(outcome) = end {
        let ended = Record::Ended(Ended { attempt: 1, number: 1, outcome, at_ms: 2, work: None });
        messages.push(record::write::<&[u8]>(&ended, &[]));
    }
    let numbered = (1..).zip(messages);
    numbered.map(|(sequence, message)| Entry { sequence, message: message.into() }).collect()
}

#[test]
fn a_repeat_is_told_what_came_to_something_and_makes_anew_what_did_not() {
    const KEPT: (Api, &str) = (Api::Responses, r#"{"model":"m","input":"a"}"#);
    const UNKEPT: (Api, &str) = (Api::Responses, r#"{"model":"m","input":"a","store":false}"#);
    const CHAT: (Api, &str) = (Api::ChatCompletions, r#"{"model":"m","messages":[]}"#);
    const BEHIND: (Api, &str) = (Api::Responses, r#"{"model":"m","input":"a","background":true}"#);
    let fails = |should_retry| {
        let body = "{}".to_owned();
        Some(Outcome::Failed(Failure { status: 502, body, retry_after_ms: None, should_retry }))
    };
    let (completed, cancelled) = (Some(Outcome::Completed), Some(Outcome::Cancelled));
    let log = LogId { owner: Owner::local(), job: JobId::fresh() };
    for ((api, asked), said, end, is_told) in [
        (KEPT, false, None, true),
        (CHAT, true, None, true),
        (KEPT, true, completed.clone(), true),
        (UNKEPT, true, completed.clone(), true),
        (CHAT, true, completed, true),
        (KEPT, true, cancelled.clone(), false),
        (CHAT, true, cancelled.clone(), false),
        (BEHIND, false, cancelled, true),
        (KEPT, false, fails(false), true),
        (CHAT, true, fails(false), true),
        (UNKEPT, true, fails(false), true),
        (KEPT, false, fails(true), false),
        (BEHIND, false, fails(true), false),
        (KEPT, true, fails(true), true),
        (BEHIND, true, fails(true), true),
        (UNKEPT, true, fails(true), false),
        (CHAT, true, fails(true), false),
    ] {
        let what = format!("{asked} {said} {end:?}");
        let entries = entries(&log, api, asked, said, end);
        assert_eq!(came_to_something(&log, &entries), is_told, "{what}");
    }
    assert!(!came_to_something(&log, &[]), "there is no log");
}
