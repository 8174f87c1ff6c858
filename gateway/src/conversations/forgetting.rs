//! A conversation is forgotten as it stood: whoever deletes its responses first has seen all turns.

use std::time::Duration;

use bus::{BusError, RecordError};
use contract::{ConversationId, JobId, Owner, subjects};

use super::error::ConversationError;
use super::service::Conversations;
use crate::clock::shared_now_ms;

/// A conversation that is about to be forgotten.
#[derive(Debug)]
pub(crate) struct Forgetting {
    id: ConversationId,
    revision: u64,
    pub(crate) turns: Vec<JobId>,
    /// The turn that was claimed last, and how long ago: its log may be about to begin.
    pub(crate) claimed: Option<(JobId, Duration)>,
}

impl Conversations {
    /// One as it stands.
    pub(crate) async fn standing(
        &self,
        owner: &Owner,
        id: &str,
    ) -> Result<Forgetting, ConversationError> {
        let (id, record, revision) = self.read(owner, id).await?;
        let turns = record.turns().map(|(_at, turn)| turn).collect();
        let claimed = record.running.map(|running| {
            let age = shared_now_ms().saturating_sub(running.since_ms);
            (running.turn, Duration::from_millis(age))
        });
        Ok(Forgetting { id, revision, turns, claimed })
    }

    /// Forgets one, unless it is not any more as it stood; false then.
    pub(crate) async fn forget_as(
        &self,
        owner: &Owner,
        standing: &Forgetting,
    ) -> Result<bool, ConversationError> {
        let key = subjects::conversation_key(owner, standing.id);
        match self.records().delete_at(&key, standing.revision).await {
            Err(RecordError::Conflict) => Ok(false),
            // No room for a word about it: it goes without.
            Ok(()) | Err(RecordError::Unavailable(BusError::Full(_))) => {
                self.records().erase(&key).await?;
                Ok(true)
            }
            Err(RecordError::Unavailable(error)) => Err(error.into()),
        }
    }
}
