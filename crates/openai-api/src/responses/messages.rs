//! Items as the messages of a chat.

use super::json::Writer;
use super::parts;
use super::reading::{Object, shown};
use crate::InvalidRequest;
use crate::request::MAX_MESSAGES;

/// What items can be.
const KINDS: &[&str] = &["message", "function_call", "function_call_output", "reasoning"];
const ROLES: &[&str] = &["user", "assistant", "system", "developer"];

/// Messages, put together one item at a time.
///
/// Where a response has an item for each thing the model did, a chat has one message for all that
/// it did at a time: what it said and the functions it called.
#[derive(Debug, Default)]
pub(super) struct Messages {
    json: String,
    count: usize,
    turn: Option<Turn>,
}

/// What the model did, until somebody else does something.
#[derive(Debug, Default)]
struct Turn {
    content: Option<String>,
    calls: String,
}

impl Messages {
    /// Adds what `text`, the JSON of a string, says in the name of `role`.
    pub(super) fn say(&mut self, role: &str, text: &str) {
        self.end_turn();
        self.push(&format!("{{\"role\":\"{role}\",\"content\":{text}}}"));
    }

    /// Adds an item.
    pub(super) fn item(&mut self, item: &Object<'_>) -> Result<(), InvalidRequest> {
        match kind(item)? {
            "function_call" => self.call(item),
            "function_call_output" => self.output(item),
            // Thoughts are the model's own; chat completions have no place for them.
            "reasoning" => Ok(()),
            _message => self.message(item),
        }
    }

    fn message(&mut self, item: &Object<'_>) -> Result<(), InvalidRequest> {
        let role = item.word("role", ROLES)?;
        let role = role.ok_or_else(|| InvalidRequest::missing(&item.path_of("role")))?;
        let content = parts::content(item, "content")?;
        match role {
            "assistant" => {
                if self.turn.as_ref().is_some_and(|turn| turn.content.is_some()) {
                    self.end_turn();
                }
                self.turn.get_or_insert_default().content = Some(content);
            }
            // Templates of open models know no developers, and to the others it is the same.
            "developer" => self.say("system", &content),
            role => self.say(role, &content),
        }
        Ok(())
    }

    fn call(&mut self, item: &Object<'_>) -> Result<(), InvalidRequest> {
        let id = item.required_text("call_id")?;
        let name = item.required_text("name")?;
        let arguments = item.required_text("arguments")?;
        let calls = &mut self.turn.get_or_insert_default().calls;
        if !calls.is_empty() {
            calls.push(',');
        }
        calls.push_str(&format!(
            "{{\"id\":{id},\"type\":\"function\",\
             \"function\":{{\"name\":{name},\"arguments\":{arguments}}}}}"
        ));
        Ok(())
    }

    fn output(&mut self, item: &Object<'_>) -> Result<(), InvalidRequest> {
        let id = item.required_text("call_id")?;
        let output = parts::content(item, "output")?;
        self.end_turn();
        self.push(&format!("{{\"role\":\"tool\",\"tool_call_id\":{id},\"content\":{output}}}"));
        Ok(())
    }

    fn end_turn(&mut self) {
        let Some(turn) = self.turn.take() else { return };
        let mut message = Writer::default();
        message.member("role", "\"assistant\"");
        message.member("content", turn.content.as_deref().unwrap_or("null"));
        if !turn.calls.is_empty() {
            message.member("tool_calls", &format!("[{}]", turn.calls));
        }
        self.push(&message.object());
    }

    fn push(&mut self, message: &str) {
        if self.count > 0 {
            self.json.push(',');
        }
        self.json.push_str(message);
        self.count += 1;
    }

    /// The messages, without the brackets around them, and how many they are.
    pub(super) fn finish(mut self) -> (String, usize) {
        self.end_turn();
        (self.json, self.count)
    }
}

/// What an item is. Only messages may leave it out.
pub(super) fn kind(item: &Object<'_>) -> Result<&'static str, InvalidRequest> {
    let path = item.path_of("type");
    let Some(said) = item.string("type")? else {
        let is_reference = item.raw("role").is_none() && item.raw("id").is_some();
        return if is_reference { Err(no_references(path)) } else { Ok("message") };
    };
    match KINDS.iter().find(|kind| **kind == said) {
        Some(kind) => Ok(kind),
        None if said == "item_reference" => Err(no_references(path)),
        None => {
            let kinds = KINDS.join("', '");
            let said = shown(&said);
            let message =
                format!("Items of type '{said}' are not supported. Supported are: '{kinds}'.");
            Err(InvalidRequest::unsupported_value(path, message))
        }
    }
}

fn no_references(param: String) -> InvalidRequest {
    let message = "References to items ('item_reference') are not supported: give the item itself, \
                   or go on from a response with 'previous_response_id'.";
    InvalidRequest::unsupported_value(param, message)
}

/// Refuses more messages than a chat may have.
pub(super) fn check_count(param: &str, count: usize) -> Result<(), InvalidRequest> {
    if count <= MAX_MESSAGES {
        return Ok(());
    }
    let message = format!("Invalid '{param}': {count} items. At most {MAX_MESSAGES} are accepted.");
    Err(InvalidRequest::at(param, "array_above_max_length", message))
}
