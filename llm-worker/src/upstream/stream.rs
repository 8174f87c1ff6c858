//! A streamed answer, event by event.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use contract::{ModelName, Operation, UpstreamLimits};
use openai_api::sse;
use opentelemetry::KeyValue;
use outbound::{CallError, Phase, Response};
use telemetry::names::{app, gen_ai, span};
use tokio::time::Instant;
use tracing::Span;

use super::dialect::{Event, Identity, Learnt};
use super::endpoint::Place;
use super::failure;
use crate::completion::{ModelFailure, Pieces};
use crate::measures::Measures;

/// Largest event of a stream.
const LARGEST_EVENT: usize = 4 * 1024 * 1024;

/// The events of one response.
#[derive(Debug)]
pub(super) struct Events {
    response: Response,
    reader: sse::Reader,
    identity: Identity,
    learnt: Learnt,
    idle: Duration,
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
            let piece = self.response.piece(idle.min(left)).await;
            match piece.map_err(|error| failure::of_call(&error))? {
                Some(piece) => {
                    let chunks = self.read(&piece);
                    if !chunks.is_empty() {
                        return Ok(Some(chunks));
                    }
                }
                // Some servers leave out the end mark: an answer that has a reason to finish is
                // complete.
                None if self.learnt.finished => self.ended = Some(Ended::Well),
                None => self.ended = Some(Ended::Badly(failure::cut_short())),
            }
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
    _place: Place,
    began: Instant,
    last_chunk: Instant,
    chunks: u64,
    longest_gap: Duration,
    chat: Span,
    measures: Arc<Measures>,
    model: ModelName,
    trouble: Option<&'static str>,
}

impl UpstreamStream {
    pub(super) fn new(
        events: Events,
        place: Place,
        began: Instant,
        chat: Span,
        measures: &Arc<Measures>,
        model: ModelName,
    ) -> Self {
        let to_first = began.elapsed();
        chat.record(gen_ai::RESPONSE_TIME_TO_FIRST_CHUNK, to_first.as_secs_f64());
        measures.first_chunk(&model, to_first);
        Self {
            events,
            _place: place,
            began,
            last_chunk: Instant::now(),
            chunks: 1,
            longest_gap: Duration::ZERO,
            chat,
            measures: Arc::clone(measures),
            model,
            // Until it ends well: its caller left.
            trouble: Some("cancelled"),
        }
    }
}

impl Pieces for UpstreamStream {
    async fn next(&mut self) -> Result<Option<Vec<Bytes>>, ModelFailure> {
        let next = self.events.next_chunks(self.events.idle).await;
        match &next {
            Ok(Some(chunks)) => {
                let now = Instant::now();
                self.longest_gap = self.longest_gap.max(now - self.last_chunk);
                self.last_chunk = now;
                self.chunks += chunks.len() as u64;
            }
            Ok(None) => self.trouble = None,
            Err(failure) => self.trouble = Some(failure.trouble.as_str()),
        }
        next
    }
}

impl Drop for UpstreamStream {
    fn drop(&mut self) {
        self.chat.record(app::STREAM_CHUNKS, self.chunks);
        self.measures.learnt(&self.model, &self.chat, self.events.learnt.usage);
        self.measures.stalled(&self.model, self.longest_gap);
        if let Some(trouble) = self.trouble {
            self.chat.record(span::ERROR_TYPE, trouble);
            if trouble != "cancelled" {
                self.chat.record(span::STATUS_CODE, span::ERROR);
            }
        }
        let error = self.trouble.map(|trouble| KeyValue::new(span::ERROR_TYPE, trouble));
        let operation = Operation::ChatCompletions;
        self.measures.called(operation, &self.model, self.began.elapsed(), error);
    }
}
