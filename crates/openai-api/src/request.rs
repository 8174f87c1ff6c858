//! The few members of a request that Chappe reads; all others pass through unread.
//!
//! Limits: [`MAX_DEPTH`] and [`MAX_MESSAGES`].

use crate::object::{Elements, MOST_APART, Members};

/// Deepest nesting of arrays and objects accepted in a request.
pub const MAX_DEPTH: usize = 100;
/// Most messages accepted in one chat request.
pub const MAX_MESSAGES: usize = MOST_APART;

/// What decides where a request goes and how its answer travels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    /// The model the caller names.
    pub model: String,
    /// Whether the answer comes in pieces.
    pub stream: bool,
}

/// A request that cannot be served as it is, and the member at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidRequest {
    /// The member, such as `messages[3].role`; none when the whole body is wrong.
    pub param: Option<String>,
    /// For a program: `invalid_json`, `invalid_type`, `missing_required_parameter`, …
    pub code: &'static str,
    /// For a person.
    pub message: String,
}

impl std::fmt::Display for InvalidRequest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for InvalidRequest {}

impl InvalidRequest {
    pub(crate) fn at(
        param: impl Into<String>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Self {
        Self { param: Some(param.into()), code, message: message.into() }
    }

    pub(crate) fn missing(param: &str) -> Self {
        Self::at(
            param,
            "missing_required_parameter",
            format!("Missing required parameter: '{param}'."),
        )
    }

    pub(crate) fn half_a_character(param: &str) -> Self {
        let message = format!(
            "Invalid Unicode escape in '{param}': a surrogate (\\ud800 to \\udfff) without its other half."
        );
        Self::at(param, "invalid_unicode", message)
    }

    /// What is no object, or one that is too large.
    pub(crate) fn no_object(param: &str, json: &str, error: &serde_json::Error) -> Self {
        match type_of(json) {
            // Its JSON was parsed.
            "an object" => {
                let message = format!("Invalid '{param}': {error}.");
                Self::at(param, "object_above_max_properties", message)
            }
            _ => Self::wrong_type(param, "an object", json),
        }
    }

    pub(crate) fn wrong_type(param: impl Into<String>, expected: &str, json: &str) -> Self {
        let param = param.into();
        let message = format!(
            "Invalid type for '{param}': expected {expected}, but got {} instead.",
            type_of(json)
        );
        Self::at(param, "invalid_type", message)
    }
}

impl RequestHead {
    /// Checks a chat completion request: JSON, `model`, `stream`, and the shape of `messages`.
    /// What the messages say, and every other member, is for the model to judge.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with the member at fault.
    pub fn of_chat(body: &[u8]) -> Result<Self, InvalidRequest> {
        let members = parse(body)?;
        let head = Self::of(&members)?;
        let messages =
            members.get("messages").ok_or_else(|| InvalidRequest::missing("messages"))?;
        let Elements { first, count } = Elements::parse(messages)
            .map_err(|_| InvalidRequest::wrong_type("messages", "an array of objects", messages))?;
        if count == 0 {
            let message = "Invalid 'messages': empty array. Expected at least one message.";
            return Err(InvalidRequest::at("messages", "empty_array", message));
        }
        if count > MAX_MESSAGES {
            let message = format!(
                "Invalid 'messages': {count} messages. At most {MAX_MESSAGES} are accepted."
            );
            return Err(InvalidRequest::at("messages", "array_above_max_length", message));
        }
        for (index, message) in first.iter().enumerate() {
            check_message(index, message.get())?;
        }
        Ok(head)
    }

    /// Checks an embeddings request: JSON, `model`, and that there is an `input`.
    ///
    /// # Errors
    ///
    /// The first thing that is wrong, with the member at fault.
    pub fn of_embeddings(body: &[u8]) -> Result<Self, InvalidRequest> {
        let members = parse(body)?;
        let head = Self::of(&members)?;
        let input = members.get("input").ok_or_else(|| InvalidRequest::missing("input"))?;
        match type_of(input) {
            "a string" | "an array" => Ok(Self { stream: false, ..head }),
            _ => Err(InvalidRequest::wrong_type("input", "a string or an array", input)),
        }
    }

    fn of(members: &Members<'_>) -> Result<Self, InvalidRequest> {
        let model = members.get("model").ok_or_else(|| InvalidRequest::missing("model"))?;
        let model: String = serde_json::from_str(model).map_err(|_| match type_of(model) {
            // Its JSON was parsed: all that can be wrong within a string is half a character.
            "a string" => InvalidRequest::half_a_character("model"),
            _ => InvalidRequest::wrong_type("model", "a string", model),
        })?;
        let stream = match members.get("stream") {
            None | Some("null" | "false") => false,
            Some("true") => true,
            Some(other) => return Err(InvalidRequest::wrong_type("stream", "a boolean", other)),
        };
        Ok(Self { model, stream })
    }
}

fn check_message(index: usize, message: &str) -> Result<(), InvalidRequest> {
    let param = format!("messages[{index}]");
    let members = Members::parse(message.as_bytes())
        .map_err(|error| InvalidRequest::no_object(&param, message, &error))?;
    let role = format!("{param}.role");
    match members.get("role") {
        None => Err(InvalidRequest::missing(&role)),
        Some(json) if type_of(json) == "a string" => Ok(()),
        Some(json) => Err(InvalidRequest::wrong_type(role, "a string", json)),
    }
}

pub(crate) fn parse(body: &[u8]) -> Result<Members<'_>, InvalidRequest> {
    let whole = |code, message| InvalidRequest { param: None, code, message };
    if let Err(error) = std::str::from_utf8(body) {
        let at = error.valid_up_to();
        let message = format!("The request body is not valid UTF-8 (at byte {at}).");
        return Err(whole("invalid_utf8", message));
    }
    if depth(body) > MAX_DEPTH {
        let message = format!("The request body is nested deeper than {MAX_DEPTH} levels.");
        return Err(whole("nesting_too_deep", message));
    }
    Members::parse(body).map_err(|error| {
        let message = format!("We could not parse the JSON body of your request: {error}.");
        whole("invalid_json", message)
    })
}

/// Deepest nesting of brackets outside strings.
fn depth(json: &[u8]) -> usize {
    let (mut deepest, mut open, mut in_string, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'{' | b'[' if !in_string => {
                open += 1;
                deepest = deepest.max(open);
            }
            b'}' | b']' if !in_string => open = open.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

pub(crate) fn type_of(json: &str) -> &'static str {
    match json.trim_start().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "an array",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_names_its_member() {
        for (body, param, code) in [
            ("", None, "invalid_json"),
            ("{", None, "invalid_json"),
            ("[]", None, "invalid_json"),
            (r#"{"messages":[]}"#, Some("model"), "missing_required_parameter"),
            (r#"{"model":7,"messages":[]}"#, Some("model"), "invalid_type"),
            (r#"{"model":"m"}"#, Some("messages"), "missing_required_parameter"),
            (r#"{"model":"m","messages":"hi"}"#, Some("messages"), "invalid_type"),
            (r#"{"model":"m","messages":[]}"#, Some("messages"), "empty_array"),
            (r#"{"model":"m","messages":["hi"]}"#, Some("messages[0]"), "invalid_type"),
            (
                r#"{"model":"m","messages":[{}]}"#,
                Some("messages[0].role"),
                "missing_required_parameter",
            ),
            (r#"{"model":"m","messages":[{"role":1}]}"#, Some("messages[0].role"), "invalid_type"),
            (r#"{"model":"m","stream":"yes","messages":[]}"#, Some("stream"), "invalid_type"),
        ] {
            let error = RequestHead::of_chat(body.as_bytes()).unwrap_err();
            assert_eq!((error.param.as_deref(), error.code), (param, code), "{body}");
        }
    }

    #[test]
    fn bytes_that_are_no_text_and_depth_without_end_are_refused() {
        assert_eq!(RequestHead::of_chat(b"{\"model\":\"\xff\"}").unwrap_err().code, "invalid_utf8");
        let deep = format!(r#"{{"model":"m","messages":{}1{}}}"#, "[".repeat(200), "]".repeat(200));
        assert_eq!(RequestHead::of_chat(deep.as_bytes()).unwrap_err().code, "nesting_too_deep");
        // Brackets inside a string are no nesting.
        let text = "[".repeat(200);
        let fine =
            format!(r#"{{"model":"m","messages":[{{"role":"user","content":"\"{text}"}}]}}"#);
        assert!(RequestHead::of_chat(fine.as_bytes()).is_ok());
    }

    #[test]
    fn half_a_character_is_said_to_be_that() {
        for half in [r"\ud800", r"a\udc00b", r"\ud800\ud800", r"\ud83dx"] {
            let body = format!(r#"{{"model":"{half}","messages":[{{"role":"user"}}]}}"#);
            let error = RequestHead::of_chat(body.as_bytes()).unwrap_err();
            assert_eq!((error.param.as_deref(), error.code), (Some("model"), "invalid_unicode"));
            assert!(error.message.contains("Unicode escape"), "{error}");
        }
        let whole = r#"{"model":"\ud83d\ude00","messages":[{"role":"user"}]}"#;
        assert_eq!(RequestHead::of_chat(whole.as_bytes()).unwrap().model, "\u{1f600}");
    }

    #[test]
    fn embeddings_need_an_input() {
        let ok = br#"{"model":"m","input":["a"],"stream":true}"#;
        assert_eq!(
            RequestHead::of_embeddings(ok).unwrap(),
            RequestHead { model: "m".into(), stream: false }
        );
        let error = RequestHead::of_embeddings(br#"{"model":"m","input":7}"#).unwrap_err();
        assert_eq!(error.param.as_deref(), Some("input"));
    }
}
