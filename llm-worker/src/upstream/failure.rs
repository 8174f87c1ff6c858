//! What failed calls mean: for the rules, and for the caller.

use std::time::Duration;

use contract::{Failure, ModelName};
use openai_api::{ErrorBody, ErrorKind};
use outbound::CallError;

use crate::completion::{ModelFailure, Trouble};

/// No upstream has a free place, or all are left alone.
pub(super) fn nobody_free(model: &ModelName) -> ModelFailure {
    let message = format!("Every upstream of model `{model}` is busy or failing. Try again soon.");
    let body = ErrorBody::new(ErrorKind::ServiceUnavailable, "upstream_unavailable", message);
    of(Trouble::Unavailable, 503, &body, Retry::MayHelp)
}

/// The call itself failed.
pub(super) fn of_call(error: &CallError) -> ModelFailure {
    let say = |code, message: &str| ErrorBody::new(ErrorKind::Server, code, message);
    match error {
        CallError::Connect(_) => {
            let body = say("upstream_unavailable", "The model server cannot be reached.");
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
    }
}

/// It answered with a status that is no success.
pub(super) fn of_status(status: u16, retry_after: Option<Duration>, body: &[u8]) -> ModelFailure {
    let body = error_body(status, body);
    let failure = match status {
        401 | 403 => {
            // Our key is wrong, not the caller's: theirs would be refused by us.
            let message = "The model server refuses the key that this platform has for it.";
            let body = ErrorBody::new(ErrorKind::Server, "upstream_auth", message);
            return of(Trouble::Misconfigured, 502, &body, Retry::CannotHelp);
        }
        300..=399 => {
            let message = "The model server answers with a redirect; its address is wrong here.";
            let body = ErrorBody::new(ErrorKind::Server, "upstream_redirect", message);
            return of(Trouble::Misconfigured, 502, &body, Retry::CannotHelp);
        }
        429 => of(Trouble::Overloaded, 429, &body, Retry::MayHelp),
        408 | 500..=599 => of(Trouble::Unavailable, status, &body, Retry::MayHelp),
        _ => of(Trouble::Refused, status, &body, Retry::CannotHelp),
    };
    let mut failure = failure;
    failure.retry_after = retry_after;
    failure.tell.retry_after_ms =
        retry_after.map(|wish| u64::try_from(wish.as_millis()).unwrap_or(u64::MAX));
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
    of(Trouble::Unavailable, 502, &error_body(502, json), Retry::MayHelp)
}

enum Retry {
    MayHelp,
    CannotHelp,
}

fn of(trouble: Trouble, status: u16, body: &ErrorBody, retry: Retry) -> ModelFailure {
    let tell = Failure {
        status,
        body: String::from_utf8(body.to_json()).unwrap_or_default(),
        retry_after_ms: None,
        should_retry: matches!(retry, Retry::MayHelp),
    };
    ModelFailure { trouble, tell, retry_after: None }
}

/// The error that a model server sent, in OpenAI's form whatever its own.
fn error_body(status: u16, body: &[u8]) -> ErrorBody {
    if let Ok(body) = serde_json::from_slice::<ErrorBody>(body) {
        return body;
    }
    // Servers vary: `error` may be a text, its members may have other types.
    let value: serde_json::Value = serde_json::from_slice(body).unwrap_or_default();
    let error = value.get("error").unwrap_or(&value);
    let text = |name: &str| error.get(name).and_then(serde_json::Value::as_str);
    let message = error.as_str().or_else(|| text("message")).or_else(|| text("detail"));
    let (kind, code) = match status {
        429 => (ErrorKind::RateLimit, "rate_limit_exceeded"),
        400..=499 => (ErrorKind::InvalidRequest, "upstream_refused"),
        _ => (ErrorKind::Server, "upstream_error"),
    };
    let message = message
        .map_or_else(|| format!("The model server answered with status {status}."), str::to_owned);
    let mut body = ErrorBody::new(kind, text("code").unwrap_or(code), message);
    body.error.param = text("param").map(str::to_owned);
    body
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
            (500, Trouble::Unavailable, 500, true),
            (503, Trouble::Unavailable, 503, true),
        ] {
            let failure = of_status(status, None, b"");
            assert_eq!(failure.trouble, trouble, "{status}");
            assert_eq!((failure.tell.status, failure.tell.should_retry), (told, should_retry));
        }
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
}
