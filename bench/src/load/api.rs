//! The APIs that are asked: what a request and the pieces of an answer look like in each.

use bytes::Bytes;
use clap::ValueEnum;
use openai_api::sse;
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::numbered::Numbered;

const SYSTEM: &str =
    "You are a careful assistant. Answer briefly and in plain words, and say when you do not know.";
const QUESTION: &str = "Tell me in a few sentences what a durable queue in front of a language model is good for, and what it costs in latency.";

/// An API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Api {
    /// Chat completions.
    Chat,
    /// Responses, which are stored.
    Responses,
}

impl Api {
    /// Where OpenAI has it.
    pub fn path(self) -> &'static str {
        match self {
            Self::Chat => "/v1/chat/completions",
            Self::Responses => "/v1/responses",
        }
    }

    /// What is asked: the size of an ordinary small request, the same words in each API.
    pub fn request(self, model: &str, streaming: bool) -> Value {
        let mut request = match self {
            Self::Chat => json!({
                "model": model,
                "messages": [
                    {"role": "system", "content": SYSTEM},
                    {"role": "user", "content": QUESTION},
                ],
                "temperature": 0.7,
                "max_tokens": 256,
            }),
            Self::Responses => json!({
                "model": model,
                "instructions": SYSTEM,
                "input": QUESTION,
                "temperature": 0.7,
                "max_output_tokens": 256,
            }),
        };
        if streaming {
            request["stream"] = true.into();
            if self == Self::Chat {
                request["stream_options"] = json!({"include_usage": true});
            }
        }
        request
    }

    /// The words of an answer that came whole.
    pub(super) fn words(self, body: &Bytes) -> Result<String, String> {
        match self {
            Self::Chat => {
                let whole: Whole = read(body)?;
                let words = whole.choices.into_iter().find_map(|choice| choice.message.content);
                Ok(words.unwrap_or_default())
            }
            Self::Responses => words_of_response(body),
        }
    }

    /// A reader of the events of one answer.
    pub(super) fn events(self) -> Events {
        match self {
            Self::Chat => Events::Chunks,
            Self::Responses => Events::Numbered(Numbered::behind(None)),
        }
    }
}

/// The words of a response that has completed.
///
/// # Errors
///
/// When it has not, or is none.
pub fn words_of_response(body: &Bytes) -> Result<String, String> {
    let response: Response = read(body)?;
    if response.status != "completed" {
        return Err(format!("a response is `{}`", response.status));
    }
    let parts = response.output.into_iter().flat_map(|item| item.content);
    Ok(parts.map(|part| part.text).collect())
}

/// One event of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    /// Words of the answer.
    Words(String),
    /// Something else.
    Other,
    /// The end of a whole answer.
    End,
}

/// Reads events one after the other.
#[derive(Debug)]
pub(super) enum Events {
    /// Chunks, then `[DONE]`.
    Chunks,
    /// Events of a response.
    Numbered(Numbered),
}

impl Events {
    /// The next event, or what is wrong with it.
    pub(super) fn read(&mut self, event: &[u8]) -> Result<Piece, String> {
        match self {
            Self::Chunks => chunk(event),
            Self::Numbered(numbered) => numbered.read(event),
        }
    }
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

#[derive(Deserialize)]
struct Response {
    status: String,
    output: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    content: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: String,
}

fn chunk(event: &[u8]) -> Result<Piece, String> {
    if event == sse::DONE_DATA {
        return Ok(Piece::End);
    }
    let chunk: Chunk = read(event)?;
    if chunk.error.is_some() {
        return Err(String::from_utf8_lossy(event).into_owned());
    }
    let words = chunk.choices.into_iter().find_map(|choice| choice.message.content);
    Ok(words.filter(|words| !words.is_empty()).map_or(Piece::Other, Piece::Words))
}

pub(super) fn read<'bytes, T: Deserialize<'bytes>>(bytes: &'bytes [u8]) -> Result<T, String> {
    serde_json::from_slice(bytes).map_err(|error| format!("an answer cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_has_words_when_it_is_completed_and_not_before() {
        let body = |status: &str| {
            let output = json!([
                {"type": "reasoning", "summary": []},
                {"type": "message", "content": [{"type": "output_text", "text": "t0 t1 "}]},
            ]);
            Bytes::from(json!({"status": status, "output": output}).to_string())
        };

        assert_eq!(Api::Responses.words(&body("completed")), Ok("t0 t1 ".to_owned()));
        assert!(Api::Responses.words(&body("incomplete")).unwrap_err().contains("incomplete"));
    }

    #[test]
    fn a_chunk_is_words_or_an_error_or_the_end() {
        let words = br#"{"choices":[{"delta":{"content":"t0 "}}]}"#;
        assert_eq!(chunk(words), Ok(Piece::Words("t0 ".to_owned())));
        assert_eq!(chunk(br#"{"choices":[],"usage":{}}"#), Ok(Piece::Other));
        assert_eq!(chunk(sse::DONE_DATA), Ok(Piece::End));
        assert!(chunk(br#"{"error":{"message":"no more"}}"#).unwrap_err().contains("no more"));
    }
}
