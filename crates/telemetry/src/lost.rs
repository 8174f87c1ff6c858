//! Spans, log records and exports of metrics that did not reach the collector, and those that did.
//!
//! They are lost in two places: at a full queue, which the SDK counts in instruments of its own,
//! and at a collector that does not take them, which an exporter of ours around the SDK's counts.
//! The counts are statics; the first service of the process reports them.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use opentelemetry::metrics::{
    BoundSyncInstrument, Counter, InstrumentBuilder, InstrumentProvider, Meter, MeterProvider,
    SyncInstrument,
};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::{LogBatch, LogExporter};
use opentelemetry_sdk::metrics::Temporality;
use opentelemetry_sdk::metrics::data::ResourceMetrics;
use opentelemetry_sdk::metrics::exporter::PushMetricExporter;
use opentelemetry_sdk::trace::{SpanData, SpanExporter};

use crate::names::{app, span};

/// What is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Signal {
    Traces,
    Metrics,
    Logs,
}

/// Values of [`app::REASON`].
const REASONS: [&str; 3] = [QUEUE_FULL, ALREADY_SHUTDOWN, EXPORT_FAILED];
const QUEUE_FULL: &str = "queue_full";
const ALREADY_SHUTDOWN: &str = "already_shutdown";
const EXPORT_FAILED: &str = "export_failed";

static COUNTS: Counts = Counts::none();

/// By signal, and by reason.
#[derive(Debug)]
struct Counts {
    exported: [AtomicU64; Signal::ALL.len()],
    dropped: [[AtomicU64; REASONS.len()]; Signal::ALL.len()],
}

impl Signal {
    const ALL: [Self; 3] = [Self::Traces, Self::Metrics, Self::Logs];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Traces => "traces",
            Self::Metrics => "metrics",
            Self::Logs => "logs",
        }
    }
}

impl Counts {
    const fn none() -> Self {
        Self {
            exported: [const { AtomicU64::new(0) }; Signal::ALL.len()],
            dropped: [const { [const { AtomicU64::new(0) }; REASONS.len()] }; Signal::ALL.len()],
        }
    }

    fn exported(&self, signal: Signal, count: u64) {
        self.exported[signal as usize].fetch_add(count, Ordering::Relaxed);
    }

    fn dropped(&self, signal: Signal, reason: &str, count: u64) {
        if let Some(at) = REASONS.iter().position(|known| *known == reason) {
            self.dropped[signal as usize][at].fetch_add(count, Ordering::Relaxed);
        }
    }
}

/// Reports the counts through this meter.
pub(crate) fn observe(meter: &Meter) {
    let label = |signal: Signal| KeyValue::new(app::SIGNAL, signal.as_str());
    app::TELEMETRY_EXPORTED.counted(meter, move |observer| {
        for (signal, count) in Signal::ALL.into_iter().zip(&COUNTS.exported) {
            observer.observe(count.load(Ordering::Relaxed), &[label(signal)]);
        }
    });
    app::TELEMETRY_DROPPED.counted(meter, move |observer| {
        for (signal, counts) in Signal::ALL.into_iter().zip(&COUNTS.dropped) {
            for (reason, count) in REASONS.into_iter().zip(counts) {
                let reason = KeyValue::new(app::REASON, reason);
                observer.observe(count.load(Ordering::Relaxed), &[label(signal), reason]);
            }
        }
    });
}

/// Lets the SDK's processors tell what they lose. To be called before they are made.
pub(crate) fn listen_to_processors() {
    opentelemetry::global::set_meter_provider(Processors);
}

/// Where processors find the instruments for their own figures, of which two are read.
struct Processors;

impl MeterProvider for Processors {
    fn meter_with_scope(&self, _scope: InstrumentationScope) -> Meter {
        Meter::new(Arc::new(Self))
    }
}

impl InstrumentProvider for Processors {
    fn u64_counter(&self, builder: InstrumentBuilder<'_, Counter<u64>>) -> Counter<u64> {
        let signal = match &*builder.name {
            "otel.sdk.processor.span.processed" => Some(Signal::Traces),
            "otel.sdk.processor.log.processed" => Some(Signal::Logs),
            _other => None,
        };
        Counter::new(Arc::new(Processed(signal)))
    }
}

/// What a processor is done with: on its way, or lost.
struct Processed(Option<Signal>);

/// The same under the labels of one end.
struct Ended(Option<(Signal, String)>);

impl SyncInstrument<u64> for Processed {
    fn measure(&self, count: u64, labels: &[KeyValue]) {
        self.bind(labels).measure(count);
    }

    fn bind(&self, labels: &[KeyValue]) -> Box<dyn BoundSyncInstrument<u64> + Send + Sync> {
        let error = labels.iter().find(|label| label.key.as_str() == span::ERROR_TYPE);
        let error = error.map(|label| label.value.to_string());
        Box::new(Ended(self.0.zip(error)))
    }
}

impl BoundSyncInstrument<u64> for Ended {
    fn measure(&self, count: u64) {
        if let Some((signal, reason)) = &self.0 {
            COUNTS.dropped(*signal, reason, count);
        }
    }
}

/// An exporter whose successes and failures are counted.
pub(crate) struct Counted<E> {
    exporter: E,
    signal: Signal,
}

impl<E> Counted<E> {
    pub(crate) fn new(signal: Signal, exporter: E) -> Self {
        Self { exporter, signal }
    }

    fn count(&self, count: usize, result: OTelSdkResult) -> OTelSdkResult {
        match &result {
            Ok(()) => COUNTS.exported(self.signal, count as u64),
            Err(_told_by_the_sdk) => COUNTS.dropped(self.signal, EXPORT_FAILED, count as u64),
        }
        result
    }
}

impl<E> fmt::Debug for Counted<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counted").field("signal", &self.signal).finish_non_exhaustive()
    }
}

impl<E: SpanExporter> SpanExporter for Counted<E> {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        self.count(count, self.exporter.export(batch).await)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: LogExporter> LogExporter for Counted<E> {
    async fn export(&self, batch: LogBatch<'_>) -> OTelSdkResult {
        let count = batch.iter().count();
        self.count(count, self.exporter.export(batch).await)
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.exporter.set_resource(resource);
    }
}

impl<E: PushMetricExporter> PushMetricExporter for Counted<E> {
    /// One export is one: its points are worth nothing apart, since the next has them again.
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        self.count(1, self.exporter.export(metrics).await)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.exporter.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.exporter.shutdown_with_timeout(timeout)
    }

    fn temporality(&self) -> Temporality {
        self.exporter.temporality()
    }
}
