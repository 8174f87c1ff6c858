//! The same events, sent to a collector.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use opentelemetry_appender_tracing::layer::OpenTelemetryTracingBridge;
use opentelemetry_sdk::logs::SdkLoggerProvider;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use super::EventFilter;
use crate::identity::Identity;

/// Libraries that exporting itself uses. What they say goes to stderr alone, whatever the filter
/// says: it would be exported, and so cause more of it.
const EXPORTING: [&str; 6] = ["h2", "hyper", "opentelemetry", "reqwest", "rustls", "tower"];

/// The layers that send the events of each service under its name, those of libraries under that
/// of the first. `closed` ends them: behind the last flush nothing is sent.
pub(crate) fn layers<S>(
    services: &[(Identity, SdkLoggerProvider)],
    filter: &EventFilter,
    closed: &Arc<AtomicBool>,
) -> Vec<Box<dyn Layer<S> + Send + Sync>>
where
    S: Subscriber + for<'span> LookupSpan<'span> + Send + Sync,
{
    let all: Arc<[Identity]> = services.iter().map(|(identity, _)| *identity).collect();
    let of = |(at, (_, provider)): (usize, &(Identity, SdkLoggerProvider))| {
        let sent = Sent {
            filter: filter.clone(),
            services: Arc::clone(&all),
            at,
            closed: Arc::clone(closed),
        };
        OpenTelemetryTracingBridge::new(provider).with_filter(sent).boxed()
    };
    services.iter().enumerate().map(of).collect()
}

/// Lets through what is told and is this service's.
struct Sent {
    filter: EventFilter,
    services: Arc<[Identity]>,
    at: usize,
    closed: Arc<AtomicBool>,
}

impl Sent {
    fn lets_through(&self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        let owner = self.services.iter().position(|service| service.owns(target)).unwrap_or(0);
        let exporting = EXPORTING.iter().any(|library| target.starts_with(library));
        owner == self.at && !exporting && self.filter.lets_through(metadata)
    }
}

impl<S> Filter<S> for Sent {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.lets_through(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.lets_through(metadata) { Interest::always() } else { Interest::never() }
    }

    fn event_enabled(&self, _: &Event<'_>, _: &Context<'_, S>) -> bool {
        !self.closed.load(Ordering::Relaxed)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Filter::<S>::max_level_hint(&self.filter)
    }
}
