//! What an attempt can go on behind: the text that an earlier one has stored. Pure rules.
//!
//! Only plain text is gone on from. The beginning of a tool's arguments or of a JSON document is
//! nothing that every model server takes up again, and probabilities of what was said are not
//! asked for twice: such answers begin anew.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bus::Entry;
use contract::log::{self, Record};
use openai_api::object::Members;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

/// Members of a request that make of its answer more than plain text.
const MORE_THAN_TEXT: &[&str] =
    &["tools", "functions", "response_format", "logprobs", "top_logprobs", "modalities", "audio"];

/// Whether the answer to a request is plain text, and one.
pub(super) fn asks_for_text(body: &[u8]) -> bool {
    let Ok(members) = Members::parse(body) else { return false };
    let absent =
        |key: &&str| matches!(members.get(key), None | Some("null" | "false" | "0" | "[]"));
    MORE_THAN_TEXT.iter().all(absent) && matches!(members.get("n"), None | Some("null" | "1"))
}

/// Whether the answer to a request comes in pieces.
pub(super) fn asks_for_pieces(body: &[u8]) -> bool {
    Members::parse(body).is_ok_and(|members| members.get("stream") == Some("true"))
}

/// The text that a log holds up to its record at `last`, if it is the beginning of an answer:
/// nothing but text, and no end. `entries` may hold less: a replica knows the newest a moment later
/// than its leader.
pub(super) fn text_so_far(entries: &[Entry], last: u64) -> Option<String> {
    if entries.last()?.sequence != last {
        return None;
    }
    let mut text = String::new();
    let mut attempt = 0;
    for entry in entries {
        let (record, chunks) = log::read(&entry.message).ok()?;
        match record {
            Record::Accepted(_) => {}
            Record::Started(started) => {
                attempt = started.attempt;
                match started.continues_at {
                    None => text.clear(),
                    Some(length) if length == text.len() as u64 => {}
                    Some(_another_text) => return None,
                }
            }
            Record::Said(said) | Record::HandedBack(said) if said.attempt == attempt => {
                for chunk in chunks {
                    text.push_str(&text_of(chunk)?);
                }
            }
            // Of a writer that was out already.
            Record::Said(_) | Record::HandedBack(_) => {}
            Record::Ended(_) => return None,
        }
    }
    (!text.is_empty()).then_some(text)
}

#[derive(Deserialize)]
struct Chunk<'a> {
    #[serde(borrow, default)]
    choices: Vec<Choice<'a>>,
    #[serde(default)]
    error: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(default)]
    index: u32,
    #[serde(borrow, default)]
    delta: Option<BTreeMap<Cow<'a, str>, &'a RawValue>>,
    #[serde(default)]
    finish_reason: Option<IgnoredAny>,
    #[serde(default)]
    logprobs: Option<IgnoredAny>,
}

/// What a chunk adds to the text; nothing when it holds anything else.
fn text_of(chunk: &[u8]) -> Option<String> {
    let chunk: Chunk<'_> = serde_json::from_slice(chunk).ok()?;
    let mut text = String::new();
    for choice in &chunk.choices {
        let more = choice.index > 0 || choice.finish_reason.is_some() || choice.logprobs.is_some();
        if more || chunk.error.is_some() {
            return None;
        }
        for (key, json) in choice.delta.iter().flatten() {
            match (key.as_ref(), json.get()) {
                ("role", _) | (_, "null" | "\"\"" | "[]") => {}
                ("content", json) => text.push_str(&serde_json::from_str::<String>(json).ok()?),
                _ => return None,
            }
        }
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    use contract::WorkerId;
    use contract::log::{Ended, Outcome, Said, Started};

    fn entry(record: &Record<'_>, chunks: &[&str]) -> Entry {
        Entry { sequence: 1, message: log::write(record, chunks).into() }
    }

    fn started(attempt: u32, continues_at: Option<u64>) -> Entry {
        let writer = WorkerId::fresh();
        entry(&Record::Started(Started { attempt, writer, continues_at, at_ms: 0 }), &[])
    }

    fn said(attempt: u32, chunks: &[&str]) -> Entry {
        entry(&Record::Said(Said { attempt, number: 0 }), chunks)
    }

    fn text(content: &str) -> String {
        let delta = serde_json::json!({"content": content, "tool_calls": [], "refusal": null});
        serde_json::json!({"choices": [{"index": 0, "delta": delta, "finish_reason": null}]})
            .to_string()
    }

    #[test]
    fn the_text_of_all_attempts_that_went_on_is_gone_on_from() {
        let role = r#"{"choices":[{"delta":{"role":"assistant","content":""}}]}"#;
        let log = [
            started(1, None),
            said(1, &[&text("lost")]),
            started(2, None),
            said(2, &[role, &text("a\n"), &text("ö")]),
            said(1, &[&text("late")]),
            started(3, Some(4)),
            said(3, &[&text("!"), r#"{"choices":[],"usage":{}}"#]),
        ];

        assert_eq!(text_so_far(&log[..1], 1), None, "there is none");
        assert_eq!(text_so_far(&log[..4], 1).as_deref(), Some("a\nö"));
        assert_eq!(text_so_far(&log, 1).as_deref(), Some("a\nö!"));
        assert_eq!(text_so_far(&log, 2), None, "there is more that a replica has not told");
        assert_eq!(
            text_so_far(&[started(1, None), started(2, Some(3))], 1),
            None,
            "of another text"
        );
    }

    #[test]
    fn what_is_more_than_text_or_has_ended_begins_anew() {
        for chunk in [
            r#"{"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}"#,
            r#"{"choices":[{"delta":{"reasoning_content":"hm"}}]}"#,
            r#"{"choices":[{"delta":{"content":["parts"]}}]}"#,
            r#"{"choices":[{"delta":{"content":"a"},"logprobs":{}}]}"#,
            r#"{"choices":[{"index":1,"delta":{"content":"a"}}]}"#,
            r#"{"choices":[{"delta":{},"finish_reason":"stop"}]}"#,
            r#"{"choices":[{"delta":{"content":"\ud83d"}}]}"#,
            "no json",
        ] {
            let log = [started(1, None), said(1, &[&text("a"), chunk])];
            assert_eq!(text_so_far(&log, 1), None, "{chunk}");
        }
        let outcome = Outcome::Cancelled;
        let ended = Record::Ended(Ended { attempt: 1, number: 1, outcome, at_ms: 0, work: None });
        let log = [started(1, None), said(1, &[&text("a")]), entry(&ended, &[])];
        assert_eq!(text_so_far(&log, 1), None);
    }

    #[test]
    fn a_request_says_whether_its_answer_comes_in_pieces() {
        for (body, pieces) in [
            (r#"{"messages":[],"stream":true}"#, true),
            (r#"{"messages":[],"stream": false}"#, false),
            (r#"{"messages":[],"stream":null}"#, false),
            (r#"{"messages":[]}"#, false),
            ("[]", false),
        ] {
            assert_eq!(asks_for_pieces(body.as_bytes()), pieces, "{body}");
        }
    }

    #[test]
    fn only_requests_for_one_plain_text_are_gone_on_with() {
        for (body, plain) in [
            (r#"{"messages":[],"tools":[],"n":1,"logprobs":false}"#, true),
            (r#"{"messages":[],"tools":[{}]}"#, false),
            (r#"{"messages":[],"response_format":{"type":"json_object"}}"#, false),
            (r#"{"messages":[],"logprobs":true}"#, false),
            (r#"{"messages":[],"n":2}"#, false),
            ("[]", false),
        ] {
            assert_eq!(asks_for_text(body.as_bytes()), plain, "{body}");
        }
    }
}
