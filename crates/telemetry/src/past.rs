//! Spans of what is over, told by somebody who makes none.

use std::time::SystemTime;

use opentelemetry::trace::{
    Span as _, SpanBuilder, SpanKind, Status, TraceContextExt as _, Tracer,
};
use opentelemetry::{Context, KeyValue};

use crate::propagation;
use crate::service::ServiceTelemetry;

/// A span that began and ended before it was heard of.
#[derive(Debug)]
pub struct PastSpan<'a> {
    /// Its name.
    pub name: String,
    /// The `traceparent` of the span that it is a child of.
    pub parent: &'a str,
    /// When it began.
    pub began: SystemTime,
    /// When it ended.
    pub ended: SystemTime,
    /// Whether it failed.
    pub failed: bool,
    /// Its attributes.
    pub attributes: Vec<KeyValue>,
}

impl ServiceTelemetry {
    /// Whether spans are exported.
    #[must_use]
    pub fn has_spans(&self) -> bool {
        self.tracer().is_some()
    }

    /// Exports a span of what is over, if spans are exported and its parent can be read.
    pub fn span_of_the_past(&self, past: PastSpan<'_>) {
        let Some(tracer) = self.tracer() else { return };
        let header =
            |name: &str| (name == propagation::TRACEPARENT).then(|| past.parent.to_owned());
        let Some(parent) = propagation::extract(header) else { return };
        let builder = SpanBuilder::from_name(past.name)
            .with_kind(SpanKind::Internal)
            .with_start_time(past.began)
            .with_attributes(past.attributes);
        let parent = Context::new().with_remote_span_context(parent);
        let mut span = tracer.build_with_context(builder, &parent);
        if past.failed {
            span.set_status(Status::error(""));
        }
        span.end_with_timestamp(past.ended);
    }
}
