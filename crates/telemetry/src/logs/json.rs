//! One JSON object a line.

use std::fmt;

use opentelemetry::Context;
use opentelemetry::trace::TraceContextExt;
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{self as subscriber_fmt};
use tracing_subscriber::registry::LookupSpan;

use super::value::Fields;
use crate::identity::Identity;

/// Writes `timestamp`, `level`, `target`, `service`, `trace_id`, `span_id`, then the event's
/// fields, flat, `message` among them. Straight into the line's buffer: nothing is allocated.
pub(super) struct Json {
    services: Box<[Identity]>,
}

impl Json {
    pub(super) fn of(services: &[Identity]) -> Self {
        Self { services: services.into() }
    }

    /// The service whose crate logged. A library's event belongs to the only service of the
    /// process; where there are several, nobody knows.
    fn service_of(&self, target: &str) -> Option<&'static str> {
        match &*self.services {
            [only] => Some(only.name),
            several => several.iter().find(|service| service.owns(target)).map(|found| found.name),
        }
    }
}

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'span> LookupSpan<'span>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        _: &subscriber_fmt::FmtContext<'_, S, N>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let metadata = event.metadata();

        line.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut line)?;
        write!(line, "\",\"level\":\"{}\"", metadata.level())?;

        let mut fields = Fields::after_first(&mut line);
        fields.head("target", metadata.target());
        if let Some(service) = self.service_of(metadata.target()) {
            fields.head("service", service);
        }
        Context::map_current(|context| {
            let span = context.span();
            let ids = span.span_context();
            if ids.is_valid() {
                fields.head("trace_id", ids.trace_id());
                fields.head("span_id", ids.span_id());
            }
        });
        event.record(&mut fields);
        fields.finish(metadata.name())?;

        line.write_str("}\n")
    }
}
