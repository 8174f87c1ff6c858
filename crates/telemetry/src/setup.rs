//! Putting it together, and taking it down.

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::Dispatch;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;

use crate::error::InitError;
use crate::export::{Exporters, OtlpFromEnvironment};
use crate::identity::Identity;
use crate::service::ServiceTelemetry;
use crate::settings::{Otlp, Settings};
use crate::{clock, connections, logs, lost, propagation, refusals, routing};

/// How long spans may take to leave at shutdown; metrics get as long again, and then logs.
const FLUSH_LIMIT: Duration = Duration::from_secs(4);

/// Sets up logs, traces and metrics for all services of this process. Call it once, first.
///
/// # Errors
///
/// See [`InitError`]. Nothing is installed then.
pub fn init(services: &[Identity], settings: &Settings) -> Result<Telemetry, InitError> {
    let otlp = match settings.otlp {
        Otlp::Off => None,
        Otlp::FromEnvironment => Some(OtlpFromEnvironment::new()),
    };
    let exporters = otlp.as_ref().map(|otlp| otlp as &dyn Exporters);
    if tracing::dispatcher::has_been_set() {
        // Said before threads are started; `set_global_default` below settles a race.
        return Err(InitError::AlreadyInstalled);
    }
    let (telemetry, dispatch) =
        build(services, settings, exporters, io::stderr, io::stderr().is_terminal())?;
    tracing::dispatcher::set_global_default(dispatch).map_err(|_| InitError::AlreadyInstalled)?;
    if exporters.is_some() && settings.exported.traces {
        propagation::failures::expect_spans();
    }
    Ok(telemetry)
}

/// All of [`init`] but the installing, so that tests can use a subscriber of their own.
pub(crate) fn build<W>(
    services: &[Identity],
    settings: &Settings,
    exporters: Option<&dyn Exporters>,
    writer: W,
    coloured: bool,
) -> Result<(Telemetry, Dispatch), InitError>
where
    W: for<'a> MakeWriter<'a> + Clone + Send + Sync + 'static,
{
    check(services)?;
    let filter = logs::EventFilter::of(&settings.log_filter);
    // What no layer asks for is not made, and a layer that is none asks for everything.
    let mut lines =
        vec![logs::layer(settings.log_format, services, filter.clone(), writer, coloured)];
    let exported = settings.exported;

    let mut metered = Vec::with_capacity(services.len());
    let mut traced = Vec::new();
    let mut tracers = Vec::new();
    let mut logged = Vec::new();
    for identity in services {
        let resource = identity.resource();
        let mut tracer = None;
        if let Some(exporters) = exporters.filter(|_| exported.traces) {
            let provider = SdkTracerProvider::builder().with_resource(resource.clone());
            let provider = exporters.traces(provider)?.build();
            tracer = Some(provider.tracer_with_scope(identity.scope()));
            tracers.extend(tracer.clone().map(|tracer| (*identity, tracer)));
            traced.push(provider);
        }
        if let Some(exporters) = exporters.filter(|_| exported.logs) {
            let provider = SdkLoggerProvider::builder().with_resource(resource.clone());
            logged.push((*identity, exporters.logs(provider)?.build()));
        }
        let exporters = exporters.filter(|_| exported.metrics);
        metered.push(ServiceTelemetry::measured(identity, resource, exporters, tracer)?);
    }
    if let Some(first) = metered.first() {
        propagation::failures::observe(first.meter());
        refusals::observe(first.meter());
        clock::observe(first.meter());
        connections::observe(first.meter());
        lost::observe(first.meter());
    }

    // No exporter, no layer: then no span is ever enabled.
    let logs_closed = Arc::new(AtomicBool::new(false));
    lines.extend(logs::exported_layers(&logged, &filter, &logs_closed));
    let registry = tracing_subscriber::registry().with(lines);
    let dispatch = if tracers.is_empty() {
        Dispatch::new(registry)
    } else {
        Dispatch::new(registry.with(routing::span_layer(tracers)))
    };
    let logged = logged.into_iter().map(|(_, provider)| provider).collect();
    let exports = exporters.is_some();
    let traced = traced.into();
    Ok((Telemetry { services: metered, exports, traced, logged, logs_closed }, dispatch))
}

fn check(services: &[Identity]) -> Result<(), InitError> {
    if services.is_empty() {
        return Err(InitError::NoService);
    }
    for (at, service) in services.iter().enumerate() {
        let twice = |earlier: &Identity| {
            earlier.name == service.name || earlier.crate_target == service.crate_target
        };
        if services[..at].iter().any(twice) {
            return Err(InitError::DuplicateService(service.name));
        }
    }
    Ok(())
}

/// The telemetry of this process. Keep it until the end, then [`Telemetry::shutdown`].
#[derive(Debug)]
#[must_use = "what is not shut down loses its last spans"]
pub struct Telemetry {
    services: Vec<ServiceTelemetry>,
    /// Whether anything is sent to a collector.
    exports: bool,
    traced: Arc<[SdkTracerProvider]>,
    logged: Vec<SdkLoggerProvider>,
    /// Whether log lines are only written.
    logs_closed: Arc<AtomicBool>,
}

impl Telemetry {
    /// What the `build` of the named service receives.
    ///
    /// A name that `init` was not given is a mistake of the caller: it gets instruments that
    /// nobody sees, and a warning is logged.
    #[must_use]
    pub fn service(&self, name: &str) -> ServiceTelemetry {
        self.services.iter().find(|service| service.name() == name).cloned().unwrap_or_else(|| {
            tracing::warn!(service.name = name, "no such service: its metrics are not exported");
            ServiceTelemetry::detached()
        })
    }

    /// Sends what is left, traces, then metrics, then logs, and ends the exporters' threads.
    ///
    /// To be called when the services have drained. Waits for a collector that does not answer,
    /// about twelve seconds at most, away from the runtime's threads.
    pub async fn shutdown(self) {
        if !self.exports {
            return;
        }
        let flushed = tokio::task::spawn_blocking(move || {
            all_at_once("traces", &self.traced, |traces| traces.shutdown_with_timeout(FLUSH_LIMIT));
            all_at_once("metrics", &self.services, |service| {
                service.provider().shutdown_with_timeout(FLUSH_LIMIT)
            });
            self.logs_closed.store(true, Ordering::Relaxed);
            all_at_once("logs", &self.logged, |logs| logs.shutdown_with_timeout(FLUSH_LIMIT));
        });
        if let Err(error) = flushed.await {
            tracing::warn!(%error, "telemetry was not flushed");
        }
    }
}

/// Runs one flush per service, side by side, so that several wait no longer than one.
fn all_at_once<T: Sync>(signal: &str, items: &[T], flush: impl Fn(&T) -> OTelSdkResult + Sync) {
    std::thread::scope(|scope| {
        for item in items {
            scope.spawn(|| {
                if let Err(error) = flush(item) {
                    tracing::warn!(signal, %error, "telemetry was not flushed");
                }
            });
        }
    });
}

#[cfg(test)]
mod tests;
