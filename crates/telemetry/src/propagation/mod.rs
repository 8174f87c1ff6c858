//! W3C trace context in and out of a carrier: `traceparent` and `tracestate`, nothing else.
//!
//! Keys are lower case everywhere; NATS tells cases apart. A carrier is a pair of closures, so that
//! this crate knows neither HTTP nor NATS; for [`HeaderMap`] there are ready ones.
//!
//! Order matters: a span's parent can be set only before the span is first entered, and before
//! [`inject`] or [`trace_id`] was asked of it. What came too late is counted in
//! [`crate::names::app::PROPAGATION_FAILURES`].

pub(crate) mod failures;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry::trace::{SpanContext, TraceContextExt};
use opentelemetry_sdk::propagation::TraceContextPropagator;
use tracing::Span;
use tracing_opentelemetry::{OpenTelemetrySpanExt, SetParentError};

use failures::Failure;

/// The header that names trace and parent.
pub const TRACEPARENT: &str = "traceparent";
/// The header with what other vendors want passed on.
pub const TRACESTATE: &str = "tracestate";

/// Writes the span's context into a carrier.
///
/// Sets nothing when tracing is off. What this starts stays: call it after [`continue_from`].
pub fn inject(span: &Span, set: impl FnMut(&str, String)) {
    if span.is_disabled() {
        return;
    }
    TraceContextPropagator::new().inject_context(&span.context(), &mut Outgoing(set));
}

/// [`inject`] into the headers of an HTTP request, replacing what is there.
pub fn inject_headers(span: &Span, headers: &mut HeaderMap) {
    inject(span, |key, value| {
        let name = HeaderName::from_bytes(key.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(&value)) {
            headers.insert(name, value);
        }
    });
}

/// Makes the span a child of the one that wrote the carrier, if one did.
///
/// Call it between making the span and entering it. A carrier without context leaves the span as
/// it was; a context that cannot be used is counted, and the span begins a trace of its own.
pub fn continue_from(span: &Span, get: impl Fn(&str) -> Option<String>) {
    if span.is_disabled() {
        failures::span_disabled();
        return;
    }
    let Some(parent) = extract(get) else { return };
    let context = opentelemetry::Context::new().with_remote_span_context(parent);
    match span.set_parent(context) {
        Ok(()) => (),
        Err(SetParentError::AlreadyStarted) => failures::count(Failure::AlreadyStarted),
        Err(SetParentError::SpanDisabled | SetParentError::LayerNotFound) => {
            failures::count(Failure::SpanDisabled);
        }
    }
}

/// Links the span to the one that wrote the carrier, if one did. Possible at any time in its life.
pub fn link_from(span: &Span, get: impl Fn(&str) -> Option<String>) {
    if span.is_disabled() {
        return;
    }
    if let Some(linked) = extract(get) {
        span.add_link(linked);
    }
}

/// A closure for [`continue_from`] and [`link_from`] that reads HTTP headers.
pub fn headers(headers: &HeaderMap) -> impl Fn(&str) -> Option<String> {
    |key| headers.get(key)?.to_str().ok().map(str::to_owned)
}

/// The span's trace id as 32 hex digits, or `None` when tracing is off.
///
/// What this starts stays: call it after [`continue_from`].
#[must_use]
pub fn trace_id(span: &Span) -> Option<String> {
    if span.is_disabled() {
        return None;
    }
    let context = span.context();
    let span = context.span();
    let ids = span.span_context();
    ids.is_valid().then(|| ids.trace_id().to_string())
}

/// The context in a carrier. A malformed one is counted and is as none.
pub(crate) fn extract(get: impl Fn(&str) -> Option<String>) -> Option<SpanContext> {
    let incoming = Incoming { traceparent: get(TRACEPARENT)?, tracestate: get(TRACESTATE) };
    let empty = opentelemetry::Context::new();
    let context = TraceContextPropagator::new().extract_with_context(&empty, &incoming);
    let found = context.span().span_context().clone();
    if !found.is_valid() {
        failures::count(Failure::Malformed);
        return None;
    }
    Some(found)
}

struct Outgoing<F>(F);

impl<F: FnMut(&str, String)> Injector for Outgoing<F> {
    fn set(&mut self, key: &str, value: String) {
        // The propagator also writes an empty tracestate, which says nothing.
        if !value.is_empty() {
            (self.0)(key, value);
        }
    }
}

struct Incoming {
    traceparent: String,
    tracestate: Option<String>,
}

impl Extractor for Incoming {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            TRACEPARENT => Some(&self.traceparent),
            TRACESTATE => self.tracestate.as_deref(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec![TRACEPARENT, TRACESTATE]
    }
}
