//! Which workers are heard, and which queues they serve.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contract::{
    CatalogueHash, QueueName, SILENT_AFTER, WORKER_UNHEARD_AFTER, WorkerBeat, WorkerId,
};
use tokio::time::Instant;

/// The workers that were heard lately.
#[derive(Debug)]
pub(crate) struct Workers(Mutex<Heard>);

#[derive(Debug)]
struct Heard {
    /// Since when silence means anything: before, nobody could be heard.
    listening_since: Instant,
    last: HashMap<WorkerId, Last>,
}

/// What was heard of a worker.
#[derive(Debug)]
struct Last {
    at: Instant,
    /// When it last said that it takes jobs. One that is stopping does not; whoever takes its
    /// place has as long to appear as after a death.
    serving_at: Option<Instant>,
    beat: WorkerBeat,
}

impl Workers {
    pub(crate) fn new(now: Instant) -> Self {
        Self(Mutex::new(Heard { listening_since: now, last: HashMap::new() }))
    }

    /// The connection stands (again): whoever was silent until now could not be heard.
    pub(crate) fn listening(&self, now: Instant) {
        self.lock().listening_since = now;
    }

    /// A worker beat.
    pub(crate) fn heard(&self, beat: WorkerBeat, now: Instant) {
        let last = &mut self.lock().last;
        last.retain(|_, last| now.saturating_duration_since(last.at) < WORKER_UNHEARD_AFTER * 6);
        let before = last.get(&beat.worker).and_then(|last| last.serving_at);
        let serving_at = if beat.draining { before } else { Some(now) };
        last.insert(beat.worker, Last { at: now, serving_at, beat });
    }

    /// How many workers that take jobs of `queue` are not silent.
    pub(crate) fn heard_of(&self, queue: &QueueName, now: Instant) -> u64 {
        self.room_of(queue, now).0
    }

    /// The same, and how many jobs more they could run.
    pub(crate) fn room_of(&self, queue: &QueueName, now: Instant) -> (u64, u64) {
        let heard = self.lock();
        let lately = |last: &&Last| now.saturating_duration_since(last.at) < SILENT_AFTER;
        let serving = heard.last.values().filter(lately).map(|last| &last.beat);
        let serving = serving.filter(|beat| !beat.draining && beat.queues.contains(queue));
        serving.fold((0, 0), |(workers, free), beat| {
            (workers + 1, free + u64::from(beat.slots.saturating_sub(beat.busy)))
        })
    }

    /// Whether somebody serves `queue`. A gateway that has just started does not know yet, and
    /// assumes so.
    pub(crate) fn serve(&self, queue: &QueueName, now: Instant) -> bool {
        let heard = self.lock();
        let young = now.saturating_duration_since(heard.listening_since) < WORKER_UNHEARD_AFTER;
        young
            || heard.last.values().any(|last| {
                let lately = last
                    .serving_at
                    .is_some_and(|at| now.saturating_duration_since(at) < WORKER_UNHEARD_AFTER);
                lately && last.beat.queues.contains(queue)
            })
    }

    /// Those that are alive, in the order in which they started, and how long ago each was heard.
    pub(crate) fn living(&self, now: Instant) -> Vec<(WorkerBeat, Duration)> {
        let heard = self.lock();
        let ago = |last: &Last| now.saturating_duration_since(last.at);
        let living = heard.last.values().filter(|last| ago(last) < SILENT_AFTER);
        let mut living: Vec<_> = living.map(|last| (last.beat.clone(), ago(last))).collect();
        // Ids sort by the time they were made.
        living.sort_by_key(|(beat, _)| beat.worker);
        living
    }

    /// How long a worker has been silent, as far as it could be heard.
    pub(crate) fn silent_for(&self, worker: WorkerId, now: Instant) -> Duration {
        let heard = self.lock();
        let since = heard.listening_since;
        let last = heard.last.get(&worker).map_or(since, |last| last.at.max(since));
        now.saturating_duration_since(last)
    }

    /// How long the connection has stood.
    pub(crate) fn listening_for(&self, now: Instant) -> Duration {
        now.saturating_duration_since(self.lock().listening_since)
    }

    /// A catalogue of a worker heard lately that is not `ours`.
    pub(crate) fn other_catalogue(
        &self,
        ours: &CatalogueHash,
        now: Instant,
    ) -> Option<CatalogueHash> {
        let lately = |at: Instant| now.saturating_duration_since(at) < SILENT_AFTER;
        let heard = self.lock();
        let mut others =
            heard.last.values().filter(|last| lately(last.at) && last.beat.catalogue != *ours);
        others.next().map(|last| last.beat.catalogue.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Catalogue;

    #[test]
    fn a_queue_is_served_while_one_of_its_workers_is_heard() {
        let start = Instant::now();
        let workers = Workers::new(start);
        let (queue, other): (QueueName, QueueName) = ("a".parse().unwrap(), "b".parse().unwrap());
        let text = "[[models]]\nname = \"m\"";
        let catalogue = Catalogue::parse(text).unwrap().hash();
        let worker = WorkerId::fresh();
        let beat = WorkerBeat {
            worker,
            queues: vec![queue.clone()],
            slots: 1,
            busy: 0,
            draining: false,
            catalogue: catalogue.clone(),
            version: "1".to_owned(),
        };
        assert!(workers.serve(&other, start + Duration::from_secs(9)), "too young to know");

        let now = start + Duration::from_secs(20);
        workers.heard(beat, now);

        assert!(workers.serve(&queue, now) && !workers.serve(&other, now));
        assert!(!workers.serve(&queue, now + WORKER_UNHEARD_AFTER));
        assert_eq!((workers.heard_of(&queue, now), workers.heard_of(&other, now)), (1, 0));
        assert_eq!(workers.heard_of(&queue, now + SILENT_AFTER), 0);
        assert_eq!(workers.room_of(&queue, now), (1, 1));
        assert_eq!(workers.silent_for(worker, now), Duration::ZERO);
        assert_eq!(workers.living(now).len(), 1);
        assert!(workers.living(now + SILENT_AFTER).is_empty());
        assert_eq!(workers.silent_for(worker, now + SILENT_AFTER), SILENT_AFTER);
        assert_eq!(workers.other_catalogue(&catalogue, now), None);

        let later = now + SILENT_AFTER * 9;
        workers.listening(later);
        let (after, expected) = (later + SILENT_AFTER, SILENT_AFTER);
        assert_eq!(workers.silent_for(worker, after), expected, "before, nobody could be heard");
    }
}
