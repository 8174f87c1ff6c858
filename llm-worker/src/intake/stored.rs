//! One delivery of a stored job, from arrival to settlement. Its log says what is to be done, and
//! whoever has written its last `started` is the only one who answers.

use std::pin::pin;
use std::time::Duration;

use bus::{BusError, Delivery, Entry, LogWriter, WriteError};
use bytes::Bytes;
use contract::log::{self, LogId, Record, Started};
use contract::{Chore, Lane, ModelName, Operation, QueueName, StoredJob};
use telemetry::names::app;
use tracing::Span;

use super::audience::{between_looks, has_left, is_unread, was_overruled};
use super::behind::{asks_for_pieces, asks_for_text, text_so_far};
use super::delivery::{
    ASK_AGAIN, BODY_LOST, Desk, Ended, LOG_UNAVAILABLE, POISONED, POISONED_AFTER, arrival, report,
};
use super::page::{Open, Page};
use super::running::{InHand, Stop};
use super::settle::{Settlement, settle};
use crate::completion::{self, Ask, Circumstances, Outcome};
use crate::script::{self, failed, now_ms};

/// Another writes the log, or settles the job.
const SUPERSEDED: &str = "superseded";
/// Nobody has read it for too long.
const CANCELLED: &str = "cancelled";
/// It was forgotten.
const NO_LOG: &str = "no_log";

/// What ends the work on an answer.
enum Verdict {
    /// The model has said all it had to say, or will not.
    Spoke(Outcome),
    /// Its log can be written no more, or is complete.
    Written(Result<(), WriteError>),
    /// Whoever waited for it has left.
    Left,
    /// Another has written the log.
    Overruled,
}

impl Desk {
    /// Takes a delivery of a stored job to its settlement.
    pub(super) async fn work_stored(
        &self,
        lane: Lane,
        delivery: Delivery,
        queue: &QueueName,
        process: &Span,
    ) -> &'static str {
        let payload = delivery.payload().clone();
        let job: StoredJob<'_> = match serde_json::from_slice(&payload) {
            Ok(job) => job,
            Err(error) => return self.unreadable(lane, &delivery, queue, &error).await,
        };
        process.record(app::JOB_ID, tracing::field::display(job.id));
        let hand = self.running.begin(job.id, lane, None, delivery);
        let (settlement, outcome) = self.answer_stored(&job, &payload, &hand, queue).await;
        let settlement = match settlement {
            Settlement::Ack if outcome != NO_LOG => self.follow_up(&job).await,
            other => other,
        };
        let settlement = match settlement {
            // The log is over, whoever's the job is by now.
            Settlement::Ack => Settlement::Ack,
            // After a time without progress it may be another worker's.
            _ if hand.job.is_stale() => Settlement::Leave,
            other => other,
        };
        settle(lane, &hand.job.delivery, settlement, outcome, &self.measures).await;
        report(job.id, &job.model, outcome, hand.job.delivery.deliveries());
        outcome
    }

    /// What is left to do behind the end of a log, before its job leaves the queue. A delivery that
    /// finds the end does only this.
    async fn follow_up(&self, job: &StoredJob<'_>) -> Settlement {
        let log = LogId { owner: job.owner.clone(), job: job.id };
        match self.bus.publish_chore(Chore::Seal, &log).await {
            Ok(()) => Settlement::Ack,
            Err(BusError::Unavailable(why)) => {
                tracing::warn!("a chore cannot be stored and is tried again: {why}");
                Settlement::RetryAfter(ASK_AGAIN)
            }
            // Rather an answer that is kept for a shorter time than lanes full of finished jobs.
            Err(error) => {
                tracing::error!(%error, "a log is kept for days only: {error}");
                Settlement::Ack
            }
        }
    }

    async fn answer_stored(
        &self,
        job: &StoredJob<'_>,
        payload: &Bytes,
        hand: &InHand<'_>,
        queue: &QueueName,
    ) -> Ended {
        let id = LogId { owner: job.owner.clone(), job: job.id };
        let (lane, delivery) = (hand.job.lane, &hand.job.delivery);
        let last = match self.bus.last_entry(&id).await {
            Ok(last) => last,
            Err(error) => {
                tracing::warn!(%error, "a log cannot be read: {error}");
                return (Settlement::RetryAfter(ASK_AGAIN), LOG_UNAVAILABLE);
            }
        };
        let open = match Page::of(last.as_ref()) {
            Page::Open(open) => open,
            Page::Full => return (Settlement::Ack, "already_ended"),
            Page::Missing => return (Settlement::Ack, NO_LOG),
            Page::Unreadable => {
                let (id, message) = (job.id.to_string(), "its log ends with what is no record");
                self.bury(lane, delivery, queue, &id, "unreadable", message).await;
                return (Settlement::Terminate, "unreadable");
            }
        };
        let mut writer = self.bus.log_writer(id.clone(), open.last);
        // Of one that was begun, the attempt will notice: readers may be about to come back.
        if !job.background && open.attempt == 0 && delivery.age() >= self.unread {
            let unread = tokio::select! {
                biased;
                () = hand.job.stop().cancelled() => return stopped(hand.job.stopped()),
                unread = is_unread(&self.bus, &id, between_looks(self.unread)) => unread,
            };
            if unread {
                return self
                    .close(&id, &mut writer, open, log::Outcome::Cancelled, CANCELLED)
                    .await;
            }
        }
        let earlier = self.earlier(&id, open, &job.model).await;
        let spent = match &earlier {
            Some(entries) => open.spent(entries),
            // Rather one try too many than a job that is given up because it could not be read.
            None => open.attempt.min(POISONED_AFTER - 1),
        };
        if spent >= POISONED_AFTER {
            let outcome = failed(POISONED, "No worker could finish this request.");
            let ended = self.close(&id, &mut writer, open, outcome, POISONED).await;
            if ended.1 == POISONED {
                let message = "it was never finished";
                self.bury(lane, delivery, queue, &job.id.to_string(), POISONED, message).await;
            }
            return ended;
        }
        let body = match self.body(&job.body, payload).await {
            Ok(Some(body)) => body,
            Ok(None) => {
                let outcome = failed(BODY_LOST, "The request's body was lost.");
                return self.close(&id, &mut writer, open, outcome, BODY_LOST).await;
            }
            Err(error) => {
                tracing::warn!(%error, "the body of a job cannot be read: {error}");
                return (Settlement::RetryAfter(ASK_AGAIN), "body_unavailable");
            }
        };
        let attempt = open.attempt + 1;
        let behind = earlier.and_then(|entries| self.behind(&entries, open, job, &body));
        let continues_at = behind.as_ref().map(|text| text.len() as u64);
        let began = tokio::select! {
            biased;
            () = hand.job.stop().cancelled() => return stopped(hand.job.stopped()),
            began = self.begin_attempt(&mut writer, attempt, continues_at) => began,
        };
        if let Err(error) = began {
            return self.fenced(&id, &error).await;
        }
        // What a caller of chat completions asked for whole is asked for whole.
        let stream = job.operation == Operation::ChatCompletions && asks_for_pieces(&body);
        let (id_of_job, operation, model) = (job.id, job.operation, &job.model);
        let ask = Ask {
            job: id_of_job,
            operation,
            model,
            stream,
            whole_will_do: true,
            body,
            behind: behind.as_deref(),
        };
        let waits = !job.background;
        self.speak(&id, &mut writer, (attempt, spent), &ask, (hand, waits)).await
    }

    /// The records of earlier attempts, if anything hangs on them and they can be read now.
    async fn earlier(&self, id: &LogId, open: Open, model: &ModelName) -> Option<Vec<Entry>> {
        let needed =
            open.attempt > 1 || (open.attempt > 0 && self.upstreams.continue_answers(model));
        if needed { self.bus.fetch_log(id, 0).await.ok() } else { None }
    }

    /// The text that an attempt goes on behind, if an earlier one has left any and the model's
    /// servers can. If not, it begins anew, as it always may.
    fn behind(
        &self,
        entries: &[Entry],
        open: Open,
        job: &StoredJob<'_>,
        body: &[u8],
    ) -> Option<String> {
        let can = job.operation == Operation::ChatCompletions
            && self.upstreams.continue_answers(&job.model)
            && asks_for_text(body);
        if can { text_so_far(entries, open.last) } else { None }
    }

    /// Takes the log: from here on this worker is its only writer.
    async fn begin_attempt(
        &self,
        writer: &mut LogWriter,
        attempt: u32,
        continues_at: Option<u64>,
    ) -> Result<(), WriteError> {
        let (worker, at_ms) = (self.worker, now_ms());
        let started = Started { attempt, writer: worker, continues_at, at_ms };
        let message = log::write::<&[u8]>(&Record::Started(started), &[]);
        script::append(writer, message, &self.measures).await
    }

    /// Has the model answer, into the log.
    async fn speak(
        &self,
        id: &LogId,
        writer: &mut LogWriter,
        (attempt, spent): (u32, u32),
        ask: &Ask<'_>,
        (hand, somebody_waits): (&InHand<'_>, bool),
    ) -> Ended {
        let script = self.scripts.open(attempt, self.bus.max_payload());
        let mut voice = &script;
        let (lane, unread) = (hand.job.lane, self.unread);
        // Nobody waits in front of background work while it is queued.
        let waited = if lane == Lane::Live { hand.job.delivery.age() } else { Duration::ZERO };
        let circumstances =
            Circumstances { attempt: u64::from(spent) + 1, waited, jitter: rand::random() };
        let arrival = arrival(attempt, &hand.job.delivery);
        let mut writing = pin!(script.write(writer, &self.measures));
        let stop = hand.job.stop();
        let verdict = tokio::select! {
            biased;
            written = &mut writing => Verdict::Written(written),
            (outcome, _said) =
                completion::complete(&self.upstreams, ask, arrival, circumstances, &mut voice, stop)
                => Verdict::Spoke(outcome),
            () = has_left(&self.bus, id, unread), if somebody_waits => Verdict::Left,
            () = was_overruled(&self.bus, id, attempt, &script, between_looks(unread))
                => Verdict::Overruled,
        };
        // By now the model is not listened to any more.
        let (written, outcome) = match verdict {
            Verdict::Spoke(Outcome::Done) => (writing.await, "completed"),
            Verdict::Spoke(Outcome::GaveUp) => (writing.await, "failed"),
            Verdict::Spoke(Outcome::RetryAfter(delay)) => {
                return (Settlement::RetryAfter(delay), "retried");
            }
            Verdict::Spoke(Outcome::Stopped) => {
                let (settlement, outcome) = stopped(hand.job.stopped());
                if settlement != Settlement::Leave {
                    // What was said is stored before another worker reads where the log stands.
                    script.leave();
                    if let Err(error) = writing.await {
                        return self.fenced(id, &error).await;
                    }
                }
                return (settlement, outcome);
            }
            Verdict::Left => {
                script.end(log::Outcome::Cancelled, None);
                (writing.await, CANCELLED)
            }
            Verdict::Written(written) => (written, "completed"),
            Verdict::Overruled => return self.fenced(id, &WriteError::Fenced).await,
            Verdict::Spoke(Outcome::Blocked) => return (Settlement::Leave, SUPERSEDED),
        };
        match written {
            Ok(()) => (Settlement::Ack, outcome),
            Err(error) => self.fenced(id, &error).await,
        }
    }

    /// What it comes to that this worker writes the log no more: the delivery is another's, unless
    /// there is nothing more to do, or comes again to whoever can.
    async fn fenced(&self, id: &LogId, error: &WriteError) -> Ended {
        if let WriteError::Fenced = error {
            let last = self.bus.last_entry(id).await;
            let over = last
                .is_ok_and(|last| matches!(Page::of(last.as_ref()), Page::Full | Page::Missing));
            return (if over { Settlement::Ack } else { Settlement::Leave }, SUPERSEDED);
        }
        tracing::warn!(%error, "an answer cannot be stored: {error}");
        (Settlement::Leave, LOG_UNAVAILABLE)
    }

    /// Ends a log that no attempt will go on with.
    async fn close(
        &self,
        id: &LogId,
        writer: &mut LogWriter,
        open: Open,
        outcome: log::Outcome,
        word: &'static str,
    ) -> Ended {
        let record = open.ended(outcome, now_ms());
        let message = log::write::<&[u8]>(&record, &[]);
        match script::append(writer, message, &self.measures).await {
            Ok(()) => (Settlement::Ack, word),
            Err(error) => self.fenced(id, &error).await,
        }
    }
}

/// What a stop comes to. What was said stays in the log; another worker begins anew.
fn stopped(why: Option<Stop>) -> Ended {
    match why {
        Some(Stop::Superseded) => (Settlement::Leave, SUPERSEDED),
        Some(Stop::Draining | Stop::Cancelled | Stop::GatewayGone) | None => {
            (Settlement::RetryAfter(Duration::ZERO), "handed_back")
        }
    }
}
