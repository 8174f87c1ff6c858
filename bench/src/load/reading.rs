//! Reads an answer and checks it.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use openai_api::sse;
use serde::Deserialize;
use serde::de::IgnoredAny;
use tokio::time::Instant;

use super::Window;
use super::client::Failure;
use crate::tokens::{Faults, Plan};

/// Longest event that we read.
const EVENT_LIMIT: usize = 1024 * 1024;

/// A good answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) tokens: u32,
    /// Those that came within the window.
    pub(super) tokens_in_window: u32,
    /// When the first token came; of an answer that came whole, nothing.
    pub(super) first: Option<Instant>,
    /// Between tokens, in microseconds.
    pub(super) gaps: Vec<u32>,
}

#[derive(Deserialize)]
struct Whole {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default, alias = "delta")]
    message: Message,
}

#[derive(Deserialize, Default)]
struct Message {
    content: Option<String>,
}

#[derive(Deserialize)]
struct Chunk {
    #[serde(default)]
    choices: Vec<Choice>,
    error: Option<IgnoredAny>,
}

/// An answer in one piece.
pub(super) async fn whole(body: Incoming, plan: &Plan, expected: &str) -> Result<Answer, Failure> {
    let body: Bytes = body.collect().await.map_err(Failure::of)?.to_bytes();
    let read: Whole = serde_json::from_slice(&body).map_err(Failure::of)?;
    let content = read.choices.into_iter().find_map(|choice| choice.message.content);
    checked(&content.unwrap_or_default(), plan, expected)?;
    Ok(Answer { tokens: plan.tokens, tokens_in_window: 0, first: None, gaps: Vec::new() })
}

/// An answer in chunks that ends with `[DONE]`.
pub(super) async fn stream(
    mut body: Incoming,
    plan: &Plan,
    expected: &str,
    window: Window,
) -> Result<Answer, Failure> {
    let mut reading = Reading {
        text: String::with_capacity(expected.len()),
        gaps: Vec::with_capacity(plan.tokens as usize),
        ..Reading::default()
    };
    let mut events = sse::Reader::new(EVENT_LIMIT);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| reading.broken(&error, plan))?;
        let Ok(data) = frame.into_data() else { continue };
        let now = Instant::now();
        let fed = events.feed(&data, |event| reading.event(event, now, window));
        fed.map_err(|_too_long| Failure::of("an event is too long"))?;
        if let Some(problem) = reading.problem.take() {
            return Err(reading.broken(&problem, plan));
        }
    }
    checked(&reading.text, plan, expected)?;
    if !reading.done {
        return Err(Failure::of("the stream ended without [DONE]"));
    }
    let Reading { first, gaps, in_window, .. } = reading;
    Ok(Answer { tokens: plan.tokens, tokens_in_window: in_window, first, gaps })
}

/// Compares the text first: counting faults is slow, and there are none.
fn checked(text: &str, plan: &Plan, expected: &str) -> Result<(), Failure> {
    if text == expected { Ok(()) } else { Err(Failure::of_tokens(Faults::of(text, plan))) }
}

/// What has been read of a stream.
#[derive(Default)]
struct Reading {
    text: String,
    first: Option<Instant>,
    last: Option<Instant>,
    gaps: Vec<u32>,
    in_window: u32,
    done: bool,
    problem: Option<String>,
}

impl Reading {
    fn event(&mut self, event: &[u8], now: Instant, window: Window) {
        if event == sse::DONE_DATA {
            self.done = true;
            return;
        }
        let chunk: Chunk = match serde_json::from_slice(event) {
            Ok(chunk) => chunk,
            Err(error) => return self.stumbled(format!("a chunk cannot be read: {error}")),
        };
        if self.done || chunk.error.is_some() {
            return self.stumbled(String::from_utf8_lossy(event).into_owned());
        }
        let Some(content) = chunk.choices.into_iter().find_map(|choice| choice.message.content)
        else {
            return;
        };
        if content.is_empty() {
            return;
        }
        self.first.get_or_insert(now);
        if let Some(last) = self.last.replace(now) {
            self.gaps.push(micros(last, now));
        }
        if window.holds(now) {
            // A proxy may join tokens.
            let tokens = content.bytes().filter(|byte| *byte == b't').count();
            self.in_window += u32::try_from(tokens).unwrap_or(u32::MAX);
        }
        self.text.push_str(&content);
    }

    fn stumbled(&mut self, problem: String) {
        self.problem.get_or_insert(problem);
    }

    /// A stream that broke: what did not come is lost.
    fn broken(&self, why: &impl ToString, plan: &Plan) -> Failure {
        let faults = Faults::of(&self.text, plan);
        Failure { reason: format!("{}; {faults}", why.to_string()), faults }
    }
}

/// Microseconds between two moments.
pub(super) fn micros(from: Instant, to: Instant) -> u32 {
    u32::try_from(to.duration_since(from).as_micros()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const PLAN: Plan = Plan { first: Duration::ZERO, gap: Duration::ZERO, tokens: 3 };

    fn chunk(content: &str) -> Vec<u8> {
        format!("{{\"choices\":[{{\"delta\":{{\"content\":\"{content}\"}}}}]}}").into_bytes()
    }

    fn read(events: &[Vec<u8>]) -> Reading {
        let now = Instant::now();
        let window = Window { from: now, to: now + Duration::from_secs(1) };
        let mut reading = Reading::default();
        for event in events {
            reading.event(event, now, window);
        }
        reading
    }

    #[test]
    fn tokens_are_counted_also_when_a_proxy_joins_them() {
        let reading = read(&[chunk("t0 "), chunk("t1 t2 "), sse::DONE_DATA.to_vec()]);

        assert!(reading.done && reading.problem.is_none());
        assert_eq!((reading.in_window, reading.gaps.len()), (3, 1));
        assert!(checked(&reading.text, &PLAN, &PLAN.text()).is_ok());
    }

    #[test]
    fn an_error_in_the_stream_and_words_after_its_end_are_no_answer() {
        let error = br#"{"error":{"message":"no more"}}"#.to_vec();
        assert!(read(&[chunk("t0 "), error]).problem.unwrap().contains("no more"));
        assert!(read(&[sse::DONE_DATA.to_vec(), chunk("t0 ")]).problem.is_some());
        assert!(read(&[b"{".to_vec()]).problem.is_some());
    }

    #[test]
    fn what_a_broken_stream_did_not_bring_is_lost() {
        let failure = read(&[chunk("t0 ")]).broken(&"closed", &PLAN);
        assert_eq!(failure.faults.lost, 2);
    }
}
