//! What servers of NATS did with jobs, as spans below those that published them.

use bus::{Hop, Hops};
use futures::StreamExt as _;
use opentelemetry::KeyValue;
use service_runtime::Shutdown;
use telemetry::names::messaging;
use telemetry::{PastSpan, ServiceTelemetry};

/// Exports what is told until the process ends.
pub(crate) async fn tell(mut hops: Hops, telemetry: ServiceTelemetry, until: Shutdown) {
    loop {
        tokio::select! {
            () = until.requested() => return,
            hop = hops.next() => match hop {
                Some(hop) => telemetry.span_of_the_past(span_of(&hop)),
                None => return,
            },
        }
    }
}

/// A server that stores nothing hands the message to the one that does.
fn span_of(hop: &Hop) -> PastSpan<'_> {
    let operation = if hop.stream.is_some() { messaging::STORE } else { messaging::ROUTE };
    let name = match &hop.stream {
        Some(stream) => format!("{operation} {stream}"),
        None => operation.to_owned(),
    };
    let stream = hop.stream.clone().map(|stream| KeyValue::new(messaging::NATS_STREAM, stream));
    let attributes = [
        KeyValue::new(messaging::SYSTEM, messaging::SYSTEM_NATS),
        KeyValue::new(messaging::OPERATION_NAME, operation),
        KeyValue::new(messaging::NATS_SERVER, hop.server.clone()),
    ];
    PastSpan {
        name,
        parent: &hop.traceparent,
        began: hop.began,
        ended: hop.ended,
        failed: hop.refused,
        attributes: attributes.into_iter().chain(stream).collect(),
    }
}
