//! One delivery, from arrival to settlement.

use std::sync::Arc;
use std::time::Duration;

use bus::{Blobs, Bus, BusError, ClaimError, Delivery};
use bytes::Bytes;
use contract::{
    Body, ClaimRequest, DeadLetter, Job, JobId, Lane, ModelName, QueueName, TenantName, Verdict,
    WorkerId, streams, subjects,
};
use telemetry::names::{app, messaging, span};
use telemetry::propagation;
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use super::liveness::Gateways;
use super::running::{InHand, Running, Stop};
use super::settle::{Settlement, in_progress, settle};
use super::slots::Slot;
use crate::completion::{
    self, Arrival, Ask, Circumstances, Outcome, Said, Speak as _, Unsaid, Utterance,
};
use crate::measures::Measures;
use crate::script::Scripts;
use crate::upstream::Upstreams;
use crate::voice::{self, Outboxes, Voice};

/// A job begun this often without an end kills its workers, or is never settled: it is given up.
/// Claims are counted, or attempts in its log, and not deliveries: what comes back without one has
/// harmed nobody.
pub(super) const POISONED_AFTER: u32 = 5;
/// Between two tries to reach a gateway that does not answer.
const CLAIM_AGAIN: std::ops::Range<u64> = 500..1000;
/// Largest body that is read from the object store.
const LARGEST_BODY: usize = 256 * 1024 * 1024;
/// Before a job is tried again that could not be begun, or whose gateway may have lost sight of
/// it.
pub(super) const ASK_AGAIN: Duration = Duration::from_secs(1);

/// What a delivery needs on its way.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) bus: Bus,
    pub(crate) blobs: Blobs,
    pub(crate) worker: WorkerId,
    pub(crate) upstreams: Upstreams,
    pub(crate) outboxes: Outboxes,
    pub(crate) scripts: Scripts,
    /// Longest time that a live stored job is worked on while nobody reads it.
    pub(crate) unread: Duration,
    pub(crate) running: Running,
    pub(crate) gateways: Gateways,
    pub(crate) measures: Arc<Measures>,
}

/// What a job's work came to: how it is settled, and a word for logs and figures.
pub(super) type Ended = (Settlement, &'static str);

/// The words for an end that a trace shows as an error.
const FAULTS: &[&str] =
    &[UNREADABLE, POISONED, "failed", "broken_off", "blocked", BODY_LOST, LOG_UNAVAILABLE];
pub(super) const UNREADABLE: &str = "unreadable";
pub(super) const POISONED: &str = "attempts_exhausted";
pub(super) const BODY_LOST: &str = "body_lost";
/// The log of a stored job cannot be read or written now.
pub(super) const LOG_UNAVAILABLE: &str = "log_unavailable";

impl Desk {
    /// Takes one delivery from arrival to settlement. The slot is free again afterwards.
    pub(crate) async fn handle(&self, lane: Lane, delivery: Delivery, slot: Slot) {
        let began = Instant::now();
        let named = subjects::read_job(delivery.subject());
        let (queue, _tenant) =
            named.unwrap_or_else(|| (QueueName::default_queue(), TenantName::local()));
        self.measures.arrived(lane, &queue, delivery.age(), delivery.deliveries());
        let process = process_span(lane, &delivery, &queue);

        let outcome = match lane {
            Lane::Chat => self.work(delivery, &queue, &process).instrument(process.clone()).await,
            Lane::Live | Lane::Background => {
                // On its own, so that a chat job is not as large as one with a log.
                let work = Box::pin(self.work_stored(lane, delivery, &queue, &process));
                work.instrument(process.clone()).await
            }
        };

        process.record(app::OUTCOME, outcome);
        if FAULTS.contains(&outcome) {
            process.record(span::STATUS_CODE, span::ERROR);
            process.record(span::ERROR_TYPE, outcome);
        }
        self.measures.settled(&queue, began.elapsed(), outcome);
        drop(slot);
    }

    /// Reports every job of a lane in hand in progress. One that was not reported for as long as the
    /// queue waits, because this process was held up, is another worker's by now.
    pub(crate) async fn report_progress(&self, lane: Lane) {
        for job in self.running.all() {
            if job.lane == lane && !job.is_stale() {
                in_progress(&job.delivery, &self.measures).await;
                job.reported(Instant::now());
            }
        }
    }

    /// Stops the work for gateways that are gone: nobody hears it.
    pub(crate) fn drop_silent_gateways(&self) {
        let now = Instant::now();
        self.running.stop_of_gateways(|gateway| self.gateways.is_silent(gateway, now));
        for gateway in self.gateways.forget_silent(now) {
            self.outboxes.close(gateway);
        }
    }

    async fn work(&self, delivery: Delivery, queue: &QueueName, process: &Span) -> &'static str {
        let payload = delivery.payload().clone();
        let job: Job<'_> = match serde_json::from_slice(&payload) {
            Ok(job) => job,
            Err(error) => return self.unreadable(Lane::Chat, &delivery, queue, &error).await,
        };
        process.record(app::JOB_ID, tracing::field::display(job.id));
        let hand = self.running.begin(job.id, Lane::Chat, Some(job.gateway), delivery);
        let connections = self.bus.connections();
        let (settlement, outcome) = self.answer(&job, &payload, &hand, queue).await;
        // What was said over a connection that broke may be lost, even the end; and after a time
        // without progress the job may be another worker's. The queue delivers it again unless it
        // has, and its gateway knows what its caller has heard.
        let broken = self.bus.connections() != connections;
        let settlement = if broken || hand.job.is_stale() { Settlement::Leave } else { settlement };
        settle(Lane::Chat, &hand.job.delivery, settlement, outcome, &self.measures).await;
        report(job.id, &job.model, outcome, hand.job.delivery.deliveries());
        outcome
    }

    /// Gives up what is no job.
    pub(super) async fn unreadable(
        &self,
        lane: Lane,
        delivery: &Delivery,
        queue: &QueueName,
        error: &serde_json::Error,
    ) -> &'static str {
        // The error's own words quote what is there, and this is a header.
        let what = error.classify();
        let message = format!("{what:?} error at line {} column {}", error.line(), error.column());
        self.bury(lane, delivery, queue, "unknown", UNREADABLE, &message).await;
        settle(lane, delivery, Settlement::Terminate, UNREADABLE, &self.measures).await;
        UNREADABLE
    }

    async fn answer(
        &self,
        job: &Job<'_>,
        payload: &Bytes,
        hand: &InHand<'_>,
        queue: &QueueName,
    ) -> Ended {
        let delivery = &hand.job.delivery;
        let claim = match self.claim(job, delivery.deliveries()).await {
            Ok(claim) => claim,
            Err(ended) => return ended,
        };
        hand.job.claimed(claim);
        let max_payload = self.bus.max_payload();
        let outbox = self.outboxes.of(job.gateway);
        let read = hand.job.read();
        let mut voice = Voice::new(job, claim, read, outbox, self.blobs.clone(), max_payload);

        if claim > POISONED_AFTER {
            let id = job.id.to_string();
            self.bury(Lane::Chat, delivery, queue, &id, POISONED, "it was never settled").await;
            return give_up(POISONED, "No worker could finish this request.", &mut voice).await;
        }
        let body = match self.body(&job.body, payload).await {
            Ok(Some(body)) => body,
            // The gateway has just said that somebody waits: they are told.
            Ok(None) => {
                return give_up(BODY_LOST, "The request's body was lost.", &mut voice).await;
            }
            Err(error) => {
                tracing::warn!(%error, "the body of a job cannot be read: {error}");
                return (Settlement::RetryAfter(ASK_AGAIN), "body_unavailable");
            }
        };
        let ask = Ask {
            job: job.id,
            operation: job.operation,
            model: &job.model,
            stream: job.stream,
            whole_will_do: false,
            body,
            behind: None,
        };
        let circumstances = Circumstances {
            attempt: u64::from(claim),
            waited: delivery.age(),
            jitter: rand::random(),
        };
        let arrival = arrival(claim, delivery);
        let (upstreams, stop) = (&self.upstreams, hand.job.stop());
        let (outcome, said) =
            completion::complete(upstreams, &ask, arrival, circumstances, &mut voice, stop).await;
        match outcome {
            Outcome::Done => (Settlement::Ack, "completed"),
            Outcome::GaveUp => (Settlement::Terminate, "failed"),
            Outcome::RetryAfter(delay) => (Settlement::RetryAfter(delay), "retried"),
            // Its gateway knows what the caller has heard, and decides at the next claim.
            Outcome::Blocked => (Settlement::RetryAfter(ASK_AGAIN), "blocked"),
            Outcome::Stopped => stopped(hand.job.stopped(), said, &mut voice).await,
        }
    }

    /// Asks the gateway whether this worker may answer.
    async fn claim(&self, job: &Job<'_>, delivery: u64) -> Result<u32, Ended> {
        let request = ClaimRequest { job: job.id, worker: self.worker, delivery };
        match self.bus.claim(job.gateway, &request).await {
            Ok(Verdict::Go { claim }) => Ok(claim),
            Ok(Verdict::Drop) => Err((Settlement::Ack, "dropped")),
            Ok(Verdict::Leave) => Err((Settlement::Leave, "superseded")),
            // One that is silent and still listens is held up: its callers wait for it.
            Err(ClaimError::NoGateway) if self.gateways.is_silent(job.gateway, Instant::now()) => {
                Err((Settlement::Ack, "gateway_gone"))
            }
            Err(error) => {
                tracing::debug!(%error, "no verdict on a claim: {error}");
                let delay = Duration::from_millis(rand::random_range(CLAIM_AGAIN));
                Err((Settlement::RetryAfter(delay), "unclaimed"))
            }
        }
    }

    /// The caller's JSON; `None` when it is not there any more.
    pub(super) async fn body(
        &self,
        body: &Body<'_>,
        payload: &Bytes,
    ) -> Result<Option<Bytes>, BusError> {
        match body {
            // A part of the message: no prompt is copied.
            Body::Inline(json) => Ok(Some(payload.slice_ref(json.get().as_bytes()))),
            Body::Stored(name) => self.blobs.get(name, LARGEST_BODY).await,
        }
    }

    /// Keeps a job that cannot succeed, with the reason.
    pub(super) async fn bury(
        &self,
        lane: Lane,
        delivery: &Delivery,
        queue: &QueueName,
        job: &str,
        reason: &'static str,
        message: &str,
    ) {
        self.measures.died(reason);
        tracing::error!(app.reason = reason, app.job.id = job, "gave up job {job}: {reason}");
        let letter = DeadLetter {
            reason: reason.to_owned(),
            message: message.to_owned(),
            deliveries: delivery.deliveries(),
            subject: delivery.subject().to_owned(),
        };
        let payload = delivery.payload().clone();
        if let Err(error) = self.bus.bury(lane, queue, job, &letter, payload).await {
            tracing::error!(%error, "a dead letter cannot be kept: {error}");
        }
    }
}

/// The one line about a delivery.
pub(super) fn report(job: JobId, model: &ModelName, outcome: &'static str, deliveries: u64) {
    tracing::info!(
        app.job.id = %job,
        app.model = %model,
        app.outcome = outcome,
        app.nats.delivered = deliveries,
        "{outcome} job {job} at delivery {deliveries}"
    );
}

/// How a delivery came, that is worked on as this attempt.
pub(super) fn arrival(attempt: u32, delivery: &Delivery) -> Arrival {
    Arrival { attempt, queue_wait: delivery.age(), at: delivery.arrived_at() }
}

/// Tells the caller that there is no answer and will be none.
async fn give_up(code: &'static str, message: &str, voice: &mut Voice) -> Ended {
    match voice.say(Utterance::Failed(voice::failure(code, message), None)).await {
        Ok(()) | Err(Unsaid::Excused) => (Settlement::Terminate, code),
        Err(Unsaid::Blocked) => (Settlement::RetryAfter(ASK_AGAIN), "blocked"),
    }
}

/// What a stop comes to: the job is forgotten, or handed back, or broken off with a word.
async fn stopped(why: Option<Stop>, said: Said, voice: &mut Voice) -> Ended {
    match (why, said) {
        (Some(Stop::Superseded), _) => (Settlement::Leave, "superseded"),
        // If the gateway lives after all, and was unheard for a while, its caller is not forgotten.
        (Some(Stop::GatewayGone), _) => (Settlement::RetryAfter(ASK_AGAIN), "gateway_silent"),
        (Some(Stop::Draining), Said::Nothing) => {
            (Settlement::RetryAfter(Duration::ZERO), "handed_back")
        }
        (Some(Stop::Draining), Said::Something) => {
            let message = "The worker was stopped in the middle of the answer.";
            let (settlement, _code) = give_up("worker_stopped", message, voice).await;
            (settlement, "broken_off")
        }
        (Some(Stop::Cancelled) | None, _) => (Settlement::Ack, "cancelled"),
    }
}

fn process_span(lane: Lane, delivery: &Delivery, queue: &QueueName) -> Span {
    let template = subjects::job_template(lane);
    let size = i64::try_from(delivery.payload().len()).unwrap_or(i64::MAX);
    let process = tracing::info_span!(
        "process",
        { span::NAME } = format!("{} {template}", messaging::PROCESS),
        { span::KIND } = span::CONSUMER,
        { messaging::SYSTEM } = messaging::SYSTEM_NATS,
        { messaging::OPERATION_NAME } = messaging::PROCESS,
        { messaging::OPERATION_TYPE } = messaging::PROCESS,
        { messaging::DESTINATION_TEMPLATE } = template,
        { messaging::CONSUMER_GROUP_NAME } = streams::consumer(lane, queue),
        { messaging::NATS_STREAM } = streams::jobs_stream(lane),
        { messaging::NATS_DELIVERED } = i64::try_from(delivery.deliveries()).unwrap_or(i64::MAX),
        { messaging::MESSAGE_BODY_SIZE } = size,
        { app::QUEUE_WAITED } = delivery.age().as_secs_f64(),
        { app::QUEUE } = queue.as_str(),
        { app::JOB_ID } = tracing::field::Empty,
        { app::OUTCOME } = tracing::field::Empty,
        { span::STATUS_CODE } = tracing::field::Empty,
        { span::ERROR_TYPE } = tracing::field::Empty,
    );
    // One message is one job: its work is a child of the publish, and linked to it as well.
    // Nobody waits for background work: it begins a trace of its own, linked to the publish.
    if lane != Lane::Background {
        propagation::continue_from(&process, |name| delivery.header(name));
    }
    propagation::link_from(&process, |name| delivery.header(name));
    process
}
