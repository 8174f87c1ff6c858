//! Spans to the service that made them.
//!
//! One layer with a tracer that chooses, rather than one layer per service: functions such as
//! `Span::context()` find a layer by its type, so with several of the same type they would start a
//! span with whichever came first, under the wrong `service.name`.

use std::sync::Arc;

use opentelemetry::trace::{SpanBuilder, Tracer};
use opentelemetry::{Context, KeyValue};
use opentelemetry_sdk::trace::{SdkTracer, Span};
use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Level, Metadata};
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{self, Filter};
use tracing_subscriber::registry::LookupSpan;

use crate::identity::Identity;

/// The attribute in which the layer tells the tracer where a span was made. Taken out again.
const TARGET: &str = "target";

/// Turns spans of these services, at `INFO` and more severe, into OpenTelemetry spans.
///
/// Events stay out: they are log lines. So do places in the code, threads and idle times, which
/// cost more than they tell.
pub(crate) fn span_layer<S>(services: Vec<(Identity, SdkTracer)>) -> impl Layer<S>
where
    S: tracing::Subscriber + for<'span> LookupSpan<'span>,
{
    let owned = OwnedSpans(services.iter().map(|(identity, _)| *identity).collect());
    let several = services.len() > 1;
    OpenTelemetryLayer::new(RoutingTracer { services: services.into() })
        .with_location(false)
        .with_threads(false)
        .with_tracked_inactivity(false)
        .with_level(false)
        .with_target(several)
        .with_filter(owned)
}

/// A tracer that asks the tracer of the service which made the span.
#[derive(Debug, Clone)]
struct RoutingTracer {
    /// Never empty.
    services: Arc<[(Identity, SdkTracer)]>,
}

impl Tracer for RoutingTracer {
    type Span = Span;

    fn build_with_context(&self, mut builder: SpanBuilder, parent: &Context) -> Span {
        let chosen = builder.attributes.as_mut().and_then(|attributes| {
            let at = attributes.iter().position(|pair| pair.key.as_str() == TARGET)?;
            let index = self.owner_of(&attributes[at])?;
            attributes.swap_remove(at);
            Some(index)
        });
        let (_, tracer) = &self.services[chosen.unwrap_or(0)];
        tracer.build_with_context(builder, parent)
    }
}

impl RoutingTracer {
    fn owner_of(&self, target: &KeyValue) -> Option<usize> {
        let target = target.value.as_str();
        self.services.iter().position(|(identity, _)| identity.owns(&target))
    }
}

/// Lets through the spans of these services and nothing else.
///
/// It is also what keeps the exporter from tracing itself.
struct OwnedSpans(Box<[Identity]>);

impl OwnedSpans {
    fn lets_through(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span()
            && *metadata.level() <= Level::INFO
            && self.0.iter().any(|identity| identity.owns(metadata.target()))
    }
}

impl<S> Filter<S> for OwnedSpans {
    fn enabled(&self, metadata: &Metadata<'_>, _: &layer::Context<'_, S>) -> bool {
        self.lets_through(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.lets_through(metadata) { Interest::always() } else { Interest::never() }
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }
}
