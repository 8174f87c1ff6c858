//! A chat request as the simulator sees it: what it needs of it, read once, checked.

mod members;
mod message;
mod tools;

use axum::http::HeaderMap;
use openai_api::RequestHead;
use serde::Deserialize;

use crate::directives::Directives;
use crate::error::ApiError;
use crate::tokens;

pub(crate) use members::Body;
pub(crate) use message::{Image, Message, Role};
pub(crate) use tools::{ResponseFormat, Tool, ToolChoice};

/// Largest limit of output tokens that makes sense.
const MOST_OUTPUT_TOKENS: u64 = u32::MAX as u64;
/// Most choices of one request.
const MOST_CHOICES: u64 = 128;
/// Tokens that a message costs beside its text.
const TOKENS_PER_MESSAGE: u64 = 4;
/// Tokens that an image costs.
const TOKENS_PER_IMAGE: u64 = 85;

/// A request that has been checked.
#[derive(Debug)]
pub(crate) struct ChatRequest {
    pub(crate) model: String,
    pub(crate) stream: bool,
    pub(crate) include_usage: bool,
    pub(crate) messages: Vec<Message>,
    /// What the last message has said already, when the answer is to go on from there.
    pub(crate) prefix: Option<String>,
    pub(crate) choices: u64,
    pub(crate) stop: Vec<String>,
    pub(crate) max_tokens: Option<u64>,
    /// How many alternatives to name for each token, when probabilities are wanted at all.
    pub(crate) logprobs: Option<u64>,
    pub(crate) seed: Option<i64>,
    pub(crate) tools: Vec<Tool>,
    pub(crate) tool_choice: ToolChoice,
    pub(crate) response_format: ResponseFormat,
    pub(crate) directives: Directives,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Stop {
    One(String),
    Several(Vec<String>),
}

#[derive(Default, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

impl ChatRequest {
    pub(crate) fn read(body: &[u8], headers: &HeaderMap) -> Result<Self, ApiError> {
        let head = RequestHead::of_chat(body)?;
        let body = Body::parse(body)?;
        let mut messages = Message::all(&body)?;
        let prefix = take_prefix(&body, &mut messages)?;
        let prompt = messages.iter_mut().rev().find(|message| message.role == Role::User);
        let directives = Directives::of(
            &head.model,
            headers,
            body.raw("simulator"),
            prompt.map(|message| &mut message.text),
        )?;

        let stop = body.member::<Stop>("stop", "a string or an array of strings")?;
        let stream_options = body.member::<StreamOptions>("stream_options", "an object")?;
        for (name, range) in [("temperature", 0.0..=2.0), ("top_p", 0.0..=1.0)] {
            body.number(name, range)?;
        }
        for name in ["presence_penalty", "frequency_penalty"] {
            body.number(name, -2.0..=2.0)?;
        }
        let wanted = body.member::<bool>("logprobs", "a boolean")?.unwrap_or_default();
        let alternatives = body.whole("top_logprobs", 0..=20)?.unwrap_or_default();
        let max_tokens = match body.whole("max_completion_tokens", 1..=MOST_OUTPUT_TOKENS)? {
            Some(most) => Some(most),
            None => body.whole("max_tokens", 1..=MOST_OUTPUT_TOKENS)?,
        };
        Ok(Self {
            model: head.model,
            stream: head.stream,
            include_usage: stream_options.and_then(|o| o.include_usage).unwrap_or_default(),
            messages,
            prefix,
            choices: body.whole("n", 1..=MOST_CHOICES)?.unwrap_or(1),
            stop: match stop {
                None => Vec::new(),
                Some(Stop::One(one)) => vec![one],
                Some(Stop::Several(several)) => several,
            },
            max_tokens,
            logprobs: wanted.then_some(alternatives),
            seed: body.member("seed", "an integer")?,
            tools: Tool::all(&body)?,
            tool_choice: ToolChoice::read(&body)?,
            response_format: ResponseFormat::read(&body)?,
            directives,
        })
    }

    /// The last user message.
    pub(crate) fn prompt(&self) -> &str {
        self.users().last().map_or("", |message| message.text.as_str())
    }

    /// The messages of the user.
    pub(crate) fn users(&self) -> impl DoubleEndedIterator<Item = &Message> {
        self.messages.iter().filter(|message| message.role == Role::User)
    }

    /// How long the prompt is, in tokens.
    pub(crate) fn prompt_tokens(&self) -> u64 {
        let messages = self.messages.iter().map(|message| {
            let images = message.images.len() as u64 * TOKENS_PER_IMAGE;
            tokens::estimate(&message.text) + images + TOKENS_PER_MESSAGE
        });
        let prefix = self.prefix.as_deref().map_or(0, tokens::estimate);
        messages.sum::<u64>() + prefix
    }
}

/// Takes the last message off, if the answer is to continue it.
fn take_prefix(body: &Body<'_>, messages: &mut Vec<Message>) -> Result<Option<String>, ApiError> {
    let continued = body.member::<bool>("continue_final_message", "a boolean")?.unwrap_or_default();
    let last = messages.pop_if(|last| last.role == Role::Assistant && (last.prefix || continued));
    Ok(last.map(|message| message.text))
}
