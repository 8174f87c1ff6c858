//! What one service is given: a meter, and the text of its scrape endpoint.

use std::fmt;
use std::sync::Arc;

use opentelemetry::KeyValue;
use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_prometheus::PrometheusExporter;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkError;
use opentelemetry_sdk::metrics::{MeterProviderBuilder, SdkMeterProvider};
use opentelemetry_sdk::trace::SdkTracer;
use prometheus::{Encoder, Registry, TEXT_FORMAT, TextEncoder};

use crate::error::InitError;
use crate::export::Exporters;
use crate::identity::Identity;
use crate::names;

/// The `Content-Type` of [`ServiceTelemetry::prometheus_text`].
pub const PROMETHEUS_CONTENT_TYPE: &str = TEXT_FORMAT;

/// One service's instruments. Cheap to clone.
#[derive(Clone)]
pub struct ServiceTelemetry {
    inner: Arc<Inner>,
}

struct Inner {
    name: &'static str,
    meter: Meter,
    registry: Registry,
    /// Keeps the pipeline behind the meter alive, and shuts it down.
    provider: SdkMeterProvider,
    /// If spans are exported.
    tracer: Option<SdkTracer>,
}

impl ServiceTelemetry {
    /// For tests: real instruments that can be read back as text, and nothing leaves the process.
    #[must_use]
    pub fn detached() -> Self {
        let identity = Identity { name: "detached", version: "0", crate_target: "detached" };
        let provider = SdkMeterProvider::builder();
        match scrape() {
            Ok((registry, reader)) => {
                Self::assemble(&identity, registry, provider.with_reader(reader), None)
            }
            // Only for the type: an empty registry takes any reader.
            Err(_) => Self::assemble(&identity, Registry::new(), provider, None),
        }
    }

    /// Instruments for the scrape endpoint and, where there are any, for exporters.
    pub(crate) fn measured(
        identity: &Identity,
        resource: Resource,
        exporters: Option<&dyn Exporters>,
        tracer: Option<SdkTracer>,
    ) -> Result<Self, InitError> {
        let (registry, reader) = scrape()?;
        let mut provider = SdkMeterProvider::builder().with_resource(resource).with_reader(reader);
        if let Some(exporters) = exporters {
            provider = exporters.metrics(provider)?;
        }
        Ok(Self::assemble(identity, registry, provider, tracer))
    }

    fn assemble(
        identity: &Identity,
        registry: Registry,
        provider: MeterProviderBuilder,
        tracer: Option<SdkTracer>,
    ) -> Self {
        let provider = provider.build();
        let meter = provider.meter_with_scope(identity.scope());
        names::app::BUILD_INFO
            .gauge(&meter)
            .record(1, &[KeyValue::new(names::resource::SERVICE_VERSION, identity.version)]);
        Self { inner: Arc::new(Inner { name: identity.name, meter, registry, provider, tracer }) }
    }

    /// The `service.name`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.inner.name
    }

    /// Where this service's instruments are made. Make each once, at start, from [`names`]; an
    /// instrument keeps at most 2,000 sets of attributes and folds the rest into one.
    #[must_use]
    pub fn meter(&self) -> &Meter {
        &self.inner.meter
    }

    /// All instruments in the Prometheus text format: the body of `/metrics`.
    #[must_use]
    pub fn prometheus_text(&self) -> String {
        let mut text = Vec::new();
        if let Err(error) = TextEncoder::new().encode(&self.inner.registry.gather(), &mut text) {
            tracing::warn!(%error, "metrics could not be written as text");
        }
        String::from_utf8_lossy(&text).into_owned()
    }

    pub(crate) fn tracer(&self) -> Option<&SdkTracer> {
        self.inner.tracer.as_ref()
    }

    pub(crate) fn provider(&self) -> &SdkMeterProvider {
        &self.inner.provider
    }
}

/// A registry, and the reader that fills it when it is asked.
fn scrape() -> Result<(Registry, PrometheusExporter), OTelSdkError> {
    let registry = Registry::new();
    let reader = opentelemetry_prometheus::exporter()
        .with_registry(registry.clone())
        .scope_info_enabled(false)
        .build()?;
    Ok((registry, reader))
}

impl fmt::Debug for ServiceTelemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceTelemetry").field("name", &self.inner.name).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_appears_under_its_prometheus_name_with_our_buckets() {
        let service = ServiceTelemetry::detached();
        let waited = names::app::QUEUE_WAIT.histogram(service.meter());
        waited.record(42.0, &[KeyValue::new(names::app::QUEUE, "default")]);

        let text = service.prometheus_text();

        for bound in names::buckets::QUEUE_SECONDS {
            let count = u8::from(*bound >= 42.0);
            let line = format!(
                "app_queue_wait_seconds_bucket{{app_queue=\"default\",le=\"{bound}\"}} {count}"
            );
            assert!(text.contains(&line), "{line} is not in\n{text}");
        }
        assert!(text.contains("app_queue_wait_seconds_sum{app_queue=\"default\"} 42"), "{text}");
    }

    #[test]
    fn names_translate_as_the_dashboards_expect() {
        let service = ServiceTelemetry::detached();
        let meter = service.meter();
        names::http::SERVER_REQUEST_DURATION.histogram(meter).record(0.1, &[]);
        names::http::SERVER_REQUEST_BODY_SIZE.whole_histogram(meter).record(1, &[]);
        names::http::SERVER_ACTIVE_REQUESTS.up_down_counter(meter).add(1, &[]);
        names::app::GEN_AI_COST.counter(meter).add(1, &[]);
        names::app::WORKER_SLOTS.gauge(meter).record(8, &[]);

        let text = service.prometheus_text();

        for name in [
            "http_server_request_duration_seconds_count 1",
            "http_server_request_body_size_bytes_count 1",
            "http_server_active_requests 1",
            "app_gen_ai_cost_total 1",
            "app_worker_slots 8",
            "app_build_info{service_version=\"0\"} 1",
        ] {
            assert!(text.lines().any(|line| line == name), "{name} is not in\n{text}");
        }
    }

    #[test]
    fn attributes_without_end_are_folded_into_one() {
        let service = ServiceTelemetry::detached();
        let counter = names::app::JOBS_DEAD.counter(service.meter());
        for reason in 0..2_500 {
            counter.add(1, &[KeyValue::new(names::app::REASON, reason)]);
        }

        let text = service.prometheus_text();

        let series = text.lines().filter(|line| line.starts_with("app_jobs_dead_total{")).count();
        assert!(series <= 2_001, "{series} series");
        assert!(text.contains("otel_metric_overflow=\"true\""));
    }
}
