//! The models that can be asked, remembered for a moment.

use std::time::Duration;

use openai_api::{Model, ModelList};
use tokio::time::Instant;

use super::error::Refused;

/// How long a list counts as new: a page should not wait for one that was just read.
const FRESH: Duration = Duration::from_secs(5);
/// More than anyone picks from.
const MOST: usize = 500;

/// What is known about the models.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Models {
    /// These chat, in the gateway's order.
    Listed(Vec<String>),
    /// The gateway lists none now, and why; it listed these when it last did.
    Remembered(Vec<String>, Refused),
}

impl Models {
    /// Their names.
    pub(crate) fn names(&self) -> &[String] {
        match self {
            Self::Listed(names) | Self::Remembered(names, _) => names,
        }
    }

    /// The one that answers unless another is picked.
    pub(crate) fn first(&self) -> Option<&str> {
        self.names().first().map(String::as_str)
    }

    /// Why the gateway lists none, if so.
    pub(crate) fn refusal(&self) -> Option<&Refused> {
        match self {
            Self::Listed(_) => None,
            Self::Remembered(_, refused) => Some(refused),
        }
    }
}

/// The last list, and when it came.
#[derive(Debug, Default)]
pub(super) struct Known {
    names: Vec<String>,
    at: Option<Instant>,
}

impl Known {
    pub(super) fn fresh(&self) -> Option<Models> {
        let at = self.at?;
        (at.elapsed() < FRESH).then(|| Models::Listed(self.names.clone()))
    }

    pub(super) fn learn(&mut self, names: Vec<String>) -> Models {
        self.names.clone_from(&names);
        self.at = Some(Instant::now());
        Models::Listed(names)
    }

    pub(super) fn without(&self, refused: Refused) -> Models {
        Models::Remembered(self.names.clone(), refused)
    }
}

/// The names of the models that chat, from the body of `/v1/models`.
pub(super) fn that_chat(body: &[u8]) -> Option<Vec<String>> {
    let list: ModelList = serde_json::from_slice(body).ok()?;
    Some(list.data.into_iter().filter(chats).map(|model| model.id).take(MOST).collect())
}

/// By what it says it can do; where nothing is said, by its name.
fn chats(model: &Model) -> bool {
    if model.capabilities.is_empty() {
        return !model.id.to_ascii_lowercase().contains("embed");
    }
    model.capabilities.iter().any(|capability| capability == "chat")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_that_do_not_chat_are_not_offered() {
        let body = br#"{"object":"list","data":[
            {"id":"a","object":"model","capabilities":["chat"]},
            {"id":"b","object":"model","capabilities":["embeddings"]},
            {"id":"nomic-embed-text","object":"model"},
            {"id":"c","object":"model"}]}"#;

        assert_eq!(that_chat(body).unwrap(), ["a", "c"]);
        assert_eq!(that_chat(b"<html>"), None);
    }
}
