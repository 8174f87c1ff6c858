//! What this gateway holds of a response that it accepted, and what is left to do at the end.

use std::sync::Arc;
use std::time::Duration;

use bus::BusError;
use contract::Lane;
use contract::log::{LogId, Outcome};
use telemetry::names::app;

use super::failures;
use super::logs::{self, Ending};
use super::service::Inner;
use crate::idempotency::Claim;
use crate::measures::Held;

/// Longest time for what is done when nobody waits any more.
const TIDIED_WITHIN: Duration = Duration::from_secs(10);
/// Between two attempts to end a log while NATS is away.
const END_AGAIN: Duration = Duration::from_millis(200);

/// Value of [`app::OUTCOME`]: the answer is fetched later, from whichever gateway.
pub(crate) const HANDED_OVER: &str = "handed_over";
/// Value of [`app::OUTCOME`] of a job: somebody stopped it.
pub(crate) const CANCELLED: &str = "cancelled";

/// From the first attempt to store a response until this gateway is done with it. Dropping it does
/// what is left:
///
/// | when                      | what                                                     |
/// |---------------------------|----------------------------------------------------------|
/// | not queued                | its log ends as failed, then its idempotency key is free |
/// | it was not to be kept     | its log ends if it has not, and is erased                |
/// | its log has ended         | its body in the object store is removed                  |
///
/// A caller who leaves does nothing else: whoever writes the log notices that nobody reads it, or
/// goes on, in the background. Then the response is handed over, and so it is by a gateway that ends
/// before it has seen the end.
#[derive(Debug)]
pub(super) struct Hold {
    inner: Arc<Inner>,
    log: LogId,
    lane: Lane,
    kept: bool,
    /// Of a request with a key, until it is queued.
    key: Option<Claim>,
    /// Whether its first record may be, or come to be, in the log.
    sent: bool,
    /// The name of what is asked in the object store, if it is there.
    stored_body: Option<String>,
    /// Whether its answer goes on when its caller leaves.
    goes_on: bool,
    queued: bool,
    ended: bool,
    outcome: &'static str,
    /// As long as it is here, its job is open.
    _held: Held,
}

impl Hold {
    /// Its first record is about to be stored.
    pub(super) fn begin(
        inner: &Arc<Inner>,
        log: &LogId,
        lane: Lane,
        kept: bool,
        mut key: Option<Claim>,
    ) -> Self {
        let held = inner.measures.accepted(lane);
        // A key that is free while its log may still begin would let a repeat do it twice.
        key.iter_mut().for_each(Claim::keep);
        Self {
            inner: Arc::clone(inner),
            log: log.clone(),
            lane,
            kept,
            key,
            sent: true,
            stored_body: None,
            goes_on: false,
            queued: false,
            ended: false,
            outcome: app::NOT_QUEUED,
            _held: held,
        }
    }

    /// Its first record is not stored, and never will be.
    pub(super) fn is_refused(&mut self) {
        self.sent = false;
    }

    /// What is asked is in the object store.
    pub(super) fn has_stored_body(&mut self, name: String) {
        self.stored_body = Some(name);
    }

    /// Its job is in the queue: from here on the caller may leave, and `goes_on` says whether that
    /// matters to the answer.
    pub(super) fn is_queued(&mut self, goes_on: bool) {
        self.queued = true;
        self.key = None;
        self.goes_on = goes_on;
        self.outcome = if goes_on { HANDED_OVER } else { app::CLIENT_GONE };
    }

    /// Its reader has seen the end.
    pub(super) fn has_ended(&mut self, outcome: &Outcome) {
        self.ended = true;
        self.outcome = match outcome {
            Outcome::Completed => app::COMPLETED,
            Outcome::Failed(_) => app::FAILED,
            Outcome::Cancelled => CANCELLED,
        };
    }

    /// Its reader was broken off.
    pub(super) fn is_broken_off(&mut self) {
        if !self.goes_on {
            self.outcome = app::FAILED;
        }
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.inner.measures.settled(self.lane, self.outcome);
        let ends_as = match (self.queued, self.ended, self.kept) {
            (false, ..) => Some(Outcome::Failed(failures::not_queued())),
            (true, false, false) => Some(Outcome::Cancelled),
            (true, ..) => None,
        };
        let over = self.ended || ends_as.is_some();
        let (body, erase) = (self.stored_body.take().filter(|_| over), over && !self.kept);
        if body.is_none() && ends_as.is_none() && !erase {
            return;
        }
        let (inner, log) = (Arc::clone(&self.inner), self.log.clone());
        let (key, sent) = (self.key.take(), self.sent);
        self.inner.tasks.spawn_detached(async move {
            let tidied = async {
                if let Some(outcome) = ends_as {
                    inner.end_it(&log, &outcome, key, sent, erase).await;
                }
                inner.tidy(&log, erase, body).await;
            };
            if tokio::time::timeout(TIDIED_WITHIN, tidied).await.is_err() {
                tracing::warn!(app.job.id = %log.job, "a response was left as it is: no time");
            }
        });
    }
}

impl Inner {
    /// Ends the log, and frees the key behind that end. One that stays is taken over by who repeats
    /// the request, or what came of it is read.
    async fn end_it(
        &self,
        log: &LogId,
        outcome: &Outcome,
        key: Option<Claim>,
        sent: bool,
        erase: bool,
    ) {
        let ending = loop {
            match logs::end(&self.bus, log, outcome).await {
                // The caller limits the time.
                Err(BusError::Unavailable(_)) => tokio::time::sleep(END_AGAIN).await,
                ending => break ending,
            }
        };
        match ending {
            Ok(Ending::Now(_)) => free(key).await,
            Ok(Ending::NoLog) if !sent => free(key).await,
            // It may begin yet; or it was queued after all, and somebody has answered it.
            Ok(Ending::NoLog | Ending::Before(_)) => {}
            Err(ref error) => {
                let job = log.job;
                tracing::warn!(%error, app.job.id = %job, "a log was not ended: {error}");
            }
        }
        if let Ok(Ending::Now(_)) = ending
            && !erase
        {
            self.seal_later(log).await;
        }
    }

    async fn tidy(&self, log: &LogId, erase: bool, body: Option<String>) {
        let job = log.job;
        if erase && let Err(error) = self.bus.erase_log(log).await {
            tracing::warn!(%error, app.job.id = %job, "a log was not erased, age will: {error}");
        }
        if let Some(name) = body {
            self.blobs.delete(&name).await;
        }
    }
}

async fn free(key: Option<Claim>) {
    if let Some(key) = key {
        key.free().await;
    }
}
