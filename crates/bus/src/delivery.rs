//! A delivery: one arrival of a job, and the duty to settle it once.

use std::time::Duration;

use async_nats::jetstream::{AckKind, Message};
use bytes::Bytes;
use tokio::time::Instant;

use crate::{BusError, clock};

/// One arrival of a job at this worker.
///
/// It ends by [`Delivery::ack`], [`Delivery::retry_after`] or [`Delivery::terminate`]. One that is
/// dropped comes again after the lane's `ack_wait`.
#[derive(Debug)]
pub struct Delivery {
    message: Message,
    deliveries: u64,
    age: Duration,
    arrived_at: Instant,
}

impl Delivery {
    pub(crate) fn new(message: Message) -> Self {
        let (deliveries, age) = match message.info() {
            Ok(info) => (u64::try_from(info.delivered).unwrap_or(1), clock::age_of(info.published)),
            Err(_not_from_a_stream) => (1, Duration::ZERO),
        };
        Self { message, deliveries, age, arrived_at: Instant::now() }
    }

    /// The job as it was published.
    pub fn payload(&self) -> &Bytes {
        &self.message.payload
    }

    /// The subject it was published on.
    pub fn subject(&self) -> &str {
        self.message.subject.as_str()
    }

    /// Which arrival this is, from 1.
    pub fn deliveries(&self) -> u64 {
        self.deliveries
    }

    /// When it arrived.
    pub fn arrived_at(&self) -> Instant {
        self.arrived_at
    }

    /// How long before its arrival the stream had stored the job, by the server's clock.
    pub fn age(&self) -> Duration {
        self.age
    }

    /// A header of the message, such as `traceparent`.
    pub fn header(&self, name: &str) -> Option<String> {
        let headers = self.message.headers.as_ref()?;
        headers.get(name).map(|value| value.as_str().to_owned())
    }

    /// The job is done and leaves the queue.
    ///
    /// # Errors
    ///
    /// When the connection is closed. The job then comes again.
    pub async fn ack(&self) -> Result<(), BusError> {
        self.settle(AckKind::Ack).await
    }

    /// The job comes again after `delay`.
    ///
    /// # Errors
    ///
    /// When the connection is closed. The job then comes again all the same.
    pub async fn retry_after(&self, delay: Duration) -> Result<(), BusError> {
        self.settle(AckKind::Nak(Some(delay))).await
    }

    /// The job leaves the queue, and did not succeed.
    ///
    /// # Errors
    ///
    /// When the connection is closed. The job then comes again.
    pub async fn terminate(&self) -> Result<(), BusError> {
        self.settle(AckKind::Term).await
    }

    /// The job is still worked on: its `ack_wait` begins anew.
    ///
    /// # Errors
    ///
    /// When the connection is closed.
    pub async fn in_progress(&self) -> Result<(), BusError> {
        self.settle(AckKind::Progress).await
    }

    async fn settle(&self, kind: AckKind) -> Result<(), BusError> {
        self.message.ack_with(kind).await.map_err(BusError::unavailable)
    }
}
