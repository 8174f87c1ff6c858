//! NATS out: what is said about a job, packed by gateway.

mod batch;
mod outbox;
mod way;
mod window;

use std::sync::Arc;
use std::time::Duration;

use bus::Blobs;
use bytes::Bytes;
use contract::{Event, EventKind, Failure, Job, JobId, WorkFigures, pack, window as rules};
use openai_api::{ErrorBody, ErrorKind};
use tokio::sync::watch;

use self::batch::Haste;
pub(crate) use self::outbox::{Outbox, Outboxes};
use self::window::Window;
use crate::completion::{Speak, Unsaid, Utterance};

/// How long a large answer may take to be stored.
const STORED_WITHIN: Duration = Duration::from_secs(60);

/// Says what becomes of one job, under one claim.
#[derive(Debug)]
pub(crate) struct Voice {
    job: JobId,
    claim: u32,
    next_seq: u32,
    /// Whether its gateway reads figures.
    tells_work: bool,
    window: Window,
    outbox: Arc<Outbox>,
    blobs: Blobs,
    max_payload: usize,
}

impl Voice {
    /// `read` tells how much of what was said its caller has read.
    pub(crate) fn new(
        job: &Job<'_>,
        claim: u32,
        read: watch::Receiver<u64>,
        outbox: Arc<Outbox>,
        blobs: Blobs,
        max_payload: usize,
    ) -> Self {
        let window = Window::new(read);
        let (job, tells_work) = (job.id, job.reads_work);
        Self { job, claim, next_seq: 0, tells_work, window, outbox, blobs, max_payload }
    }

    async fn event(&mut self, kind: EventKind, payload: &[u8], work: &[u8]) -> Result<(), Unsaid> {
        let (job, claim, seq) = (self.job, self.claim, self.next_seq);
        let event = Event { job, claim, seq, kind, payload, work };
        // The first word goes at once, and so does the last: somebody waits for each.
        let haste = if event.seq == 0 || kind.is_last() { Haste::Urgent } else { Haste::Ordinary };
        self.outbox.push(event, &mut self.next_seq, haste).await.map_err(|error| {
            tracing::warn!(app.job.id = %self.job, %error, "an event cannot be sent: {error}");
            Unsaid::Blocked
        })
    }

    fn fits(&self, payload: &[u8], work: &[u8]) -> bool {
        // One byte for the version of the message.
        payload.len() + work.len() + pack::RECORD_OVERHEAD + pack::WORK_OVERHEAD < self.max_payload
    }

    /// The figures as they are told; nothing to a gateway that does not read them.
    fn told(&self, work: &WorkFigures) -> Vec<u8> {
        // Numbers and names: writing them to memory cannot fail.
        if self.tells_work { serde_json::to_vec(work).unwrap_or_default() } else { Vec::new() }
    }

    /// A whole answer travels by name when it is over what a message holds.
    async fn whole(&mut self, body: &Bytes, work: &WorkFigures) -> Result<(), Unsaid> {
        let work = self.told(work);
        if self.fits(body, &work) {
            return self.event(EventKind::Body, body, &work).await;
        }
        let name = format!("answers/{}/{}", self.job, self.claim);
        let stored = tokio::time::timeout(STORED_WITHIN, self.blobs.put(&name, body)).await;
        let problem = match stored {
            Ok(Ok(())) => return self.event(EventKind::StoredBody, name.as_bytes(), &work).await,
            Ok(Err(error)) => error.to_string(),
            Err(_elapsed) => format!("not within {STORED_WITHIN:?}"),
        };
        tracing::warn!(app.job.id = %self.job, "an answer cannot be stored: {problem}");
        self.excuse("answer_not_stored", "The answer is large and cannot be stored now.").await
    }

    async fn failed(&mut self, failure: &Failure) -> Result<(), Unsaid> {
        // Texts and numbers: writing them to memory cannot fail.
        let json = serde_json::to_vec(failure).unwrap_or_default();
        if self.fits(&json, b"") {
            return self.event(EventKind::Failed, &json, b"").await;
        }
        let json = serde_json::to_vec(&at_length(failure)).unwrap_or_default();
        self.event(EventKind::Failed, &json, b"").await
    }

    /// Says why something cannot be said.
    async fn excuse(&mut self, code: &str, message: &str) -> Result<(), Unsaid> {
        self.failed(&failure(code, message)).await?;
        Err(Unsaid::Excused)
    }
}

impl Speak for Voice {
    async fn say(&mut self, utterance: Utterance) -> Result<(), Unsaid> {
        match utterance {
            Utterance::Chunk(chunk) if self.fits(&chunk, b"") => {
                if self.window.admit(rules::cost(&chunk)).await.is_err() {
                    let message = "The stream was read too slowly: what waited for you was more \
                                   than is kept.";
                    return self.excuse("read_too_slowly", message).await;
                }
                self.event(EventKind::Chunk, &chunk, b"").await
            }
            Utterance::Chunk(_too_large) => {
                let message = "A chunk of the model's answer is too large to be sent.";
                self.excuse("chunk_too_large", message).await
            }
            Utterance::Done(work) => {
                let work = self.told(&work);
                self.event(EventKind::Done, b"", &work).await
            }
            Utterance::Whole(body, work) => self.whole(&body, &work).await,
            // There is no receipt of an error.
            Utterance::Failed(failure, _work) => self.failed(&failure).await,
        }
    }
}

/// Notes how far a reader has come. What it said earlier may arrive later, and changes nothing.
pub(crate) fn raise(mark: &watch::Sender<u64>, to: u64) {
    mark.send_if_modified(|read| std::mem::replace(read, to.max(*read)) < to);
}

/// A failure of ours, as the caller reads it.
pub(crate) fn failure(code: &str, message: &str) -> Failure {
    let body = error_json(code, message);
    Failure { status: 502, body, retry_after_ms: None, should_retry: true }
}

/// The same failure without the model's words, which are more than can be said.
pub(crate) fn at_length(failure: &Failure) -> Failure {
    let status = failure.status;
    let message = format!("The model server answered with status {status}, at length.");
    let body = error_json("upstream_error", &message);
    Failure { body, retry_after_ms: failure.retry_after_ms, ..*failure }
}

fn error_json(code: &str, message: &str) -> String {
    let body = ErrorBody::new(ErrorKind::Server, code, message);
    String::from_utf8(body.to_json()).unwrap_or_default()
}
