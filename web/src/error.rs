//! What went wrong, in words: what happened, and one thing to do about it.

use std::time::Duration;

use http::StatusCode;

use crate::answer::Ending;
use crate::conversation::{MOST_TURNS, Unreadable};
use crate::gateway_client::{Broken, KeyTrouble, Models, Refused};

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
const GO_ON: &str = "What was said is kept: try again, or ask the model to go on.";
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

    /// Why there is no more, unless it ended as it should. `kept` is whether something was said; if
    /// not, the question goes back to its author.
    pub(crate) fn of_ending(ending: &Ending, kept: bool) -> Option<Self> {
        let mut words = Self::of_early_end(ending)?;
        if kept && Self::reason(ending).is_some() {
            words.advice = GO_ON.to_owned();
        }
        Some(words)
    }

    /// Why an answer broke off, to follow a colon; `None` if it did not.
    pub(crate) fn reason(ending: &Ending) -> Option<String> {
        let sentence = match ending {
            Ending::Complete(_) | Ending::Stopped | Ending::TooLong => return None,
            Ending::Closing => RESTARTED.to_owned(),
            Ending::Refused(refused) => Self::of_refusal(refused).what,
            Ending::Broken(Broken::CutOff) => CUT_OFF.to_owned(),
            Ending::Broken(Broken::Silent) => "The model was silent for too long.".to_owned(),
            Ending::Broken(Broken::Told { code, message }) => {
                match (code.as_deref().and_then(in_plain_words), message) {
                    (Some(words), _) => words.to_owned(),
                    (None, Some(message)) => return Some(with_full_stop(message)),
                    (None, None) => MODEL.to_owned(),
                }
            }
        };
        Some(sentence.replacen("The ", "the ", 1))
    }

    fn of_early_end(ending: &Ending) -> Option<Self> {
        let reason = Self::reason(ending).unwrap_or_default();
        match ending {
            Ending::Complete(_) | Ending::Stopped => None,
            Ending::Refused(refused) => Some(Self::of_refusal(refused)),
            Ending::Broken(_) => Some(Self::new(
                StatusCode::BAD_GATEWAY,
                format!("The answer broke off: {reason}"),
                AGAIN,
            )),
            Ending::TooLong => Some(Self::new(
                StatusCode::BAD_GATEWAY,
                "The answer is longer than this page can carry, so it was ended.",
                "Ask for a shorter one.",
            )),
            Ending::Closing => Some(Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                format!("The answer was interrupted: {reason}"),
                AGAIN,
            )),
        }
    }

    /// Why there is no answer.
    pub(crate) fn of_refusal(refused: &Refused) -> Self {
        match refused {
            Refused::Unreachable | Refused::Unreadable => Self::new(
                StatusCode::BAD_GATEWAY,
                "The gateway cannot be reached, so no model was asked.",
                AGAIN,
            ),
            Refused::Silent => {
                Self::new(StatusCode::GATEWAY_TIMEOUT, "Nobody answered in time.", AGAIN)
            }
            Refused::Key(trouble) => Self::of_key(*trouble),
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
    fn only_what_went_wrong_needs_words() {
        use crate::gateway_client::Finish;
        assert_eq!(Words::of_ending(&Ending::Complete(Finish::Stop), true), None);
        assert_eq!(Words::of_ending(&Ending::Stopped, true), None);
        let broken = Words::of_ending(&Ending::Broken(Broken::CutOff), true).unwrap();
        assert_eq!(broken.what, "The answer broke off: the connection to the model ended.");
        assert_eq!(broken.advice, GO_ON);
    }

    #[test]
    fn what_is_to_be_done_fits_what_is_in_the_box() {
        let restarted = |kept| Words::of_ending(&Ending::Closing, kept).unwrap().advice;
        assert_eq!((restarted(true).as_str(), restarted(false).as_str()), (GO_ON, AGAIN));
    }

    #[test]
    fn a_model_that_is_away_is_said_to_be_that() {
        let away = "The model cannot be reached at the moment.";
        assert_eq!(answered(503, "upstream_unavailable").what, away);
        let told = |code: &str| {
            let (code, message) = (Some(code.to_owned()), Some("upstream 127.0.0.1:1".to_owned()));
            Words::reason(&Ending::Broken(Broken::Told { code, message })).unwrap()
        };
        assert_eq!(told("upstream_unavailable"), "the model cannot be reached at the moment.");
        assert_eq!(told("another"), "upstream 127.0.0.1:1.");
    }
}
