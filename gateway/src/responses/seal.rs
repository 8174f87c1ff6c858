//! The sealer: what has ended is kept for longer than the stream of logs keeps it.
//!
//! A sealed log is the same records under one key, so it folds to the same bytes. It is written
//! once: a key that has ever been written, or whose response was deleted, takes no other value.

use std::sync::Arc;
use std::time::Duration;

use bus::{BusError, Delivery, JobSource, Pulled, RecordError, Records};
use contract::log::LogId;
use contract::{Chore, streams, subjects};
use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use service_runtime::Shutdown;

use super::fold::Fold;
use super::logs::{self, Doubt};
use super::sealed;
use super::service::Inner;

/// Logs that are sealed at once. Each is here twice meanwhile, and may be as large as a message.
const AT_ONCE: usize = 4;
/// Before anything is tried again that NATS did not do.
const AGAIN: Duration = Duration::from_secs(5);
/// Before a bucket that was full is tried again: age makes room in it.
const WHEN_FULL: Duration = Duration::from_secs(10 * 60);

/// Seals logs that have ended.
pub(crate) struct Sealer {
    pub(super) inner: Arc<Inner>,
}

/// What became of a log that was to be sealed: a word for the figures.
type Outcome = &'static str;
const SEALED: Outcome = "sealed";
/// It is sealed already, or was deleted.
const SETTLED: Outcome = "settled_before";
/// It was erased, or is not to be kept.
const NOT_KEPT: Outcome = "not_kept";
/// It is over what one message holds: it stays as long as its log.
const TOO_LARGE: Outcome = "too_large";

impl Sealer {
    /// Seals until the process ends.
    pub(crate) async fn run(self, until: Shutdown) {
        while let Some(begun) = until.unless_requested(self.begin()).await {
            match begun {
                Ok((source, records)) => self.seal_all(source, &records, &until).await,
                Err(error) => {
                    tracing::warn!(%error, "logs cannot be sealed now: {error}");
                    let _over = until.unless_requested(tokio::time::sleep(AGAIN)).await;
                }
            }
        }
    }

    async fn begin(&self) -> Result<(JobSource, Records), BusError> {
        let records = self.inner.bus.records(streams::RESPONSES).await?;
        Ok((self.inner.bus.chores(Chore::Seal).await?, records))
    }

    /// Until the process ends, or the requests for chores are lost.
    async fn seal_all(&self, mut source: JobSource, records: &Records, until: &Shutdown) {
        let mut at_work = FuturesUnordered::new();
        loop {
            let free = AT_ONCE - at_work.len();
            if source.outstanding() < free
                && source.request(free - source.outstanding()).await.is_err()
            {
                return;
            }
            tokio::select! {
                () = until.requested() => break,
                Some(()) = at_work.next() => {}
                pulled = source.next(), if free > 0 => match pulled {
                    Pulled::Job(delivery) => at_work.push(self.settle(delivery, records)),
                    Pulled::Expired => {}
                    Pulled::Lost(why) => {
                        tracing::debug!("requests for chores are lost: {why}");
                        let rest = async {
                            while at_work.next().await.is_some() {}
                            tokio::time::sleep(AGAIN).await;
                        };
                        let _over = until.unless_requested(rest).await;
                    }
                },
            }
        }
        while at_work.next().await.is_some() {}
        for delivery in source.close().await {
            let _comes_again = delivery.retry_after(Duration::ZERO).await;
        }
    }

    async fn settle(&self, delivery: Delivery, records: &Records) {
        let settled = match subjects::read_chore(delivery.subject()) {
            None => delivery.terminate().await,
            Some(log) => match self.seal(&log, records).await {
                Ok(outcome) => {
                    self.inner.measures.sealed(outcome);
                    delivery.ack().await
                }
                Err(BusError::Full(bucket)) => {
                    tracing::error!("a log cannot be sealed: `{bucket}` is full");
                    delivery.retry_after(WHEN_FULL).await
                }
                Err(error) => {
                    tracing::warn!(%error, "a log cannot be sealed now: {error}");
                    delivery.retry_after(AGAIN.mul_f64(rand::random_range(1.0..2.0))).await
                }
            },
        };
        if let Err(error) = settled {
            // Harmless: it comes again, and finds that it was done.
            tracing::debug!(%error, "a chore could not be settled: {error}");
        }
    }

    async fn seal(&self, log: &LogId, records: &Records) -> Result<Outcome, BusError> {
        let bus = &self.inner.bus;
        let entries = logs::read_unsealed(bus, log, 0, Doubt::Refused).await?;
        let kept = entries.first().and_then(|first| Fold::begin(log, first, &mut Vec::new()).ok());
        // What stands behind the end is no part of it.
        let end = entries.iter().position(logs::is_end);
        let (true, Some(end)) = (kept.is_some_and(|fold| fold.is_kept()), end) else {
            return Ok(NOT_KEPT);
        };
        let entries = entries.get(..=end).unwrap_or_default();
        if sealed::size(entries) > bus.max_payload() {
            return Ok(TOO_LARGE);
        }
        let (key, value) = (subjects::response_key(log), sealed::write(entries));
        // Never written, and never removed: who deletes a response says so here first.
        match records.update(&key, value, 0).await {
            Ok(_revision) => Ok(SEALED),
            Err(RecordError::Conflict) => Ok(SETTLED),
            Err(RecordError::Unavailable(error)) => Err(error),
        }
    }
}

impl Inner {
    /// Has a log sealed that was ended here. If it cannot be said now, its worker says it when it
    /// finds the end.
    pub(super) async fn seal_later(&self, log: &LogId) {
        if let Err(error) = self.bus.publish_chore(Chore::Seal, log).await {
            tracing::debug!(%error, "a chore was not stored: {error}");
        }
    }
}
