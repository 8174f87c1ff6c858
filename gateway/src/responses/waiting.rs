//! Why nothing was said yet in a response: who is before it, and who could take it.
//!
//! The truth is its log, its queue, and the beats of workers; nothing here is part of the response.
//! Somebody asks every other second for each page that waits. So what does not change is remembered
//! for a while, what changes is read from behind it, and a queue is asked about once for all.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bus::{BusError, Entry, QueueState};
use contract::log::{self, LogId, Record, Started};
use contract::{Lane, Operation, QueueName, SILENT_AFTER};
use serde::Serialize;
use tokio::time::Instant;

use super::fold::Fold;
use super::service::Inner;
use crate::chat::Workers;
use crate::queues::SeenQueues;

/// What is remembered of a response is read again after this: it may have been deleted, or have got
/// another place.
const REMEMBERED_FOR: Duration = Duration::from_secs(10);
/// Most responses that are remembered.
const MOST: usize = 10_000;
/// Longest wait for a queue to say how it stands.
const KNOWN_WITHIN: Duration = Duration::from_secs(3);

/// How a response waits. What is not known is null.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Waiting {
    id: String,
    object: &'static str,
    status: &'static str,
    /// Whether nothing was said yet, and something may be.
    waiting: bool,
    /// Jobs of the same lane and queue that are before it: this many at most.
    ahead: Option<u64>,
    reason: Option<Reason>,
    /// Workers that take jobs of its queue.
    workers: Option<u64>,
    free_slots: Option<u64>,
}

/// Why nothing was said yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Reason {
    /// No slot is free, or others are before it.
    Busy,
    /// Nobody is there who could take it.
    NoWorker,
    /// Somebody has it, and the model has said nothing.
    Starting,
    /// Who had it is gone, and it is taken up again.
    Retrying,
}

/// Where it is looked up, and what was found.
#[derive(Debug)]
pub(crate) struct Waits {
    workers: Arc<Workers>,
    queues: SeenQueues,
    known: Mutex<HashMap<LogId, Known>>,
}

/// What does not change while a response waits.
#[derive(Debug, Clone)]
struct Known {
    lane: Lane,
    /// None of a model that is not in this catalogue.
    queue: Option<QueueName>,
    /// Its first record.
    first: u64,
    /// Its place in its queue, if it was there.
    place: Option<u64>,
    at: Instant,
}

/// What the records behind the first one come to, while nothing is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stands {
    Queued,
    Begun(Started),
    /// Who had it stops, and has given it back.
    HandedBack,
}

impl Waits {
    pub(crate) fn new(workers: Arc<Workers>, queues: SeenQueues) -> Self {
        Self { workers, queues, known: Mutex::default() }
    }

    /// It is deleted: read it again.
    pub(super) fn forget(&self, log: &LogId) {
        self.lock().remove(log);
    }

    fn remembered(&self, log: &LogId) -> Option<Known> {
        let known = self.lock();
        known.get(log).filter(|known| known.at.elapsed() < REMEMBERED_FOR).cloned()
    }

    fn remember(&self, log: &LogId, new: Known) {
        let mut known = self.lock();
        if known.len() >= MOST {
            known.retain(|_, known| known.at.elapsed() < REMEMBERED_FOR);
        }
        if known.len() < MOST {
            known.insert(log.clone(), new);
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<LogId, Known>> {
        // Each change is one call: a panic elsewhere cannot have left it half-done.
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn told(&self, log: &LogId, known: &Known, stands: Stands) -> Waiting {
        let state = match (&known.queue, stands) {
            (Some(queue), Stands::Queued) => {
                let asked = self.queues.now(known.lane, queue, Some(known.at));
                tokio::time::timeout(KNOWN_WITHIN, asked).await.ok().flatten()
            }
            _ => None,
        };
        let now = Instant::now();
        // Silence means something once others could have been heard.
        let young = self.workers.listening_for(now) < SILENT_AFTER;
        let there = known.queue.as_ref().map(|queue| self.workers.room_of(queue, now));
        let there = there.filter(|(workers, _)| *workers > 0 || !young);
        let place = known.place.zip(state);
        let ahead = match stands {
            Stands::Queued => place.map(|(place, state)| ahead(place, &state)),
            Stands::Begun(_) => Some(0),
            Stands::HandedBack => None,
        };
        let is_taken = place.is_some_and(|(place, state)| place <= state.delivered_up_to);
        let nobody = there.is_some_and(|(workers, _)| workers == 0);
        let reason = match stands {
            Stands::Begun(started) if self.is_alive(&started, now) => Some(Reason::Starting),
            _ if nobody => Some(Reason::NoWorker),
            Stands::Begun(_) | Stands::HandedBack => Some(Reason::Retrying),
            Stands::Queued if is_taken => Some(Reason::Starting),
            Stands::Queued => {
                let is_full = there.is_some_and(|(_, free)| free == 0);
                (is_full || ahead.is_some_and(|ahead| ahead > 0)).then_some(Reason::Busy)
            }
        };
        let status = if stands == Stands::Queued { "queued" } else { "in_progress" };
        Waiting {
            waiting: true,
            ahead,
            reason,
            workers: there.map(|(workers, _)| workers),
            free_slots: there.map(|(_, free)| free),
            ..Waiting::over(log, status)
        }
    }

    /// As far as its worker could be heard.
    fn is_alive(&self, started: &Started, now: Instant) -> bool {
        self.workers.silent_for(started.writer, now) < SILENT_AFTER
    }
}

impl Waiting {
    /// Of a response in which something was said, or never will be.
    fn over(log: &LogId, status: &'static str) -> Self {
        Self {
            id: log.job.as_response(),
            object: "response.waiting",
            status,
            waiting: false,
            ahead: None,
            reason: None,
            workers: None,
            free_slots: None,
        }
    }
}

/// How many are before a job, at most: no more than lie between it and the last one that was
/// delivered, and no more than wait beside it.
fn ahead(place: u64, state: &QueueState) -> u64 {
    let between = place.saturating_sub(state.delivered_up_to).saturating_sub(1);
    between.min(state.waiting.saturating_sub(1))
}

/// How a response waits of which enough is remembered; `None`: it has to be read.
pub(super) async fn remembered(inner: &Inner, log: &LogId) -> Result<Option<Waiting>, BusError> {
    let Some(known) = inner.waits.remembered(log) else { return Ok(None) };
    // What was asked is not read again: it may be long.
    let behind = inner.bus.fetch_log(log, known.first).await?;
    if !behind.iter().all(is_silent) {
        return Ok(None);
    }
    Ok(Some(inner.waits.told(log, &known, stands(&behind)).await))
}

/// The same of one that was read.
pub(super) async fn read(
    inner: &Inner,
    log: &LogId,
    entries: &[Entry],
    fold: &Fold,
) -> Result<Waiting, BusError> {
    let accepted = match entries.first().map(|first| (first, log::read(&first.message))) {
        Some((first, Ok((Record::Accepted(accepted), _)))) => Some((first.sequence, accepted)),
        _ => None,
    };
    let (Some((first, accepted)), false) = (accepted, fold.has_spoken_or_ended()) else {
        return Ok(Waiting::over(log, fold.status().as_str()));
    };
    let stands = stands(entries);
    let lane = accepted.lane;
    let model = inner.chats.model_for(accepted.model.as_str(), Operation::ChatCompletions);
    let queue = model.ok().map(|model| model.queue.clone());
    let place = match (&queue, stands) {
        (Some(queue), Stands::Queued) => {
            inner.bus.place_of_job(lane, queue, &log.owner.tenant, log.job).await?
        }
        _ => None,
    };
    // From here on its queue knows of it.
    let known = Known { lane, queue, first, place, at: Instant::now() };
    // One that is about to be queued has no place yet.
    if stands != Stands::Queued || place.is_some() {
        inner.waits.remember(log, known.clone());
    }
    Ok(inner.waits.told(log, &known, stands).await)
}

/// How a log stands in which nothing was said. Some chunks say nothing.
fn stands(entries: &[Entry]) -> Stands {
    let mut stands = Stands::Queued;
    for entry in entries {
        stands = match log::read(&entry.message) {
            Ok((Record::Started(started), _)) => Stands::Begun(started),
            Ok((Record::HandedBack(_), _)) => Stands::HandedBack,
            _ => stands,
        };
    }
    stands
}

/// Whether there is nothing in a record that could have been said.
fn is_silent(entry: &Entry) -> bool {
    match log::read(&entry.message) {
        Ok((Record::Started(_) | Record::HandedBack(_), mut chunks)) => chunks.next().is_none(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_are_before_a_job_than_wait_or_lie_in_between() {
        for (place, delivered_up_to, waiting, expected) in [
            (1, 0, 1, 0),
            (4, 1, 3, 2),
            // Jobs of other queues lie in between.
            (100, 1, 3, 2),
            // Others came behind it.
            (4, 1, 50, 2),
            // Somebody has it.
            (4, 4, 0, 0),
            (4, 7, 9, 0),
        ] {
            let state = QueueState { waiting, delivered_up_to, ..QueueState::default() };
            assert_eq!(ahead(place, &state), expected, "{place} {state:?}");
        }
    }
}
