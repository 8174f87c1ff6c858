//! What went wrong, in words: what happened, and one thing to do about it.

use std::time::Duration;

use http::StatusCode;

use crate::answer::Ending;
use crate::conversation::{MOST_TURNS, Unreadable};
use crate::gateway_client::{Broken, Refused};

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

    /// Why there is no more, unless it ended as it should.
    pub(crate) fn of_ending(ending: &Ending) -> Option<Self> {
        match ending {
            Ending::Complete(_) | Ending::Stopped => None,
            Ending::Refused(refused) => Some(Self::of_refusal(refused)),
            Ending::Broken(broken) => Some(Self::of_break(broken)),
            Ending::TooLong => Some(Self::new(
                StatusCode::BAD_GATEWAY,
                "The answer is longer than this page can carry, so it was ended.",
                "Ask for a shorter one.",
            )),
            Ending::Closing => Some(Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "The answer was interrupted: the server is being restarted.",
                AGAIN,
            )),
        }
    }

    /// Why there is no answer.
    pub(crate) fn of_refusal(refused: &Refused) -> Self {
        match refused {
            Refused::Unreachable => Self::new(
                StatusCode::BAD_GATEWAY,
                "The gateway cannot be reached, so no model was asked.",
                AGAIN,
            ),
            Refused::Silent => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, "Nobody answered in time.", AGAIN)
            }
            Refused::Answered { status, code, message, retry_after } => {
                let code = code.as_deref().unwrap_or_default();
                let mut words = Self::of_status(*status, code, message.as_deref(), *retry_after);
                words.retry_after = *retry_after;
                words
            }
        }
    }

    fn of_status(status: u16, code: &str, message: Option<&str>, wait: Option<Duration>) -> Self {
        let again = again_after(wait);
        match (status, code) {
            (_, "context_length_exceeded") => Self::new(
                StatusCode::BAD_REQUEST,
                "The conversation is too long for this model.",
                "Write less, pick another model, or begin anew.",
            )
            .and_start_anew(),
            (_, "model_not_found") => Self::new(
                StatusCode::NOT_FOUND,
                "There is no such model any more.",
                "Pick another one below and send again.",
            ),
            (413, _) => Self::too_large(),
            (401 | 403, _) => Self::new(
                StatusCode::BAD_GATEWAY,
                "The gateway does not accept the key of this page.",
                "Whoever runs it has to set WEB_API_KEY.",
            ),
            (429, _) => Self::new(
                StatusCode::TOO_MANY_REQUESTS,
                "The model is busy: too many requests at once.",
                again,
            ),
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
            _ => Self::new(StatusCode::BAD_GATEWAY, MODEL, again),
        }
    }

    fn of_break(broken: &Broken) -> Self {
        let what = match broken {
            Broken::CutOff => "The answer broke off: the connection to the model ended.".to_owned(),
            Broken::Silent => {
                "The answer broke off: the model has been silent for too long.".to_owned()
            }
            Broken::Told { message, .. } => told("The answer broke off", message.as_deref()),
        };
        Self::new(StatusCode::BAD_GATEWAY, what, "What was said is kept; ask the model to go on.")
    }

    /// The form's conversation is not to be used.
    pub(crate) fn of_unreadable(unreadable: Unreadable) -> Self {
        let words = match unreadable {
            Unreadable::Damaged => Self::new(
                StatusCode::BAD_REQUEST,
                "The conversation in this page is damaged.",
                "Begin anew.",
            ),
            Unreadable::TooLong => Self::new(
                StatusCode::BAD_REQUEST,
                format!("The conversation is too long: it has more than {MOST_TURNS} messages."),
                "Begin anew.",
            ),
        };
        words.and_start_anew()
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

    /// There is no model to ask.
    pub(crate) fn no_models() -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "The gateway cannot be reached, or knows no model that chats.",
            "Load this page again in a moment.",
        )
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
            (401, "invalid_api_key", 502, "key"),
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
    fn only_what_went_wrong_needs_words() {
        use crate::gateway_client::Finish;
        assert_eq!(Words::of_ending(&Ending::Complete(Finish::Stop)), None);
        assert_eq!(Words::of_ending(&Ending::Stopped), None);
        let broken = Words::of_ending(&Ending::Broken(Broken::CutOff)).unwrap();
        assert!(broken.what.contains("broke off"));
    }
}
