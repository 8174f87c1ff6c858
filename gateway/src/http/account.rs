//! The figures of one answer, told when it ends, however it ends.

use std::sync::Arc;
use std::time::Duration;

use contract::{JobId, Operation};
use telemetry::names::{app, span};
use tokio::time::Instant;

use super::observe::Seen;
use super::refusal::Refusal;
use crate::measures::{AnswerFigures, Measures};

/// Watches one answer. Dropping it tells how it ended: a caller who leaves drops it early.
#[derive(Debug)]
pub(super) struct Account {
    measures: Arc<Measures>,
    seen: Seen,
    route: &'static str,
    operation: Operation,
    model: Option<String>,
    job: Option<JobId>,
    stream: bool,
    first_chunk: Option<Instant>,
    last_chunk: Instant,
    chunks: u32,
    longest_gap: Duration,
    outcome: &'static str,
    error: Option<&'static str>,
}

impl Account {
    pub(super) fn open(
        measures: &Arc<Measures>,
        seen: &Seen,
        route: &'static str,
        operation: Operation,
    ) -> Self {
        Self {
            measures: Arc::clone(measures),
            seen: seen.clone(),
            route,
            operation,
            model: None,
            job: None,
            stream: false,
            first_chunk: None,
            last_chunk: seen.began,
            chunks: 0,
            longest_gap: Duration::ZERO,
            outcome: app::CLIENT_GONE,
            error: None,
        }
    }

    /// Which model is asked, as telemetry may show it.
    pub(super) fn asks(&mut self, model: &str, stream: bool) {
        self.model = Some(model.to_owned());
        self.stream = stream;
    }

    /// Its job is in the queue.
    pub(super) fn started(&mut self, job: JobId) {
        self.job = Some(job);
        self.seen.span.record(app::JOB_ID, tracing::field::display(job));
    }

    /// A chunk has come for the caller.
    pub(super) fn chunk(&mut self, now: Instant) {
        self.chunks = self.chunks.saturating_add(1);
        if self.first_chunk.is_none() {
            self.first_chunk = Some(now);
        } else {
            self.longest_gap = self.longest_gap.max(now - self.last_chunk);
        }
        self.last_chunk = now;
    }

    /// The answer is complete.
    pub(super) fn completed(&mut self) {
        self.outcome = app::COMPLETED;
    }

    /// The caller reads an error.
    pub(super) fn refused(&mut self, refusal: &Refusal) {
        self.outcome = app::FAILED;
        self.error = Some(refusal.error_type());
        // A caller's mistake is no failure of this span; a stream that breaks is.
        if refusal.status().is_server_error() {
            self.seen.span.record(span::STATUS_CODE, span::ERROR);
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let Self { seen, model, outcome, .. } = self;
        let (duration, model) = (seen.began.elapsed(), model.as_deref().unwrap_or(app::OTHER));
        let first_chunk = self.first_chunk;
        let figures = AnswerFigures {
            operation: self.operation.gen_ai_name(),
            model,
            stream: self.stream,
            duration,
            to_first_token: first_chunk.map(|at| at - seen.began),
            speaking: first_chunk
                .map(|at| (self.last_chunk - at, self.chunks - 1))
                .unwrap_or_default(),
            longest_gap: self.longest_gap,
            outcome,
            error_type: self.error,
        };
        self.measures.answered(self.route, &figures);

        let span = &seen.span;
        span.record(app::OUTCOME, *outcome);
        if let Some(error) = &self.error {
            span.record(span::ERROR_TYPE, *error);
        }
        if self.stream {
            span.record(app::STREAM_CHUNKS, self.chunks);
            span.record(app::STREAM_LONGEST_GAP, self.longest_gap.as_secs_f64());
        }
        let duration_ms = duration.as_millis();
        let request_id = &*seen.request_id;
        let _within = span.enter();
        tracing::info!(
            app.request.id = request_id,
            app.job.id = self.job.map(tracing::field::display),
            app.model = model,
            app.outcome = *outcome,
            error.r#type = self.error,
            duration_ms,
            "{} {request_id}: {outcome} after {duration_ms} ms",
            self.route
        );
    }
}
