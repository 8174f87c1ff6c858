//! What went wrong, in words: what happened, and one thing to do about it.

mod files;

use std::time::Duration;

use http::StatusCode;

use crate::gateway_client::{KeyTrouble, Models, Refused};
use crate::said::Why;
use crate::texts::errors;

/// What a person is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Words {
    /// What happened, in one sentence.
    pub(crate) what: String,
    /// What to do, in one sentence.
    pub(crate) advice: String,
    /// The sentence's link, if there is one.
    pub(crate) action: Action,
    /// The status of a page that says nothing else.
    pub(crate) status: StatusCode,
    /// When another try may help.
    pub(crate) retry_after: Option<Duration>,
}

/// What can be done with one click.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    /// Nothing but what the advice says.
    None,
    /// Begin a new chat.
    StartAnew,
    /// Wait: the script of the page takes these words away when it has passed.
    Wait,
}

/// What the codes of failures that are nobody's fault here come to, for people.
fn in_plain_words(code: &str) -> Option<&'static str> {
    Some(match code {
        "upstream_unavailable" | "model_not_served" => errors::MODEL_AWAY,
        "upstream_closed" | "answer_incomplete" | "worker_lost" => errors::MODEL_CUT_OFF,
        "upstream_timeout" | "no_answer" => errors::MODEL_LATE,
        "upstream_malformed" => errors::MODEL_MALFORMED,
        "upstream_auth" | "upstream_redirect" => errors::MODEL_NOT_SET_UP,
        "worker_stopped" | "gateway_stopped" => errors::RESTARTED,
        "queue_unavailable" => errors::QUEUE_AWAY,
        "context_length_exceeded" => errors::CONTEXT_TOO_LONG,
        "rate_limit_exceeded" => errors::TOO_MANY_QUESTIONS,
        "model_not_found" => errors::MODEL_GONE,
        "server_error" => errors::MODEL_FAILED,
        "read_too_slowly" => errors::READ_TOO_SLOWLY,
        _ => return None,
    })
}

impl Words {
    pub(crate) fn new(
        status: StatusCode,
        what: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        let (what, advice) = (what.into(), advice.into());
        Self { what, advice, action: Action::None, status, retry_after: None }
    }

    fn and_start_anew(mut self) -> Self {
        self.action = Action::StartAnew;
        self
    }

    /// Why there is no answer.
    pub(crate) fn of_refusal(refused: &Refused) -> Self {
        match refused {
            Refused::Unreachable => {
                Self::new(StatusCode::BAD_GATEWAY, errors::GATEWAY_AWAY, errors::AGAIN)
            }
            Refused::Unreadable => {
                Self::new(StatusCode::BAD_GATEWAY, errors::GATEWAY_STRANGE, errors::LOOK_AT_URL)
            }
            Refused::Silent => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, errors::NOBODY_IN_TIME, errors::AGAIN)
            }
            Refused::Key(trouble) => Self::of_key(*trouble),
            Refused::Nothing => {
                Self::new(StatusCode::BAD_REQUEST, errors::NOTHING_WRITTEN, errors::WRITE_SOMETHING)
            }
            Refused::Answered { status, code, message, retry_after } => {
                let code = code.as_deref().unwrap_or_default();
                let mut words = Self::of_status(*status, code, message.as_deref(), *retry_after);
                words.retry_after = *retry_after;
                words
            }
        }
    }

    /// Our key does not get us in. Its reader cannot mend that, and can tell who can.
    fn of_key(trouble: KeyTrouble) -> Self {
        let what = match trouble {
            KeyTrouble::Missing => errors::KEY_MISSING,
            KeyTrouble::Unknown => errors::KEY_UNKNOWN,
            KeyTrouble::Revoked => errors::KEY_REVOKED,
            KeyTrouble::Expired => errors::KEY_EXPIRED,
            KeyTrouble::NotOnBehalfOf => errors::KEY_NOT_FOR_READERS,
            KeyTrouble::NotAllowed => errors::KEY_NOT_ALLOWED,
        };
        let advice = match trouble {
            KeyTrouble::NotAllowed => errors::SET_KEY_THAT_MAY,
            _ => errors::SET_KEY,
        };
        Self::new(StatusCode::BAD_GATEWAY, what, advice)
    }

    fn of_status(status: u16, code: &str, message: Option<&str>, wait: Option<Duration>) -> Self {
        let again = errors::again_after(wait);
        let model = in_plain_words(code).unwrap_or(errors::MODEL_FAILED);
        match (status, code) {
            (_, "context_length_exceeded") => {
                Self::new(StatusCode::BAD_REQUEST, errors::CONTEXT_TOO_LONG, errors::WRITE_LESS)
                    .and_start_anew()
            }
            (_, "conversation_locked") => {
                Self::new(StatusCode::CONFLICT, errors::STILL_WRITTEN, errors::STOP_OR_WAIT)
            }
            (_, "idempotency_key_reused") => {
                Self::new(StatusCode::CONFLICT, errors::SENT_BEFORE, errors::LOAD_AND_SEND)
            }
            (404, "" | "conversation_not_found" | "turn_not_found" | "response_not_found") => {
                Self::new(StatusCode::NOT_FOUND, errors::CHAT_GONE, errors::SEND_TO_BEGIN)
            }
            (_, "conversation_too_large") => {
                Self::new(StatusCode::BAD_REQUEST, errors::CHAT_FULL, errors::BEGIN_NEW_ONE)
                    .and_start_anew()
            }
            (_, "model_not_found") => {
                Self::new(StatusCode::NOT_FOUND, errors::NO_SUCH_MODEL, errors::PICK_ANOTHER)
            }
            (413, _) => Self::too_large(),
            (403, "foreign_host" | "foreign_site") => {
                Self::new(StatusCode::BAD_GATEWAY, errors::GATEWAY_OTHER_NAME, errors::SET_NAMES)
            }
            (429, _) => Self::new(StatusCode::TOO_MANY_REQUESTS, errors::TOO_MANY_QUESTIONS, again),
            (503, "upstream_unavailable" | "model_not_served" | "queue_unavailable") => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, model, again)
            }
            (503, _) => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, errors::MODEL_BUSY_OR_AWAY, again)
            }
            (504, _) => Self::new(StatusCode::GATEWAY_TIMEOUT, errors::MODEL_LATE, again),
            (400..=499, _) => Self::new(
                StatusCode::BAD_REQUEST,
                errors::told(errors::MODEL_REFUSED, message),
                errors::ASK_OTHERWISE,
            ),
            _ => Self::new(StatusCode::BAD_GATEWAY, model, again),
        }
    }

    /// It is not there, or somebody else's.
    pub(crate) fn no_such_chat() -> Self {
        Self::new(StatusCode::NOT_FOUND, errors::NO_SUCH_CHAT, errors::WHY_NO_CHAT).and_start_anew()
    }

    /// One that was to be written anew.
    pub(crate) fn no_such_question() -> Self {
        Self::new(StatusCode::NOT_FOUND, errors::NO_SUCH_QUESTION, errors::EDIT_WHERE_IT_STANDS)
    }

    /// A form that cannot be taken.
    pub(crate) fn of_form(status: StatusCode) -> Self {
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::form_too_large();
        }
        match status {
            StatusCode::REQUEST_TIMEOUT => Self::new(status, errors::FORM_TOO_SLOW, errors::AGAIN),
            StatusCode::SERVICE_UNAVAILABLE => {
                Self::new(status, errors::TOO_MANY_FORMS, errors::AGAIN)
            }
            _ => {
                Self::new(StatusCode::BAD_REQUEST, errors::FORM_UNREADABLE, errors::LOAD_CHAT_AGAIN)
            }
        }
    }

    /// More than a question may hold, with what was said before it.
    fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            errors::TOO_LONG_TO_SEND,
            errors::WRITE_LESS_OR_ANEW,
        )
        .and_start_anew()
    }

    /// One answer more is not followed.
    pub(crate) fn too_many_answers() -> Self {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let words = Self::new(status, errors::TOO_MANY_ANSWERS, errors::LOAD_AGAIN_SOON);
        Self { retry_after: Some(Duration::from_secs(2)), ..words }
    }

    /// The same for a page whose script comes again by itself.
    pub(crate) fn too_many_answers_yet() -> Self {
        let mut words = Self::too_many_answers();
        errors::COMES_BY_ITSELF.clone_into(&mut words.advice);
        words.action = Action::Wait;
        words
    }

    /// There is no model to ask, or none that can be asked now.
    pub(crate) fn of_models(models: &Models) -> Option<Self> {
        match models.refusal() {
            Some(Refused::Key(trouble)) => Some(Self::of_key(*trouble)),
            None if !models.names().is_empty() => None,
            _ => Some(Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                errors::NO_MODEL,
                errors::LOAD_AGAIN_SOON,
            )),
        }
    }
}

/// Why an answer cannot be read, to follow a colon.
pub(crate) fn reason_why(why: Why) -> &'static str {
    match why {
        Why::Gone => errors::WHY_GONE,
        Why::Deleted => errors::WHY_DELETED,
        Why::Key => errors::WHY_KEY,
        Why::Gateway => errors::WHY_GATEWAY,
    }
}

/// Why an answer broke off, to follow a colon.
pub(crate) fn reason_of(code: Option<&str>, message: Option<&str>) -> String {
    match (code.and_then(in_plain_words), message) {
        (Some(words), _) => errors::within(words),
        (None, Some(message)) => errors::with_full_stop(message),
        (None, None) => errors::within(errors::MODEL_FAILED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, code: &str) -> Words {
        Words::of_refusal(&Refused::Answered {
            status,
            code: Some(code.to_owned()),
            message: Some("some reason".to_owned()),
            retry_after: Some(Duration::from_secs(5)),
        })
    }

    #[test]
    fn each_refusal_is_a_status_and_words() {
        for (status, code, expected, word) in [
            (400, "context_length_exceeded", 400, "too long"),
            (404, "model_not_found", 404, "no such model"),
            (429, "", 429, "at once"),
            (503, "server_is_overloaded", 503, "busy"),
            (504, "no_answer", 504, "in time"),
            (403, "foreign_host", 502, "under the name"),
            (413, "request_too_large", 413, "too long"),
            (422, "", 400, "some reason."),
            (500, "", 502, "error"),
        ] {
            let words = answered(status, code);
            assert_eq!(words.status.as_u16(), expected, "{status} {code}");
            assert!(words.what.contains(word), "{status} {code}: {}", words.what);
        }
    }

    #[test]
    fn the_wait_is_said() {
        assert_eq!(answered(503, "").advice, "Send it again in 5 seconds.");
        assert_eq!(
            errors::again_after(Some(Duration::from_secs(150))),
            "Send it again in 3 minutes."
        );
        assert_eq!(errors::again_after(None), errors::AGAIN);
    }

    #[test]
    fn a_model_that_is_away_is_said_to_be_that() {
        let away = "The model cannot be reached at the moment.";
        assert_eq!(answered(503, "upstream_unavailable").what, away);
        let told = |code: &str| reason_of(Some(code), Some("upstream 127.0.0.1:1"));
        assert_eq!(told("upstream_unavailable"), "the model cannot be reached at the moment.");
        assert_eq!(told("another"), "upstream 127.0.0.1:1.");
    }
}
