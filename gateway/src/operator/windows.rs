//! What this gateway counts for operators, beside its metrics: a quarter of an hour, and sums since
//! its start.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contract::figures::GatewayFigures;

use super::ring::{Ring, Work};
use crate::clock::shared_now_ms;
use crate::measures::AnswerFigures;

/// Fed by [`crate::measures::Measures`], where everything that is counted comes by.
#[derive(Debug)]
pub(crate) struct Windows(Mutex<Ring>);

impl Windows {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Ring::new(shared_now_ms())))
    }

    /// A job is taken on.
    pub(crate) fn accepted(&self) {
        self.lock().accepted(shared_now_ms());
    }

    /// A job has ended, for this gateway.
    pub(crate) fn settled(&self, outcome: &str) {
        self.lock().settled(outcome, shared_now_ms());
    }

    /// A job has come to a worker once more.
    pub(crate) fn redelivered(&self) {
        self.lock().redelivered(shared_now_ms());
    }

    /// The queues were looked at.
    pub(crate) fn queues_seen(&self, waiting: u64, oldest: Duration) {
        self.lock().queues_seen(waiting, oldest, shared_now_ms());
    }

    /// An answer has ended.
    pub(crate) fn answered(&self, answer: &AnswerFigures<'_>) {
        self.lock().answered(answer, Work::of(answer), shared_now_ms());
    }

    /// All of it, as it stands.
    pub(super) fn figures(&self) -> GatewayFigures {
        self.lock().figures(shared_now_ms())
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
