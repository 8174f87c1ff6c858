//! One item of an answer: what it is so far, and the events that tell how it grows.
//!
//! Texts are kept escaped, as they came: they go into events and into the response as they are.

use serde::de::IgnoredAny;

use super::event::Outlet;
use super::json::quoted;

/// What a part of an item says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice {
    Text,
    Refusal,
    Thought,
}

/// How far an item is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    InProgress,
    Completed,
    Incomplete,
}

impl State {
    fn as_str(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
        }
    }
}

/// One item.
#[derive(Debug)]
pub(super) struct Item {
    /// JSON.
    id: String,
    /// Its place among all items of the response.
    index: usize,
    /// The members of an event that say which item it is about.
    place: String,
    pub(super) state: State,
    pub(super) body: Body,
}

#[derive(Debug)]
pub(super) enum Body {
    Message(Vec<Part>),
    Reasoning(Vec<Part>),
    Call(Call),
}

/// A call of a function.
#[derive(Debug)]
pub(super) struct Call {
    /// Which of several, as the model counts.
    pub(super) index: Option<u64>,
    /// What the model calls it; empty when it does not.
    pub(super) given_id: String,
    pub(super) name: String,
    arguments: String,
    /// JSON of what the caller has to name in its answer.
    call_id: String,
}

#[derive(Debug)]
pub(super) struct Part {
    voice: Voice,
    place: String,
    text: String,
    logprobs: String,
}

impl Item {
    /// Begins to speak with `voice`.
    pub(super) fn speech(voice: Voice, seed: &str, index: usize, outlet: &mut Outlet<'_>) -> Self {
        let (prefix, body) = match voice {
            Voice::Thought => ("rs", Body::Reasoning(Vec::new())),
            Voice::Text | Voice::Refusal => ("msg", Body::Message(Vec::new())),
        };
        Self::begin(prefix, seed, index, body, outlet)
    }

    /// Begins to call a function.
    pub(super) fn call(
        number: Option<u64>,
        given_id: &str,
        name: &str,
        seed: &str,
        index: usize,
        outlet: &mut Outlet<'_>,
    ) -> Self {
        let call_id = match given_id {
            "" => quoted(&format!("call_{seed}_{index}")),
            given => format!("\"{given}\""),
        };
        let call = Call {
            index: number,
            given_id: given_id.to_owned(),
            name: name.to_owned(),
            arguments: String::new(),
            call_id,
        };
        Self::begin("fc", seed, index, Body::Call(call), outlet)
    }

    fn begin(prefix: &str, seed: &str, index: usize, body: Body, outlet: &mut Outlet<'_>) -> Self {
        let id = quoted(&format!("{prefix}_{seed}_{index}"));
        let place = format!("\"item_id\":{id},\"output_index\":{index}");
        let this = Self { id, index, place, state: State::InProgress, body };
        this.tell("response.output_item.added", outlet);
        this
    }

    /// Whether it can say more with `voice`.
    pub(super) fn speaks(&self, voice: Voice) -> bool {
        match self.body {
            Body::Message(_) => voice != Voice::Thought,
            Body::Reasoning(_) => voice == Voice::Thought,
            Body::Call(_) => false,
        }
    }

    /// Says more.
    pub(super) fn say(
        &mut self,
        voice: Voice,
        text: &str,
        logprobs: &str,
        outlet: &mut Outlet<'_>,
    ) {
        let (Body::Message(parts) | Body::Reasoning(parts)) = &mut self.body else { return };
        if parts.last().is_none_or(|part| part.voice != voice) {
            if let Some(part) = parts.last() {
                part.end(outlet);
            }
            let place = format!("{},\"content_index\":{}", self.place, parts.len());
            parts.push(Part::begin(voice, place, outlet));
        }
        if let Some(part) = parts.last_mut() {
            part.say(text, logprobs, outlet);
        }
    }

    /// Adds to the arguments of a call.
    pub(super) fn argue(&mut self, arguments: &str, outlet: &mut Outlet<'_>) {
        let Body::Call(call) = &mut self.body else { return };
        call.arguments.push_str(arguments);
        let members = [self.place.as_str(), ",\"delta\":\"", arguments, "\""];
        outlet.emit("response.function_call_arguments.delta", &members);
    }

    /// Says no more, if it was not closed before.
    pub(super) fn close(&mut self, state: State, outlet: &mut Outlet<'_>) {
        if self.state != State::InProgress {
            return;
        }
        self.state = state;
        match &self.body {
            Body::Message(parts) | Body::Reasoning(parts) => {
                if let Some(part) = parts.last() {
                    part.end(outlet);
                }
            }
            Body::Call(Call { name, arguments, .. }) => {
                let (place, between) = (self.place.as_str(), "\",\"arguments\":\"");
                let members = [place, ",\"name\":\"", name, between, arguments, "\""];
                outlet.emit("response.function_call_arguments.done", &members);
            }
        }
        self.tell("response.output_item.done", outlet);
    }

    fn tell(&self, name: &'static str, outlet: &mut Outlet<'_>) {
        let index = self.index.to_string();
        outlet.emit(name, &["\"output_index\":", &index, ",\"item\":", &self.json()]);
    }

    /// The item as it is now.
    pub(super) fn json(&self) -> String {
        let (id, status) = (&self.id, self.state.as_str());
        match &self.body {
            Body::Message(parts) => format!(
                "{{\"id\":{id},\"type\":\"message\",\"status\":\"{status}\",\
                 \"role\":\"assistant\",\"content\":[{}]}}",
                joined(parts)
            ),
            Body::Reasoning(parts) => format!(
                "{{\"id\":{id},\"type\":\"reasoning\",\"status\":\"{status}\",\
                 \"summary\":[],\"content\":[{}]}}",
                joined(parts)
            ),
            Body::Call(Call { call_id, name, arguments, .. }) => format!(
                "{{\"id\":{id},\"type\":\"function_call\",\"status\":\"{status}\",\
                 \"call_id\":{call_id},\"name\":\"{name}\",\"arguments\":\"{arguments}\"}}"
            ),
        }
    }
}

impl Call {
    /// Whether the arguments are whole, so that nothing can follow.
    pub(super) fn is_whole(&self) -> bool {
        let arguments = serde_json::from_str::<String>(&format!("\"{}\"", self.arguments));
        arguments.is_ok_and(|json| serde_json::from_str::<IgnoredAny>(&json).is_ok())
    }
}

impl Part {
    fn begin(voice: Voice, place: String, outlet: &mut Outlet<'_>) -> Self {
        let this = Self { voice, place, text: String::new(), logprobs: String::new() };
        outlet.emit("response.content_part.added", &[&this.place, ",\"part\":", &this.json()]);
        this
    }

    fn say(&mut self, text: &str, logprobs: &str, outlet: &mut Outlet<'_>) {
        self.text.push_str(text);
        let place = self.place.as_str();
        let name = match self.voice {
            Voice::Text => {
                if !self.logprobs.is_empty() && !logprobs.is_empty() {
                    self.logprobs.push(',');
                }
                self.logprobs.push_str(logprobs);
                let members = [place, ",\"delta\":\"", text, "\",\"logprobs\":[", logprobs, "]"];
                return outlet.emit("response.output_text.delta", &members);
            }
            Voice::Refusal => "response.refusal.delta",
            Voice::Thought => "response.reasoning_text.delta",
        };
        outlet.emit(name, &[place, ",\"delta\":\"", text, "\""]);
    }

    fn end(&self, outlet: &mut Outlet<'_>) {
        let (place, text) = (self.place.as_str(), self.text.as_str());
        match self.voice {
            Voice::Text => {
                let logprobs = self.logprobs.as_str();
                let members = [place, ",\"text\":\"", text, "\",\"logprobs\":[", logprobs, "]"];
                outlet.emit("response.output_text.done", &members);
            }
            Voice::Refusal => {
                outlet.emit("response.refusal.done", &[place, ",\"refusal\":\"", text, "\""]);
            }
            Voice::Thought => {
                outlet.emit("response.reasoning_text.done", &[place, ",\"text\":\"", text, "\""]);
            }
        }
        outlet.emit("response.content_part.done", &[place, ",\"part\":", &self.json()]);
    }

    fn json(&self) -> String {
        let Self { text, logprobs, .. } = self;
        match self.voice {
            Voice::Text => format!(
                "{{\"type\":\"output_text\",\"text\":\"{text}\",\"annotations\":[],\
                 \"logprobs\":[{logprobs}]}}"
            ),
            Voice::Refusal => format!("{{\"type\":\"refusal\",\"refusal\":\"{text}\"}}"),
            Voice::Thought => format!("{{\"type\":\"reasoning_text\",\"text\":\"{text}\"}}"),
        }
    }
}

fn joined(parts: &[Part]) -> String {
    parts.iter().map(Part::json).collect::<Vec<_>>().join(",")
}
