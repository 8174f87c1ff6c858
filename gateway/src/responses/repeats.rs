//! A request that comes again is told what was made for it the first time, if that came to anything.

use std::time::Duration;

use bus::{Entry, LinkState};
use contract::log::{self as record, LogId, Outcome, Record};
use tokio::time::Instant;

use super::accept::ACCEPT_WITHIN;
use super::error::ResponseError;
use super::fold::Fold;
use super::logs::{self, Doubt};
use super::request::is_background;
use super::service::Inner;
use crate::idempotency::{Before, Claim, Entered, KeyError, Repeatable};

/// How long a key is waited for that names no log. Whoever claimed it begins the log, or frees the
/// key, within less.
const BEGINS_WITHIN: Duration = ACCEPT_WITHIN.saturating_add(Duration::from_secs(1));
/// A claim of this age has no log coming; more than a wait, because clocks differ.
const TOO_OLD: Duration = Duration::from_secs(30);
/// Longest time to find out: a key that is entered, and a log that is waited for.
const FOUND_WITHIN: Duration = Duration::from_secs(22);
/// Between two looks for a log.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// What becomes of a request with a key.
pub(super) enum Finding {
    /// It is new.
    New(Claim),
    /// This was made for it.
    Made(LogId, Vec<Entry>),
    /// Nothing is known of it, and nothing is claimed.
    Nothing,
}

/// Finds out whether a request is new, and claims its key for this log if it is, and if it
/// `may_begin`. `conversation` is what it is to be a turn of.
///
/// # Cancellation
///
/// Dropping the future frees the key, if it was claimed.
pub(super) async fn find(
    inner: &Inner,
    new: &LogId,
    request: &Repeatable,
    conversation: Option<&str>,
    may_begin: bool,
) -> Result<Finding, ResponseError> {
    if *inner.bus.state().borrow() == LinkState::Disconnected {
        return Err(ResponseError::Unavailable(None));
    }
    let found = look(inner, new, request, conversation, may_begin);
    match tokio::time::timeout(FOUND_WITHIN, found).await {
        Ok(found) => found,
        Err(_elapsed) => Err(ResponseError::Unavailable(None)),
    }
}

async fn look(
    inner: &Inner,
    new: &LogId,
    request: &Repeatable,
    conversation: Option<&str>,
    may_begin: bool,
) -> Result<Finding, ResponseError> {
    let (ledger, owner, makes) = (&inner.ledger, &new.owner, new.job.to_string());
    loop {
        let before = if may_begin {
            match ledger.enter(request, &makes).await? {
                Entered::First(claim) => return Ok(Finding::New(claim)),
                Entered::Before(before) => before,
            }
        } else {
            match ledger.look(request).await? {
                Some(before) => before,
                None => return Ok(Finding::Nothing),
            }
        };
        let job = before.makes.parse().map_err(|_no_job| KeyError::Unavailable(None))?;
        let log = LogId { owner: owner.clone(), job };
        let Some(entries) = begun(inner, &log, request, &before).await? else { continue };
        if came_to_something(&log, &entries) {
            return Ok(Finding::Made(log, entries));
        }
        if !may_begin {
            return Ok(Finding::Nothing);
        }
        // Before anybody else makes it: twice does no harm, and one that stays locks it.
        if let Some(conversation) = conversation {
            forget_turn(inner, &log, conversation, &entries).await?;
        }
        // Otherwise somebody else was faster: look again.
        if let Some(claim) = ledger.take_over(request, &before, &makes).await? {
            return Ok(Finding::New(claim));
        }
    }
}

/// The log that a key names, whose gateway may be about to begin it; empty when there is none, and
/// `None` when the key names another one meanwhile, or was freed.
async fn begun(
    inner: &Inner,
    log: &LogId,
    request: &Repeatable,
    before: &Before,
) -> Result<Option<Vec<Entry>>, ResponseError> {
    let began = Instant::now();
    loop {
        // The stream forgets a log long after a key is forgotten that names it.
        let entries = logs::read_unsealed(&inner.bus, log, 0, Doubt::Refused).await?;
        let waited = began.elapsed();
        if !entries.is_empty() || waited > BEGINS_WITHIN || before.age + waited > TOO_OLD {
            return Ok(Some(entries));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
        let now = inner.ledger.look(request).await?;
        if now.is_none_or(|now| now.makes != before.makes) {
            return Ok(None);
        }
    }
}

/// Whether a repeat is told what is in a log.
///
/// | the log                                            | a repeat                        |
/// |----------------------------------------------------|---------------------------------|
/// | is not there                                       | is made anew                    |
/// | has no end, or is complete                         | reads it                        |
/// | was stopped because nobody read it                 | is made anew                    |
/// | was cancelled by somebody                          | reads it                        |
/// | failed for good                                    | reads it                        |
/// | failed, another try may help, nothing was said     | is made anew                    |
/// | the same, and something was said                   | reads it, if it is kept         |
///
/// What is not kept and broke off is made anew, as is a chat completion: nobody can fetch the half
/// of it.
fn came_to_something(log: &LogId, entries: &[Entry]) -> bool {
    let Some(first) = entries.first() else { return false };
    let Ok((Record::Accepted(accepted), _)) = record::read(&first.message) else { return false };
    let outcome = entries.iter().find_map(|entry| match record::read(&entry.message) {
        Ok((Record::Ended(ended), _)) => Some(ended.outcome),
        _ => None,
    });
    let Some(outcome) = outcome else { return true };
    match outcome {
        Outcome::Completed => true,
        Outcome::Cancelled => is_background(&accepted),
        Outcome::Failed(failure) if failure.should_retry => {
            entries.iter().any(says_something)
                && Fold::of(log, entries).is_ok_and(|fold| fold.is_kept())
        }
        Outcome::Failed(_) => true,
    }
}

fn says_something(entry: &Entry) -> bool {
    record::read(&entry.message).is_ok_and(|(_record, mut chunks)| chunks.next().is_some())
}

/// What came to nothing leaves nothing in its conversation: the repeat will say the same there.
async fn forget_turn(
    inner: &Inner,
    log: &LogId,
    conversation: &str,
    entries: &[Entry],
) -> Result<(), ResponseError> {
    let LogId { owner, job } = log;
    let forgotten = match Fold::of(log, entries) {
        Ok(fold) => inner.conversations.forget(owner, conversation, *job, &fold).await,
        Err(_no_log) => inner.conversations.take_back(owner, conversation, *job).await,
    };
    Ok(forgotten?)
}

#[cfg(test)]
mod tests;
