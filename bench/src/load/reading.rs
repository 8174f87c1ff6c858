//! Reads an answer and checks it.

use bytes::Bytes;
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use openai_api::sse;
use tokio::time::Instant;

use super::api::{Api, Events, Piece};
use super::client::Failure;
use super::{Load, Window};
use crate::tokens::{Faults, Plan};

/// Longest event that we read: the last one of a response has all its words.
pub(super) const EVENT_LIMIT: usize = 1024 * 1024;

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

/// An answer in one piece.
pub(super) async fn whole(body: Incoming, load: &Load, expected: &str) -> Result<Answer, Failure> {
    let body: Bytes = body.collect().await.map_err(Failure::of)?.to_bytes();
    let words = load.api.words(&body).map_err(Failure::of)?;
    checked(&words, &load.plan, expected)?;
    Ok(Answer { tokens: load.plan.tokens, tokens_in_window: 0, first: None, gaps: Vec::new() })
}

/// An answer in events, the last of which says that it is whole.
pub(super) async fn stream(
    mut body: Incoming,
    load: &Load,
    expected: &str,
    window: Window,
) -> Result<Answer, Failure> {
    let plan = &load.plan;
    let mut reading = Reading::new(load.api, plan);
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
        let end = match load.api {
            Api::Chat => "[DONE]",
            Api::Responses => "response.completed",
        };
        return Err(Failure::of(format!("the stream ended without {end}")));
    }
    let Reading { first, gaps, in_window, .. } = reading;
    Ok(Answer { tokens: plan.tokens, tokens_in_window: in_window, first, gaps })
}

/// Compares the text first: counting faults is slow, and there are none.
fn checked(text: &str, plan: &Plan, expected: &str) -> Result<(), Failure> {
    if text == expected { Ok(()) } else { Err(Failure::of_tokens(Faults::of(text, plan))) }
}

/// What has been read of a stream.
struct Reading {
    events: Events,
    text: String,
    first: Option<Instant>,
    last: Option<Instant>,
    gaps: Vec<u32>,
    in_window: u32,
    done: bool,
    problem: Option<String>,
}

impl Reading {
    fn new(api: Api, plan: &Plan) -> Self {
        Self {
            events: api.events(),
            // As long as the words of most plans.
            text: String::with_capacity(plan.tokens as usize * 4),
            first: None,
            last: None,
            gaps: Vec::with_capacity(plan.tokens as usize),
            in_window: 0,
            done: false,
            problem: None,
        }
    }

    fn event(&mut self, event: &[u8], now: Instant, window: Window) {
        let piece = match self.events.read(event) {
            Ok(_piece) if self.done => Err("something came behind the end".to_owned()),
            read => read,
        };
        match piece {
            Ok(Piece::Words(words)) => self.words(&words, now, window),
            Ok(Piece::Other) => {}
            Ok(Piece::End) => self.done = true,
            Err(problem) => {
                self.problem.get_or_insert(problem);
            }
        }
    }

    fn words(&mut self, words: &str, now: Instant, window: Window) {
        self.first.get_or_insert(now);
        if let Some(last) = self.last.replace(now) {
            self.gaps.push(micros(last, now));
        }
        if window.holds(now) {
            // A proxy may join tokens.
            let tokens = words.bytes().filter(|byte| *byte == b't').count();
            self.in_window += u32::try_from(tokens).unwrap_or(u32::MAX);
        }
        self.text.push_str(words);
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

    fn delta(number: u32, text: &str) -> Vec<u8> {
        format!(
            "{{\"type\":\"response.output_text.delta\",\"delta\":\"{text}\",\"sequence_number\":{number}}}"
        )
        .into_bytes()
    }

    fn read(api: Api, events: &[Vec<u8>]) -> Reading {
        let now = Instant::now();
        let window = Window { from: now, to: now + Duration::from_secs(1) };
        let mut reading = Reading::new(api, &PLAN);
        for event in events {
            reading.event(event, now, window);
        }
        reading
    }

    #[test]
    fn tokens_are_counted_also_when_a_proxy_joins_them() {
        let reading = read(Api::Chat, &[chunk("t0 "), chunk("t1 t2 "), sse::DONE_DATA.to_vec()]);

        assert!(reading.done && reading.problem.is_none());
        assert_eq!((reading.in_window, reading.gaps.len()), (3, 1));
        assert!(checked(&reading.text, &PLAN, &PLAN.text()).is_ok());
    }

    #[test]
    fn a_response_is_done_with_its_last_event() {
        let end = br#"{"type":"response.completed","sequence_number":2}"#.to_vec();
        let whole = [delta(0, "t0 "), delta(1, "t1 t2 "), end.clone()];

        let reading = read(Api::Responses, &whole);
        assert!(reading.done && reading.problem.is_none());
        assert_eq!((reading.in_window, reading.gaps.len()), (3, 1));
        assert!(!read(Api::Responses, &whole[..2]).done);
        // A gap in the numbers, although the words are there.
        assert!(read(Api::Responses, &[delta(0, "t0 t1 t2 "), end]).problem.is_some());
    }

    #[test]
    fn an_error_in_the_stream_and_words_after_its_end_are_no_answer() {
        let error = br#"{"error":{"message":"no more"}}"#.to_vec();
        let told = read(Api::Chat, &[chunk("t0 "), error]).problem.unwrap();
        assert!(told.contains("no more"));
        assert!(read(Api::Chat, &[sse::DONE_DATA.to_vec(), chunk("t0 ")]).problem.is_some());
        assert!(read(Api::Chat, &[b"{".to_vec()]).problem.is_some());
    }

    #[test]
    fn what_a_broken_stream_did_not_bring_is_lost() {
        let failure = read(Api::Chat, &[chunk("t0 ")]).broken(&"closed", &PLAN);
        assert_eq!(failure.faults.lost, 2);
    }
}
