//! The turns along one branch of a conversation, page by page.

use contract::{JobId, Owner};
use futures::StreamExt as _;
use openai_api::responses::Feedback;

use super::error::ConversationError;
use super::items::place_of;
use super::service::Conversations;
use super::turns::Tree;
use crate::responses::{Doubt, Fold};

/// How many logs are read at once: each may be as large as a model can read.
const AT_ONCE: usize = 8;
/// Most bytes of a page, unless it has one turn only.
const MOST_BYTES: usize = 8 * 1024 * 1024;

/// Which turns are asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// On the path through this turn, and on to the newest behind it; of all, unless it is said.
    pub(crate) at: Option<String>,
    /// On the path that ends with this turn instead.
    pub(crate) until: Option<String>,
    /// Those that stand before this turn of the path.
    pub(crate) before: Option<String>,
    /// The last ones, so many.
    pub(crate) limit: usize,
}

/// A page of turns, the oldest first.
#[derive(Debug)]
pub(crate) struct History {
    pub(crate) turns: Vec<PastTurn>,
    /// Whether there are older ones.
    pub(crate) has_more: bool,
}

/// One turn.
#[derive(Debug)]
pub(crate) struct PastTurn {
    pub(crate) turn: JobId,
    /// What it follows.
    pub(crate) after: Option<JobId>,
    /// All that follow the same, the oldest first.
    pub(crate) siblings: Vec<JobId>,
    /// What its owner thought of it.
    pub(crate) feedback: Option<Feedback>,
    /// `None` once its log is gone.
    pub(crate) said: Option<Said>,
}

/// What its log tells.
#[derive(Debug)]
pub(crate) struct Said {
    /// The items that it was asked, a JSON array.
    pub(crate) input: String,
    /// The response as it stands, a JSON object.
    pub(crate) response: Vec<u8>,
}

impl Conversations {
    /// The last turns of a path from the beginning. A turn that never began is on no path.
    pub(crate) async fn history(
        &self,
        owner: &Owner,
        id: &str,
        wanted: &Wanted,
    ) -> Result<History, ConversationError> {
        let (_id, mut record, _revision) = self.read(owner, id).await?;
        let mut running = None;
        if let Some(claimed) = record.running {
            match self.turn(owner, claimed.turn, Doubt::Allowed).await? {
                Some(fold) => running = Some((claimed.turn, said(&fold))),
                None => _ = record.remove_turn(claimed.turn),
            }
        }
        let tree = record.tree();
        let path = path(&tree, id, wanted)?;
        let from = path.len().saturating_sub(wanted.limit);

        let page = &path[from..];
        let reads = page.iter().rev().map(|place| {
            let turn = tree.turn(*place);
            let known = running.take_if(|(running, _said)| *running == turn);
            async move {
                match known {
                    Some((_turn, said)) => Ok(said),
                    None => {
                        let fold = self.turn(owner, turn, Doubt::Allowed).await?;
                        Ok::<_, ConversationError>(fold.as_ref().and_then(said))
                    }
                }
            }
        });
        let reads: Vec<_> = reads.collect();
        let mut reads = futures::stream::iter(reads).buffered(AT_ONCE);
        let mut newest_first = Vec::with_capacity(page.len());
        let mut bytes = 0;
        while let Some(said) = reads.next().await {
            let said = said?;
            bytes += said.as_ref().map_or(0, |said| said.input.len() + said.response.len());
            if bytes > MOST_BYTES && !newest_first.is_empty() {
                break;
            }
            newest_first.push(said);
        }
        drop(reads);

        let shown = &page[page.len() - newest_first.len()..];
        let siblings = tree.siblings(shown);
        let each = shown.iter().zip(siblings).zip(newest_first.into_iter().rev());
        let turns = each.map(|((place, siblings), said)| PastTurn {
            turn: tree.turn(*place),
            after: tree.parent(*place),
            siblings,
            feedback: record.thumbs.of(tree.turn(*place)),
            said,
        });
        Ok(History { turns: turns.collect(), has_more: shown.len() < path.len() })
    }
}

/// The places from the beginning to where a page ends.
fn path(tree: &Tree, id: &str, wanted: &Wanted) -> Result<Vec<usize>, ConversationError> {
    let of = |turn: &Option<String>| turn.as_ref().map(|turn| place_of(tree, id, turn)).transpose();
    let (at, before) = (of(&wanted.at)?, of(&wanted.before)?);
    let end = of(&wanted.until)?;
    // Whatever is newest meanwhile: what stands before a turn is the same on each path through it.
    let through = at.or(before).or(tree.newest());
    let end = end.or_else(|| through.map(|place| tree.newest_behind(place)));
    let mut path = tree.path_to(end);
    if let (Some(before), Some(turn)) = (before, &wanted.before) {
        // A path goes up.
        let end = path.binary_search(&before);
        path.truncate(end.map_err(|_not_there| ConversationError::Elsewhere(turn.clone()))?);
    }
    Ok(path)
}

fn said(fold: &Fold) -> Option<Said> {
    let [_before, input] = fold.context_and_input()?;
    Some(Said { input, response: fold.response() })
}
