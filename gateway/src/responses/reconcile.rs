//! The reconciler: an open log whose job is in no queue gets its job back.
//!
//! A gateway can die between its two stores, and a queue can lose what it held. The log is the
//! truth, so the logs are what is looked at: the stream is read once, in its order, and from then
//! on only what is new. That costs what is written, once per gateway, however many logs there are:
//! a million that have ended are read over at the start and never looked at again, where a list of
//! the stream's subjects would be a million names at each look, and would not say which have ended.
//! Remembered are the open ones alone; of these, only what was silent for a while is asked after.
//!
//! Every gateway with the role does this, and none knows of the others: whoever puts a job back says
//! that its queue holds none, which the leader of the queue checks.

use std::sync::Arc;
use std::time::Duration;

use bus::{BusError, Entry, LogWalk};
use bytes::Bytes;
use contract::log::{self, LogId, Outcome, Record};
use contract::{Model, Operation, StoredJob};
use service_runtime::Shutdown;
use tokio::time::Instant;
use tracing::Instrument as _;

use super::logs::{self, Ending};
use super::open_logs::{Finding, Open, OpenLogs};
use super::service::Inner;
use super::{accept, failures, request};
use crate::chat::publish_span;

/// Most records that are read in one look.
const RECORDS: usize = 16 * 1024;
/// Most logs that are asked after in one look.
const LOGS: usize = 256;
/// A job that was put back this often and never answered has no worker that can take it.
const PUT_BACK_AT_MOST: u32 = 5;
/// Between two looks when the first was not enough.
const GOES_ON_AFTER: Duration = Duration::from_millis(100);

/// Looks for open logs whose jobs are lost.
pub(crate) struct Reconciler {
    pub(super) inner: Arc<Inner>,
    /// How long nothing may happen to an open log before it is asked after. More than an accept
    /// may take, so that nobody is about to queue its job.
    pub(super) quiet: Duration,
}

impl Reconciler {
    /// Looks until the process ends.
    pub(crate) async fn run(self, until: Shutdown) {
        let mut open = OpenLogs::new(self.quiet);
        let mut walk = None;
        // Gateways that start together do not look together.
        let mut pause = self.between_looks().mul_f64(rand::random_range(0.0..1.0));
        loop {
            let look = async {
                tokio::time::sleep(pause).await;
                self.look(&mut walk, &mut open).await
            };
            let Some(looked) = until.unless_requested(look).await else { return };
            pause = match looked {
                Ok(true) => GOES_ON_AFTER,
                Ok(false) => self.between_looks(),
                Err(error) => {
                    tracing::debug!(%error, "open logs cannot be looked for now: {error}");
                    self.between_looks()
                }
            };
        }
    }

    fn between_looks(&self) -> Duration {
        self.quiet.mul_f64(rand::random_range(0.4..0.6))
    }

    /// True when there is more to be done at once.
    async fn look(
        &self,
        walk: &mut Option<LogWalk>,
        open: &mut OpenLogs,
    ) -> Result<bool, BusError> {
        let walk = match walk {
            Some(walk) => walk,
            None => walk.insert(self.inner.bus.walk_logs().await?),
        };
        let mut read = 0;
        // Full: it goes on here once one of them is over. Each is asked after now and then.
        while read < RECORDS && !open.is_full() {
            let Some((log, entry)) = walk.next().await? else { break };
            open.read(log, &entry, Instant::now());
            read += 1;
        }
        let due = open.due(Instant::now(), LOGS);
        for (log, known) in &due {
            let finding = self.ask_after(log, known).await?;
            open.looked(log, finding, Instant::now());
        }
        Ok(read == RECORDS || due.len() == LOGS)
    }

    async fn ask_after(&self, log: &LogId, known: &Open) -> Result<Finding, BusError> {
        let inner = &self.inner;
        // Of a model that only another catalogue has, another gateway knows the queue.
        let model = inner.chats.model_for(known.model.as_str(), Operation::ChatCompletions);
        let Ok(model) = model else { return Ok(Finding::Waits) };
        // First the queue, then the log: a job leaves its queue behind the end of its log.
        if inner.bus.is_queued(known.lane, &model.queue, &log.owner.tenant, log.job).await? {
            return Ok(Finding::Waits);
        }
        let Some(last) = inner.bus.last_entry(log).await? else { return Ok(Finding::Over) };
        let stands_at = match log::read(&last.message) {
            Ok((Record::Ended(_), _)) | Err(_) => return Ok(Finding::Over),
            Ok(_) if last.sequence != known.last => return Ok(Finding::Written(last.sequence)),
            Ok((Record::Accepted(_), _)) => None,
            Ok((Record::Started(_) | Record::Said(_) | Record::HandedBack(_), _)) => {
                Some(last.sequence)
            }
        };
        if known.put_back >= PUT_BACK_AT_MOST {
            let outcome = Outcome::Failed(failures::attempts_exhausted());
            if let Ending::Now(_) = logs::end(&inner.bus, log, &outcome).await? {
                tracing::error!(app.job.id = %log.job, "gave up job {}: it is lost again and again", log.job);
                inner.seal_later(log).await;
            }
            return Ok(Finding::Over);
        }
        match self.put_back(log, known, model, stands_at).await {
            Err(BusError::Full(_)) => Ok(Finding::Waits),
            Err(error @ BusError::Unavailable(_)) => Err(error),
            // Without its text: that may quote what was asked.
            Err(BusError::TooLarge { .. } | BusError::NotReady(_)) => {
                let job = log.job;
                tracing::error!(app.job.id = %job, "the job of an open log cannot be made anew");
                Ok(Finding::Over)
            }
            Ok(finding) => Ok(finding),
        }
    }

    async fn put_back(
        &self,
        log: &LogId,
        known: &Open,
        model: &Model,
        stands_at: Option<u64>,
    ) -> Result<Finding, BusError> {
        let inner = &self.inner;
        let Some(first) = inner.bus.first_entry(log).await? else { return Ok(Finding::Over) };
        let (asks_model, background, accepted_at_ms) = asked(&first)
            .ok_or_else(|| BusError::NotReady("what was accepted cannot be read".to_owned()))?;
        let job = StoredJob {
            id: log.job,
            operation: Operation::ChatCompletions,
            model: model.name.clone(),
            owner: log.owner.clone(),
            background,
            accepted_at_ms,
            // Age removes what nobody does: whoever accepted it is gone.
            body: accept::body(inner, log, &asks_model, |_name| {}).await?,
        };
        let publish = publish_span(known.lane, log.job, &model.queue, asks_model.len());
        let again = inner.bus.publish_again(known.lane, &model.queue, &job, stands_at);
        if again.instrument(publish).await? {
            inner.measures.republished(known.lane);
            let job = log.job;
            tracing::warn!(app.job.id = %job, "job {job} was in no queue and is put back");
            return Ok(Finding::PutBack);
        }
        Ok(Finding::Waits)
    }
}

/// What the model is asked, made from the first record of a log as its gateway made it.
fn asked(first: &Entry) -> Option<(Bytes, bool, u64)> {
    let Ok((Record::Accepted(accepted), _)) = log::read(&first.message) else { return None };
    let background = request::is_background(&accepted);
    Some((request::asks_model(&accepted)?, background, accepted.accepted_at_ms))
}
