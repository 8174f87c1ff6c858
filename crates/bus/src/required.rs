//! What a service needs to find on the server, at its start and ever after.

use std::time::Duration;

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::consumer::{Consumer, pull};
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::ConsumerErrorKind;
use contract::{Lane, QueueName, streams};
use service_runtime::{Health, Readiness, Shutdown};
use tokio::time::Instant;

use crate::patience::Patience;
use crate::{Bus, BusError, storing};

/// How often it is looked for.
const LOOKED_FOR_EVERY: Duration = Duration::from_secs(5);
/// So many looks later the clocks are compared again.
const CLOCKS_EACH: u32 = 6;

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
                Ok(None) => break,
                Ok(Some(what)) => return Err(BusError::NotReady(what)),
                Err(error) => patience.after(error).await?,
            }
        }
        // Before anything comes whose age counts. Who does not know it goes by its own clock.
        if let Some(stream) = required.streams.first() {
            let _compared = self.compare_clocks(stream).await;
        }
        Ok(())
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

    /// Tells the health port, as the check `streams`, whether everything required still exists and
    /// stores what is published, and as the check `clock` whether this machine's is right; until
    /// the process ends. While the server cannot be asked, the last answer stays.
    pub async fn watch_required(&self, required: &Required, health: &Health, until: &Shutdown) {
        let mut looks = tokio::time::interval(LOOKED_FOR_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut was_missing = None;
        let (mut look, mut clock_was_wrong) = (0_u32, false);
        let mut connections = self.connections();
        loop {
            tokio::select! {
                () = until.requested() => return,
                _ = looks.tick() => {}
            }
            if let Some(stream) =
                required.streams.first().filter(|_| look.is_multiple_of(CLOCKS_EACH))
                && self.compare_clocks(stream).await.is_ok()
            {
                self.tell_clock(health, &mut clock_was_wrong);
            }
            look = look.wrapping_add(1);
            if self.connections() != connections {
                connections = self.connections();
                self.silences.forget();
            }
            let Ok(missing) = self.missing(required).await else { continue };
            // One that is there, and has a leader, might store.
            let stuck = || self.silences.stuck(Instant::now()).map(storing::remedy);
            let missing = missing.or_else(stuck);
            if missing != was_missing {
                match &missing {
                    Some(what) => tracing::error!("{what}"),
                    None => {
                        tracing::info!("every stream and consumer serves again, or is tried again")
                    }
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
