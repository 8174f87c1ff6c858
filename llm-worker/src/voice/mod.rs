//! NATS out: what is said about a job, packed by gateway.

mod outbox;

use std::sync::Arc;

use bus::Blobs;
use bytes::Bytes;
use contract::{Event, EventKind, Failure, JobId, pack};
use openai_api::{ErrorBody, ErrorKind};

pub(crate) use outbox::{Outbox, Outboxes};

use crate::completion::{Mute, Speak, Utterance};

/// Says what becomes of one job, under one claim.
#[derive(Debug)]
pub(crate) struct Voice {
    job: JobId,
    claim: u32,
    next_seq: u32,
    outbox: Arc<Outbox>,
    blobs: Blobs,
    max_payload: usize,
}

impl Voice {
    pub(crate) fn new(
        job: JobId,
        claim: u32,
        outbox: Arc<Outbox>,
        blobs: Blobs,
        max_payload: usize,
    ) -> Self {
        Self { job, claim, next_seq: 0, outbox, blobs, max_payload }
    }

    async fn event(&mut self, kind: EventKind, payload: &[u8]) -> Result<(), Mute> {
        let event = Event { job: self.job, claim: self.claim, seq: self.next_seq, kind, payload };
        // The first word goes at once, and so does the last: somebody waits for each.
        let urgent = self.next_seq == 0 || kind.is_last();
        self.next_seq += 1;
        self.outbox.push(&event, urgent).await.map_err(|error| {
            tracing::warn!(app.job.id = %self.job, %error, "an event cannot be sent: {error}");
            Mute
        })
    }

    fn fits(&self, payload: &[u8]) -> bool {
        payload.len() + pack::RECORD_OVERHEAD < self.max_payload
    }

    /// A whole answer travels by name when it is over what a message holds.
    async fn whole(&mut self, body: &Bytes) -> Result<(), Mute> {
        if self.fits(body) {
            return self.event(EventKind::Body, body).await;
        }
        let name = format!("answers/{}/{}", self.job, self.claim);
        if let Err(error) = self.blobs.put(&name, body).await {
            tracing::warn!(app.job.id = %self.job, %error, "an answer cannot be stored: {error}");
            return Err(Mute);
        }
        self.event(EventKind::StoredBody, name.as_bytes()).await
    }

    async fn failed(&mut self, failure: &Failure) -> Result<(), Mute> {
        let json = serde_json::to_vec(failure).map_err(|_error| Mute)?;
        self.event(EventKind::Failed, &json).await
    }
}

impl Speak for Voice {
    async fn say(&mut self, utterance: Utterance) -> Result<(), Mute> {
        match utterance {
            Utterance::Chunk(chunk) if self.fits(&chunk) => {
                self.event(EventKind::Chunk, &chunk).await
            }
            Utterance::Chunk(_too_large) => {
                let message = "A chunk of the model's answer is too large to be sent.";
                self.failed(&failure("chunk_too_large", message)).await?;
                Err(Mute)
            }
            Utterance::Done => self.event(EventKind::Done, &[]).await,
            Utterance::Whole(body) => self.whole(&body).await,
            Utterance::Failed(failure) => self.failed(&failure).await,
        }
    }
}

/// A failure of ours, as the caller reads it.
pub(crate) fn failure(code: &str, message: &str) -> Failure {
    let body = ErrorBody::new(ErrorKind::Server, code, message);
    Failure {
        status: 502,
        body: String::from_utf8(body.to_json()).unwrap_or_default(),
        retry_after_ms: None,
        should_retry: true,
    }
}
