//! What the gateway counts and times.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use contract::{JobId, Lane, WorkFigures, streams};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Counter, Histogram, UpDownCounter};
use telemetry::ServiceTelemetry;
use telemetry::names::{app, gen_ai, http, messaging, span};

use crate::operator::Windows;

/// Every instrument, made once.
#[derive(Debug)]
pub(crate) struct Measures {
    http_duration: Histogram<f64>,
    http_active: UpDownCounter<i64>,
    http_body_size: Histogram<u64>,
    http_stream: Histogram<f64>,
    duration: Histogram<f64>,
    to_first_token: Histogram<f64>,
    per_token: Histogram<f64>,
    stalls: Histogram<f64>,
    overhead: Histogram<f64>,
    accepted: Counter<u64>,
    open: Arc<OpenJobs>,
    settled: Counter<u64>,
    republished: Counter<u64>,
    sealed: Counter<u64>,
    rated: Counter<u64>,
    published: Counter<u64>,
    bus_operations: Histogram<f64>,
    drain: Histogram<f64>,
    cut_off: Counter<u64>,
    windows: Windows,
}

/// How many jobs are held, by lane.
#[derive(Debug, Default)]
struct OpenJobs {
    chat: AtomicU32,
    live: AtomicU32,
    background: AtomicU32,
}

impl OpenJobs {
    fn of(&self, lane: Lane) -> &AtomicU32 {
        match lane {
            Lane::Chat => &self.chat,
            Lane::Live => &self.live,
            Lane::Background => &self.background,
        }
    }
}

/// A job that was taken on, until this is dropped. Whoever holds the job holds it.
#[derive(Debug)]
#[must_use = "it counts as open only while this is held"]
pub(crate) struct Held(Arc<OpenJobs>, Lane);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.of(self.1).fetch_sub(1, Ordering::Relaxed);
    }
}

/// One answer, from request to end, as its caller saw it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AnswerFigures<'a> {
    /// What a model was asked to do; none when an answer was only read.
    pub(crate) operation: Option<&'static str>,
    /// A name of the catalogue, or `other`.
    pub(crate) model: &'a str,
    /// Whether it was streamed, and so has what follows.
    pub(crate) stream: bool,
    pub(crate) duration: Duration,
    pub(crate) to_first_token: Option<Duration>,
    /// First to last chunk, and how many came after the first.
    pub(crate) speaking: (Duration, u32),
    pub(crate) longest_gap: Duration,
    pub(crate) outcome: &'static str,
    pub(crate) error_type: Option<&'a str>,
    /// Whether it was refused for what was asked, and not for anything of ours.
    pub(crate) callers_mistake: bool,
    /// As its caller knows it.
    pub(crate) request_id: &'a str,
    /// None when none came into a queue.
    pub(crate) job: Option<JobId>,
    /// Where that was queued, or was to be.
    pub(crate) lane: Option<Lane>,
    /// What its worker measured, if it said so.
    pub(crate) work: Option<&'a WorkFigures>,
    /// The trace of its request, when traces are exported.
    pub(crate) trace_id: Option<&'a str>,
}

impl Measures {
    pub(crate) fn new(telemetry: &ServiceTelemetry) -> Self {
        let meter = telemetry.meter();
        let open = Arc::new(OpenJobs::default());
        let shown = Arc::clone(&open);
        app::JOBS_OPEN.observed(meter, move |observer| {
            for lane in streams::LANES {
                let jobs = shown.of(*lane).load(Ordering::Relaxed);
                observer.observe(f64::from(jobs), &[label_of(*lane)]);
            }
        });
        Self {
            http_duration: http::SERVER_REQUEST_DURATION.histogram(meter),
            http_active: http::SERVER_ACTIVE_REQUESTS.up_down_counter(meter),
            http_body_size: http::SERVER_REQUEST_BODY_SIZE.whole_histogram(meter),
            http_stream: app::HTTP_STREAM_DURATION.histogram(meter),
            duration: gen_ai::SERVER_REQUEST_DURATION.histogram(meter),
            to_first_token: gen_ai::SERVER_TIME_TO_FIRST_TOKEN.histogram(meter),
            per_token: gen_ai::SERVER_TIME_PER_OUTPUT_TOKEN.histogram(meter),
            stalls: app::STREAM_STALL.histogram(meter),
            overhead: app::PLATFORM_OVERHEAD.histogram(meter),
            accepted: app::JOBS_ACCEPTED.counter(meter),
            open,
            settled: app::JOBS_SETTLED.counter(meter),
            republished: app::JOBS_REPUBLISHED.counter(meter),
            sealed: app::LOGS_SEALED.counter(meter),
            rated: app::ANSWERS_RATED.counter(meter),
            published: messaging::CLIENT_SENT_MESSAGES.counter(meter),
            bus_operations: messaging::CLIENT_OPERATION_DURATION.histogram(meter),
            drain: app::DRAIN_DURATION.histogram(meter),
            cut_off: app::DRAIN_ABORTED.counter(meter),
            windows: Windows::new(),
        }
    }

    /// What of it operators are shown.
    pub(crate) fn windows(&self) -> &Windows {
        &self.windows
    }

    /// A request has come; `change` is 1, and -1 when its head is answered.
    pub(crate) fn active(&self, method: &'static str, change: i64) {
        self.http_active.add(change, &[KeyValue::new(http::REQUEST_METHOD, method)]);
    }

    /// The head of a response is ready.
    pub(crate) fn responded(&self, method: &'static str, route: &str, status: u16, took: Duration) {
        let labels = [
            KeyValue::new(http::REQUEST_METHOD, method),
            KeyValue::new(http::ROUTE, route.to_owned()),
            KeyValue::new(http::RESPONSE_STATUS_CODE, i64::from(status)),
        ];
        self.http_duration.record(took.as_secs_f64(), &labels);
    }

    /// A body was read whole.
    pub(crate) fn body_read(&self, route: &'static str, bytes: usize) {
        self.http_body_size.record(bytes as u64, &[KeyValue::new(http::ROUTE, route)]);
    }

    /// A job is taken on, and open as long as what this gives is held.
    pub(crate) fn accepted(&self, lane: Lane) -> Held {
        self.open.of(lane).fetch_add(1, Ordering::Relaxed);
        self.accepted.add(1, &[label_of(lane)]);
        self.windows.accepted();
        Held(Arc::clone(&self.open), lane)
    }

    /// A job has ended, for this gateway.
    pub(crate) fn settled(&self, lane: Lane, outcome: &'static str) {
        self.settled.add(1, &[label_of(lane), KeyValue::new(app::OUTCOME, outcome)]);
        self.windows.settled(outcome);
    }

    /// A job that its queue had lost is in it again.
    pub(crate) fn republished(&self, lane: Lane) {
        self.republished.add(1, &[label_of(lane)]);
    }

    /// Somebody said what they think of an answer of a model: a name of the catalogue, or `other`.
    pub(crate) fn rated(&self, model: &str, rating: &'static str) {
        let labels = [
            KeyValue::new(gen_ai::REQUEST_MODEL, model.to_owned()),
            KeyValue::new(app::RATING, rating),
        ];
        self.rated.add(1, &labels);
    }

    /// A log was to be sealed.
    pub(crate) fn sealed(&self, outcome: &'static str) {
        self.sealed.add(1, &[KeyValue::new(app::OUTCOME, outcome)]);
    }

    /// A job was published, or was to be.
    pub(crate) fn published(&self, took: Duration, well: bool) {
        let labels = [
            KeyValue::new(messaging::SYSTEM, messaging::SYSTEM_NATS),
            KeyValue::new(messaging::OPERATION_NAME, messaging::PUBLISH),
        ];
        let error = (!well).then(|| KeyValue::new(span::ERROR_TYPE, "unavailable"));
        let labels: Vec<KeyValue> = labels.into_iter().chain(error).collect();
        self.published.add(1, &labels);
        self.bus_operations.record(took.as_secs_f64(), &labels);
    }

    /// An answer has ended.
    pub(crate) fn answered(&self, route: &'static str, answer: &AnswerFigures<'_>) {
        self.windows.answered(answer);
        if answer.stream {
            let outcome =
                [KeyValue::new(http::ROUTE, route), KeyValue::new(app::OUTCOME, answer.outcome)];
            self.http_stream.record(answer.duration.as_secs_f64(), &outcome);
        }
        let Some(operation) = answer.operation else { return };
        let of = [
            KeyValue::new(gen_ai::OPERATION_NAME, operation),
            KeyValue::new(gen_ai::REQUEST_MODEL, answer.model.to_owned()),
        ];
        let error = answer.error_type.map(|kind| KeyValue::new(span::ERROR_TYPE, kind.to_owned()));
        let with_error: Vec<KeyValue> = of.iter().cloned().chain(error).collect();
        self.duration.record(answer.duration.as_secs_f64(), &with_error);
        if !answer.stream {
            return;
        }
        if let Some(waited) = answer.to_first_token {
            self.to_first_token.record(waited.as_secs_f64(), &of);
            let model = KeyValue::new(app::MODEL, answer.model.to_owned());
            self.stalls.record(answer.longest_gap.as_secs_f64(), &[model]);
            if let Some(overhead) = answer.work.and_then(|work| overhead_s(waited, work)) {
                self.overhead.record(overhead, &[]);
            }
        }
        let (speaking, chunks) = answer.speaking;
        if chunks > 0 {
            self.per_token.record(speaking.as_secs_f64() / f64::from(chunks), &of);
        }
    }

    /// Open answers were waited for before the process ended; `cut_off` of them in vain.
    pub(crate) fn drained(&self, took: Duration, cut_off: usize) {
        self.drain.record(took.as_secs_f64(), &[]);
        self.cut_off.add(cut_off as u64, &[]);
    }
}

/// What of the wait for a first token was neither the queue's nor the model's, in seconds. Clocks
/// differ: it is never less than nothing. Not of what was tried more than once: its wait for a worker
/// holds the tries before, and its first token may be one of them.
fn overhead_s(waited: Duration, work: &WorkFigures) -> Option<f64> {
    if work.attempt > 1 {
        return None;
    }
    let others_ms = work.first_token_ms? + work.queue_wait_ms;
    Some((waited.as_secs_f64() - others_ms / 1e3).max(0.0))
}

/// A count as a gauge takes it.
#[expect(clippy::cast_precision_loss, reason = "a count that a figure shows")]
pub(crate) fn whole(count: u64) -> f64 {
    count as f64
}

fn label_of(lane: Lane) -> KeyValue {
    KeyValue::new(app::LANE, lane.token())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_neither_the_queue_nor_the_model_took_is_the_platforms() {
        let work = |queue_wait_ms, first_token_ms| WorkFigures {
            queue_wait_ms,
            first_token_ms,
            work_ms: 100.0,
            upstream: "m".to_owned(),
            attempt: 1,
            input_tokens: None,
            output_tokens: None,
        };
        let waited = Duration::from_millis(40);
        for (work, expected_ms) in [
            (work(5.0, Some(30.0)), Some(5.0)),
            (work(0.0, Some(40.0)), Some(0.0)),
            (work(15.0, Some(30.0)), Some(0.0)),
            (work(5.0, None), None),
        ] {
            let overhead_ms = overhead_s(waited, &work).map(|s| (s * 1e6).round() / 1e3);
            assert_eq!(overhead_ms, expected_ms, "{work:?}");
        }
    }
}
