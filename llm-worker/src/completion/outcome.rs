//! What becomes of a job.

use std::time::Duration;

/// The verdict on one delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The answer is complete. The job leaves the queue.
    Done,
    /// Nothing was said yet, and another try may succeed.
    RetryAfter(Duration),
    /// No try can succeed. The caller has been told so.
    GaveUp,
    /// It was told to stop: its caller left, or this process ends.
    Stopped,
    /// The way to the caller is blocked. What it has heard, its gateway knows.
    Blocked,
}

/// Whether the caller has heard anything of this answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Said {
    Nothing,
    Something,
}
