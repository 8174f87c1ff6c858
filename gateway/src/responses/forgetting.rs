//! A conversation is deleted with the responses that were its turns.

use std::collections::HashSet;
use std::time::Duration;

use contract::Owner;
use futures::{StreamExt as _, TryStreamExt as _};

use super::accept::ACCEPT_WITHIN;
use super::error::ResponseError;
use super::service::Responses;
use crate::conversations::ConversationError;

/// How many are deleted at once: the log of each may be as large as a model can read.
const AT_ONCE: usize = 8;
/// Between two looks for a log that is about to begin.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

impl Responses {
    /// Stops and forgets the responses of a conversation, then the conversation. As long as it is
    /// there, whatever failed can be done again.
    pub(crate) async fn delete_conversation(
        &self,
        owner: &Owner,
        id: &str,
    ) -> Result<(), ResponseError> {
        let conversations = self.conversations();
        let mut standing = conversations.standing(owner, id).await?;
        let mut gone = HashSet::new();
        loop {
            let left = standing.turns.iter().copied().filter(|turn| !gone.contains(turn));
            let claimed = standing.claimed.map(|(turn, _age)| turn);
            let deletions: Vec<_> = left
                .map(|turn| async move {
                    match self.erase(owner, &turn.as_response()).await {
                        Ok(()) => Ok(Some(turn)),
                        // It is about to begin, or never will.
                        Err(ResponseError::NotFound(_)) if claimed == Some(turn) => Ok(None),
                        // It went by its age, or by somebody else.
                        Err(ResponseError::NotFound(_)) => Ok(Some(turn)),
                        Err(error) => Err(error),
                    }
                })
                .collect();
            let deletions = futures::stream::iter(deletions).buffer_unordered(AT_ONCE);
            let deleted: Vec<_> = deletions.try_collect().await?;
            gone.extend(deleted.into_iter().flatten());
            match standing.claimed {
                // Nobody could find its log later.
                Some((turn, age)) if !gone.contains(&turn) && age < ACCEPT_WITHIN => {
                    tokio::time::sleep(LOOK_AGAIN).await;
                }
                _ if conversations.forget_as(owner, &standing).await? => return Ok(()),
                _ => {}
            }
            // Somebody changed it meanwhile: look again.
            standing = match conversations.standing(owner, id).await {
                Err(ConversationError::NotFound(_)) => return Ok(()),
                standing => standing?,
            };
        }
    }
}
