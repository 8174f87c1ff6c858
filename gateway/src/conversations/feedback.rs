//! What somebody thought of an answer: a thumb for a turn. The last one counts.

use std::collections::BTreeMap;

use contract::{JobId, Owner};
use openai_api::responses::Feedback;
use serde::{Deserialize, Serialize};

use super::error::ConversationError;
use super::items::place_of;
use super::service::Conversations;
use crate::responses::Doubt;

/// The thumbs of a conversation.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Thumbs(BTreeMap<JobId, Thumb>);

#[derive(Debug, Serialize, Deserialize)]
struct Thumb {
    good: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
}

/// What became of a thumb.
#[derive(Debug)]
pub(crate) struct Rated {
    pub(crate) turn: JobId,
    /// Whether it is another than before.
    pub(crate) anew: bool,
    /// The model that answered, as long as its log is there and can be read.
    pub(crate) model: Option<String>,
}

impl Thumbs {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn of(&self, turn: JobId) -> Option<Feedback> {
        let Thumb { good, comment } = self.0.get(&turn)?;
        Some(Feedback { good: *good, comment: comment.clone() })
    }

    /// Sets one or takes it back; whether the rating is another than before.
    pub(super) fn set(&mut self, turn: JobId, feedback: Option<&Feedback>) -> bool {
        let before = match feedback {
            Some(Feedback { good, comment }) => {
                let thumb = Thumb { good: *good, comment: comment.clone() };
                self.0.insert(turn, thumb)
            }
            None => self.0.remove(&turn),
        };
        before.map(|thumb| thumb.good) != feedback.map(|feedback| feedback.good)
    }
}

impl Conversations {
    /// Keeps what its owner thinks of a turn, instead of what they thought before.
    pub(crate) async fn rate(
        &self,
        owner: &Owner,
        id: &str,
        turn: &str,
        feedback: Option<&Feedback>,
    ) -> Result<Rated, ConversationError> {
        let rate = |record: &mut super::record::Record| {
            let tree = record.tree();
            let turn = tree.turn(place_of(&tree, id, turn)?);
            Ok((turn, record.thumbs.set(turn, feedback)))
        };
        let (_conversation, (turn, anew)) = self.try_change(owner, id, rate).await?;
        // It is kept: whoever is refused now would send it again, and that is no change any more.
        let fold = self.turn(owner, turn, Doubt::Allowed).await.ok().flatten();
        let model = fold.and_then(|fold| fold.model());
        Ok(Rated { turn, anew, model })
    }
}
