//! What a service needs to find on the server, at its start and ever after.

use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::consumer::{Consumer, pull};
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::ConsumerErrorKind;
use contract::{Lane, QueueName, streams};
use service_runtime::{Health, Readiness, Shutdown};

use crate::patience::Patience;
use crate::{Bus, BusError};

/// How often it is looked for.
const LOOKED_FOR_EVERY: Duration = Duration::from_secs(5);

/// Streams and consumers that a service cannot do without.
#[derive(Debug, Clone)]
pub struct Required {
    /// Streams, by name; those behind buckets as well.
    pub streams: Vec<String>,
    /// Queues, whose consumers are needed.
    pub queues: Vec<(Lane, QueueName)>,
}

impl Bus {
    /// Checks that everything required exists, and answers: a cluster that has lost a server is given
    /// the time to choose leaders anew.
    ///
    /// # Errors
    ///
    /// [`BusError::NotReady`] naming the first one that is missing, [`BusError::Unavailable`] when
    /// one does not answer for half a minute.
    pub async fn require(&self, required: &Required) -> Result<(), BusError> {
        let patience = Patience::begin();
        loop {
            match self.missing(required).await {
                Ok(None) => return Ok(()),
                Ok(Some(what)) => return Err(BusError::NotReady(what)),
                Err(error) => patience.after(error).await?,
            }
        }
    }

    /// Whether a stream exists: its leader answers, or that of the cluster knows of none.
    pub(crate) async fn stream_is_there(&self, name: &str) -> Result<bool, BusError> {
        let Err(error) = self.jetstream.get_stream(name).await else { return Ok(true) };
        match error.kind() {
            GetStreamErrorKind::JetStream(refused)
                if refused.error_code() == ErrorCode::STREAM_NOT_FOUND =>
            {
                Ok(false)
            }
            _ => Err(BusError::no_answer(&format!("the stream `{name}`"), error)),
        }
    }

    /// Tells the health port, as the check `streams`, whether everything required still exists,
    /// until the process ends. While the server cannot be asked, the last answer stays.
    pub async fn watch_required(&self, required: &Required, health: &Health, until: &Shutdown) {
        let mut looks = tokio::time::interval(LOOKED_FOR_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut was_missing = None;
        loop {
            tokio::select! {
                () = until.requested() => return,
                _ = looks.tick() => {}
            }
            let Ok(missing) = self.missing(required).await else { continue };
            if missing != was_missing {
                match &missing {
                    Some(what) => tracing::error!("{what}"),
                    None => tracing::info!("every stream and consumer is there again"),
                }
            }
            let readiness = missing.clone().map_or(Readiness::Ok, Readiness::Failing);
            health.report("streams", readiness);
            was_missing = missing;
        }
    }

    /// The first one that is missing, with the remedy.
    async fn missing(&self, required: &Required) -> Result<Option<String>, BusError> {
        for stream in &required.streams {
            if !self.stream_is_there(stream).await? {
                return Ok(Some(remedy(&format!("the stream `{stream}`"))));
            }
        }
        for (lane, queue) in &required.queues {
            let (name, stream) = (streams::consumer(*lane, queue), streams::jobs_stream(*lane));
            let found: Result<Consumer<pull::Config>, _> =
                self.jetstream.get_consumer_from_stream(&name, stream).await;
            let Err(error) = found else { continue };
            let what = format!("the consumer `{name}` of stream `{stream}`");
            return match error.kind() {
                ConsumerErrorKind::JetStream(refused)
                    if refused.error_code() == ErrorCode::CONSUMER_NOT_FOUND =>
                {
                    Ok(Some(remedy(&what)))
                }
                _ => Err(BusError::no_answer(&what, error)),
            };
        }
        Ok(None)
    }
}

fn remedy(what: &str) -> String {
    format!("{what} is missing; run `nats-init` once with the same MODELS_FILE")
}
