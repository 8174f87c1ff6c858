//! Who waits in a queue, as the leader of its consumer knows it.

use std::time::Duration;

use async_nats::jetstream::consumer::{Consumer, pull};
use async_nats::jetstream::stream::DirectGetErrorKind;
use contract::{Lane, QueueName, streams, subjects};

use crate::{Bus, BusError, clock};

/// One queue in one lane.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueueState {
    /// Jobs that no worker has had yet.
    pub waiting: u64,
    /// Jobs that a worker has, or had and lost: delivered and not settled.
    pub delivered: u64,
    /// Those of them that were delivered more than once.
    pub redelivered: u64,
    /// How long the oldest of those that wait has done so; zero if none does.
    pub oldest: Duration,
    /// The place of the last job that was delivered: those behind it wait.
    pub delivered_up_to: u64,
}

impl Bus {
    /// Asks the leader of a queue's consumer who waits. Up to two requests.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when nobody answers.
    pub async fn queue_state(&self, lane: Lane, queue: &QueueName) -> Result<QueueState, BusError> {
        let (stream, name) = (streams::jobs_stream(lane), streams::consumer(lane, queue));
        let consumer: Consumer<pull::Config> = self
            .jetstream
            .get_consumer_from_stream(&name, stream)
            .await
            .map_err(|error| BusError::no_answer(&format!("the consumer `{name}`"), error))?;
        let info = consumer.cached_info();
        let oldest = match info.num_pending {
            0 => Duration::ZERO,
            _waiting => self.oldest(lane, queue, info.delivered.stream_sequence + 1).await?,
        };
        Ok(QueueState {
            waiting: info.num_pending,
            delivered: info.num_ack_pending as u64,
            redelivered: info.num_redelivered as u64,
            oldest,
            delivered_up_to: info.delivered.stream_sequence,
        })
    }

    /// The age of the first job of a queue from `sequence` on.
    async fn oldest(
        &self,
        lane: Lane,
        queue: &QueueName,
        sequence: u64,
    ) -> Result<Duration, BusError> {
        let stream = self.jetstream.get_stream_no_info(streams::jobs_stream(lane)).await;
        let stream = stream.map_err(BusError::unavailable)?;
        let subjects = subjects::jobs_of_queue(lane, queue);
        match stream.direct_get_next_for_subject(subjects, Some(sequence)).await {
            Ok(job) => Ok(clock::age_of(job.time)),
            // Taken and done since the consumer was asked.
            Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(Duration::ZERO),
            Err(error) => Err(BusError::unavailable(error)),
        }
    }
}
