//! What services put into streams: jobs and dead letters.

use async_nats::HeaderMap;
use async_nats::header::{NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, NATS_MESSAGE_ID};
use async_nats::jetstream::stream::DirectGetErrorKind;
use bytes::Bytes;
use contract::{DeadLetter, JobId, Lane, QueueName, StoredJob, TenantName, streams, subjects};
use telemetry::propagation;
use tracing::Span;

use crate::error::is_conflict;
use crate::{Bus, BusError};

/// The header that says why a job was given up: the JSON of a [`DeadLetter`].
pub(crate) const DEAD_LETTER_HEADER: &str = "chappe-dead-letter";

impl Bus {
    /// Puts a job in its queue and waits until the stream has stored it.
    ///
    /// The same job published again within two minutes is stored once, so repeating a doubtful
    /// publish is safe. `span` is the span of the publish: the worker's work becomes its child.
    ///
    /// # Errors
    ///
    /// [`BusError::Full`] when the lane is at its limit, [`BusError::TooLarge`] over
    /// [`Bus::max_payload`], [`BusError::Unavailable`] when no acknowledgement came within 5 s.
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves the job stored or not.
    pub async fn publish_job(
        &self,
        lane: Lane,
        queue: &QueueName,
        tenant: &TenantName,
        job: JobId,
        payload: Bytes,
        span: &Span,
    ) -> Result<(), BusError> {
        let limit = self.max_payload();
        if payload.len() > limit {
            return Err(BusError::TooLarge { size: payload.len(), limit });
        }
        let stream = streams::jobs_stream(lane);
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, job.to_string());
        propagation::inject(span, |name, value| headers.insert(name, value));
        self.hops.ask(&mut headers);
        let subject = subjects::job(lane, queue, tenant, job);
        let sent = self.jetstream.publish_with_headers(subject, headers, payload).await;
        let stored = match sent {
            Ok(sent) => sent.await,
            Err(error) => Err(error),
        };
        self.silences.hear(stream, &stored);
        stored.map(|_ack| ()).map_err(|error| BusError::of_publish(stream, &error))
    }

    /// Puts a stored job in its queue and waits until the stream has stored it, as
    /// [`Bus::publish_job`] does. The current span is the span of the publish.
    ///
    /// # Errors
    ///
    /// As those of [`Bus::publish_job`].
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves the job stored or not.
    pub async fn publish_stored(
        &self,
        lane: Lane,
        queue: &QueueName,
        job: &StoredJob<'_>,
    ) -> Result<(), BusError> {
        let payload = serde_json::to_vec(job).map_err(BusError::unavailable)?;
        let span = Span::current();
        self.publish_job(lane, queue, &job.owner.tenant, job.id, payload.into(), &span).await
    }

    /// Puts a stored job back that its queue has lost. True when this has done it; false when it
    /// is queued already, or somebody has done the same within two minutes. Its leader looks at
    /// the queue, so any number of processes may do this at once. The current span is the span of
    /// the publish.
    ///
    /// `stands_at` is the last record of the log when somebody had begun it: that the job was
    /// queued once before is then no repetition.
    ///
    /// # Errors
    ///
    /// As those of [`Bus::publish_job`].
    pub async fn publish_again(
        &self,
        lane: Lane,
        queue: &QueueName,
        job: &StoredJob<'_>,
        stands_at: Option<u64>,
    ) -> Result<bool, BusError> {
        let payload = serde_json::to_vec(job).map_err(BusError::unavailable)?;
        let (size, limit) = (payload.len(), self.max_payload());
        if size > limit {
            return Err(BusError::TooLarge { size, limit });
        }
        let stream = streams::jobs_stream(lane);
        let mut headers = HeaderMap::new();
        let id = match stands_at {
            None => job.id.to_string(),
            Some(sequence) => format!("{}-{sequence}", job.id),
        };
        headers.insert(NATS_MESSAGE_ID, id);
        headers.insert(NATS_EXPECTED_LAST_SUBJECT_SEQUENCE, "0");
        propagation::inject(&Span::current(), |name, value| headers.insert(name, value));
        self.hops.ask(&mut headers);
        let subject = subjects::job(lane, queue, &job.owner.tenant, job.id);
        let sent = self.jetstream.publish_with_headers(subject, headers, payload.into()).await;
        let stored = match sent {
            Ok(sent) => sent.await,
            Err(error) => Err(error),
        };
        self.silences.hear(stream, &stored);
        match stored {
            Ok(ack) => Ok(!ack.duplicate),
            Err(error) if is_conflict(&error) => Ok(false),
            Err(error) => Err(BusError::of_publish(stream, &error)),
        }
    }

    /// Whether a job is in its queue: waiting, or delivered and not settled.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when the stream does not answer.
    pub async fn is_queued(
        &self,
        lane: Lane,
        queue: &QueueName,
        tenant: &TenantName,
        job: JobId,
    ) -> Result<bool, BusError> {
        Ok(self.place_of_job(lane, queue, tenant, job).await?.is_some())
    }

    /// Where in its lane a job stands that is in its queue; `None` when it is not. Jobs of other
    /// queues stand in between.
    ///
    /// # Errors
    ///
    /// As [`Bus::is_queued`].
    pub async fn place_of_job(
        &self,
        lane: Lane,
        queue: &QueueName,
        tenant: &TenantName,
        job: JobId,
    ) -> Result<Option<u64>, BusError> {
        let stream = self.jetstream.get_stream_no_info(streams::jobs_stream(lane)).await;
        let stream = stream.map_err(BusError::unavailable)?;
        let subject = subjects::job(lane, queue, tenant, job);
        match stream.direct_get_last_for_subject(subject).await {
            Ok(message) => Ok(Some(message.sequence)),
            Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(None),
            Err(error) => Err(BusError::unavailable(error)),
        }
    }

    /// Keeps a job that was given up, with the reason, and waits until it is stored.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when no acknowledgement came within 5 s.
    pub async fn bury(
        &self,
        lane: Lane,
        queue: &QueueName,
        job: &str,
        letter: &DeadLetter,
        payload: Bytes,
    ) -> Result<(), BusError> {
        let mut headers = HeaderMap::new();
        let json = serde_json::to_string(letter).map_err(BusError::unavailable)?;
        headers.insert(DEAD_LETTER_HEADER, json);
        let subject = subjects::dead(lane, queue, job);
        let stored = self.jetstream.publish_with_headers(subject, headers, payload).await;
        let stored = stored.map_err(|error| BusError::of_publish(streams::DEAD, &error))?;
        stored.await.map(|_ack| ()).map_err(|error| BusError::of_publish(streams::DEAD, &error))
    }
}
