//! Pulling jobs: standing requests for exactly as many as there are free slots.
//!
//! The client library's own batches are not used: in its version 0.51 a heartbeat that arrives
//! leaves a batch asleep until it expires, and each batch costs a subscription. Here one
//! subscription serves all requests of a source, and heartbeats show that they still stand.

mod standing;

use std::fmt;
use std::time::Duration;

use async_nats::jetstream::consumer::Consumer;
use async_nats::jetstream::consumer::pull::{self, BatchConfig};
use async_nats::jetstream::stream::{ConsumerError, ConsumerErrorKind};
use async_nats::jetstream::{Context, ErrorCode, Message};
use async_nats::{StatusCode, Subscriber};
use contract::{Lane, QueueName, streams};
use futures::StreamExt as _;
use tokio::time::Instant;

use self::standing::Standing;
use crate::patience::Patience;
use crate::{Bus, BusError, Delivery};

/// How long a request for jobs stands before it is made again. Until then jobs are given to a
/// worker that is held up, and come back after their wait for it.
const EXPIRES: Duration = Duration::from_secs(10);
/// How often the server says that a request still stands.
const HEARTBEAT: Duration = Duration::from_secs(1);
/// Without a word for this long, all requests are taken for lost: the server restarted, or the
/// consumer has another leader.
const LOST_AFTER: Duration = Duration::from_secs(3);

/// The jobs of one queue in one lane, for one worker.
pub struct JobSource {
    consumer: Consumer<pull::Config>,
    context: Context,
    name: String,
    inbox: String,
    subscriber: Subscriber,
    standing: Standing,
}

impl fmt::Debug for JobSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobSource").field("name", &self.name).finish_non_exhaustive()
    }
}

/// What came of the standing requests.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "moved once and never kept: a box would cost more")]
pub enum Pulled {
    /// A job.
    Job(Delivery),
    /// A request ended with slots left: ask again.
    Expired,
    /// Requests were refused or lost, for the reason given: wait a moment, then ask again.
    Lost(String),
}

impl Bus {
    /// The jobs of `queue` in `lane`. Nothing comes until [`JobSource::request`] asks.
    ///
    /// # Errors
    ///
    /// [`BusError::NotReady`] when the consumer is missing, [`BusError::Unavailable`] when nobody
    /// answers for half a minute.
    pub async fn jobs(&self, lane: Lane, queue: &QueueName) -> Result<JobSource, BusError> {
        self.source(streams::jobs_stream(lane), streams::consumer(lane, queue)).await
    }

    /// What a durable consumer gives.
    pub(crate) async fn source(
        &self,
        stream: &'static str,
        name: String,
    ) -> Result<JobSource, BusError> {
        let patience = Patience::begin();
        let consumer = loop {
            match self.jetstream.get_consumer_from_stream(&name, stream).await {
                Ok(consumer) => break consumer,
                Err(error) => patience.after(of_consumer(&name, stream, &error)).await?,
            }
        };
        let inbox = self.client.new_inbox();
        let subscriber = self.subscribe(format!("{inbox}.*")).await?;
        let context = self.jetstream.clone();
        Ok(JobSource { consumer, context, name, inbox, subscriber, standing: Standing::default() })
    }
}

/// Why a consumer cannot be had.
fn of_consumer(name: &str, stream: &str, error: &ConsumerError) -> BusError {
    let what = format!("the consumer `{name}` of stream `{stream}`");
    let ConsumerErrorKind::JetStream(refused) = error.kind() else {
        return BusError::no_answer(&what, error);
    };
    match refused.error_code() {
        ErrorCode::CONSUMER_NOT_FOUND | ErrorCode::STREAM_NOT_FOUND => BusError::NotReady(format!(
            "{what} is missing; run `nats-init` once with the same MODELS_FILE"
        )),
        _ => BusError::no_answer(&what, error),
    }
}

impl JobSource {
    /// The name of the durable consumer.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Slots that were asked for and not yet filled.
    pub fn outstanding(&self) -> usize {
        self.standing.slots()
    }

    /// Asks for up to `slots` more jobs, as they come, within the next 10 s.
    ///
    /// # Errors
    ///
    /// When the connection is closed.
    pub async fn request(&mut self, slots: usize) -> Result<(), BusError> {
        let id = self.standing.add(slots, Instant::now() + EXPIRES);
        let batch = BatchConfig {
            batch: slots,
            expires: Some(EXPIRES),
            idle_heartbeat: HEARTBEAT,
            ..BatchConfig::default()
        };
        let inbox = format!("{}.{id}", self.inbox);
        let asked = self.consumer.request_batch(batch, inbox.into()).await;
        asked.map_err(BusError::unavailable)
    }

    /// The next thing that comes of the standing requests; waits for ever when there are none.
    ///
    /// # Cancellation
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Pulled {
        loop {
            let lost_at = self.standing.heard_at() + LOST_AFTER;
            let message = tokio::select! {
                message = self.subscriber.next() => message,
                () = tokio::time::sleep_until(lost_at), if self.standing.slots() > 0 => {
                    self.standing.clear();
                    return Pulled::Lost("the server is silent".to_owned());
                }
            };
            let Some(message) = message else {
                return Pulled::Lost("the connection is closed".to_owned());
            };
            self.standing.heard(Instant::now());
            let Some(status) = message.status.filter(|status| *status != StatusCode::OK) else {
                self.standing.filled_one();
                let context = self.context.clone();
                return Pulled::Job(Delivery::new(Message { message, context }));
            };
            if status == StatusCode::IDLE_HEARTBEAT {
                continue;
            }
            if let Some(id) = message.subject.rsplit('.').next().and_then(|id| id.parse().ok()) {
                self.standing.remove(id);
            }
            return match status {
                StatusCode::TIMEOUT => Pulled::Expired,
                StatusCode::NO_RESPONDERS => Pulled::Lost("no JetStream answers".to_owned()),
                other => {
                    let why = message.description.unwrap_or_else(|| format!("status {other}"));
                    Pulled::Lost(why)
                }
            };
        }
    }

    /// Asks for nothing more, and gives the jobs that were already on their way here.
    pub async fn close(mut self) -> Vec<Delivery> {
        // The server stops sending at once; what it had sent before still arrives.
        if self.subscriber.drain().await.is_err() {
            return Vec::new();
        }
        let mut left = Vec::new();
        let rest = async {
            while let Some(message) = self.subscriber.next().await {
                if message.status.is_none_or(|status| status == StatusCode::OK) {
                    let context = self.context.clone();
                    left.push(Delivery::new(Message { message, context }));
                }
            }
        };
        // Without a connection nothing more comes, and nothing says so.
        let _in_time = tokio::time::timeout(LOST_AFTER, rest).await;
        left
    }
}
