//! Why there is no answer, or no more of it.

use std::time::Duration;

use openai_api::ErrorBody;

use super::key::KeyTrouble;
use crate::unseen;

/// Longest error body that is read.
pub(super) const MOST_BYTES: usize = 64 * 1024;
/// Longest message of someone else that is shown.
const LONGEST_MESSAGE: usize = 300;

/// The gateway does not begin an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Nobody answers there.
    Unreachable,
    /// Somebody answers, too late.
    Silent,
    /// Somebody answers, and says nothing that a gateway says.
    Unreadable,
    /// It does not let us in.
    Key(KeyTrouble),
    /// There was nothing to be asked.
    Nothing,
    /// It says no.
    Answered {
        /// The status.
        status: u16,
        /// For a program, such as `model_not_found`.
        code: Option<String>,
        /// For a person, from whoever refused; cut to a few lines.
        message: Option<String>,
        /// When another try may help.
        retry_after: Option<Duration>,
    },
}

impl Refused {
    pub(super) fn from_transport(error: &reqwest::Error) -> Self {
        if error.is_timeout() && !error.is_connect() { Self::Silent } else { Self::Unreachable }
    }

    pub(super) fn from_answer(status: u16, retry_after: Option<Duration>, body: &[u8]) -> Self {
        let detail = serde_json::from_slice::<ErrorBody>(body).ok().map(|body| body.error);
        let (code, message) = match detail {
            Some(detail) => (detail.code, detail.message),
            None => (None, String::new()),
        };
        if let Some(trouble) = KeyTrouble::of(status, code.as_deref()) {
            return Self::Key(trouble);
        }
        Self::Answered { status, code, message: presentable(&message), retry_after }
    }

    /// What was meant is not there.
    pub(crate) fn gone() -> Self {
        Self::Answered { status: 404, code: None, message: None, retry_after: None }
    }

    /// Whether what was asked may have been done all the same.
    pub(crate) fn may_have_been_done(&self) -> bool {
        match self {
            Self::Silent | Self::Unreadable | Self::Unreachable => true,
            // A gateway says with a code what it has not done; this is somebody's in between.
            Self::Answered { status, code, .. } => *status >= 500 && code.is_none(),
            Self::Key(_) | Self::Nothing => false,
        }
    }

    /// One word for spans and metrics.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Silent => "timeout",
            Self::Unreadable => "unreadable",
            Self::Key(_) | Self::Nothing | Self::Answered { .. } => "refused",
        }
    }
}

/// A message that a person can read: of sane length, and in words instead of JSON. It stands among
/// words of ours, and turns none of them around.
pub(super) fn presentable(message: &str) -> Option<String> {
    let message = unseen::seen(message)?.split_whitespace().collect::<Vec<_>>().join(" ");
    if message.contains(['{', '}', '<', '>']) {
        return None;
    }
    if message.chars().count() <= LONGEST_MESSAGE {
        return Some(message);
    }
    Some(message.chars().take(LONGEST_MESSAGE).chain(['…']).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_keeps_what_a_person_can_read() {
        let body =
            br#"{"error":{"message":"no  such\nmodel","type":"x","code":"model_not_found"}}"#;
        let refused = Refused::from_answer(404, None, body);
        let Refused::Answered { code, message, .. } = refused else { panic!("{refused:?}") };
        assert_eq!(code.as_deref(), Some("model_not_found"));
        assert_eq!(message.as_deref(), Some("no such model"));
    }

    #[test]
    fn what_nobody_can_read_is_left_out() {
        assert_eq!(presentable("{\"detail\": null}"), None);
        assert_eq!(presentable("<html>"), None);
        assert_eq!(presentable("no\u{202e} good").as_deref(), Some("no good"));
        assert_eq!(presentable("\u{200b}"), None);
        assert_eq!(presentable(&"x".repeat(1000)).unwrap().chars().count(), LONGEST_MESSAGE + 1);
    }
}
