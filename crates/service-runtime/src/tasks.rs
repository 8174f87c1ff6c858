//! Tasks that shutdown can wait for.

use std::future::Future;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

/// The tasks of one service. Cheap to clone; all clones track together.
#[derive(Debug, Clone, Default)]
pub struct Tasks(TaskTracker);

impl Tasks {
    /// No tasks yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Starts a task that [`Tasks::finished`] waits for, within the caller's span.
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.spawn(task.in_current_span())
    }

    /// Starts a tracked task that belongs to no span: one that lives as long as the service.
    pub fn spawn_detached<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.0.spawn(task)
    }

    /// How many are running.
    pub fn running(&self) -> usize {
        self.0.len()
    }

    /// Waits until every task has ended, at most for `limit`. Says how many were left.
    pub async fn finished(&self, limit: Duration) -> Result<(), usize> {
        self.0.close();
        match tokio::time::timeout(limit, self.0.wait()).await {
            Ok(()) => Ok(()),
            Err(_elapsed) => Err(self.0.len()),
        }
    }
}
