//! Where traces, metrics and logs go when they leave the process.

use std::time::Duration;

use opentelemetry_otlp::{LogExporter, MetricExporter, SpanExporter};
use opentelemetry_sdk::logs::LoggerProviderBuilder;
use opentelemetry_sdk::metrics::{MeterProviderBuilder, PeriodicReader};
use opentelemetry_sdk::trace::TracerProviderBuilder;

use crate::error::InitError;
use crate::lost::{self, Counted, Signal};

/// Metrics leave this often unless the environment says otherwise: a canary is judged on minutes.
const METRIC_INTERVAL: Duration = Duration::from_secs(15);
const METRIC_INTERVAL_VARIABLE: &str = "OTEL_METRIC_EXPORT_INTERVAL";

/// Adds the way out to one service's providers. Called once per service.
pub(crate) trait Exporters {
    fn traces(&self, provider: TracerProviderBuilder) -> Result<TracerProviderBuilder, InitError>;
    fn metrics(&self, provider: MeterProviderBuilder) -> Result<MeterProviderBuilder, InitError>;
    fn logs(&self, provider: LoggerProviderBuilder) -> Result<LoggerProviderBuilder, InitError>;
}

/// OTLP over HTTP with protobuf, told where to by the `OTEL_…` variables.
///
/// Batches leave from threads of their own with a blocking client, so that a runtime whose threads
/// are all busy can neither delay them nor deadlock with them.
pub(crate) struct OtlpFromEnvironment(());

impl OtlpFromEnvironment {
    pub(crate) fn new() -> Self {
        // The HTTP client panics when it finds no provider of cryptography, even for `http://`.
        // An error means that one is there already, which is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        lost::listen_to_processors();
        Self(())
    }
}

impl Exporters for OtlpFromEnvironment {
    fn traces(&self, provider: TracerProviderBuilder) -> Result<TracerProviderBuilder, InitError> {
        // The sampler stays the SDK's: always on, or as the caller decided, or OTEL_TRACES_SAMPLER.
        let exporter = SpanExporter::builder().with_http().build()?;
        Ok(provider.with_batch_exporter(Counted::new(Signal::Traces, exporter)))
    }

    fn metrics(&self, provider: MeterProviderBuilder) -> Result<MeterProviderBuilder, InitError> {
        let exporter = MetricExporter::builder().with_http().build()?;
        let mut reader = PeriodicReader::builder(Counted::new(Signal::Metrics, exporter));
        if !interval_is_set() {
            reader = reader.with_interval(METRIC_INTERVAL);
        }
        Ok(provider.with_reader(reader.build()))
    }

    fn logs(&self, provider: LoggerProviderBuilder) -> Result<LoggerProviderBuilder, InitError> {
        let exporter = LogExporter::builder().with_http().build()?;
        Ok(provider.with_batch_exporter(Counted::new(Signal::Logs, exporter)))
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the SDK reads this variable; only whether it is set matters here"
)]
fn interval_is_set() -> bool {
    std::env::var_os(METRIC_INTERVAL_VARIABLE).is_some()
}
