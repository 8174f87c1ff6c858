//! `POST /v1/responses`: the request, read once.

use std::fmt;

use serde_json::value::RawValue;

use super::after::After;
use super::listing::Ids;
use super::messages::{Messages, check_count};
use super::options::Options;
use super::reading::Object;
use super::{chat, listing};
use crate::InvalidRequest;
use crate::request::parse;

/// A request that has been checked.
pub struct CreateResponse {
    model: String,
    stream: bool,
    background: bool,
    service_tier: Option<&'static str>,
    store: bool,
    previous_response_id: Option<String>,
    conversation: Option<String>,
    after: After,
    /// The JSON of a string.
    instructions: Option<String>,
    /// As it came: a string or an array.
    input: Option<String>,
    /// The input as messages of a chat, without brackets, and how many they are.
    messages: (String, usize),
    /// The other members of the chat completion.
    members: String,
}

/// Says nothing of what was asked.
impl fmt::Debug for CreateResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CreateResponse").field("model", &self.model).finish_non_exhaustive()
    }
}

impl CreateResponse {
    /// Reads and checks the body of a request.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with the member at fault.
    pub fn parse(body: &[u8]) -> Result<Self, InvalidRequest> {
        let request = Object::root(parse(body)?);
        let options = Options::read(&request)?;
        let members = chat::members(&options, &request);
        let input = request.raw("input");
        let goes_on = options.previous_response_id.is_some() || options.conversation.is_some();
        let messages = match input {
            None if goes_on => (String::new(), 0),
            None => return Err(InvalidRequest::missing("input")),
            Some(_) => messages_of(&request)?,
        };
        if messages.1 == 0 && !goes_on {
            let message = "Invalid 'input': there is no message in it. Expected at least one.";
            return Err(InvalidRequest::at("input", "empty_array", message));
        }
        Ok(Self {
            stream: options.stream,
            background: options.background,
            service_tier: options.service_tier,
            store: options.store,
            instructions: options.instructions.map(str::to_owned),
            input: input.map(str::to_owned),
            messages,
            members,
            previous_response_id: options.previous_response_id,
            conversation: options.conversation,
            after: options.after,
            model: options.model,
        })
    }

    /// The model the caller names.
    pub fn model(&self) -> &str {
        &self.model
    }

    /// Whether the answer comes in pieces.
    pub fn stream(&self) -> bool {
        self.stream
    }

    /// Whether the caller does not wait for the answer.
    pub fn background(&self) -> bool {
        self.background
    }

    /// How urgent it is, if that is said: `auto`, `default`, `flex` or `priority`.
    pub fn service_tier(&self) -> Option<&'static str> {
        self.service_tier
    }

    /// Whether the response can be asked for later.
    pub fn store(&self) -> bool {
        self.store
    }

    /// The response that this one goes on from.
    pub fn previous_response_id(&self) -> Option<&str> {
        self.previous_response_id.as_deref()
    }

    /// The conversation that this is a turn of.
    pub fn conversation(&self) -> Option<&str> {
        self.conversation.as_deref()
    }

    /// Where in that conversation.
    pub fn after(&self) -> &After {
        &self.after
    }

    /// The chat completion that is asked of a model, always as a stream that says what it cost.
    ///
    /// `context` is a JSON array of items that stand before the input: what earlier turns asked and
    /// answered.
    ///
    /// # Errors
    ///
    /// When the context is none, or together with the input too much.
    pub fn chat_body(&self, context: &str) -> Result<Vec<u8>, InvalidRequest> {
        let param =
            if self.conversation.is_some() { "conversation" } else { "previous_response_id" };
        let before: Vec<&RawValue> = serde_json::from_str(context)
            .map_err(|_| InvalidRequest::wrong_type(param, "an array of items", context))?;
        let mut messages = Messages::default();
        if let Some(instructions) = &self.instructions {
            messages.say("system", instructions);
        }
        for (at, item) in before.iter().enumerate() {
            messages.item(&Object::read(item.get(), &format!("{param}[{at}]"))?)?;
        }
        let (first, first_count) = messages.finish();
        let (last, last_count) = &self.messages;
        check_count("input", first_count + last_count)?;
        if first_count + last_count == 0 {
            return Err(InvalidRequest::missing("input"));
        }
        let comma = if first_count > 0 && *last_count > 0 { "," } else { "" };
        let members = &self.members;
        Ok(format!("{{{members},\"messages\":[{first}{comma}{last}]}}").into_bytes())
    }

    /// The input as items, a JSON array on one line. What has no id gets one from `seed`, which
    /// names the job.
    pub fn input_items(&self, seed: &str) -> String {
        listing::items(self.input.as_deref(), seed, Ids::Kept)
    }
}

fn messages_of(request: &Object<'_>) -> Result<(String, usize), InvalidRequest> {
    const PARAM: &str = "input";
    let mut messages = Messages::default();
    match request.raw(PARAM) {
        Some(text) if text.starts_with('"') => messages.say("user", text),
        Some(array) if array.starts_with('[') => {
            let items = request.array(PARAM)?.unwrap_or_default();
            for (at, item) in items.iter().enumerate() {
                messages.item(&Object::read(item.get(), &format!("{PARAM}[{at}]"))?)?;
            }
        }
        other => {
            let json = other.unwrap_or("null");
            return Err(InvalidRequest::wrong_type(PARAM, "a string or an array of items", json));
        }
    }
    Ok(messages.finish())
}
