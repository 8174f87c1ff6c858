//! A request that comes again is told what was made for it the first time, if that came to anything.

use std::time::Duration;

use bus::Entry;
use contract::log::{self, Api, LogId, Outcome, Record};
use contract::{JobId, Lane, Owner};
use tokio::time::Instant;

use super::accept::ACCEPT_WITHIN;
use super::error::ResponseError;
use super::fold::Fold;
use super::logs::{self, Doubt};
use super::service::Inner;
use crate::idempotency::{Before, Claim, Entered, KeyError, Repeatable};

/// How long a key is waited for that names no log. Whoever claimed it begins the log, or frees the
/// key, within less.
const BEGINS_WITHIN: Duration = ACCEPT_WITHIN.saturating_add(Duration::from_secs(1));
/// A claim of this age has no log coming; more than a wait, because clocks differ.
const TOO_OLD: Duration = Duration::from_secs(30);
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

/// Finds out whether a request is new, and claims its key if it is, and if it `may_begin`.
pub(super) async fn find(
    inner: &Inner,
    owner: &Owner,
    request: &Repeatable,
    job: JobId,
    may_begin: bool,
) -> Result<Finding, ResponseError> {
    let (ledger, makes) = (&inner.ledger, job.to_string());
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
        if came_to_something(&entries) {
            return Ok(Finding::Made(log, entries));
        }
        if !may_begin {
            return Ok(Finding::Nothing);
        }
        // Otherwise somebody else was faster: look again.
        if let Some(claim) = ledger.take_over(request, &before, &makes).await? {
            forget_turn(inner, owner, &log, &entries).await?;
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
        let entries = logs::read(&inner.bus, log, 0, Doubt::Refused).await?;
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
/// | the same, and something was said                   | reads it, if it is a response   |
///
/// A chat completion that broke off is made anew: nobody can fetch the half of it.
fn came_to_something(entries: &[Entry]) -> bool {
    let Some(first) = entries.first() else { return false };
    let Ok((Record::Accepted(accepted), _)) = log::read(&first.message) else { return false };
    let outcome = entries.iter().find_map(|entry| match log::read(&entry.message) {
        Ok((Record::Ended(ended), _)) => Some(ended.outcome),
        _ => None,
    });
    let Some(outcome) = outcome else { return true };
    match outcome {
        Outcome::Completed => true,
        Outcome::Cancelled => accepted.lane == Lane::Background,
        Outcome::Failed(failure) if failure.should_retry => {
            accepted.api == Api::Responses && entries.iter().any(says_something)
        }
        Outcome::Failed(_) => true,
    }
}

fn says_something(entry: &Entry) -> bool {
    log::read(&entry.message).is_ok_and(|(_record, mut chunks)| chunks.next().is_some())
}

/// What came to nothing leaves nothing in its conversation: the repeat will say the same there.
async fn forget_turn(
    inner: &Inner,
    owner: &Owner,
    log: &LogId,
    entries: &[Entry],
) -> Result<(), ResponseError> {
    let Ok(fold) = Fold::of(log, entries) else { return Ok(()) };
    let Some(conversation) = fold.conversation() else { return Ok(()) };
    Ok(inner.conversations.forget(owner, &conversation, log.job, &fold).await?)
}
