//! The jobs in hand: each can be told to stop, and is reported in progress.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bus::Delivery;
use contract::window::Credit;
use contract::{CancelJob, CancelReason, GatewayId, JobId, Lane, streams};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::voice;

/// Why a job was told to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// Its caller left.
    Cancelled,
    /// A newer delivery of it is worked on.
    Superseded,
    /// The gateway that held its caller is gone.
    GatewayGone,
    /// This process ends.
    Draining,
}

/// A job in hand.
#[derive(Debug)]
pub(crate) struct RunningJob {
    pub(crate) delivery: Delivery,
    pub(crate) lane: Lane,
    /// Who holds its caller; nobody does of a stored one.
    gateway: Option<GatewayId>,
    stop: CancellationToken,
    /// How much of what was said its caller has read.
    read: watch::Sender<u64>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// When the queue was last told that it is worked on; at first, when it arrived.
    reported_at: Instant,
    /// Under which claim it speaks, once it has one.
    claim: Option<u32>,
    /// Wishes to stop that came before the claim was known, the newest one.
    unmatched: Option<(u32, Stop)>,
    stopped: Option<Stop>,
}

impl RunningJob {
    fn new(delivery: Delivery, lane: Lane, gateway: Option<GatewayId>) -> Self {
        let state =
            State { reported_at: Instant::now(), claim: None, unmatched: None, stopped: None };
        let (stop, read) = (CancellationToken::new(), watch::Sender::new(0));
        Self { delivery, lane, gateway, stop, read, state: Mutex::new(state) }
    }

    /// The queue was told that it is worked on.
    pub(crate) fn reported(&self, now: Instant) {
        lock(&self.state).reported_at = now;
    }

    /// Whether the queue has waited for a word for so long that it gives the job to another.
    pub(crate) fn is_stale(&self) -> bool {
        let waited = lock(&self.state).reported_at.elapsed();
        waited >= streams::delivery_rules(self.lane).ack_wait
    }

    /// Cancelled when it is to stop.
    pub(crate) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Tells how much of what was said its caller has read.
    pub(crate) fn read(&self) -> watch::Receiver<u64> {
        self.read.subscribe()
    }

    /// Its caller has read more of what was said under `claim`.
    fn credit(&self, claim: u32, read: u64) {
        if lock(&self.state).claim == Some(claim) {
            voice::raise(&self.read, read);
        }
    }

    /// Why it was told to stop, if it was.
    pub(crate) fn stopped(&self) -> Option<Stop> {
        lock(&self.state).stopped
    }

    /// The claim under which it speaks from now on.
    pub(crate) fn claimed(&self, claim: u32) {
        let mut state = lock(&self.state);
        state.claim = Some(claim);
        let wish = state.unmatched.take().filter(|(meant, _)| claim <= *meant);
        drop(state);
        if let Some((_, why)) = wish {
            self.tell(why);
        }
    }

    /// A gateway wants claim `meant` and older ones stopped.
    ///
    /// A wish that concerns an earlier delivery of the job may overtake the verdict on this one's
    /// claim: it waits for it.
    fn cancel(&self, meant: u32, why: Stop) {
        let mut state = lock(&self.state);
        match state.claim {
            Some(claim) if claim <= meant => {}
            Some(_newer) => return,
            None => {
                if state.unmatched.is_none_or(|(before, _)| before < meant) {
                    state.unmatched = Some((meant, why));
                }
                return;
            }
        }
        drop(state);
        self.tell(why);
    }

    fn tell(&self, why: Stop) {
        // The first reason stays.
        lock(&self.state).stopped.get_or_insert(why);
        self.stop.cancel();
    }
}

/// All jobs in hand.
#[derive(Debug, Default)]
pub(crate) struct Running {
    jobs: Mutex<HashMap<JobId, Arc<RunningJob>>>,
}

/// Takes a job out of hand when dropped.
#[derive(Debug)]
pub(crate) struct InHand<'a> {
    running: &'a Running,
    id: JobId,
    pub(crate) job: Arc<RunningJob>,
}

impl Running {
    /// Takes a job in hand.
    pub(crate) fn begin(
        &self,
        id: JobId,
        lane: Lane,
        gateway: Option<GatewayId>,
        delivery: Delivery,
    ) -> InHand<'_> {
        let job = Arc::new(RunningJob::new(delivery, lane, gateway));
        // The same job twice here means that it was delivered again: the older delivery is stale.
        let older = lock(&self.jobs).insert(id, Arc::clone(&job));
        if let Some(older) = older {
            older.tell(Stop::Superseded);
        }
        InHand { running: self, id, job }
    }

    /// Jobs in hand.
    pub(crate) fn count(&self) -> usize {
        lock(&self.jobs).len()
    }

    /// A gateway wants a job stopped. A claim that is newer than the wish stays.
    pub(crate) fn cancel(&self, cancel: &CancelJob) {
        let job = lock(&self.jobs).get(&cancel.job).cloned();
        if let Some(job) = job {
            let why = match cancel.why {
                CancelReason::CallerLeft => Stop::Cancelled,
                CancelReason::Superseded => Stop::Superseded,
            };
            job.cancel(cancel.claim, why);
        }
    }

    /// A caller has read more of its stream.
    pub(crate) fn credit(&self, credit: &Credit) {
        let job = lock(&self.jobs).get(&credit.job).cloned();
        if let Some(job) = job {
            job.credit(credit.claim, credit.read);
        }
    }

    /// Stops the jobs of every gateway that `gone` names.
    pub(crate) fn stop_of_gateways(&self, gone: impl Fn(GatewayId) -> bool) {
        for job in self.all() {
            if job.gateway.is_some_and(&gone) {
                job.tell(Stop::GatewayGone);
            }
        }
    }

    /// Stops every job, because this process ends.
    pub(crate) fn drain(&self) {
        for job in self.all() {
            job.tell(Stop::Draining);
        }
    }

    /// Every job in hand.
    pub(crate) fn all(&self) -> Vec<Arc<RunningJob>> {
        lock(&self.jobs).values().cloned().collect()
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        let mut jobs = lock(&self.running.jobs);
        // A newer delivery of the same job may stand in its place.
        if jobs.get(&self.id).is_some_and(|job| Arc::ptr_eq(job, &self.job)) {
            jobs.remove(&self.id);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
