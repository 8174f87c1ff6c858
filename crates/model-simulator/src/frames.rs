//! An answer as the chunks of a stream. Bytes are written straight, a token at a time.

use std::io::Write as _;

use openai_api::sse;

use crate::answer::{Answer, Choice, Finish, Piece, Said};
use crate::directives::Extra;
use crate::error::ApiError;

/// What names an answer on the wire, the same on every chunk.
#[derive(Debug, Clone)]
pub(crate) struct Name {
    pub(crate) id: String,
    pub(crate) created: u64,
    pub(crate) model: String,
}

impl Name {
    /// The first members of a chunk or of a whole answer, `object` among them.
    pub(crate) fn write(&self, out: &mut Vec<u8>, object: &str) {
        let Self { id, created, .. } = self;
        put(out, &format!("{{\"id\":\"{id}\",\"object\":\"{object}\",\"created\":{created}"));
        put(out, ",\"model\":");
        put_string(out, &self.model);
        put(out, ",\"system_fingerprint\":\"fp_simulator\",");
    }
}

/// Writes the chunks of one answer.
#[derive(Debug)]
pub(crate) struct Frames {
    head: Vec<u8>,
    /// From the end of the choices to the end of the frame.
    tail: Vec<u8>,
    extra_top: String,
    extra_choice: String,
    extra_delta: String,
    logprobs: Option<u64>,
    include_usage: bool,
}

impl Frames {
    pub(crate) fn new(
        name: &Name,
        include_usage: bool,
        logprobs: Option<u64>,
        extra: Option<&Extra>,
    ) -> Self {
        let mut head = b"data: ".to_vec();
        name.write(&mut head, "chat.completion.chunk");
        put(&mut head, "\"choices\":[");
        let extra_top = after_comma(extra.map(Extra::top));
        let usage = if include_usage { ",\"usage\":null" } else { "" };
        let tail = format!("]{usage}{extra_top}}}\n\n").into_bytes();
        Self {
            head,
            tail,
            extra_top,
            extra_choice: after_comma(extra.map(Extra::choice)),
            extra_delta: extra.map(Extra::delta).unwrap_or_default(),
            logprobs,
            include_usage,
        }
    }

    /// The first chunk of a choice, which says who speaks.
    pub(crate) fn role(&self, out: &mut Vec<u8>, choice: usize) {
        self.chunk(out, choice, None, None, |out| {
            put(out, "\"role\":\"assistant\",\"content\":\"\"");
        });
    }

    /// Token `at` of a choice, if it has one. `with_role` says with it who speaks.
    pub(crate) fn token(
        &self,
        out: &mut Vec<u8>,
        index: usize,
        choice: &Choice,
        at: u64,
        with_role: bool,
    ) {
        let role = if with_role { "\"role\":\"assistant\"," } else { "" };
        match &choice.said {
            Said::Counted(tokens) if at < *tokens => {
                let counted = self.logprobs.map(|_| format!("t{at} "));
                self.chunk(out, index, counted.as_deref(), None, |out| {
                    // Writing to memory cannot fail.
                    let _infallible = write!(out, "{role}\"content\":\"t{at} \"");
                });
            }
            Said::Counted(_) => {}
            Said::Pieces(pieces) => {
                let Some(piece) = pieces.get(at as usize) else { return };
                let text = if let Piece::Text(text) = piece { Some(text.as_str()) } else { None };
                self.chunk(out, index, text, None, |out| {
                    put(out, role);
                    put_piece(out, piece);
                });
            }
        }
    }

    /// A delta of `bytes` times `x`, on one line.
    pub(crate) fn huge(&self, out: &mut Vec<u8>, bytes: usize) {
        self.chunk(out, 0, None, None, |out| {
            put(out, "\"content\":\"");
            out.resize(out.len() + bytes, b'x');
            out.push(b'"');
        });
    }

    /// The last chunk of a choice.
    pub(crate) fn finish(&self, out: &mut Vec<u8>, choice: usize, finish: Finish) {
        self.chunk(out, choice, None, Some(finish), |_empty| {});
    }

    /// What follows the choices of a complete stream.
    pub(crate) fn end(&self, out: &mut Vec<u8>, answer: &Answer) {
        if self.include_usage {
            out.extend_from_slice(&self.head);
            put(out, &format!("],\"usage\":{}{}}}\n\n", answer.usage(), self.extra_top));
        }
        out.extend_from_slice(sse::DONE);
    }

    /// A frame that breaks off within its JSON.
    pub(crate) fn malformed(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.head);
        put(out, "{\"index\":0,\"delta\":{\"content\":\"brok\n\n");
    }

    /// An error in the place of a chunk.
    pub(crate) fn error(&self, out: &mut Vec<u8>, error: &ApiError) {
        sse::write_data(out, &error.body.to_json());
    }

    fn chunk(
        &self,
        out: &mut Vec<u8>,
        choice: usize,
        text: Option<&str>,
        finish: Option<Finish>,
        delta: impl FnOnce(&mut Vec<u8>),
    ) {
        out.extend_from_slice(&self.head);
        // Writing to memory cannot fail.
        let _infallible = write!(out, "{{\"index\":{choice},\"delta\":{{");
        let before = out.len();
        delta(out);
        if !self.extra_delta.is_empty() {
            if out.len() > before {
                out.push(b',');
            }
            put(out, &self.extra_delta);
        }
        put(out, "},\"logprobs\":");
        match (self.logprobs, text) {
            (Some(alternatives), Some(token)) => {
                put(out, "{\"content\":[");
                put_logprob(out, token, alternatives);
                put(out, "],\"refusal\":null}");
            }
            _ => put(out, "null"),
        }
        match finish {
            None => put(out, ",\"finish_reason\":null"),
            Some(finish) => put(out, &format!(",\"finish_reason\":\"{}\"", finish.as_str())),
        }
        put(out, &self.extra_choice);
        out.push(b'}');
        out.extend_from_slice(&self.tail);
    }
}

fn put_piece(out: &mut Vec<u8>, piece: &Piece) {
    match piece {
        Piece::Text(text) => {
            put(out, "\"content\":");
            put_string(out, text);
        }
        Piece::Reasoning(text) => {
            put(out, "\"reasoning_content\":");
            put_string(out, text);
        }
        Piece::CallStart { call, id, name } => {
            put(out, &format!("\"tool_calls\":[{{\"index\":{call},\"id\":\"{id}\","));
            put(out, "\"type\":\"function\",\"function\":{\"name\":");
            put_string(out, name);
            put(out, ",\"arguments\":\"\"}}]");
        }
        Piece::CallArguments { call, json } => {
            put(out, &format!("\"tool_calls\":[{{\"index\":{call},\"function\":{{\"arguments\":"));
            put_string(out, json);
            put(out, "}}]");
        }
    }
}

/// One token with its probability and `alternatives`, the token itself the first of them.
pub(crate) fn put_logprob(out: &mut Vec<u8>, token: &str, alternatives: u64) {
    let one = |out: &mut Vec<u8>, token: &str, logprob: f64| {
        put(out, "{\"token\":");
        put_string(out, token);
        put(out, &format!(",\"logprob\":{logprob:.2},\"bytes\":{:?}", token.as_bytes()));
    };
    one(out, token, -0.01);
    put(out, ",\"top_logprobs\":[");
    for rank in 0..alternatives {
        if rank == 0 {
            one(out, token, -0.01);
        } else {
            out.push(b',');
            one(out, &format!("other{rank} "), -4.0 - rank as f64);
        }
        out.push(b'}');
    }
    put(out, "]}");
}

/// With a comma before it, unless it is nothing.
pub(crate) fn after_comma(members: Option<String>) -> String {
    members.filter(|members| !members.is_empty()).map_or_else(String::new, |m| format!(",{m}"))
}

pub(crate) fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

/// A text as a JSON string.
pub(crate) fn put_string(out: &mut Vec<u8>, text: &str) {
    // Writing a string to memory cannot fail.
    let _infallible = serde_json::to_writer(&mut *out, text);
}
