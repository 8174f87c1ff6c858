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
    let message = with_calls(choice.get("delta")?, unnumbered)?;
    Some(renamed(&choice, "delta", ("message", &message)))
}

/// A message whose tool calls, if there are any, were made anew.
fn with_calls(message: &str, calls: impl Fn(&str) -> Option<String>) -> Option<String> {
    let message = Members::parse(message.as_bytes()).ok()?;
    let made = match message.get("tool_calls") {
        Some(given) if given.starts_with('[') => Some(calls(given)?),
        _ => None,
    };
    let made = made.as_deref().map(|calls| ("tool_calls", calls));
    String::from_utf8(message.with(made.as_slice())).ok()
}

/// A choice, one of whose members gets another name and value.
fn renamed(choice: &Members<'_>, from: &str, (to, value): (&str, &str)) -> String {
    let members = choice.iter().filter(|(name, _)| *name != to);
    let members = members.map(|(name, json)| {
        let (name, json) = if name == from { (to, value) } else { (name, json) };
        format!("{}:{json}", serde_json::Value::from(name))
    });
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
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
    let delta = with_calls(choice.get("message")?, numbered)?;
    let choice = renamed(&choice, "message", ("delta", &delta));
    let choice = Members::parse(choice.as_bytes()).ok()?;
    let index = choice.get("index").map_or_else(|| index.to_string(), str::to_owned);
    String::from_utf8(choice.with(&[("index", &index)])).ok()
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
            {"index": 0, "delta": delta, "finish_reason": "tool_calls"}
        ]);
        assert_eq!(chunk, expected);
        let back: Value =
            serde_json::from_slice(&of_chunk(chunk.to_string().as_bytes()).unwrap()).unwrap();
        assert_eq!(back, completion, "and back");
    }

    #[test]
    fn every_member_of_a_choice_comes_back_as_it_was_and_where_it_was() {
        for choice in [
            r#"{"index":0,"message":{"content":"a"},"finish_reason":"stop","stop_reason":null}"#,
            r#"{"finish_reason":"stop","content_filter_results":{"hate":{"filtered":false}},"message":{"role":"assistant","content":null,"audio":{"x":1.50}},"index":1}"#,
            r#"{"index":0,"message":{"content":"a"},"logprobs":{"content":[]},"finish_reason":null}"#,
        ] {
            let completion = format!(r#"{{"object":"chat.completion","choices":[{choice}]}}"#);
            let chunk = as_chunk(completion.as_bytes()).unwrap();
            let back = String::from_utf8(of_chunk(&chunk).unwrap()).unwrap();
            assert_eq!(back, completion);
        }
    }

    #[test]
    fn numbers_keep_their_spelling() {
        let completion = br#"{"choices":[{"message":{"content":"a","new":1.50}}],"more":1e3}"#;

        let chunk = String::from_utf8(as_chunk(completion).unwrap()).unwrap();

        assert!(chunk.contains(r#""new":1.50"#) && chunk.contains(r#""more":1e3"#), "{chunk}");
        assert!(chunk.contains(r#""index":0"#), "a chunk needs one: {chunk}");
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
