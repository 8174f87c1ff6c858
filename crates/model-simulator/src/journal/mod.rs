//! What became of each request, so that a test waits for an event and not for a time.

mod record;

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::watch;

pub(crate) use record::Entry;
use record::Open;
pub use record::{Ended, Operation, Phase, Record};

/// Requests that are remembered one by one; older ones are only counted.
const REMEMBERED: usize = 1_000;

/// The journal of one simulator. Cheap to clone; all clones read the same.
#[derive(Debug, Clone)]
pub struct Journal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    requests: Mutex<Requests>,
    /// Counts, and how often the journal was emptied: what began before that is not counted.
    counts: watch::Sender<(u64, Counts)>,
}

#[derive(Debug, Default)]
struct Requests {
    next_id: u64,
    last: VecDeque<Arc<Open>>,
}

/// How many requests there were and are, since the journal was last emptied.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Requests that arrived whole.
    pub started: u64,
    /// Requests being answered.
    pub running: u64,
    /// Where those are.
    pub running_in: PhaseCounts,
    /// Requests that are over, in any way.
    pub finished: u64,
    /// Answered to the end.
    pub complete: u64,
    /// The caller closed the connection first.
    pub client_gone: u64,
    /// In which phase the caller did.
    pub client_gone_in: PhaseCounts,
    /// Failed on order.
    pub fault: u64,
    /// Refused, because the request was wrong.
    pub refused: u64,
}

/// A number for each phase.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PhaseCounts {
    /// [`Phase::Headers`].
    pub headers: u64,
    /// [`Phase::FirstToken`].
    pub first_token: u64,
    /// [`Phase::Stream`].
    pub stream: u64,
    /// [`Phase::Unary`].
    pub unary: u64,
}

impl PhaseCounts {
    /// The number of `phase`.
    pub fn of(&self, phase: Phase) -> u64 {
        match phase {
            Phase::Headers => self.headers,
            Phase::FirstToken => self.first_token,
            Phase::Stream => self.stream,
            Phase::Unary => self.unary,
        }
    }

    fn at(&mut self, phase: Phase) -> &mut u64 {
        match phase {
            Phase::Headers => &mut self.headers,
            Phase::FirstToken => &mut self.first_token,
            Phase::Stream => &mut self.stream,
            Phase::Unary => &mut self.unary,
        }
    }
}

impl Journal {
    pub(crate) fn new() -> Self {
        let (counts, _none_watches) = watch::channel((0, Counts::default()));
        Self(Arc::new(Inner { requests: Mutex::default(), counts }))
    }

    /// The counts as they are now.
    pub fn counts(&self) -> Counts {
        self.0.counts.borrow().1
    }

    /// The last 1,000 requests, oldest first.
    pub fn records(&self) -> Vec<Record> {
        self.requests().last.iter().map(|open| open.record()).collect()
    }

    /// Waits until the counts are as wanted; gives them. Put a time limit around it.
    pub async fn wait_until(&self, mut wanted: impl FnMut(&Counts) -> bool) -> Counts {
        let mut counts = self.0.counts.subscribe();
        // The sender lives as long as this handle, so it is not closed.
        let reached = counts.wait_for(|(_, counts)| wanted(counts)).await.map(|reached| reached.1);
        reached.unwrap_or_default()
    }

    /// Empties it. Requests that still run are not counted any more.
    pub fn reset(&self) {
        let mut requests = self.requests();
        requests.last.clear();
        self.0.counts.send_modify(|(emptied, counts)| {
            *emptied += 1;
            *counts = Counts::default();
        });
    }

    /// Begins a request. What is dropped without an end was left by its caller.
    pub(crate) fn start(&self, operation: Operation, model: &str, phase: Phase) -> Entry {
        let mut requests = self.requests();
        requests.next_id += 1;
        let open = Arc::new(Open::new(requests.next_id, operation, model, phase));
        if requests.last.len() == REMEMBERED {
            requests.last.pop_front();
        }
        requests.last.push_back(Arc::clone(&open));
        let mut began = 0;
        self.0.counts.send_modify(|(emptied, counts)| {
            began = *emptied;
            counts.started += 1;
            counts.running += 1;
            *counts.running_in.at(phase) += 1;
        });
        Entry::new(self.clone(), open, began, phase)
    }

    fn moved(&self, began: u64, from: Phase, to: Phase) {
        self.count(began, |counts| {
            *counts.running_in.at(from) -= 1;
            *counts.running_in.at(to) += 1;
        });
    }

    fn ended(&self, began: u64, phase: Phase, ended: Ended) {
        self.count(began, |counts| {
            counts.running -= 1;
            *counts.running_in.at(phase) -= 1;
            counts.finished += 1;
            match ended {
                Ended::Complete => counts.complete += 1,
                Ended::ClientGone => {
                    counts.client_gone += 1;
                    *counts.client_gone_in.at(phase) += 1;
                }
                Ended::Fault => counts.fault += 1,
                Ended::Refused => counts.refused += 1,
            }
        });
    }

    fn count(&self, began: u64, change: impl FnOnce(&mut Counts)) {
        self.0.counts.send_if_modified(|(emptied, counts)| {
            let counted = *emptied == began;
            if counted {
                change(counts);
            }
            counted
        });
    }

    fn requests(&self) -> MutexGuard<'_, Requests> {
        // Plain values: a panic elsewhere cannot have left them half-written.
        self.0.requests.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_dropped_without_an_end_was_left_by_its_caller() {
        let journal = Journal::new();
        let mut left = journal.start(Operation::Chat, "m", Phase::Headers);
        left.phase(Phase::FirstToken);
        let mut answered = journal.start(Operation::Chat, "m", Phase::Unary);

        drop(left);
        answered.end(Ended::Complete);
        drop(answered);

        let counts = journal.wait_until(|counts| counts.finished == 2).await;
        assert_eq!((counts.started, counts.running), (2, 0));
        assert_eq!(counts.client_gone_in.of(Phase::FirstToken), 1);
        assert_eq!((counts.client_gone, counts.complete), (1, 1));
    }

    #[test]
    fn what_began_before_it_was_emptied_is_not_counted() {
        let journal = Journal::new();
        let before = journal.start(Operation::Chat, "m", Phase::Unary);

        journal.reset();
        drop(before);

        assert_eq!(journal.counts(), Counts::default());
        assert!(journal.records().is_empty());
    }

    #[test]
    fn only_the_last_thousand_are_remembered() {
        let journal = Journal::new();

        for _request in 0..REMEMBERED + 5 {
            journal.start(Operation::Embeddings, "m", Phase::Unary).end(Ended::Complete);
        }

        let records = journal.records();
        assert_eq!((records.len(), records[0].id), (REMEMBERED, 6));
        assert_eq!(journal.counts().complete, REMEMBERED as u64 + 5);
    }
}
