//! A streamed answer, event by event.

use std::time::Duration;

use bytes::Bytes;
use contract::UpstreamLimits;
use openai_api::sse;
use opentelemetry::metrics::BoundHistogram;
use outbound::{CallError, Phase, Response};
use tokio::time::Instant;

use super::account::Account;
use super::dialect::{Event, Identity, Learnt};
use super::endpoint::Place;
use super::failure;
use crate::completion::{Answered, ModelFailure, Pieces};

/// Largest event of a stream.
const LARGEST_EVENT: usize = 4 * 1024 * 1024;
/// How long the last words of an answer may be held up for the sake of its connection.
const END_OF_BODY: Duration = Duration::from_millis(2);

/// The events of one response.
#[derive(Debug)]
pub(super) struct Events {
    response: Response,
    reader: sse::Reader,
    identity: Identity,
    learnt: Learnt,
    idle: Duration,
    total: Duration,
    deadline: Instant,
    ended: Option<Ended>,
}

/// How a stream ended, once it has; told after the chunks that came with it.
#[derive(Debug)]
enum Ended {
    Well,
    Badly(ModelFailure),
}

impl Events {
    pub(super) fn new(
        response: Response,
        identity: Identity,
        limits: &UpstreamLimits,
        began: Instant,
    ) -> Self {
        Self {
            response,
            reader: sse::Reader::new(LARGEST_EVENT),
            identity,
            learnt: Learnt::default(),
            idle: limits.idle_timeout(),
            total: limits.total_timeout(),
            deadline: began + limits.total_timeout(),
            ended: None,
        }
    }

    /// The first chunks; `None` when there are none.
    pub(super) async fn first(
        &mut self,
        limit: Duration,
        began: Instant,
    ) -> Result<Option<Vec<Bytes>>, ModelFailure> {
        let first = tokio::time::timeout_at(began + limit, self.next_chunks(limit)).await;
        first.unwrap_or_else(|_elapsed| {
            Err(failure::of_call(&CallError::Timeout { phase: Phase::Body, limit }))
        })
    }

    /// What was learnt of the answer so far.
    pub(super) fn learnt(&self) -> Learnt {
        self.learnt
    }

    /// The chunks that have come since; `None` at a good end.
    async fn next_chunks(&mut self, idle: Duration) -> Result<Option<Vec<Bytes>>, ModelFailure> {
        loop {
            match self.ended.take() {
                Some(Ended::Well) => {
                    self.ended = Some(Ended::Well);
                    return Ok(None);
                }
                Some(Ended::Badly(failure)) => return Err(failure),
                None => {}
            }
            let left = self.deadline.saturating_duration_since(Instant::now());
            match self.response.piece(idle.min(left)).await {
                Ok(Some(piece)) => {
                    let chunks = self.read(&piece);
                    self.keep_warm().await;
                    if !chunks.is_empty() {
                        return Ok(Some(chunks));
                    }
                }
                // Some servers leave out the end mark: an answer that has a reason to finish is
                // complete.
                Ok(None) if self.learnt.finish_reason.is_some() => self.ended = Some(Ended::Well),
                Ok(None) => self.ended = Some(Ended::Badly(failure::cut_short())),
                Err(CallError::Timeout { .. }) if left <= idle => {
                    return Err(failure::took_too_long(self.total));
                }
                Err(error) => return Err(failure::of_call(&error)),
            }
        }
    }

    /// After the end mark: reads the end of the body, which nearly always came with it, so that
    /// the connection can be used again.
    async fn keep_warm(&mut self) {
        if matches!(self.ended, Some(Ended::Well)) {
            let _any = self.response.piece(END_OF_BODY).await;
        }
    }

    fn read(&mut self, piece: &[u8]) -> Vec<Bytes> {
        let Self { reader, identity, learnt, ended, .. } = self;
        let mut chunks = Vec::new();
        let fed = reader.feed(piece, |data| {
            if ended.is_some() {
                return;
            }
            match identity.event(data, learnt) {
                Event::Chunk(chunk) => chunks.push(chunk),
                Event::Done => *ended = Some(Ended::Well),
                Event::Error(json) => *ended = Some(Ended::Badly(failure::said_by_model(&json))),
                Event::Garbled => {
                    let message = "The model server sent a chunk that is no JSON object.";
                    *ended = Some(Ended::Badly(failure::garbled(message)));
                }
            }
        });
        if let Err(sse::LineTooLong { limit }) = fed {
            let message = format!("The model server sent an event of more than {limit} bytes.");
            ended.get_or_insert_with(|| Ended::Badly(failure::garbled(&message)));
        }
        chunks
    }
}

/// A streamed answer that keeps its place at the upstream, and its span, until it ends.
#[derive(Debug)]
pub(crate) struct UpstreamStream {
    events: Events,
    place: Place,
    account: Account,
    last_chunk: Instant,
    chunks: u64,
    longest_gap: Duration,
    gaps: BoundHistogram<f64>,
}

impl UpstreamStream {
    /// The rest of a stream whose `first` chunks have come.
    pub(super) fn new(events: Events, place: Place, account: Account, first: usize) -> Self {
        Self {
            events,
            place,
            gaps: account.between_chunks(),
            account,
            last_chunk: Instant::now(),
            chunks: first as u64,
            longest_gap: Duration::ZERO,
        }
    }
}

impl Pieces for UpstreamStream {
    async fn next(&mut self) -> Result<Option<Vec<Bytes>>, ModelFailure> {
        let mut next = self.events.next_chunks(self.events.idle).await;
        match &mut next {
            Ok(Some(chunks)) => {
                let now = Instant::now();
                let gap = now - self.last_chunk;
                self.longest_gap = self.longest_gap.max(gap);
                self.gaps.record(gap.as_secs_f64());
                // They came together.
                (1..chunks.len()).for_each(|_chunk| self.gaps.record(0.0));
                self.last_chunk = now;
                self.chunks += chunks.len() as u64;
            }
            Ok(None) => self.account.ended_well(),
            Err(failure) => {
                self.place.endpoint().conceal_key(failure);
                self.account.failed(failure);
            }
        }
        next
    }

    fn answered(&self) -> Answered {
        self.account.answered(self.place.endpoint().name(), self.events.learnt())
    }
}

impl Drop for UpstreamStream {
    fn drop(&mut self) {
        self.account.learnt(self.events.learnt());
        self.account.stream_ended(self.chunks, self.longest_gap);
    }
}
