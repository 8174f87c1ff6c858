//! A chat completion that came whole, in the form of a streamed one, and back.

use serde_json::value::RawValue;

use crate::object::Members;

/// The one chunk that says what a whole chat completion says; `None` when it is none.
pub fn as_chunk(completion: &[u8]) -> Option<Vec<u8>> {
    let members = Members::parse(completion).ok()?;
    let choices: Vec<&RawValue> = serde_json::from_str(members.get("choices")?).ok()?;
    if choices.is_empty() {
        return None;
    }
    let choices: Option<Vec<String>> =
        choices.iter().enumerate().map(|(index, choice)| as_delta(index, choice.get())).collect();
    let choices = format!("[{}]", choices?.join(","));
    Some(members.with(&[("object", "\"chat.completion.chunk\""), ("choices", &choices)]))
}

/// The whole chat completion that [`as_chunk`] made this chunk of; `None` when it is no such chunk.
pub fn of_chunk(chunk: &[u8]) -> Option<Vec<u8>> {
    let members = Members::parse(chunk).ok()?;
    let choices: Vec<&RawValue> = serde_json::from_str(members.get("choices")?).ok()?;
    if choices.is_empty() {
        return None;
    }
    let choices: Option<Vec<String>> =
        choices.iter().map(|choice| as_message(choice.get())).collect();
    let choices = format!("[{}]", choices?.join(","));
    Some(members.with(&[("object", "\"chat.completion\""), ("choices", &choices)]))
}

/// A choice whose one piece is its message.
fn as_message(choice: &str) -> Option<String> {
    let choice = Members::parse(choice.as_bytes()).ok()?;
    let delta = Members::parse(choice.get("delta")?.as_bytes()).ok()?;
    let calls = match delta.get("tool_calls") {
        Some(calls) if calls.starts_with('[') => Some(unnumbered(calls)?),
        _ => None,
    };
    let calls = calls.as_deref().map(|calls| ("tool_calls", calls));
    let message = String::from_utf8(delta.with(calls.as_slice())).ok()?;
    let index = choice.get("index").unwrap_or("0");
    let logprobs = choice.get("logprobs").unwrap_or("null");
    let finish_reason = choice.get("finish_reason").unwrap_or("null");
    Some(format!(
        r#"{{"index":{index},"message":{message},"logprobs":{logprobs},"finish_reason":{finish_reason}}}"#
    ))
}

/// Tool calls without the number that each piece of a streamed one has.
fn unnumbered(calls: &str) -> Option<String> {
    let calls: Vec<&RawValue> = serde_json::from_str(calls).ok()?;
    let mut unnumbered = Vec::with_capacity(calls.len());
    for call in calls {
        let call = Members::parse(call.get().as_bytes()).ok()?;
        unnumbered.push(String::from_utf8(call.without("index")).ok()?);
    }
    Some(format!("[{}]", unnumbered.join(",")))
}

/// A choice whose message is said in one piece.
fn as_delta(index: usize, choice: &str) -> Option<String> {
    let choice = Members::parse(choice.as_bytes()).ok()?;
    let message = Members::parse(choice.get("message")?.as_bytes()).ok()?;
    let calls = match message.get("tool_calls") {
        Some(calls) if calls.starts_with('[') => Some(numbered(calls)?),
        _ => None,
    };
    let calls = calls.as_deref().map(|calls| ("tool_calls", calls));
    let delta = String::from_utf8(message.with(calls.as_slice())).ok()?;
    let own_index = index.to_string();
    let index = choice.get("index").unwrap_or(&own_index);
    let logprobs = choice.get("logprobs").unwrap_or("null");
    let finish_reason = choice.get("finish_reason").unwrap_or("null");
    Some(format!(
        r#"{{"index":{index},"delta":{delta},"logprobs":{logprobs},"finish_reason":{finish_reason}}}"#
    ))
}

/// Tool calls with the number that each piece of a streamed one has.
fn numbered(calls: &str) -> Option<String> {
    let calls: Vec<&RawValue> = serde_json::from_str(calls).ok()?;
    let mut numbered = Vec::with_capacity(calls.len());
    for (index, call) in calls.iter().enumerate() {
        let call = Members::parse(call.get().as_bytes()).ok()?;
        numbered.push(String::from_utf8(call.with(&[("index", &index.to_string())])).ok()?);
    }
    Some(format!("[{}]", numbered.join(",")))
}

#[cfg(test)]
mod tests {
    use super::*;

    use serde_json::{Value, json};

    fn chunk(completion: &Value) -> Option<Value> {
        let chunk = as_chunk(completion.to_string().as_bytes())?;
        Some(serde_json::from_slice(&chunk).unwrap())
    }

    #[test]
    fn a_whole_answer_is_said_in_one_chunk() {
        let message = json!({
            "role": "assistant",
            "content": "hi",
            "refusal": null,
            "reasoning_content": "hm",
            "tool_calls": [
                {"id": "a", "type": "function", "function": {"name": "f", "arguments": "{}"}},
                {"id": "b", "type": "function", "function": {"name": "g", "arguments": "{}"}},
            ],
        });
        let completion = json!({
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 5,
            "model": "m",
            "choices": [{"index": 0, "message": message, "finish_reason": "tool_calls"}],
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        });

        let chunk = chunk(&completion).unwrap();

        let mut expected = completion.clone();
        let mut delta = message;
        delta["tool_calls"][0]["index"] = json!(0);
        delta["tool_calls"][1]["index"] = json!(1);
        expected["object"] = json!("chat.completion.chunk");
        expected["choices"] = json!([
            {"index": 0, "delta": delta, "logprobs": null, "finish_reason": "tool_calls"}
        ]);
        assert_eq!(chunk, expected);
        let mut back: Value =
            serde_json::from_slice(&of_chunk(chunk.to_string().as_bytes()).unwrap()).unwrap();
        assert_eq!(back["choices"][0]["logprobs"].take(), Value::Null);
        back["choices"][0].as_object_mut().unwrap().remove("logprobs");
        assert_eq!(back, completion, "and back");
    }

    #[test]
    fn numbers_keep_their_spelling() {
        let completion = br#"{"choices":[{"message":{"content":"a","new":1.50}}],"more":1e3}"#;

        let chunk = String::from_utf8(as_chunk(completion).unwrap()).unwrap();

        assert!(chunk.contains(r#""new":1.50"#) && chunk.contains(r#""more":1e3"#), "{chunk}");
        assert!(chunk.contains(r#""index":0"#) && chunk.contains(r#""finish_reason":null"#));
        let back = String::from_utf8(of_chunk(chunk.as_bytes()).unwrap()).unwrap();
        assert!(back.contains(r#""new":1.50"#) && back.contains(r#""more":1e3"#), "{back}");
    }

    #[test]
    fn what_is_no_chat_completion_is_none() {
        for other in [
            json!({}),
            json!([]),
            json!({"choices": []}),
            json!({"choices": [{"index": 0}]}),
            json!({"choices": [{"message": "hi"}]}),
            json!({"choices": [{"message": {"tool_calls": [1]}}]}),
            json!({"object": "list", "data": []}),
        ] {
            assert_eq!(chunk(&other), None, "{other}");
        }
        for other in [
            json!({}),
            json!({"choices": []}),
            json!({"choices": [{"index": 0}]}),
            json!({"choices": [{"delta": "hi"}]}),
            json!({"choices": [{"delta": {"tool_calls": [1]}}]}),
        ] {
            assert_eq!(of_chunk(other.to_string().as_bytes()), None, "{other}");
        }
    }
}
