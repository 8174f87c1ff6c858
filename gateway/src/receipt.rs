//! The receipt of an answer: who gave it, how many tokens it took, and where its time went.
//!
//! Of an unstored answer its times are those of this gateway's edge, of a stored one those of its
//! log, so that everybody reads the same receipt.

use bytes::Bytes;
use contract::WorkFigures;
use openai_api::object::Members;
use serde::Serialize;

use crate::measures::AnswerFigures;

/// The member of an answer that holds it.
pub(crate) const MEMBER: &str = "chappe";
/// The same as JSON.
const QUOTED_MEMBER: &[u8] = b"\"chappe\"";

/// What is known of an answer at its end, beside its words.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Behind {
    /// What its worker measured.
    pub(crate) work: WorkFigures,
    /// The receipt, if the answer was read from a log. Else it is made at the edge.
    pub(crate) receipt: Option<String>,
}

/// A receipt.
#[derive(Debug, Serialize)]
pub(crate) struct Receipt<'a> {
    model: &'a str,
    upstream: &'a str,
    attempt: u32,
    trace_id: Option<&'a str>,
    queue_wait_ms: f64,
    model_first_token_ms: Option<f64>,
    time_to_first_token_ms: Option<f64>,
    duration_ms: f64,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    tokens_per_second: Option<f64>,
}

/// What a receipt tells beside the figures of the work.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Whole<'a> {
    /// The public name.
    pub(crate) model: &'a str,
    pub(crate) trace_id: Option<&'a str>,
    pub(crate) time_to_first_token_ms: Option<f64>,
    pub(crate) duration_ms: f64,
}

impl<'a> Receipt<'a> {
    pub(crate) fn new(work: &'a WorkFigures, whole: Whole<'a>) -> Self {
        let Whole { model, trace_id, time_to_first_token_ms, duration_ms } = whole;
        Self {
            model,
            upstream: &work.upstream,
            attempt: work.attempt,
            trace_id,
            queue_wait_ms: work.queue_wait_ms,
            model_first_token_ms: work.first_token_ms,
            time_to_first_token_ms,
            duration_ms,
            input_tokens: work.input_tokens,
            output_tokens: work.output_tokens,
            tokens_per_second: work.output_tokens.and_then(|tokens| rate(tokens, work.work_ms)),
        }
    }

    /// Of an answer as its caller saw it; none while nobody has told of the work.
    pub(crate) fn at_the_edge(answer: &AnswerFigures<'a>) -> Option<Self> {
        let whole = Whole {
            model: answer.model,
            trace_id: answer.trace_id,
            time_to_first_token_ms: answer.to_first_token.map(WorkFigures::ms),
            duration_ms: WorkFigures::ms(answer.duration),
        };
        Some(Self::new(answer.work?, whole))
    }

    pub(crate) fn json(&self) -> String {
        // Numbers and names: writing them to memory cannot fail.
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// Tokens per second of the time that the worker had the job.
fn rate(tokens: u64, work_ms: f64) -> Option<f64> {
    let tokens = f64::from(u32::try_from(tokens).ok()?);
    (work_ms > 0.0).then(|| (tokens * 1e6 / work_ms).round() / 1e3)
}

/// A whole answer with its receipt as the last member. Nothing of it is read: a body passes through
/// as it came, and what is no JSON object stays as it is.
///
/// One that has a member of this name already, which is ours, has it replaced. Spelt with escapes it
/// stays, in front of ours: of two, readers take the last.
pub(crate) fn put_into(answer: Bytes, receipt: &str) -> Bytes {
    let Some(end) = end_of_object(&answer) else { return answer };
    if mentions_member(&answer)
        && let Ok(members) = Members::parse(&answer)
        && members.get(MEMBER).is_some()
    {
        return members.with(&[(MEMBER, receipt)]).into();
    }
    let (before, behind) = answer.split_at(end);
    let is_empty = before.iter().skip_while(|byte| **byte != b'{').skip(1).all(is_space);
    let comma = if is_empty { "" } else { "," };
    let mut out = Vec::with_capacity(answer.len() + receipt.len() + MEMBER.len() + 4);
    out.extend_from_slice(before);
    for part in [comma, "\"", MEMBER, "\":", receipt] {
        out.extend_from_slice(part.as_bytes());
    }
    out.extend_from_slice(behind);
    out.into()
}

/// Where the object that a text is ends: before its last brace.
fn end_of_object(text: &[u8]) -> Option<usize> {
    let first = text.iter().find(|byte| !is_space(byte))?;
    let last = text.iter().rposition(|byte| !is_space(byte))?;
    (*first == b'{' && text[last] == b'}' && last > 0).then_some(last)
}

fn is_space(byte: &u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Whether a text holds the name of the member in quotes. Within a longer string they would be
/// escaped, so this is rare. Answers are large, and others wait on this thread.
fn mentions_member(text: &[u8]) -> bool {
    memchr::memmem::find(text, QUOTED_MEMBER).is_some()
}

/// The chunk of a stream that holds its receipt: of the same answer as the `last` one before it.
pub(crate) fn chunk(id: &str, model: &str, last: Option<&[u8]>, receipt: &str) -> Vec<u8> {
    let last = last.and_then(|last| Members::parse(last).ok());
    let as_before = |name: &str| last.as_ref()?.get(name).map(str::to_owned);
    let or_ours = |name, ours: &str| {
        as_before(name).unwrap_or_else(|| serde_json::Value::from(ours).to_string())
    };
    let (id, object) = (or_ours("id", id), or_ours("object", "chat.completion.chunk"));
    let created = as_before("created").map_or_else(String::new, |at| format!("\"created\":{at},"));
    let model = or_ours("model", model);
    format!(
        "{{\"id\":{id},\"object\":{object},{created}\"model\":{model},\"choices\":[],\
         \"{MEMBER}\":{receipt}}}"
    )
    .into_bytes()
}

#[cfg(test)]
mod tests;
