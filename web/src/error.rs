//! What went wrong, in words: what happened, and one thing to do about it.

use std::time::Duration;

use http::StatusCode;

use crate::gateway_client::{KeyTrouble, Models, Refused};
use crate::said::Why;

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
}

const AGAIN: &str = "Send it again in a moment.";
const MODEL: &str = "The model answered with an error.";
const CUT_OFF: &str = "The connection to the model ended.";
const RESTARTED: &str = "The server is being restarted.";

/// What the codes of failures that are nobody's fault here come to, for people.
fn in_plain_words(code: &str) -> Option<&'static str> {
    Some(match code {
        "upstream_unavailable" | "model_not_served" => "The model cannot be reached at the moment.",
        "upstream_closed" | "answer_incomplete" | "worker_lost" => CUT_OFF,
        "upstream_timeout" | "no_answer" => "The model did not answer in time.",
        "upstream_malformed" => "The model sent something that is no answer.",
        "upstream_auth" | "upstream_redirect" => {
            "The model is not set up as it should be; whoever runs this page can mend it."
        }
        "worker_stopped" | "gateway_stopped" => RESTARTED,
        "queue_unavailable" => "The server cannot take questions at the moment.",
        "context_length_exceeded" => "The conversation is too long for this model.",
        "rate_limit_exceeded" => "The model is busy: too many requests at once.",
        "model_not_found" => "The model is not there any more.",
        "server_error" => MODEL,
        "read_too_slowly" => "The answer was not read fast enough.",
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
                Self::new(StatusCode::BAD_GATEWAY, "The gateway cannot be reached.", AGAIN)
            }
            Refused::Unreadable => Self::new(
                StatusCode::BAD_GATEWAY,
                "What answers as the gateway says nothing that one says.",
                "Whoever runs this page has to look at WEB_GATEWAY_URL.",
            ),
            Refused::Silent => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, "Nobody answered in time.", AGAIN)
            }
            Refused::Key(trouble) => Self::of_key(*trouble),
            Refused::Nothing => {
                Self::new(StatusCode::BAD_REQUEST, "Nothing was written.", "Write something.")
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
            KeyTrouble::Missing => "This page has no key for the gateway, which asks for one.",
            KeyTrouble::Unknown => "The gateway does not know the key of this page.",
            KeyTrouble::Revoked => "The key of this page was revoked.",
            KeyTrouble::Expired => "The key of this page has expired.",
            KeyTrouble::NotOnBehalfOf => "The key of this page may not be used for its readers.",
            KeyTrouble::NotAllowed => "The key of this page may not be used for this.",
        };
        let advice = match trouble {
            KeyTrouble::NotAllowed => "Whoever runs it has to set WEB_API_KEY to one that may.",
            _ => {
                "Whoever runs it has to set WEB_API_KEY to a key that was made with: chappe keys \
                 create web --on-behalf-of"
            }
        };
        Self::new(StatusCode::BAD_GATEWAY, what, advice)
    }

    fn of_status(status: u16, code: &str, message: Option<&str>, wait: Option<Duration>) -> Self {
        let again = again_after(wait);
        let model = in_plain_words(code).unwrap_or(MODEL);
        match (status, code) {
            (_, "context_length_exceeded") => Self::new(
                StatusCode::BAD_REQUEST,
                "The conversation is too long for this model.",
                "Write less, pick another model, or begin anew.",
            )
            .and_start_anew(),
            (_, "conversation_locked") => Self::new(
                StatusCode::CONFLICT,
                "An answer in this chat is still being written.",
                "Stop it, or wait for its end.",
            ),
            (_, "idempotency_key_reused") => Self::new(
                StatusCode::CONFLICT,
                "This was sent before, with other words.",
                "Load this page again, then send it once more.",
            ),
            (404, "" | "conversation_not_found" | "turn_not_found" | "response_not_found") => {
                Self::new(
                    StatusCode::NOT_FOUND,
                    "This chat is not there any more.",
                    "What you wrote is still here: send it to begin a new one.",
                )
            }
            (_, "conversation_too_large") => Self::new(
                StatusCode::BAD_REQUEST,
                "This chat has as many messages as one can hold.",
                "Begin a new one.",
            )
            .and_start_anew(),
            (_, "model_not_found") => Self::new(
                StatusCode::NOT_FOUND,
                "There is no such model any more.",
                "Pick another one below and send again.",
            ),
            (413, _) => Self::too_large(),
            (403, "foreign_host" | "foreign_site") => Self::new(
                StatusCode::BAD_GATEWAY,
                "The gateway does not answer under the name that this page calls it by.",
                "Whoever runs it has to set WEB_GATEWAY_URL or GATEWAY_ALLOWED_HOSTS.",
            ),
            (429, _) => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "The model is busy: too many requests at once.",
                again,
            ),
            (503, "upstream_unavailable" | "model_not_served" | "queue_unavailable") => {
                Self::new(StatusCode::SERVICE_UNAVAILABLE, model, again)
            }
            (503, _) => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "The model is busy, or nobody serves it at the moment.",
                again,
            ),
            (504, _) => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, "The model did not answer in time.", again)
            }
            (400..=499, _) => Self::new(
                StatusCode::BAD_REQUEST,
                told("The model refused this", message),
                "Ask in other words, or pick another model.",
            ),
            _ => Self::new(StatusCode::BAD_GATEWAY, model, again),
        }
    }

    /// It is not there, or somebody else's.
    pub(crate) fn no_such_chat() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "There is no such chat.",
            "It was deleted, is older than 30 days, or belongs to another browser.",
        )
        .and_start_anew()
    }

    /// A form that cannot be taken.
    pub(crate) fn of_form(status: StatusCode) -> Self {
        if status == StatusCode::PAYLOAD_TOO_LARGE {
            return Self::too_large();
        }
        Self::new(StatusCode::BAD_REQUEST, "This form cannot be read.", "Load the chat page again.")
    }

    /// More than a form may hold.
    pub(crate) fn too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "The conversation is too long to be sent.",
            "Write less, or begin anew.",
        )
        .and_start_anew()
    }

    /// There is no model to ask, or none that can be asked now.
    pub(crate) fn of_models(models: &Models) -> Option<Self> {
        match models.refusal() {
            Some(Refused::Key(trouble)) => Some(Self::of_key(*trouble)),
            None if !models.names().is_empty() => None,
            _ => Some(Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "The gateway cannot be reached, or knows no model that chats.",
                "Load this page again in a moment.",
            )),
        }
    }
}

/// Why an answer cannot be read, to follow a colon.
pub(crate) fn reason_why(why: Why) -> &'static str {
    match why {
        Why::Gone => "the answer is not kept any longer.",
        Why::Key => "the gateway does not let this page in.",
        Why::Gateway => {
            "the gateway cannot be reached. The answer may go on: load this page again later."
        }
    }
}

/// Why an answer broke off, to follow a colon.
pub(crate) fn reason_of(code: Option<&str>, message: Option<&str>) -> String {
    match (code.and_then(in_plain_words), message) {
        (Some(words), _) => words.replacen("The ", "the ", 1),
        (None, Some(message)) => with_full_stop(message),
        (None, None) => MODEL.replacen("The ", "the ", 1),
    }
}

fn told(what: &str, message: Option<&str>) -> String {
    match message {
        Some(message) => format!("{what}: {}", with_full_stop(message)),
        None => format!("{what}."),
    }
}

fn with_full_stop(message: &str) -> String {
    let ended = message.ends_with(['.', '!', '?', '…']);
    format!("{message}{}", if ended { "" } else { "." })
}

fn again_after(wait: Option<Duration>) -> String {
    match wait.map(|wait| wait.as_secs()) {
        None | Some(0) => AGAIN.to_owned(),
        Some(1) => "Send it again in a second.".to_owned(),
        Some(seconds @ 2..=119) => format!("Send it again in {seconds} seconds."),
        Some(seconds) => format!("Send it again in {} minutes.", seconds.div_ceil(60)),
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
            (429, "", 429, "busy"),
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
        assert_eq!(again_after(Some(Duration::from_secs(150))), "Send it again in 3 minutes.");
        assert_eq!(again_after(None), AGAIN);
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
