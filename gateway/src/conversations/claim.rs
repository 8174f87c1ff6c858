//! A response takes its turn in a conversation. One at a time does.
//!
//! The claim is a compare-and-set of the record, made before the log of the turn begins. Nothing is
//! written when the turn ends: whoever comes next looks at its log.

use std::time::Duration;

use bus::RecordError;
use contract::{ConversationId, JobId, Owner, subjects};
use openai_api::responses::After;

use super::error::ConversationError;
use super::items::place_of;
use super::record::{Running, ids_in};
use super::service::Conversations;
use crate::clock::shared_now_ms;
use crate::responses::{Doubt, Fold};

/// How long a claim counts whose turn has no log. A response is accepted, or not, within 10 s of
/// it; the rest is for clocks that differ.
const BEGINS_WITHIN: Duration = Duration::from_secs(30);
/// How long a caller whose response was not accepted waits for its claim to be given back.
const CALLER_WAITS: Duration = Duration::from_secs(1);

/// A turn that was claimed. Dropping it gives it back, unless the response was accepted.
#[derive(Debug)]
pub(crate) struct Claim {
    conversations: Conversations,
    owner: Owner,
    id: ConversationId,
    turn: JobId,
    /// There is nothing to give back.
    settled: bool,
}

/// How far a turn is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It has no end, or may be about to begin.
    Running,
    Ended,
    /// It never began, or its log is gone.
    Vanished,
}

impl Conversations {
    /// Claims a turn behind another one, in which a user says this, and gives the items before it as
    /// a JSON array. The caller limits the time.
    ///
    /// # Cancellation
    ///
    /// Dropping the future gives the claim back, if it was made.
    pub(crate) async fn claim(
        &self,
        owner: &Owner,
        id: &str,
        turn: JobId,
        after: &After,
        said: Option<&str>,
    ) -> Result<(Claim, String), ConversationError> {
        loop {
            let (conversation, mut record, revision) = self.read(owner, id).await?;
            if let Some(running) = record.running {
                match self.stage_of(owner, running).await? {
                    Stage::Running => return Err(ConversationError::Locked(id.to_owned())),
                    Stage::Ended => {}
                    Stage::Vanished => {
                        record.remove_turn(running.turn);
                    }
                }
            }
            let tree = record.tree();
            let last = match after {
                After::Newest => tree.newest(),
                After::Beginning => None,
                After::Turn(after) => Some(place_of(&tree, id, after)?),
            };
            let items = self.items_of(owner, &record, &tree, last, Doubt::Refused).await?;
            record.claim(turn, last.map(|last| tree.turn(last)), shared_now_ms(), said);
            let (key, value) = (subjects::conversation_key(owner, conversation), record.write()?);
            // Before it is made: an answer that is lost does not tell whether it was.
            let mut claim = self.begin(owner, conversation, turn);
            match self.records().update(&key, value, revision).await {
                Ok(_revision) => return Ok((claim, items)),
                // Somebody changed the conversation, or was faster: look again.
                Err(RecordError::Conflict) => claim.settled = true,
                Err(RecordError::Unavailable(error)) => return Err(error.into()),
            }
        }
    }

    /// A response is about to be deleted: what it added leaves the conversation, and its turn is
    /// over. A conversation that is gone needs no change.
    pub(crate) async fn forget(
        &self,
        owner: &Owner,
        id: &str,
        turn: JobId,
        fold: &Fold,
    ) -> Result<(), ConversationError> {
        let gone = fold.turn_items().map(|items| ids_in(&items)).unwrap_or_default();
        let forgotten = self.change(owner, id, |record| {
            record.remove_turn(turn);
            record.remove(gone.iter().cloned());
        });
        match forgotten.await {
            Ok(_) | Err(ConversationError::NotFound(_)) => Ok(()),
            // No room to note what is gone: later turns may still tell of it. Whoever wants a
            // response gone gets it gone all the same.
            Err(error @ ConversationError::TooLarge { .. }) => {
                tracing::warn!("a deleted response was not taken out of its conversation: {error}");
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    /// A turn came to nothing: it leaves the conversation, if that is there.
    pub(crate) async fn take_back(
        &self,
        owner: &Owner,
        id: &str,
        turn: JobId,
    ) -> Result<(), ConversationError> {
        match self.change(owner, id, |record| record.remove_turn(turn)).await {
            Ok(_) | Err(ConversationError::NotFound(_)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    async fn stage_of(&self, owner: &Owner, running: Running) -> Result<Stage, ConversationError> {
        let since = Duration::from_millis(shared_now_ms().saturating_sub(running.since_ms));
        Ok(match self.turn(owner, running.turn, Doubt::Refused).await? {
            Some(fold) if fold.has_ended() => Stage::Ended,
            Some(_) => Stage::Running,
            None if since < BEGINS_WITHIN => Stage::Running,
            None => Stage::Vanished,
        })
    }

    fn begin(&self, owner: &Owner, id: ConversationId, turn: JobId) -> Claim {
        Claim { conversations: self.clone(), owner: owner.clone(), id, turn, settled: false }
    }
}

impl Claim {
    /// The response was accepted: its log says from here on how far the turn is.
    pub(crate) fn keep(mut self) {
        self.settled = true;
    }

    /// The response was not accepted: whoever asks next need not wait for it.
    pub(crate) async fn give_back(mut self) {
        let back = give_back(&self.conversations, &self.owner, self.id, self.turn);
        // What is not done by then is done behind the caller's back.
        self.settled = tokio::time::timeout(CALLER_WAITS, back).await.is_ok();
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let (conversations, owner) = (self.conversations.clone(), self.owner.clone());
        let (id, turn) = (self.id, self.turn);
        self.conversations.tasks().spawn_detached(async move {
            give_back(&conversations, &owner, id, turn).await;
        });
    }
}

async fn give_back(conversations: &Conversations, owner: &Owner, id: ConversationId, turn: JobId) {
    if let Err(error) = conversations.take_back(owner, &id.as_conversation(), turn).await {
        tracing::warn!(%error, "a turn was not given back, time frees it: {error}");
    }
}
