//! What the gateway has against our key, told to the operator once for as long as it lasts.

use std::sync::{Mutex, PoisonError};

/// Why our key does not get us in. The words are for the operator, and hold nothing of the answer:
/// a gateway of somebody else may repeat the key in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum KeyTrouble {
    /// We sent none.
    #[error("it asks for a key, and WEB_API_KEY is not set; {MAKE_ONE}")]
    Missing,
    /// It is nobody's.
    #[error("it does not know the key in WEB_API_KEY; {MAKE_ONE}")]
    Unknown,
    /// It was good once.
    #[error("the key in WEB_API_KEY was revoked; {MAKE_ONE}")]
    Revoked,
    /// Its time is over.
    #[error("the key in WEB_API_KEY has expired; {MAKE_ONE}")]
    Expired,
    /// It speaks for itself alone.
    #[error("the key in WEB_API_KEY lacks the scope `on_behalf_of`; {MAKE_ONE}")]
    NotOnBehalfOf,
    /// Its scopes leave out something else.
    #[error(
        "the scopes of the key in WEB_API_KEY are too narrow: the page needs the endpoints \
         `chat.completions` and `models`, the lane `chat` and the scope `on_behalf_of`"
    )]
    NotAllowed,
}

const MAKE_ONE: &str = "make one with `chappe keys create web --on-behalf-of`";

impl KeyTrouble {
    /// From an answer, if it is about the key. `None` for any other.
    pub(super) fn of(status: u16, code: Option<&str>) -> Option<Self> {
        Some(match (status, code) {
            (401, Some("missing_api_key")) => Self::Missing,
            (401, Some("api_key_revoked")) => Self::Revoked,
            (401, Some("api_key_expired")) => Self::Expired,
            (401, _) => Self::Unknown,
            // It is about the name by which the gateway was called.
            (403, Some("foreign_host" | "foreign_site")) => return None,
            (403, Some("on_behalf_of_not_allowed")) => Self::NotOnBehalfOf,
            (403, _) => Self::NotAllowed,
            _ => return None,
        })
    }

    fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unknown => "unknown",
            Self::Revoked => "revoked",
            Self::Expired => "expired",
            Self::NotOnBehalfOf => "not_on_behalf_of",
            Self::NotAllowed => "not_allowed",
        }
    }
}

/// What was told last: the trouble, and the path that it was met at.
#[derive(Debug, Default)]
pub(super) struct KeyWatch(Mutex<Option<(KeyTrouble, String)>>);

impl KeyWatch {
    /// The gateway refused the key at `path`.
    pub(super) fn refused(&self, trouble: KeyTrouble, path: &str) {
        let mut told = self.told();
        if told.as_ref().is_some_and(|(before, _)| *before == trouble) {
            return;
        }
        *told = Some((trouble, path.to_owned()));
        drop(told);
        tracing::warn!(
            app.reason = trouble.word(),
            "the gateway does not let the chat page in: {trouble}"
        );
    }

    /// The gateway took the key at `path`, which says nothing of other paths.
    pub(super) fn accepted(&self, path: &str) {
        if self.told().take_if(|(_, at)| at == path).is_some() {
            tracing::info!("the gateway lets the chat page in again");
        }
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Option<(KeyTrouble, String)>> {
        // Each change is one assignment: a panic elsewhere cannot have left it half-made.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_refusal_of_a_key_is_told_apart() {
        use KeyTrouble::*;
        for (status, code, expected) in [
            (401, Some("missing_api_key"), Some(Missing)),
            (401, Some("invalid_api_key"), Some(Unknown)),
            (401, Some("api_key_revoked"), Some(Revoked)),
            (401, Some("api_key_expired"), Some(Expired)),
            (401, None, Some(Unknown)),
            (403, Some("on_behalf_of_not_allowed"), Some(NotOnBehalfOf)),
            (403, Some("insufficient_permissions"), Some(NotAllowed)),
            (403, None, Some(NotAllowed)),
            (403, Some("foreign_host"), None),
            (404, Some("model_not_found"), None),
        ] {
            assert_eq!(KeyTrouble::of(status, code), expected, "{status} {code:?}");
        }
    }

    #[test]
    fn a_trouble_lasts_until_the_path_that_had_it_is_open() {
        let watch = KeyWatch::default();
        watch.refused(KeyTrouble::NotAllowed, "/chat");

        watch.accepted("/models");
        assert!(watch.told().is_some());

        watch.accepted("/chat");
        assert!(watch.told().is_none());
    }
}
