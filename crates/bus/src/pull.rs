//! Pulling jobs: standing requests for exactly as many as there are free slots.

use std::fmt;
use std::time::Duration;

use async_nats::jetstream::consumer::{Consumer, pull};
use contract::{Lane, QueueName, streams};
use futures::StreamExt as _;

use crate::{Bus, BusError, Delivery};

/// How long a request for jobs stands before it is made again.
const EXPIRES: Duration = Duration::from_secs(30);
/// How often the server says that the request still stands. A lost one, after a server's restart
/// for instance, is noticed after two of these.
const HEARTBEAT: Duration = Duration::from_secs(2);

/// The jobs of one queue in one lane.
#[derive(Debug, Clone)]
pub struct JobSource {
    consumer: Consumer<pull::Config>,
    name: String,
}

impl Bus {
    /// The jobs of `queue` in `lane`.
    ///
    /// # Errors
    ///
    /// [`BusError::NotReady`] when the consumer is missing.
    pub async fn jobs(&self, lane: Lane, queue: &QueueName) -> Result<JobSource, BusError> {
        let stream = streams::jobs_stream(lane);
        let name = streams::consumer(lane, queue);
        let consumer = self.jetstream.get_consumer_from_stream(&name, stream).await;
        match consumer {
            Ok(consumer) => Ok(JobSource { consumer, name }),
            Err(error) => Err(BusError::NotReady(format!(
                "the consumer `{name}` of stream `{stream}` cannot be had ({error}); run `nats-init` once with the same MODELS_FILE"
            ))),
        }
    }
}

impl JobSource {
    /// The name of the durable consumer.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Asks for up to `slots` jobs, as they come, within the next 30 s.
    ///
    /// # Errors
    ///
    /// When the request cannot be sent.
    pub async fn pull(&self, slots: usize) -> Result<Pull, BusError> {
        let batch = self.consumer.batch();
        let batch = batch.max_messages(slots).expires(EXPIRES).heartbeat(HEARTBEAT);
        batch.messages().await.map(Pull).map_err(BusError::unavailable)
    }
}

/// A standing request for jobs. Dropping it leaves jobs already on their way to come again after
/// the lane's `ack_wait`, so read it to its end.
pub struct Pull(pull::Batch);

impl fmt::Debug for Pull {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pull").finish_non_exhaustive()
    }
}

impl Pull {
    /// The next job; `None` when the request has ended: filled, expired or closed.
    ///
    /// # Errors
    ///
    /// When the request was lost, for instance with the server. A new one is the remedy.
    pub async fn next(&mut self) -> Option<Result<Delivery, BusError>> {
        let message = self.0.next().await?;
        Some(message.map(Delivery::new).map_err(BusError::unavailable))
    }
}
