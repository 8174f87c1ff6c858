//! Every open request of this process: the authority over its answers.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bus::{Blobs, Bus, BusError};
use bytes::Bytes;
use contract::window::Credit;
use contract::{
    CancelJob, CancelReason, ClaimRequest, Event, EventKind, Failure, JobId, Lane, QueueName,
    TenantName, Verdict, WorkerId, pack,
};
use service_runtime::Tasks;
use telemetry::names::app;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::answer::{Answer, News, ToCaller};
use super::failures;
use super::open::{Claimed, Heard, Open};
use crate::measures::{Held, Measures};
use crate::receipt::Behind;

/// Largest answer that is fetched from the object store.
const LARGEST_ANSWER: usize = 256 * 1024 * 1024;

/// Every open request.
#[derive(Debug)]
pub(crate) struct Register {
    bus: Bus,
    blobs: Blobs,
    tasks: Tasks,
    measures: Arc<Measures>,
    open: Mutex<HashMap<JobId, Entry>>,
}

#[derive(Debug)]
struct Entry {
    /// Where its job is queued, and who pays.
    place: (QueueName, TenantName),
    open: Open,
    began: Instant,
    to_caller: ToCaller,
    /// How much of its stream its worker was told to be read.
    read: u64,
    /// The name of its body in the object store, if it is there.
    stored_body: Option<String>,
    /// As long as it is here, its job is open.
    _held: Held,
}

/// What a sweep needs to know of a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight {
    pub(super) job: JobId,
    pub(super) worker: Option<WorkerId>,
    pub(super) claimed_for: Duration,
    pub(super) open_for: Duration,
    pub(super) spoken: bool,
    /// Since the last event, or since the beginning.
    pub(super) quiet_for: Duration,
}

impl Register {
    pub(crate) fn new(bus: Bus, blobs: Blobs, tasks: Tasks, measures: Arc<Measures>) -> Self {
        Self { bus, blobs, tasks, measures, open: Mutex::default() }
    }

    /// Opens a request. It stays until its [`Answer`] is dropped or it has ended.
    pub(super) fn begin(
        self: &Arc<Self>,
        job: JobId,
        queue: QueueName,
        tenant: TenantName,
    ) -> Answer {
        let (to_caller, answer) = Answer::channel(job, Arc::clone(self));
        let began = Instant::now();
        let open = Open::new(began);
        let place = (queue, tenant);
        let held = self.measures.accepted(Lane::Chat);
        let entry =
            Entry { place, open, began, to_caller, read: 0, stored_body: None, _held: held };
        self.lock().insert(job, entry);
        answer
    }

    /// Puts the body of a request into the object store; it is removed at the end.
    ///
    /// It goes on when the future is dropped, because the caller left: pieces of a body that was
    /// not stored whole could not be found any more, and would stay until they are old.
    pub(super) async fn store_body(
        self: &Arc<Self>,
        job: JobId,
        name: String,
        body: Bytes,
    ) -> Result<(), BusError> {
        if let Some(entry) = self.lock().get_mut(&job) {
            entry.stored_body = Some(name.clone());
        }
        let (tell, told) = oneshot::channel();
        let register = Arc::clone(self);
        self.tasks.spawn_detached(async move {
            let stored = register.blobs.put(&name, &body).await;
            if register.place_of(job).is_none() {
                register.blobs.delete(&name).await;
            }
            // Who asked may have left.
            let _gone = tell.send(stored);
        });
        told.await
            .unwrap_or_else(|_ended| Err(BusError::Unavailable("this process stops".to_owned())))
    }

    /// The queue of a request's job and who pays, while it is open.
    pub(super) fn place_of(&self, job: JobId) -> Option<(QueueName, TenantName)> {
        self.lock().get(&job).map(|entry| entry.place.clone())
    }

    /// Open requests.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// A worker asks whether it may answer.
    pub(super) fn claim(&self, claim: &ClaimRequest) -> Verdict {
        let claimed = match self.lock().get_mut(&claim.job) {
            Some(entry) => entry.open.claim(claim.worker, claim.delivery, Instant::now()),
            // Nobody waits for it.
            None => return Verdict::Drop,
        };
        if claim.delivery > 1 {
            self.measures.windows().redelivered();
        }
        match claimed {
            Claimed::Go { claim: number, superseded } => {
                if let Some((worker, older)) = superseded {
                    self.cancel(worker, claim.job, older, CancelReason::Superseded);
                }
                Verdict::Go { claim: number }
            }
            Claimed::OutOfDate => Verdict::Leave,
            Claimed::TooLate => {
                self.break_off(claim.job, failures::worker_lost());
                Verdict::Drop
            }
        }
    }

    /// Packed events arrived: each goes to its request.
    pub(super) fn events(self: &Arc<Self>, packed: &Bytes) {
        for event in pack::read(packed) {
            match event {
                Ok(event) => self.event(packed, &event),
                Err(error) => {
                    // The numbers show whose events are lost: those requests end with an error.
                    tracing::error!(%error, "packed events cannot be read: {error}");
                    break;
                }
            }
        }
    }

    fn event(self: &Arc<Self>, packed: &Bytes, event: &Event<'_>) {
        let mut register = self.lock();
        let Some(entry) = register.get_mut(&event.job) else {
            return self.unwanted(event);
        };
        match entry.open.event(event.claim, event.seq, Instant::now()) {
            Heard::Stale => self.unwanted(event),
            Heard::Gap => {
                drop(register);
                self.break_off(event.job, failures::answer_incomplete());
            }
            Heard::News => {
                let news = match event.kind {
                    // A copy: a slice would keep the whole packed message for a slow caller.
                    EventKind::Chunk => News::Chunk(Bytes::copy_from_slice(event.payload)),
                    EventKind::Done => News::Done(read_work(event.work)),
                    EventKind::Body => {
                        News::Body(packed.slice_ref(event.payload), read_work(event.work))
                    }
                    EventKind::Failed => News::Failed(read_failure(event.payload)),
                    EventKind::StoredBody => {
                        drop(register);
                        let name = String::from_utf8_lossy(event.payload).into_owned();
                        self.fetch(event.job, name, read_work(event.work));
                        return;
                    }
                };
                let sent = entry.to_caller.send(news);
                drop(register);
                if sent.is_err() {
                    let job = event.job;
                    tracing::warn!(app.job.id = %job, "cut a stream: more was said than its window");
                    self.left(job);
                } else if event.kind.is_last() {
                    let failed = event.kind == EventKind::Failed;
                    self.ended(event.job, if failed { app::FAILED } else { app::COMPLETED });
                }
            }
        }
    }

    /// Nobody waits for this event: an answer that it left in the object store is removed.
    fn unwanted(&self, event: &Event<'_>) {
        if event.kind == EventKind::StoredBody {
            let (blobs, name) = (self.blobs.clone(), event.payload.to_vec());
            self.tasks.spawn_detached(async move {
                blobs.delete(&String::from_utf8_lossy(&name)).await;
            });
        }
    }

    /// Fetches an answer that travelled by name. Not on the mail loop: others wait there.
    fn fetch(self: &Arc<Self>, job: JobId, name: String, behind: Option<Box<Behind>>) {
        let register = Arc::clone(self);
        self.tasks.spawn_detached(async move {
            let news = match register.blobs.get(&name, LARGEST_ANSWER).await {
                Ok(Some(body)) => News::Body(body, behind),
                Ok(None) => News::Failed(failures::answer_incomplete()),
                Err(error) => {
                    tracing::warn!(%error, "an answer cannot be fetched: {error}");
                    News::Failed(failures::answer_incomplete())
                }
            };
            let failed = matches!(news, News::Failed(_));
            if let Some(entry) = register.lock().get(&job) {
                let _slow_callers_wait_for_it_alone = entry.to_caller.send(news);
            }
            register.ended(job, if failed { app::FAILED } else { app::COMPLETED });
            register.blobs.delete(&name).await;
        });
    }

    /// Ends a request with an error, and stops its worker.
    pub(super) fn break_off(&self, job: JobId, failure: Failure) {
        if let Some(entry) = self.lock().get(&job) {
            // A caller too slow to hear it sees its stream cut.
            let _slow = entry.to_caller.send(News::Failed(failure));
        }
        self.stop(job, app::FAILED);
    }

    /// Ends every request with an error: this process stops.
    pub(crate) fn break_off_all(&self) -> usize {
        let jobs: Vec<JobId> = self.lock().keys().copied().collect();
        for job in &jobs {
            self.break_off(*job, failures::gateway_stopped());
        }
        jobs.len()
    }

    /// Nobody waits for a request any more: its worker is told to stop.
    pub(super) fn left(&self, job: JobId) {
        self.stop(job, app::CLIENT_GONE);
    }

    /// A request did not come into the queue, as far as we know: whoever has it all the same
    /// is told to stop, or to drop it when it asks.
    pub(super) fn not_queued(&self, job: JobId) {
        self.stop(job, app::NOT_QUEUED);
    }

    fn stop(&self, job: JobId, outcome: &'static str) {
        let entry = self.lock().remove(&job);
        let Some(entry) = entry else { return };
        if let Some((worker, claim)) = entry.open.claimed_by() {
            self.cancel(worker, job, claim, CancelReason::CallerLeft);
        }
        self.settled(entry, outcome);
    }

    /// A request has its answer.
    fn ended(&self, job: JobId, outcome: &'static str) {
        let entry = self.lock().remove(&job);
        if let Some(entry) = entry {
            self.settled(entry, outcome);
        }
    }

    fn settled(&self, entry: Entry, outcome: &'static str) {
        self.measures.settled(Lane::Chat, outcome);
        if let Some(name) = entry.stored_body {
            let blobs = self.blobs.clone();
            self.tasks.spawn_detached(async move { blobs.delete(&name).await });
        }
    }

    fn cancel(&self, worker: WorkerId, job: JobId, claim: u32, why: CancelReason) {
        let bus = self.bus.clone();
        self.tasks.spawn_detached(async move {
            if let Err(error) = bus.cancel(worker, &CancelJob { job, claim, why }).await {
                // The worker stops by itself when it hears nothing of us for long.
                tracing::warn!(%error, "a worker was not told to stop: {error}");
            }
        });
    }

    /// A caller has read so much of its stream: its worker may say more.
    pub(super) fn read(&self, job: JobId, read: u64) {
        if let Some(entry) = self.lock().get_mut(&job) {
            entry.read = read;
        }
        self.repeat_read(job);
    }

    /// Tells a worker once more how much was read: what is said once over core NATS can be lost.
    pub(super) fn repeat_read(&self, job: JobId) {
        let open = self.lock();
        let claimed = open.get(&job).and_then(|entry| Some((entry.open.claimed_by()?, entry.read)));
        drop(open);
        let Some(((worker, claim), read @ 1..)) = claimed else { return };
        let bus = self.bus.clone();
        self.tasks.spawn_detached(async move {
            if let Err(error) = bus.credit(worker, &Credit { job, claim, read }).await {
                tracing::debug!(%error, "a worker was not told what was read: {error}");
            }
        });
    }

    /// Every open request, as a sweep sees it.
    pub(super) fn sights(&self) -> Vec<Sight> {
        let sight = |(job, entry): (&JobId, &Entry)| Sight {
            job: *job,
            worker: entry.open.claimed_by().map(|(worker, _claim)| worker),
            claimed_for: entry.open.claimed_at().elapsed(),
            open_for: entry.began.elapsed(),
            spoken: entry.open.has_spoken(),
            quiet_for: entry.open.heard_at().elapsed(),
        };
        self.lock().iter().map(sight).collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, Entry>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn read_failure(json: &[u8]) -> Failure {
    serde_json::from_slice(json).unwrap_or_else(|error| {
        tracing::error!(%error, "a failure cannot be read: {error}");
        failures::unreadable()
    })
}

/// What a worker measured; none if it says nothing of it, as one of the version before.
fn read_work(json: &[u8]) -> Option<Box<Behind>> {
    if json.is_empty() {
        return None;
    }
    let work = serde_json::from_slice(json).inspect_err(|error| {
        tracing::warn!(%error, "the figures of an answer cannot be read: {error}");
    });
    Some(Box::new(Behind { work: work.ok()?, receipt: None }))
}
