//! What failed calls mean: for the rules, and for the caller.

use std::time::Duration;

use contract::{Failure, ModelName};
use openai_api::{ErrorBody, ErrorKind};
use outbound::CallError;
use serde_json::Value;

use crate::completion::{ModelFailure, Trouble};

/// No upstream has a free place, or all are left alone, the first of them for this long.
pub(super) fn nobody_free(model: &ModelName, pause: Option<Duration>) -> ModelFailure {
    let message = format!("Every upstream of model `{model}` is busy or failing. Try again soon.");
    let body = ErrorBody::new(ErrorKind::ServiceUnavailable, "upstream_unavailable", message);
    let mut failure = of(Trouble::Unavailable, 503, &body, Retry::MayHelp);
    failure.tell.retry_after_ms = pause.map(whole_millis);
    failure.cause = "every upstream of the model is busy or left alone".to_owned();
    failure
}

/// This worker's catalogue does not have the model: another worker's may.
pub(super) fn not_served(model: &ModelName) -> ModelFailure {
    let message = format!("No worker that was asked serves model `{model}`.");
    let body = ErrorBody::new(ErrorKind::ServiceUnavailable, "model_not_served", message);
    of(Trouble::Unavailable, 503, &body, Retry::MayHelp)
}

/// The answer takes longer than it may.
pub(super) fn took_too_long(limit: Duration) -> ModelFailure {
    let message = format!("The model's answer was not complete within {limit:?}.");
    let body = ErrorBody::new(ErrorKind::Server, "upstream_timeout", message);
    of(Trouble::TimedOut, 504, &body, Retry::MayHelp)
}

/// The call itself failed.
pub(super) fn of_call(error: &CallError) -> ModelFailure {
    let say = |code, message: &str| ErrorBody::new(ErrorKind::Server, code, message);
    let mut failure = match error {
        // Upstreams are called wherever they are: the second is for addresses of others.
        CallError::Connect(_) | CallError::Forbidden(_) => {
            let message = "The model server cannot be reached.";
            let kind = ErrorKind::ServiceUnavailable;
            let body = ErrorBody::new(kind, "upstream_unavailable", message);
            of(Trouble::Unavailable, 503, &body, Retry::MayHelp)
        }
        CallError::Timeout { limit, .. } => {
            let message = format!("The model said nothing for {limit:?}.");
            of(Trouble::TimedOut, 504, &say("upstream_timeout", &message), Retry::MayHelp)
        }
        CallError::Broken(_) => {
            let body = say("upstream_closed", "The model server broke the connection.");
            of(Trouble::Unavailable, 502, &body, Retry::MayHelp)
        }
        CallError::TooLarge { limit } => {
            let message = format!("The model's answer has more than {limit} bytes.");
            of(Trouble::Garbled, 502, &say("upstream_malformed", &message), Retry::CannotHelp)
        }
    };
    failure.cause = error.to_string();
    failure
}

/// It answered with a status that is no success.
pub(super) fn of_status(status: u16, retry_after: Option<Duration>, body: &[u8]) -> ModelFailure {
    let mut failure = match status {
        401 | 403 => {
            // Our key is wrong, not the caller's: theirs would be refused by us.
            let message = "The model server refuses the key that this platform has for it.";
            let body = ErrorBody::new(ErrorKind::Server, "upstream_auth", message);
            return of(Trouble::Misconfigured, 502, &body, Retry::CannotHelp);
        }
        300..=399 => {
            let message = format!("The model server answers {status}; its address is wrong here.");
            let body = ErrorBody::new(ErrorKind::Server, "upstream_redirect", message);
            return of(Trouble::Misconfigured, 502, &body, Retry::CannotHelp);
        }
        429 => telling(Trouble::Overloaded, status, body, Retry::MayHelp),
        500 => telling(Trouble::Faulted, status, body, Retry::MayHelp),
        // Not implemented there, and it will not be a moment later.
        501 | 505 => telling(Trouble::Refused, status, body, Retry::CannotHelp),
        408 | 502..=599 => telling(Trouble::Unavailable, status, body, Retry::MayHelp),
        _ => telling(Trouble::Refused, status, body, Retry::CannotHelp),
    };
    failure.retry_after = retry_after;
    failure.tell.retry_after_ms = retry_after.map(whole_millis);
    failure.cause = format!("status {status}");
    failure
}

/// What came is no answer of the protocol.
pub(super) fn garbled(message: &str) -> ModelFailure {
    let body = ErrorBody::new(ErrorKind::Server, "upstream_malformed", message);
    of(Trouble::Garbled, 502, &body, Retry::MayHelp)
}

/// A stream ended before its end.
pub(super) fn cut_short() -> ModelFailure {
    let message = "The model server ended the stream before the answer was complete.";
    let body = ErrorBody::new(ErrorKind::Server, "upstream_closed", message);
    of(Trouble::Unavailable, 502, &body, Retry::MayHelp)
}

/// The model said within its stream that it failed. `json` is an object with a member `error`.
pub(super) fn said_by_model(json: &[u8]) -> ModelFailure {
    telling(Trouble::Unavailable, 502, json, Retry::MayHelp)
}

enum Retry {
    MayHelp,
    CannotHelp,
}

fn of(trouble: Trouble, status: u16, body: &ErrorBody, retry: Retry) -> ModelFailure {
    with_body(trouble, status, String::from_utf8(body.to_json()).unwrap_or_default(), retry)
}

/// A failure in the model server's own words.
fn telling(trouble: Trouble, status: u16, body: &[u8], retry: Retry) -> ModelFailure {
    with_body(trouble, status, error_body(status, body), retry)
}

fn with_body(trouble: Trouble, status: u16, body: String, retry: Retry) -> ModelFailure {
    let should_retry = matches!(retry, Retry::MayHelp);
    let tell = Failure { status, body, retry_after_ms: None, should_retry };
    ModelFailure { trouble, tell, retry_after: None, cause: trouble.as_str().to_owned() }
}

fn whole_millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The error that a model server sent: as it is where it is OpenAI's, in that form otherwise.
fn error_body(status: u16, body: &[u8]) -> String {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let value: Value = serde_json::from_str(text).unwrap_or_default();
    let members = ["message", "type", "param", "code"];
    let complete = value.get("error").and_then(Value::as_object).is_some_and(|error| {
        members.iter().all(|name| error.contains_key(*name)) && error["message"].is_string()
    });
    if complete { text.trim().to_owned() } else { in_openai_form(status, &value) }
}

/// Servers vary: `error` may be a text or missing, its members may be missing or have other
/// types. What OpenAI's form does not know stays.
fn in_openai_form(status: u16, value: &Value) -> String {
    let said = value.get("error").unwrap_or(value);
    let mut error = said.as_object().cloned().unwrap_or_default();
    let text = |name: &str| said.get(name).and_then(Value::as_str);
    let (kind, code) = match status {
        429 => (ErrorKind::RateLimit, "rate_limit_exceeded"),
        400..=499 => (ErrorKind::InvalidRequest, "upstream_refused"),
        _ => (ErrorKind::Server, "upstream_error"),
    };
    let message = said.as_str().or_else(|| text("message")).or_else(|| text("detail"));
    let message = message
        .map_or_else(|| format!("The model server answered with status {status}."), str::to_owned);
    let kind = text("type").unwrap_or(kind.as_str());
    let code = text("code").unwrap_or(if is_context_overflow(kind, &message) {
        "context_length_exceeded"
    } else {
        code
    });
    for (name, value) in [
        ("type", Value::from(kind)),
        ("code", Value::from(code)),
        ("param", text("param").map_or(Value::Null, Value::from)),
        ("message", Value::from(message.as_str())),
    ] {
        error.insert(name.to_owned(), value);
    }
    serde_json::json!({ "error": error }).to_string()
}

/// The one refusal that clients look for by its code, in the words of llama.cpp and of vLLM.
fn is_context_overflow(kind: &str, message: &str) -> bool {
    kind == "exceed_context_size_error" || message.contains("maximum context length")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_means_the_same_thing_everywhere() {
        for (status, trouble, told, should_retry) in [
            (400, Trouble::Refused, 400, false),
            (404, Trouble::Refused, 404, false),
            (422, Trouble::Refused, 422, false),
            (401, Trouble::Misconfigured, 502, false),
            (307, Trouble::Misconfigured, 502, false),
            (408, Trouble::Unavailable, 408, true),
            (429, Trouble::Overloaded, 429, true),
            (500, Trouble::Faulted, 500, true),
            (501, Trouble::Refused, 501, false),
            (503, Trouble::Unavailable, 503, true),
        ] {
            let failure = of_status(status, None, b"");
            assert_eq!(failure.trouble, trouble, "{status}");
            assert_eq!((failure.tell.status, failure.tell.should_retry), (told, should_retry));
        }
    }

    #[test]
    fn an_error_in_openais_form_is_passed_on_as_it_is() {
        let own =
            r#"{"error": {"message":"m", "type":"t","param":null,"code":null,"more":[1.50]}}"#;

        assert_eq!(of_status(400, None, own.as_bytes()).tell.body, own);
    }

    #[test]
    fn the_models_own_words_reach_the_caller_whatever_their_form() {
        for (body, message) in [
            (r#"{"error":{"message":"m","type":"t","param":"p","code":"c"}}"#, "m"),
            (r#"{"error":"m"}"#, "m"),
            (r#"{"error":{"message":"m","code":400}}"#, "m"),
            (r#"{"detail":"m"}"#, "m"),
            ("<html>", "The model server answered with status 400."),
        ] {
            let told = of_status(400, None, body.as_bytes()).tell.body;
            let told: ErrorBody = serde_json::from_str(&told).unwrap();
            assert_eq!(told.error.message, message, "{body}");
        }
    }

    #[test]
    fn an_overflow_of_the_context_has_its_code_and_keeps_what_else_was_said() {
        let llama = r#"{"error":{"code":400,"message":"request (6020 tokens) exceeds the available context size (1024 tokens)","type":"exceed_context_size_error","n_ctx":1024}}"#;
        let vllm = r#"{"object":"error","message":"This model's maximum context length is 8 tokens.","type":"BadRequestError","param":null,"code":400}"#;
        for said in [llama, vllm] {
            let told = of_status(400, None, said.as_bytes()).tell.body;
            let told: Value = serde_json::from_str(&told).unwrap();
            assert_eq!(told["error"]["code"], "context_length_exceeded", "{told}");
            assert_eq!(told["error"]["param"], Value::Null);
        }
        let told = of_status(400, None, llama.as_bytes()).tell.body;
        assert!(told.contains(r#""n_ctx":1024"#), "{told}");
    }
}
