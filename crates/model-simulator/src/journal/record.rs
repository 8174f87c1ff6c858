//! One request in the journal.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;
use tokio::time::Instant;

use super::Journal;

/// Where a request is, or was when it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// A stream whose headers are not sent yet.
    Headers,
    /// A stream with headers and no token yet.
    FirstToken,
    /// A stream in the middle.
    Stream,
    /// An answer in one piece, not sent yet.
    Unary,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ended {
    /// It was answered.
    Complete,
    /// The caller closed the connection before the end.
    ClientGone,
    /// It failed on order.
    Fault,
    /// The request was wrong.
    Refused,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// A chat completion.
    Chat,
    /// Embeddings.
    Embeddings,
}

/// What is known about one request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Record {
    /// Counts from 1 since the start of the process.
    pub id: u64,
    /// What was asked for.
    pub operation: Operation,
    /// The model that was named; empty when the request was refused.
    pub model: String,
    /// Where it is, or was when it ended.
    pub phase: Phase,
    /// When it arrived, in milliseconds since 1970.
    pub started_at_ms: u64,
    /// Milliseconds from there to the response headers.
    pub headers_after_ms: Option<u64>,
    /// Milliseconds from the start to the first token.
    pub first_token_after_ms: Option<u64>,
    /// Milliseconds from the start to the end.
    pub ended_after_ms: Option<u64>,
    /// Tokens handed to the connection.
    pub tokens_sent: u64,
    /// How it ended; none while it runs.
    pub ended: Option<Ended>,
}

/// A request that the journal remembers and its handler still changes.
#[derive(Debug)]
pub(super) struct Open {
    record: Mutex<Record>,
    tokens: AtomicU64,
    started: Instant,
}

impl Open {
    pub(super) fn new(id: u64, operation: Operation, model: &str, phase: Phase) -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let record = Record {
            id,
            operation,
            model: model.to_owned(),
            phase,
            started_at_ms: u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX),
            headers_after_ms: None,
            first_token_after_ms: None,
            ended_after_ms: None,
            tokens_sent: 0,
            ended: None,
        };
        Self { record: Mutex::new(record), tokens: AtomicU64::new(0), started: Instant::now() }
    }

    pub(super) fn record(&self) -> Record {
        let mut record = self.write().clone();
        record.tokens_sent = self.tokens.load(Ordering::Relaxed);
        record
    }

    fn write(&self) -> MutexGuard<'_, Record> {
        // Plain values: a panic elsewhere cannot have left them half-written.
        self.record.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn elapsed_ms(&self) -> Option<u64> {
        u64::try_from(self.started.elapsed().as_millis()).ok()
    }
}

/// The handler's end of a record. Dropped before [`Entry::end`]: the caller has left.
#[derive(Debug)]
pub(crate) struct Entry {
    journal: Journal,
    open: Arc<Open>,
    began: u64,
    phase: Phase,
    over: bool,
    /// Keeps the request's span open until the body is sent or dropped.
    _span: tracing::Span,
}

impl Entry {
    pub(super) fn new(journal: Journal, open: Arc<Open>, began: u64, phase: Phase) -> Self {
        let span = tracing::Span::current();
        Self { journal, open, began, phase, over: false, _span: span }
    }

    /// The request has reached `phase`.
    pub(crate) fn phase(&mut self, phase: Phase) {
        if self.over || self.phase == phase {
            return;
        }
        {
            let mut record = self.open.write();
            record.phase = phase;
            match phase {
                Phase::FirstToken => record.headers_after_ms = self.open.elapsed_ms(),
                Phase::Stream => record.first_token_after_ms = self.open.elapsed_ms(),
                Phase::Headers | Phase::Unary => {}
            }
        }
        self.journal.moved(self.began, self.phase, phase);
        self.phase = phase;
    }

    /// So many tokens are sent in all.
    pub(crate) fn tokens(&self, sent: u64) {
        self.open.tokens.store(sent, Ordering::Relaxed);
    }

    /// The request is over. Only the first end counts.
    pub(crate) fn end(&mut self, ended: Ended) {
        if std::mem::replace(&mut self.over, true) {
            return;
        }
        {
            let mut record = self.open.write();
            record.ended = Some(ended);
            record.ended_after_ms = self.open.elapsed_ms();
        }
        self.journal.ended(self.began, self.phase, ended);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.end(Ended::ClientGone);
    }
}
