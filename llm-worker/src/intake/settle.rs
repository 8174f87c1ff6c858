//! Settling: the only file that says ack, nak or term.

use std::time::Duration;

use bus::Delivery;
use contract::Lane;
use telemetry::names::messaging;
use tokio::time::Instant;

use crate::measures::Measures;

/// How a delivery is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Settlement {
    /// The job leaves the queue: answered, or nobody waits for it.
    Ack,
    /// It comes again.
    RetryAfter(Duration),
    /// It leaves the queue and has failed.
    Terminate,
    /// Another delivery of the same job settles it, one that stands or one that will come: a word
    /// from this one would count for both.
    Leave,
}

/// Settles a delivery of a lane. `outcome` is the word for what its work came to.
pub(crate) async fn settle(
    lane: Lane,
    delivery: &Delivery,
    settlement: Settlement,
    outcome: &'static str,
    measures: &Measures,
) {
    let began = Instant::now();
    let (operation, settled) = match settlement {
        Settlement::Ack => (messaging::ACK, delivery.ack().await),
        Settlement::RetryAfter(delay) => (messaging::NAK, delivery.retry_after(delay).await),
        Settlement::Terminate => (messaging::TERM, delivery.terminate().await),
        Settlement::Leave => return,
    };
    measures.told_queue(operation, began.elapsed(), settled.is_ok());
    if operation == messaging::NAK && settled.is_ok() {
        measures.handed_back(lane, outcome);
    }
    if let Err(error) = settled {
        // Harmless: the queue delivers the job again, and its gateway drops a second answer.
        tracing::warn!(%error, "a job could not be settled and will come again: {error}");
    }
}

/// Reports that a delivery is worked on.
pub(crate) async fn in_progress(delivery: &Delivery, measures: &Measures) {
    let began = Instant::now();
    let told = delivery.in_progress().await;
    measures.told_queue(messaging::PROGRESS, began.elapsed(), told.is_ok());
    if let Err(error) = told {
        tracing::warn!(%error, "a job may be given to another worker: {error}");
    }
}
