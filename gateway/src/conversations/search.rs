//! Which conversations hold a text: a scan of the newest ones, bounded in number and in time.

use std::time::Duration;

use contract::{ConversationId, Owner};
use futures::StreamExt as _;
use openai_api::responses::said_in;
use tokio::time::Instant;

use super::error::ConversationError;
use super::service::{Conversation, Conversations, Listed};
use crate::responses::Doubt;

/// How many conversations are looked through, the newest.
const MOST_LOOKED_THROUGH: usize = 1_000;
/// Longest time for a search.
const SEARCHED_WITHIN: Duration = Duration::from_secs(10);
/// How many are looked through at once: each may be as large as a model can read.
const AT_ONCE: usize = 8;

/// What a search found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) listed: Listed,
    /// False when there are older conversations than those that were looked through.
    pub(crate) complete: bool,
}

impl Conversations {
    /// The newest conversations in whose title or in whose texts of users and assistants `text` is,
    /// in capitals or not; those made before `after`.
    pub(crate) async fn search(
        &self,
        owner: &Owner,
        text: &str,
        limit: usize,
        after: Option<ConversationId>,
    ) -> Result<Found, ConversationError> {
        let mut ids = self.ids(owner).await?;
        let mut complete = ids.len() <= MOST_LOOKED_THROUGH;
        ids.truncate(MOST_LOOKED_THROUGH);
        ids.retain(|id| after.is_none_or(|after| *id < after));
        let needle = text.to_lowercase();
        let looks = ids.into_iter().map(|id| self.look_through(owner.clone(), id, needle.clone()));
        let mut looks = futures::stream::iter(looks).buffered(AT_ONCE);

        let deadline = Instant::now() + SEARCHED_WITHIN;
        let mut conversations = Vec::new();
        while conversations.len() <= limit {
            match tokio::time::timeout_at(deadline, looks.next()).await {
                Ok(Some(found)) => conversations.extend(found?),
                Ok(None) => break,
                Err(_elapsed) => {
                    complete = false;
                    break;
                }
            }
        }
        let has_more = conversations.len() > limit;
        conversations.truncate(limit);
        Ok(Found { listed: Listed { conversations, has_more }, complete })
    }

    async fn look_through(
        &self,
        owner: Owner,
        id: ConversationId,
        needle: String,
    ) -> Result<Option<Conversation>, ConversationError> {
        let Some((id, record)) = self.find(owner.clone(), id).await? else { return Ok(None) };
        let holds = |text: &str| text.to_lowercase().contains(&needle);
        let in_title = record.title().is_some_and(|title| holds(&title));
        let found = in_title || {
            let items = self.newest_items_of(&owner, &record, Doubt::Allowed).await?;
            said_in(&items).iter().any(|(_who, text)| holds(text))
        };
        Ok(found.then(|| Conversation::of(id, &record)))
    }
}
