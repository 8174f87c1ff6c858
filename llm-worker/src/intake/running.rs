//! The jobs in hand: each can be told to stop, and is reported in progress.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bus::Delivery;
use contract::{CancelJob, CancelReason, GatewayId, JobId};
use tokio_util::sync::CancellationToken;

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
    pub(crate) gateway: GatewayId,
    claim: AtomicU32,
    stop: CancellationToken,
    reason: AtomicU8,
}

impl RunningJob {
    /// Cancelled when it is to stop.
    pub(crate) fn stop(&self) -> &CancellationToken {
        &self.stop
    }

    /// Why it was told to stop, if it was.
    pub(crate) fn stopped(&self) -> Option<Stop> {
        match self.reason.load(Ordering::Relaxed) {
            1 => Some(Stop::Cancelled),
            2 => Some(Stop::GatewayGone),
            3 => Some(Stop::Draining),
            4 => Some(Stop::Superseded),
            _ => None,
        }
    }

    /// The claim under which it speaks from now on.
    pub(crate) fn claimed(&self, claim: u32) {
        self.claim.store(claim, Ordering::Relaxed);
    }

    fn tell(&self, why: Stop) {
        let code = match why {
            Stop::Cancelled => 1,
            Stop::GatewayGone => 2,
            Stop::Draining => 3,
            Stop::Superseded => 4,
        };
        // The first reason stays.
        let _told_before =
            self.reason.compare_exchange(0, code, Ordering::Relaxed, Ordering::Relaxed);
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
    pub(crate) fn begin(&self, id: JobId, gateway: GatewayId, delivery: Delivery) -> InHand<'_> {
        let job = Arc::new(RunningJob {
            delivery,
            gateway,
            claim: AtomicU32::new(0),
            stop: CancellationToken::new(),
            reason: AtomicU8::new(0),
        });
        // The same job twice here means that it was delivered again: the older delivery is stale.
        if let Some(older) = self.lock().insert(id, Arc::clone(&job)) {
            older.tell(Stop::Superseded);
        }
        InHand { running: self, id, job }
    }

    /// Jobs in hand.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// A gateway wants a job stopped. A claim that is newer than the wish stays.
    pub(crate) fn cancel(&self, cancel: &CancelJob) {
        let job = self.lock().get(&cancel.job).cloned();
        if let Some(job) = job.filter(|job| job.claim.load(Ordering::Relaxed) <= cancel.claim) {
            job.tell(match cancel.why {
                CancelReason::CallerLeft => Stop::Cancelled,
                CancelReason::Superseded => Stop::Superseded,
            });
        }
    }

    /// Stops the jobs of every gateway that `gone` names.
    pub(crate) fn stop_where(&self, why: Stop, gone: impl Fn(GatewayId) -> bool) {
        for job in self.all() {
            if gone(job.gateway) {
                job.tell(why);
            }
        }
    }

    /// Every job in hand.
    pub(crate) fn all(&self) -> Vec<Arc<RunningJob>> {
        self.lock().values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<JobId, Arc<RunningJob>>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InHand<'_> {
    fn drop(&mut self) {
        let mut jobs = self.running.lock();
        // A newer delivery of the same job may stand in its place.
        if jobs.get(&self.id).is_some_and(|job| Arc::ptr_eq(job, &self.job)) {
            jobs.remove(&self.id);
        }
    }
}
