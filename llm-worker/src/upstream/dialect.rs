//! The OpenAI dialect: what is changed on the way to a model and back, and nothing else.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use contract::Continues;
use openai_api::object::Members;
use openai_api::sse::DONE_DATA;
use serde::Deserialize;

use crate::completion::Ask;

/// The request as the upstream gets it: the caller's bytes, with the upstream's name for the model
/// and, where there is one, the beginning of the answer.
pub(super) fn request(
    ask: &Ask<'_>,
    name_json: Option<&str>,
    continues: Option<Continues>,
) -> Bytes {
    let behind = ask.behind.zip(continues);
    if name_json.is_none() && behind.is_none() {
        return ask.body.clone();
    }
    // The gateway has checked that it is an object.
    let Ok(members) = Members::parse(&ask.body) else { return ask.body.clone() };
    let mut changed: Vec<(&str, &str)> =
        name_json.map(|name| ("model", name)).into_iter().collect();
    let messages = behind.and_then(|(text, way)| continued(members.get("messages")?, text, way));
    if let Some(messages) = &messages {
        changed.push(("messages", messages));
        if let Some((_, Continues::ContinueFinalMessage)) = behind {
            changed
                .extend([("continue_final_message", "true"), ("add_generation_prompt", "false")]);
        }
    }
    members.with(&changed).into()
}

/// The messages, and behind them the beginning of the answer.
fn continued(messages: &str, text: &str, way: Continues) -> Option<String> {
    let before = messages.trim_end().strip_suffix(']')?.trim_end();
    let comma = if before.ends_with('[') { "" } else { "," };
    let prefix = if way == Continues::Prefix { ",\"prefix\":true" } else { "" };
    let text = serde_json::Value::from(text);
    Some(format!("{before}{comma}{{\"role\":\"assistant\",\"content\":{text}{prefix}}}]"))
}

/// One event of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A chunk, with our identity.
    Chunk(Bytes),
    /// `[DONE]`.
    Done,
    /// The model says that it failed.
    Error(Bytes),
    /// No JSON object.
    Garbled,
}

/// Gives an answer our identity: the same `id`, `model` and `created` in every chunk.
#[derive(Debug)]
pub(super) struct Identity {
    id: Option<String>,
    model: String,
    created: Option<String>,
}

/// What an answer says about itself.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Usage {
    #[serde(default)]
    pub(super) prompt_tokens: u64,
    #[serde(default)]
    pub(super) completion_tokens: u64,
}

/// What was learnt from a chunk in passing.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Learnt {
    pub(super) usage: Option<Usage>,
    /// Why the model stopped: one of [`FINISH_REASONS`].
    pub(super) finish_reason: Option<&'static str>,
}

/// The reasons that OpenAI's API knows. Any other text is reported as the last of them: what a
/// model writes does not belong into telemetry.
const FINISH_REASONS: &[&str] =
    &["stop", "length", "tool_calls", "content_filter", "function_call", "other"];

impl Identity {
    pub(super) fn of(ask: &Ask<'_>) -> Self {
        let chat = ask.operation == contract::Operation::ChatCompletions;
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self {
            id: chat.then(|| format!("\"{}\"", ask.job.as_chat_completion())),
            model: serde_json::Value::from(ask.model.as_str()).to_string(),
            created: chat.then(|| since_1970.as_secs().to_string()),
        }
    }

    /// Reads the data of one event.
    pub(super) fn event(&self, data: &[u8], learnt: &mut Learnt) -> Event {
        if data == DONE_DATA {
            return Event::Done;
        }
        let Ok(members) = Members::parse(data) else { return Event::Garbled };
        if is_error(&members) {
            return Event::Error(Bytes::copy_from_slice(data));
        }
        learnt.read(&members);
        Event::Chunk(self.put_into(&members))
    }

    /// Reads a whole answer; `None` when it is no JSON object.
    pub(super) fn whole(&self, body: &[u8], learnt: &mut Learnt) -> Option<Event> {
        let members = Members::parse(body).ok()?;
        if is_error(&members) {
            return Some(Event::Error(Bytes::copy_from_slice(body)));
        }
        learnt.read(&members);
        Some(Event::Chunk(self.put_into(&members)))
    }

    fn put_into(&self, members: &Members<'_>) -> Bytes {
        match (&self.id, &self.created) {
            (Some(id), Some(created)) => {
                members.with(&[("id", id), ("model", &self.model), ("created", created)])
            }
            // Embeddings have neither.
            _ => members.with(&[("model", &self.model)]),
        }
        .into()
    }
}

impl Learnt {
    fn read(&mut self, members: &Members<'_>) {
        if let Some(usage) = members.get("usage").filter(|json| json.starts_with('{')) {
            self.usage = serde_json::from_str(usage).ok();
        }
        let reason = members.get("choices").and_then(finish_reason);
        self.finish_reason = self.finish_reason.or(reason);
    }
}

fn is_error(members: &Members<'_>) -> bool {
    members.get("error").is_some_and(|json| !matches!(json, "null" | "false" | "\"\""))
}

/// The reason of a choice to finish: looked for instead of parsed, once per token. Within a text
/// the quotes of the key would be escaped.
fn finish_reason(choices: &str) -> Option<&'static str> {
    const KEY: &str = "\"finish_reason\"";
    choices.match_indices(KEY).find_map(|(at, _)| {
        let value = choices[at + KEY.len()..].trim_start().strip_prefix(':')?;
        let text = value.trim_start().strip_prefix('"')?;
        let known = FINISH_REASONS.iter().find(|reason| {
            text.strip_prefix(**reason).is_some_and(|behind| behind.starts_with('"'))
        });
        known.or(FINISH_REASONS.last()).copied()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{JobId, ModelName, Operation};

    fn ask<'a>(model: &'a ModelName, body: &'static str, operation: Operation) -> Ask<'a> {
        let body = Bytes::from_static(body.as_bytes());
        let job = JobId::from_bytes([1; 16]);
        Ask { job, operation, model, stream: true, whole_will_do: false, body, behind: None }
    }

    #[test]
    fn only_the_model_changes_on_the_way_there() {
        let model: ModelName = "public".parse().unwrap();
        let ask = ask(&model, r#"{"model":"public","x":1.50}"#, Operation::ChatCompletions);

        assert_eq!(request(&ask, None, None), ask.body);
        let renamed = request(&ask, Some("\"llama3:8b\""), None);
        assert_eq!(renamed.as_ref(), br#"{"model":"llama3:8b","x":1.50}"#);
    }

    #[test]
    fn the_beginning_of_an_answer_is_the_last_message_in_the_way_of_the_server() {
        let model: ModelName = "m".parse().unwrap();
        let body = r#"{"messages":[{"role":"user"} ] ,"x":1}"#;
        let ask =
            Ask { behind: Some("so \"far\""), ..ask(&model, body, Operation::ChatCompletions) };
        let messages = |more: &str| {
            format!(r#"[{{"role":"user"}},{{"role":"assistant","content":"so \"far\""{more}}}]"#)
        };
        for (way, expected) in [
            (None, body.to_owned()),
            (Some(Continues::LastMessage), format!(r#"{{"messages":{},"x":1}}"#, messages(""))),
            (
                Some(Continues::Prefix),
                format!(r#"{{"messages":{},"x":1}}"#, messages(r#","prefix":true"#)),
            ),
            (
                Some(Continues::ContinueFinalMessage),
                format!(
                    r#"{{"messages":{},"x":1,"continue_final_message":true,"add_generation_prompt":false}}"#,
                    messages("")
                ),
            ),
        ] {
            assert_eq!(request(&ask, None, way), expected, "{way:?}");
        }
    }

    #[test]
    fn a_chunk_gets_our_identity_and_keeps_the_rest() {
        let model: ModelName = "m".parse().unwrap();
        let identity = Identity::of(&ask(&model, "{}", Operation::ChatCompletions));
        let mut learnt = Learnt::default();
        let data = br#"{"id":"x","choices":[{"finish_reason": "stop"}],"new":{"a":[1]},"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;

        let Event::Chunk(chunk) = identity.event(data, &mut learnt) else { panic!("no chunk") };

        let json: serde_json::Value = serde_json::from_slice(&chunk).unwrap();
        assert_eq!(json["id"], "chatcmpl-01010101010101010101010101010101");
        assert_eq!((&json["model"], &json["new"]["a"][0]), (&"m".into(), &1.into()));
        assert!(json["created"].is_u64());
        assert_eq!(learnt.usage, Some(Usage { prompt_tokens: 3, completion_tokens: 4 }));
        assert_eq!(learnt.finish_reason, Some("stop"));
    }

    #[test]
    fn ends_errors_and_garbage_are_told_apart() {
        let model: ModelName = "m".parse().unwrap();
        let identity = Identity::of(&ask(&model, "{}", Operation::ChatCompletions));
        let mut learnt = Learnt::default();
        let mut read = |data: &'static str| identity.event(data.as_bytes(), &mut learnt);

        assert_eq!(read("[DONE]"), Event::Done);
        assert_eq!(read("{\"choi"), Event::Garbled);
        assert!(matches!(read(r#"{"error":{"message":"m"}}"#), Event::Error(_)));
        assert!(matches!(read(r#"{"error":null,"choices":[]}"#), Event::Chunk(_)));
    }

    #[test]
    fn a_finish_reason_is_seen_however_it_is_spelt_and_null_is_none() {
        for (choices, expected) in [
            (r#"[{"finish_reason" :  "length"}]"#, Some("length")),
            (r#"[{"finish_reason":null},{"finish_reason":"stop"}]"#, Some("stop")),
            (r#"[{"finish_reason":"stopped by a word of the prompt"}]"#, Some("other")),
            (r#"[{"finish_reason":null}]"#, None),
            (r#"[{"delta":{"content":"\"finish_reason\":\"stop\""}}]"#, None),
            ("[]", None),
        ] {
            assert_eq!(finish_reason(choices), expected, "{choices}");
        }
    }

    #[test]
    fn embeddings_get_the_models_name_and_nothing_new() {
        let model: ModelName = "m".parse().unwrap();
        let identity = Identity::of(&ask(&model, "{}", Operation::Embeddings));
        let body = br#"{"object":"list","model":"x","data":[0.10]}"#;

        let whole = identity.whole(body, &mut Learnt::default());

        let expected = br#"{"object":"list","model":"m","data":[0.10]}"#;
        assert_eq!(whole, Some(Event::Chunk(Bytes::from_static(expected))));
    }
}
