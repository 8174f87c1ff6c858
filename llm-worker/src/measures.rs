//! The figures that this service reports. Names and buckets stand in `telemetry::names`.

mod costs;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use contract::{Catalogue, Lane, ModelName, Operation, QueueName};
use opentelemetry::KeyValue;
use opentelemetry::metrics::{BoundHistogram, Counter, Gauge, Histogram, UpDownCounter};
use telemetry::ServiceTelemetry;
use telemetry::names::{app, gen_ai, http, messaging, span};

use self::costs::Costs;
use crate::completion::Trouble;

/// Every instrument, made once.
#[derive(Debug)]
pub(crate) struct Measures {
    process: Histogram<f64>,
    queue_wait: Histogram<f64>,
    inflight: UpDownCounter<i64>,
    slots: Gauge<u64>,
    places: Arc<Places>,
    consumed: Counter<u64>,
    redelivered: Counter<u64>,
    handed_back: Counter<u64>,
    dead: Counter<u64>,
    calls: Histogram<f64>,
    to_first_chunk: Histogram<f64>,
    between_chunks: Histogram<f64>,
    usage: Histogram<u64>,
    tokens: Counter<u64>,
    costs: Costs,
    stalls: Histogram<f64>,
    http_calls: Histogram<f64>,
    fallbacks: Counter<u64>,
    breakers: Gauge<u64>,
    bus_operations: Histogram<f64>,
    sent: Counter<u64>,
    drain: Histogram<f64>,
    cut_off: Counter<u64>,
}

/// How many jobs could begin now: those that may run less those that do.
#[derive(Debug, Default)]
struct Places {
    /// Whose jobs take them, as labels.
    queues: OnceLock<Vec<KeyValue>>,
    open: AtomicUsize,
    taken: AtomicUsize,
}

impl Places {
    fn free(&self) -> usize {
        self.open.load(Ordering::Relaxed).saturating_sub(self.taken.load(Ordering::Relaxed))
    }
}

impl Measures {
    pub(crate) fn new(telemetry: &ServiceTelemetry) -> Self {
        let meter = telemetry.meter();
        let places = Arc::new(Places::default());
        let shown = Arc::clone(&places);
        app::WORKER_FREE_SLOTS.observed(meter, move |observer| {
            // A worker has fewer than 2^32 slots.
            let free = u32::try_from(shown.free()).unwrap_or(u32::MAX);
            for queue in shown.queues.get().into_iter().flatten() {
                observer.observe(f64::from(free), std::slice::from_ref(queue));
            }
        });
        Self {
            process: messaging::PROCESS_DURATION.histogram(meter),
            queue_wait: app::QUEUE_WAIT.histogram(meter),
            inflight: app::JOBS_INFLIGHT.up_down_counter(meter),
            slots: app::WORKER_SLOTS.gauge(meter),
            places,
            consumed: messaging::CLIENT_CONSUMED_MESSAGES.counter(meter),
            redelivered: app::JOBS_REDELIVERED.counter(meter),
            handed_back: app::JOBS_HANDED_BACK.counter(meter),
            dead: app::JOBS_DEAD.counter(meter),
            calls: gen_ai::CLIENT_OPERATION_DURATION.histogram(meter),
            to_first_chunk: gen_ai::CLIENT_TIME_TO_FIRST_CHUNK.histogram(meter),
            between_chunks: gen_ai::CLIENT_TIME_PER_OUTPUT_CHUNK.histogram(meter),
            usage: gen_ai::CLIENT_TOKEN_USAGE.whole_histogram(meter),
            tokens: app::TOKENS.counter(meter),
            costs: Costs::new(meter),
            stalls: app::STREAM_STALL.histogram(meter),
            http_calls: http::CLIENT_REQUEST_DURATION.histogram(meter),
            fallbacks: app::UPSTREAM_FALLBACKS.counter(meter),
            breakers: app::UPSTREAM_OPEN.gauge(meter),
            bus_operations: messaging::CLIENT_OPERATION_DURATION.histogram(meter),
            sent: messaging::CLIENT_SENT_MESSAGES.counter(meter),
            drain: app::DRAIN_DURATION.histogram(meter),
            cut_off: app::DRAIN_ABORTED.counter(meter),
        }
    }

    /// Jobs at once, of which none runs yet.
    pub(crate) fn slots(&self, slots: usize, queues: &[QueueName]) {
        self.places.queues.get_or_init(|| {
            queues.iter().map(|queue| KeyValue::new(app::QUEUE, queue.to_string())).collect()
        });
        self.open(slots);
    }

    /// No job begins any more.
    pub(crate) fn draining(&self) {
        self.open(0);
    }

    fn open(&self, slots: usize) {
        self.places.open.store(slots, Ordering::Relaxed);
        for queue in self.places.queues.get().into_iter().flatten() {
            self.slots.record(slots as u64, std::slice::from_ref(queue));
        }
    }

    /// A delivery came. The wait of a redelivered job is not the queue's.
    pub(crate) fn arrived(&self, lane: Lane, queue: &QueueName, waited: Duration, deliveries: u64) {
        let received = [
            KeyValue::new(messaging::SYSTEM, messaging::SYSTEM_NATS),
            KeyValue::new(messaging::OPERATION_NAME, messaging::RECEIVE),
        ];
        self.consumed.add(1, &received);
        let lane = KeyValue::new(app::LANE, lane.token());
        let queue = KeyValue::new(app::QUEUE, queue.to_string());
        self.inflight.add(1, std::slice::from_ref(&queue));
        self.places.taken.fetch_add(1, Ordering::Relaxed);
        if deliveries > 1 {
            self.redelivered.add(1, &[lane]);
        } else {
            // Background work waits for long, and nobody minds.
            self.queue_wait.record(waited.as_secs_f64(), &[queue, lane]);
        }
    }

    /// A delivery was settled.
    pub(crate) fn settled(&self, queue: &QueueName, took: Duration, outcome: &'static str) {
        self.inflight.add(-1, &[KeyValue::new(app::QUEUE, queue.to_string())]);
        self.places.taken.fetch_sub(1, Ordering::Relaxed);
        let labels = [
            KeyValue::new(messaging::SYSTEM, messaging::SYSTEM_NATS),
            KeyValue::new(messaging::OPERATION_NAME, messaging::PROCESS),
            KeyValue::new(app::OUTCOME, outcome),
        ];
        self.process.record(took.as_secs_f64(), &labels);
    }

    /// A delivery was given back to its queue, to come again.
    pub(crate) fn handed_back(&self, lane: Lane, reason: &'static str) {
        let labels = [KeyValue::new(app::LANE, lane.token()), KeyValue::new(app::REASON, reason)];
        self.handed_back.add(1, &labels);
    }

    /// A job was given up for good.
    pub(crate) fn died(&self, reason: &'static str) {
        self.dead.add(1, &[KeyValue::new(app::REASON, reason)]);
    }

    /// A model call ended, well or with `error`.
    pub(crate) fn called(
        &self,
        operation: Operation,
        model: &ModelName,
        took: Duration,
        error: Option<KeyValue>,
    ) {
        let labels = [
            KeyValue::new(gen_ai::OPERATION_NAME, operation.gen_ai_name()),
            KeyValue::new(gen_ai::PROVIDER_NAME, gen_ai::PROVIDER_OPENAI),
            KeyValue::new(gen_ai::REQUEST_MODEL, model.to_string()),
        ];
        let labels: Vec<KeyValue> = labels.into_iter().chain(error).collect();
        self.calls.record(took.as_secs_f64(), &labels);
    }

    /// The first chunk of a stream came.
    pub(crate) fn first_chunk(&self, model: &ModelName, took: Duration) {
        let labels = [KeyValue::new(gen_ai::REQUEST_MODEL, model.to_string())];
        self.to_first_chunk.record(took.as_secs_f64(), &labels);
    }

    /// Where the time between the chunks of a model's streams is counted: at each of them, so that
    /// its labels are looked up once for a stream.
    pub(crate) fn between_chunks(&self, model: &ModelName) -> BoundHistogram<f64> {
        self.between_chunks.bind(&[KeyValue::new(gen_ai::REQUEST_MODEL, model.to_string())])
    }

    /// What tokens cost.
    pub(crate) fn prices(&self, catalogue: &Catalogue) {
        self.costs.price(catalogue);
    }

    /// The model said how many tokens it read and wrote.
    pub(crate) fn tokens(&self, model: &ModelName, read: u64, written: u64) {
        self.costs.spent(model, read, written);
        for (kind, tokens) in [(gen_ai::INPUT, read), (gen_ai::OUTPUT, written)] {
            let kind = KeyValue::new(gen_ai::TOKEN_TYPE, kind);
            let asked = KeyValue::new(gen_ai::REQUEST_MODEL, model.to_string());
            self.usage.record(tokens, &[kind.clone(), asked]);
            self.tokens.add(tokens, &[kind, KeyValue::new(app::MODEL, model.to_string())]);
        }
    }

    /// The longest silence within a stream.
    pub(crate) fn stalled(&self, model: &ModelName, longest: Duration) {
        let labels = [KeyValue::new(app::MODEL, model.to_string())];
        self.stalls.record(longest.as_secs_f64(), &labels);
    }

    /// One HTTP call to an upstream, up to the head of its response. `result` is its status or
    /// its error.
    pub(crate) fn http_called(&self, upstream: &str, result: KeyValue, took: Duration) {
        let labels = [
            KeyValue::new(http::REQUEST_METHOD, "POST"),
            KeyValue::new(app::UPSTREAM, upstream.to_owned()),
            result,
        ];
        self.http_calls.record(took.as_secs_f64(), &labels);
    }

    /// Another upstream was asked because the one before had this trouble.
    pub(crate) fn fell_back(&self, model: &ModelName, trouble: Trouble) {
        let labels = [
            KeyValue::new(app::MODEL, model.to_string()),
            KeyValue::new(span::ERROR_TYPE, trouble.as_str()),
        ];
        self.fallbacks.add(1, &labels);
    }

    /// Whether an upstream of a model is left alone after failures.
    pub(crate) fn breaker(&self, model: &ModelName, upstream: &str, open: bool) {
        let labels = [
            KeyValue::new(app::MODEL, model.to_string()),
            KeyValue::new(app::UPSTREAM, upstream.to_owned()),
        ];
        self.breakers.record(u64::from(open), &labels);
    }

    /// A word about a delivery was sent to the queue: ack, nak, term or progress.
    pub(crate) fn told_queue(&self, operation: &'static str, took: Duration, well: bool) {
        let _labels = self.bus_operation(operation, took, (!well).then_some("unavailable"));
    }

    /// A record was appended to a log, or was not.
    pub(crate) fn appended(&self, took: Duration, error: Option<&'static str>) {
        let labels = self.bus_operation(messaging::PUBLISH, took, error);
        self.sent.add(1, &labels);
    }

    /// Gives the labels under which it was timed.
    fn bus_operation(
        &self,
        operation: &'static str,
        took: Duration,
        error: Option<&'static str>,
    ) -> Vec<KeyValue> {
        let labels = [
            KeyValue::new(messaging::SYSTEM, messaging::SYSTEM_NATS),
            KeyValue::new(messaging::OPERATION_NAME, operation),
        ];
        let error = error.map(|error| KeyValue::new(span::ERROR_TYPE, error));
        let labels: Vec<KeyValue> = labels.into_iter().chain(error).collect();
        self.bus_operations.record(took.as_secs_f64(), &labels);
        labels
    }

    /// Work was finished before the process ended, in this time; `cut_off` jobs were not.
    pub(crate) fn drained(&self, took: Duration, cut_off: usize) {
        self.drain.record(took.as_secs_f64(), &[]);
        self.cut_off.add(cut_off as u64, &[]);
    }
}
