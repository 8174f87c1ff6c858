//! Settling: the only file that says ack, nak or term.

use std::time::Duration;

use bus::{BusError, Delivery};

/// How a delivery is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// The job leaves the queue: answered, or nobody waits for it.
    Ack,
    /// It comes again.
    RetryAfter(Duration),
    /// It leaves the queue and has failed.
    Terminate,
    /// A newer delivery of the same job settles it: a word from this one would count for both.
    LeaveToTheNewer,
}

/// Settles a delivery.
pub(crate) async fn settle(delivery: &Delivery, settlement: Settlement) {
    let settled = match settlement {
        Settlement::Ack => delivery.ack().await,
        Settlement::RetryAfter(delay) => delivery.retry_after(delay).await,
        Settlement::Terminate => delivery.terminate().await,
        Settlement::LeaveToTheNewer => Ok(()),
    };
    told(settled);
}

/// Hands a delivery back untouched, for another worker to take at once.
pub(crate) async fn hand_back(delivery: &Delivery) {
    told(delivery.retry_after(Duration::ZERO).await);
}

/// Reports that a delivery is worked on.
pub(crate) async fn in_progress(delivery: &Delivery) {
    told(delivery.in_progress().await);
}

fn told(settled: Result<(), BusError>) {
    if let Err(error) = settled {
        // Harmless: the queue delivers the job again, and its gateway drops a second answer.
        tracing::warn!(%error, "a job could not be settled and will come again: {error}");
    }
}
