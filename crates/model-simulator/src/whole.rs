//! An answer in one piece, and the body that carries it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use axum::http::HeaderValue;
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::response::Response;
use bytes::Bytes;
use futures::Stream;
use service_runtime::Shutdown;

use crate::answer::{Answer, Choice, Finish, Piece, Said, counted};
use crate::directives::Extra;
use crate::ending::Ending;
use crate::fault::{Break, Fault};
use crate::frames::{Name, after_comma, put, put_logprob, put_string};
use crate::journal::{Ended, Entry};
use crate::tokens;

/// The answer's JSON text.
pub(crate) fn json(
    name: &Name,
    answer: &Answer,
    logprobs: Option<u64>,
    extra: Option<&Extra>,
) -> Vec<u8> {
    let mut out = Vec::with_capacity(1024);
    name.write(&mut out, "chat.completion");
    put(&mut out, "\"choices\":[");
    for (index, choice) in answer.choices.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        put_choice(&mut out, index, choice, logprobs, extra);
    }
    put(&mut out, "],\"usage\":");
    put(&mut out, &answer.usage());
    put(&mut out, &after_comma(extra.map(Extra::top)));
    out.push(b'}');
    out
}

fn put_choice(
    out: &mut Vec<u8>,
    index: usize,
    choice: &Choice,
    logprobs: Option<u64>,
    extra: Option<&Extra>,
) {
    let message = Message::of(&choice.said);
    put(out, &format!("{{\"index\":{index},\"message\":{{\"role\":\"assistant\",\"content\":"));
    if choice.finish == Finish::ToolCalls {
        put(out, "null");
    } else {
        put_string(out, &message.text);
    }
    put(out, ",\"refusal\":null");
    if !message.reasoning.is_empty() {
        put(out, ",\"reasoning_content\":");
        put_string(out, &message.reasoning);
    }
    message.put_calls(out);
    put(out, &after_comma(extra.map(Extra::delta)));
    put(out, "},\"logprobs\":");
    match logprobs {
        Some(alternatives) => {
            put(out, "{\"content\":[");
            for (at, token) in tokens::split(&message.text).enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                put_logprob(out, token, alternatives);
            }
            put(out, "],\"refusal\":null}");
        }
        None => put(out, "null"),
    }
    put(out, &format!(",\"finish_reason\":\"{}\"", choice.finish.as_str()));
    put(out, &after_comma(extra.map(Extra::choice)));
    out.push(b'}');
}

/// The tokens of a choice, put together.
#[derive(Default)]
struct Message<'a> {
    text: String,
    reasoning: String,
    calls: Vec<(&'a str, &'a str, String)>,
}

impl<'a> Message<'a> {
    fn of(said: &'a Said) -> Self {
        let mut message = Self::default();
        match said {
            Said::Counted(tokens) => message.text = counted(*tokens),
            Said::Pieces(pieces) => pieces.iter().for_each(|piece| message.add(piece)),
        }
        message
    }

    fn add(&mut self, piece: &'a Piece) {
        match piece {
            Piece::Text(text) => self.text.push_str(text),
            Piece::Reasoning(text) => self.reasoning.push_str(text),
            Piece::CallStart { id, name, .. } => self.calls.push((id, name, String::new())),
            Piece::CallArguments { call, json } => {
                if let Some((_, _, arguments)) = self.calls.get_mut(*call) {
                    arguments.push_str(json);
                }
            }
        }
    }

    fn put_calls(&self, out: &mut Vec<u8>) {
        for (at, (id, name, arguments)) in self.calls.iter().enumerate() {
            put(out, if at == 0 { ",\"tool_calls\":[" } else { "," });
            put(out, &format!("{{\"id\":\"{id}\",\"type\":\"function\",\"function\":{{\"name\":"));
            put_string(out, name);
            put(out, ",\"arguments\":");
            put_string(out, arguments);
            put(out, "}}");
        }
        if !self.calls.is_empty() {
            out.push(b']');
        }
    }
}

/// The response that carries `json`, or as much of it as the fault lets through.
pub(crate) fn response(
    json: Vec<u8>,
    tokens: u64,
    fault: &Fault,
    stopping: &Shutdown,
    entry: Entry,
) -> Response {
    let mut bytes = Bytes::from(json);
    let whole = bytes.len();
    let (after, ending) = match fault.break_after() {
        _ if fault.reset_on_accept => (0, Ending::reset()),
        Some((after, Break::Cut)) => (after, Ending::cut()),
        Some((after, Break::Stall)) => (after, Ending::stall(stopping)),
        _ => (tokens, Ending::Clean),
    };
    let broken = fault.garbage_json || !matches!(ending, Ending::Clean);
    if broken {
        // A piece of an answer has no tokens to count: it breaks in the middle, or at once.
        bytes.truncate(if after == 0 { 0 } else { whole / 2 });
    }
    // A cut answer promises its whole length, so that its reader knows that it was cut.
    let length = if matches!(ending, Ending::Clean) { bytes.len() } else { whole };
    let kind = if fault.wrong_content_type { "text/html" } else { "application/json" };

    let broken = broken || fault.wrong_content_type;
    let body = Whole { bytes, tokens, broken, ending, entry };
    let mut response = Response::new(Body::from_stream(body));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(CONTENT_LENGTH, length.into());
    response
}

struct Whole {
    bytes: Bytes,
    tokens: u64,
    broken: bool,
    ending: Ending,
    entry: Entry,
}

impl Stream for Whole {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let bytes = std::mem::take(&mut this.bytes);
        let ended = if this.broken { Ended::Fault } else { Ended::Complete };
        if bytes.is_empty() {
            let last = std::task::ready!(this.ending.poll(cx));
            this.entry.end(ended);
            return Poll::Ready(last);
        }
        if matches!(this.ending, Ending::Clean) {
            // Nothing follows, so nobody may ask again.
            this.entry.tokens(this.tokens);
            this.entry.end(ended);
        }
        Poll::Ready(Some(Ok(bytes)))
    }
}
