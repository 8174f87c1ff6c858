//! The figures of one answer, told when it ends, however it ends.

use std::sync::Arc;
use std::time::Duration;

use contract::{JobId, Lane, Operation, WorkFigures};
use openai_api::responses::Status;
use service_runtime::Connection;
use telemetry::names::{app, span};
use telemetry::propagation;
use tokio::time::Instant;

use super::observe::Seen;
use super::refusal::Refusal;
use crate::measures::{AnswerFigures, Measures};
use crate::receipt::{self, Behind, Receipt};
use crate::responses::{CANCELLED, Fold, HANDED_OVER};

/// Watches one answer. Dropping it tells how it ended: a caller who leaves drops it early.
#[derive(Debug)]
pub(super) struct Account {
    measures: Arc<Measures>,
    seen: Seen,
    route: &'static str,
    operation: Option<Operation>,
    model: Option<String>,
    job: Option<JobId>,
    lane: Option<Lane>,
    callers_mistake: bool,
    /// Whether the answer goes on when its caller leaves.
    goes_on: bool,
    connection: Option<Connection>,
    stream: bool,
    first_chunk: Option<Instant>,
    last_chunk: Instant,
    chunks: u32,
    longest_gap: Duration,
    /// Whether its stream ends with a receipt.
    wants_receipt: bool,
    work: Option<WorkFigures>,
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
            operation: Some(operation),
            model: None,
            job: None,
            lane: None,
            callers_mistake: false,
            goes_on: false,
            connection: None,
            stream: false,
            first_chunk: None,
            last_chunk: seen.began,
            chunks: 0,
            longest_gap: Duration::ZERO,
            wants_receipt: false,
            work: None,
            outcome: app::CLIENT_GONE,
            error: None,
        }
    }

    /// Of an answer that is only read: figures of the model are somebody else's.
    pub(super) fn of_reader(measures: &Arc<Measures>, seen: &Seen, route: &'static str) -> Self {
        let mut account = Self::open(measures, seen, route, Operation::ChatCompletions);
        account.operation = None;
        account.stream = true;
        account
    }

    /// The connection of its caller, which knows why it ended.
    pub(super) fn comes_over(&mut self, connection: Option<Connection>) {
        self.connection = connection;
    }

    /// Which model is asked, as telemetry may show it.
    pub(super) fn asks(&mut self, model: &str, stream: bool) {
        self.model = Some(model.to_owned());
        self.stream = stream;
    }

    /// Its caller wants a receipt at the end of a stream.
    pub(super) fn wants_receipt(&mut self) {
        self.wants_receipt = true;
    }

    /// Where its job is to be queued.
    pub(super) fn goes_into(&mut self, lane: Lane) {
        self.lane = Some(lane);
    }

    /// Its job is in the queue, or on the way to it.
    pub(super) fn started(&mut self, job: JobId) {
        self.job = Some(job);
    }

    /// Its job did not come into the queue.
    pub(super) fn never_started(&mut self) {
        self.job = None;
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

    /// The answer goes on whoever leaves. Unless its end is seen here it is handed over, and figures
    /// of the model are nobody's.
    pub(super) fn goes_on(&mut self) {
        self.goes_on = true;
        self.outcome = HANDED_OVER;
    }

    /// It was made for an earlier request: figures of the model are that one's.
    pub(super) fn repeats(&mut self) {
        self.operation = None;
    }

    /// The answer is complete.
    pub(super) fn completed(&mut self) {
        self.outcome = app::COMPLETED;
    }

    /// The answer is complete, with this behind it. Gives the receipt, if there is one.
    pub(super) fn completed_with(&mut self, behind: Option<Box<Behind>>) -> Option<String> {
        self.completed();
        let Behind { work, receipt } = *behind?;
        self.work = Some(work);
        receipt.or_else(|| {
            let trace_id = propagation::trace_id(&self.seen.span);
            Some(Receipt::at_the_edge(&self.figures(trace_id.as_deref()))?.json())
        })
    }

    /// The same at the end of a stream, whose `last` chunk this was: gives the chunk that holds the
    /// receipt, if its caller wants one.
    pub(super) fn streamed_with(
        &mut self,
        behind: Option<Box<Behind>>,
        last: Option<&[u8]>,
    ) -> Option<Vec<u8>> {
        if !self.wants_receipt {
            self.completed();
            self.work = behind.map(|behind| behind.work);
            return None;
        }
        let receipt = self.completed_with(behind)?;
        let (id, model) = (self.job?.as_chat_completion(), self.model.as_deref());
        Some(receipt::chunk(&id, model.unwrap_or(app::OTHER), last, &receipt))
    }

    /// A response was read to its end.
    pub(super) fn ends_as(&mut self, response: &Fold) {
        self.work = response.work().cloned();
        match response.failure() {
            Some(failure) => self.refused(&failure.clone().into()),
            None if response.status() == Status::Cancelled => self.outcome = CANCELLED,
            None => self.completed(),
        }
    }

    /// The caller reads that nothing more is said here.
    pub(super) fn broken_off(&mut self, refusal: &Refusal) {
        if !self.goes_on {
            self.refused(refusal);
        }
    }

    /// The caller reads an error.
    pub(super) fn refused(&mut self, refusal: &Refusal) {
        let slow = refusal.is_for_a_slow_reader();
        self.outcome = match self.job {
            _ if slow => app::READ_TOO_SLOWLY,
            Some(_) => app::FAILED,
            None => app::REFUSED,
        };
        self.error = Some(refusal.error_type());
        self.callers_mistake = refusal.status().is_client_error();
        // A caller's mistake is no failure of this span; a stream that breaks is.
        if refusal.status().is_server_error() {
            self.seen.span.record(span::STATUS_CODE, span::ERROR);
        }
    }

    /// Its figures until now.
    fn figures<'a>(&'a self, trace_id: Option<&'a str>) -> AnswerFigures<'a> {
        let first_chunk = self.first_chunk;
        let of_the_model = self.operation.filter(|_| self.outcome != HANDED_OVER);
        AnswerFigures {
            operation: of_the_model.map(Operation::gen_ai_name),
            model: self.model.as_deref().unwrap_or(app::OTHER),
            stream: self.stream,
            duration: self.seen.began.elapsed(),
            to_first_token: first_chunk.map(|at| at - self.seen.began),
            speaking: first_chunk
                .map(|at| (self.last_chunk - at, self.chunks - 1))
                .unwrap_or_default(),
            longest_gap: self.longest_gap,
            outcome: self.outcome,
            error_type: self.error,
            callers_mistake: self.callers_mistake,
            request_id: &self.seen.request_id,
            job: self.job,
            lane: self.lane,
            work: self.work.as_ref(),
            trace_id,
        }
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        let cut = self.connection.as_ref().is_some_and(Connection::was_read_too_slowly);
        if self.outcome == app::CLIENT_GONE && cut {
            self.outcome = app::READ_TOO_SLOWLY;
        }
        let seen = &self.seen;
        let trace_id = propagation::trace_id(&seen.span);
        let figures = self.figures(trace_id.as_deref());
        self.measures.answered(self.route, &figures);

        let AnswerFigures { model, duration, outcome, .. } = figures;
        let span = &seen.span;
        span.record(app::OUTCOME, outcome);
        if let Some(job) = self.job {
            span.record(app::JOB_ID, tracing::field::display(job));
        }
        if let Some(error) = &self.error {
            span.record(span::ERROR_TYPE, *error);
        }
        if self.stream {
            span.record(app::STREAM_CHUNKS, i64::from(self.chunks));
            span.record(app::STREAM_LONGEST_GAP, self.longest_gap.as_secs_f64());
        }
        // Longer numbers are logged as text.
        let duration_ms = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        let request_id = &*seen.request_id;
        let _within = span.enter();
        tracing::info!(
            app.request.id = request_id,
            app.job.id = self.job.map(tracing::field::display),
            app.model = model,
            app.outcome = outcome,
            error.r#type = self.error,
            duration_ms,
            "{} {request_id}: {outcome} after {duration_ms} ms",
            self.route
        );
    }
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::extract::Extension;
    use axum::routing::get;
    use service_runtime::{HttpLimits, HttpServer, Shutdown};
    use telemetry::ServiceTelemetry;
    use tokio::io::AsyncWriteExt as _;
    use tracing::Span;

    use super::*;

    #[tokio::test]
    async fn a_caller_that_reads_nothing_is_not_one_that_left() {
        let telemetry = ServiceTelemetry::detached();
        let measures = Arc::new(Measures::new(&telemetry));
        let endless = get(async move |Extension(connection): Extension<Connection>| {
            let (span, began) = (Span::none(), Instant::now());
            let seen = Seen { span, request_id: "req".into(), began };
            let mut account = Account::open(&measures, &seen, "/", Operation::ChatCompletions);
            account.comes_over(Some(connection));
            account.asks("m", true);
            Body::from_stream(futures::stream::repeat_with(move || {
                account.chunk(Instant::now());
                Ok::<_, std::io::Error>(vec![b'x'; 65_536])
            }))
        });
        let limits = HttpLimits { write_time: Duration::from_millis(50), ..HttpLimits::default() };
        let server = HttpServer::bind(([127, 0, 0, 1], 0).into(), "port", limits).unwrap();
        let mut caller = tokio::net::TcpStream::connect(server.address()).await.unwrap();
        caller.write_all(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
        let counted = async {
            let line = "app_http_stream_duration_seconds_count{app_outcome=\"read_too_slowly\"";
            while !telemetry.prometheus_text().contains(line) {
                assert!(!telemetry.prometheus_text().contains("client_gone"));
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };

        let served = server.serve(axum::Router::new().route("/", endless), Shutdown::manual());

        tokio::select! {
            () = served => panic!("nobody asked it to end"),
            counted = tokio::time::timeout(Duration::from_secs(20), counted) => counted.unwrap(),
        }
    }
}
