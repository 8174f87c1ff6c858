//! What one service is given: a meter, and the text of its scrape endpoint.

use std::fmt;
use std::sync::Arc;

use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::metrics::SdkMeterProvider;
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
}

impl ServiceTelemetry {
    /// For tests: real instruments that can be read back as text, and nothing leaves the process.
    #[must_use]
    pub fn detached() -> Self {
        let provider = SdkMeterProvider::builder().build();
        let identity = Identity { name: "detached", version: "0", crate_target: "detached" };
        Self::measured(&identity, None).unwrap_or_else(|_| Self {
            // An empty registry takes any collector, so this branch is only for the type.
            inner: Arc::new(Inner {
                name: identity.name,
                meter: provider.meter(identity.name),
                registry: Registry::new(),
                provider,
            }),
        })
    }

    /// Instruments for the scrape endpoint and, where there are any, for exporters.
    pub(crate) fn measured(
        identity: &Identity,
        exporters: Option<&dyn Exporters>,
    ) -> Result<Self, InitError> {
        let registry = Registry::new();
        let scrape = opentelemetry_prometheus::exporter()
            .with_registry(registry.clone())
            .scope_info_enabled(false)
            .build()?;
        let builder =
            SdkMeterProvider::builder().with_resource(identity.resource()).with_reader(scrape);
        let provider = match exporters {
            Some(exporters) => exporters.metrics(builder)?,
            None => builder,
        }
        .build();
        let scope =
            InstrumentationScope::builder(identity.name).with_version(identity.version).build();
        let meter = provider.meter_with_scope(scope);

        names::app::BUILD_INFO
            .gauge(&meter)
            .record(1, &[KeyValue::new(names::resource::SERVICE_VERSION, identity.version)]);
        let inner = Inner { name: identity.name, meter, registry, provider };
        Ok(Self { inner: Arc::new(inner) })
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

    pub(crate) fn provider(&self) -> &SdkMeterProvider {
        &self.inner.provider
    }
}

impl fmt::Debug for ServiceTelemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceTelemetry").field("name", &self.inner.name).finish_non_exhaustive()
    }
}
