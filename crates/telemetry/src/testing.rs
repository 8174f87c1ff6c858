//! For this crate's tests: a subscriber of one's own, what it wrote, what it exported.

use std::io;
use std::sync::{Arc, Mutex};

use opentelemetry::Key;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::LoggerProviderBuilder;
use opentelemetry_sdk::metrics::MeterProviderBuilder;
use opentelemetry_sdk::trace::{SpanData, SpanExporter, TracerProviderBuilder};
use tracing::Dispatch;

use crate::error::InitError;
use crate::export::Exporters;
use crate::identity::Identity;
use crate::settings::Settings;
use crate::setup::{Telemetry, build};

pub(crate) const ALPHA: Identity =
    Identity { name: "alpha", version: "1.0.0", crate_target: "alpha" };
pub(crate) const BETA: Identity = Identity { name: "beta", version: "2.0.0", crate_target: "beta" };

/// A subscriber of one test.
pub(crate) struct Captured {
    pub(crate) telemetry: Telemetry,
    dispatch: Dispatch,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Captured {
    pub(crate) fn with(services: &[Identity], memory: Option<&Memory>) -> Self {
        Self::set_up(services, &Settings::default(), memory)
    }

    pub(crate) fn set_up(
        services: &[Identity],
        settings: &Settings,
        memory: Option<&Memory>,
    ) -> Self {
        let written = Arc::new(Mutex::new(Vec::new()));
        let sink = Sink(Arc::clone(&written));
        let exporters = memory.map(|memory| memory as &dyn Exporters);
        let (telemetry, dispatch) =
            build(services, settings, exporters, move || sink.clone(), false).unwrap();
        Self { telemetry, dispatch, written }
    }

    pub(crate) fn within<T>(&self, run: impl FnOnce() -> T) -> T {
        tracing::dispatcher::with_default(&self.dispatch, run)
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.written.lock().unwrap().clone()).unwrap()
    }

    /// The lines, each read by a strict JSON parser.
    pub(crate) fn lines(&self) -> Vec<serde_json::Value> {
        self.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

#[derive(Clone)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keeps what is exported, as soon as a span ends.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    spans: Arc<Mutex<Vec<Exported>>>,
    service: String,
}

/// A span and the service it left under.
#[derive(Debug, Clone)]
pub(crate) struct Exported {
    pub(crate) service: String,
    pub(crate) data: SpanData,
}

impl Exported {
    pub(crate) fn name(&self) -> String {
        self.data.name.to_string()
    }

    pub(crate) fn attribute(&self, name: &str) -> Option<String> {
        let found = self.data.attributes.iter().find(|pair| pair.key.as_str() == name);
        found.map(|pair| pair.value.to_string())
    }
}

impl Memory {
    pub(crate) fn spans(&self) -> Vec<Exported> {
        self.spans.lock().unwrap().clone()
    }
}

impl SpanExporter for Memory {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let service = &self.service;
        let exported = batch.into_iter().map(|data| Exported { service: service.clone(), data });
        self.spans.lock().unwrap().extend(exported);
        Ok(())
    }

    fn set_resource(&mut self, resource: &Resource) {
        let name = resource.get(&Key::from_static_str("service.name"));
        self.service = name.map(|name| name.to_string()).unwrap_or_default();
    }
}

impl Exporters for Memory {
    fn traces(&self, provider: TracerProviderBuilder) -> Result<TracerProviderBuilder, InitError> {
        Ok(provider.with_simple_exporter(self.clone()))
    }

    fn metrics(&self, provider: MeterProviderBuilder) -> Result<MeterProviderBuilder, InitError> {
        Ok(provider)
    }

    fn logs(&self, provider: LoggerProviderBuilder) -> Result<LoggerProviderBuilder, InitError> {
        Ok(provider)
    }
}
