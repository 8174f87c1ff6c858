//! The items of a conversation: folds of the logs of its turns.

use contract::log::LogId;
use contract::{JobId, Owner};
use openai_api::responses::{NewItems, Status};

use super::error::ConversationError;
use super::record::{Added, Record, Turn, item_in};
use super::service::{Conversation, Conversations, seed};
use super::turns::Tree;
use crate::idempotency::{Repeatable, Told};
use crate::responses::{Doubt, Fold, stored};

/// How many turns without a log are passed over: those whose claim came to nothing. Logs go by
/// age, so that behind some that are gone all are.
const MOST_LOOKS: usize = 8;

impl Conversations {
    /// All items as a JSON array, the oldest first.
    pub(crate) async fn items(&self, owner: &Owner, id: &str) -> Result<String, ConversationError> {
        let (_id, record, _revision) = self.read(owner, id).await?;
        self.newest_items_of(owner, &record, Doubt::Allowed).await
    }

    /// One item.
    pub(crate) async fn item(
        &self,
        owner: &Owner,
        id: &str,
        item: &str,
    ) -> Result<String, ConversationError> {
        let items = self.items(owner, id).await?;
        item_in(&items, item).ok_or_else(|| no_such_item(id, item))
    }

    /// Adds items behind all others, and gives them as a JSON array. A request that comes again adds
    /// nothing, and is given those that are still there.
    pub(crate) async fn add_items(
        &self,
        owner: &Owner,
        id: &str,
        new: &NewItems,
        request: Option<&Repeatable>,
    ) -> Result<(String, Told), ConversationError> {
        self.connected()?;
        let place = self.ledger().place(request, seed()).await?;
        let items = new.items(&place.makes);
        match self.change(owner, id, |record| record.add_once(&items)).await {
            Ok((_conversation, Added::Now)) => Ok((items, Told::Anew)),
            Ok((_conversation, Added::Before { left })) => Ok((left, Told::Again)),
            // They may be there.
            Err(error @ ConversationError::Unavailable(_)) => Err(error),
            Err(refused) => {
                self.ledger().is_refused(place);
                Err(refused)
            }
        }
    }

    /// Takes an item out.
    pub(crate) async fn remove_item(
        &self,
        owner: &Owner,
        id: &str,
        item: &str,
    ) -> Result<Conversation, ConversationError> {
        self.item(owner, id, item).await?;
        let changed = self.change(owner, id, |record| record.remove([item.to_owned()])).await;
        changed.map(|(conversation, ())| conversation)
    }

    /// [`Conversations::items`] of a record that was read.
    pub(super) async fn newest_items_of(
        &self,
        owner: &Owner,
        record: &Record,
        doubt: Doubt,
    ) -> Result<String, ConversationError> {
        let tree = record.tree();
        self.items_of(owner, record, &tree, tree.newest(), doubt).await
    }

    /// The items of a record up to a turn of it and what was added behind that; `None` is what was
    /// added before all turns.
    pub(super) async fn items_of(
        &self,
        owner: &Owner,
        record: &Record,
        tree: &Tree,
        last: Option<usize>,
        doubt: Doubt,
    ) -> Result<String, ConversationError> {
        let path = tree.path_to(last);
        for (from, place) in path.iter().enumerate().rev().take(MOST_LOOKS) {
            let fold = self.turn(owner, tree.turn(*place), doubt).await?;
            if let Some(told) = fold.and_then(|fold| told_by(&fold)) {
                return Ok(record.items(&path[from..], Some(&told)));
            }
        }
        Ok(record.items(&path, None))
    }

    /// The fold of a turn; `None` when its log is gone, or was never begun.
    pub(super) async fn turn(
        &self,
        owner: &Owner,
        turn: JobId,
        doubt: Doubt,
    ) -> Result<Option<Fold>, ConversationError> {
        let log = LogId { owner: owner.clone(), job: turn };
        Ok(stored(self.bus(), &log, doubt).await?)
    }
}

/// What a turn tells of its conversation.
///
/// | it                                    | adds                                         |
/// |---------------------------------------|----------------------------------------------|
/// | has an answer, be it cut short        | its input and its output                     |
/// | has no end yet                        | its input                                    |
/// | was cancelled, or broke off           | its input: there is no answer to go on from  |
/// | failed before anything was said       | nothing: its caller was told, and asks again |
pub(super) fn told_by(fold: &Fold) -> Option<Turn> {
    let [before, input] = fold.context_and_input()?;
    let own = match fold.status() {
        Status::Completed | Status::Incomplete => fold.turn_items()?,
        Status::Failed if fold.failure_alone().is_some() => "[]".to_owned(),
        Status::Queued | Status::InProgress | Status::Failed | Status::Cancelled => input,
    };
    Some(Turn { before, own })
}

/// The turn of this id, in a response or an address.
pub(super) fn place_of(
    tree: &Tree,
    conversation: &str,
    turn: &str,
) -> Result<usize, ConversationError> {
    let place = JobId::of_response(turn).ok().and_then(|turn| tree.place(turn));
    place.ok_or_else(|| {
        let (conversation, turn) = (conversation.to_owned(), turn.to_owned());
        ConversationError::TurnNotFound { conversation, turn }
    })
}

fn no_such_item(conversation: &str, item: &str) -> ConversationError {
    let (conversation, item) = (conversation.to_owned(), item.to_owned());
    ConversationError::ItemNotFound { conversation, item }
}
