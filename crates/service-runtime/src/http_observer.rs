//! One span and two figures for each HTTP request that a service answers.

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, UpDownCounter};
use telemetry::names::{http, span};
use telemetry::{ServiceTelemetry, propagation};
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use crate::Client;

/// The instruments, made once, and how the service makes its span: a span belongs to the service
/// whose crate made it, so each has a function of its own for that.
#[derive(Debug, Clone)]
pub struct HttpObserver {
    duration: Histogram<f64>,
    active: UpDownCounter<i64>,
    span_of: fn(method: &str, route: &str) -> Span,
}

impl HttpObserver {
    /// The instruments of a service. `span_of` makes the span of a request, with the fields
    /// [`http::RESPONSE_STATUS_CODE`] and [`span::STATUS_CODE`] still empty, and
    /// [`http::CLIENT_ADDRESS`] if it is to be told.
    pub fn new(telemetry: &ServiceTelemetry, span_of: fn(&str, &str) -> Span) -> Self {
        let meter = telemetry.meter();
        Self {
            duration: http::SERVER_REQUEST_DURATION.histogram(meter),
            active: http::SERVER_ACTIVE_REQUESTS.up_down_counter(meter),
            span_of,
        }
    }
}

/// A middleware: runs the request within a span that continues the caller's trace.
pub async fn observe_http(
    State(observer): State<HttpObserver>,
    route: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let method = http::known_method(request.method().as_str());
    let route = route.as_ref().map_or("", MatchedPath::as_str).to_owned();
    let span = (observer.span_of)(method, &route);
    if let Some(client) = request.extensions().get::<Client>() {
        span.record(http::CLIENT_ADDRESS, tracing::field::display(client.address));
    }
    propagation::continue_from(&span, propagation::headers(request.headers()));

    let active = Active::new(&observer.active, method);
    let response = next.run(request).instrument(span.clone()).await;
    drop(active);

    let status = response.status();
    span.record(http::RESPONSE_STATUS_CODE, i64::from(status.as_u16()));
    if status.is_server_error() {
        span.record(span::STATUS_CODE, span::ERROR);
    }
    let labels = [
        KeyValue::new(http::REQUEST_METHOD, method),
        KeyValue::new(http::ROUTE, route),
        KeyValue::new(http::RESPONSE_STATUS_CODE, i64::from(status.as_u16())),
    ];
    observer.duration.record(started.elapsed().as_secs_f64(), &labels);
    response
}

/// Counts a request as active until it is dropped: its caller may leave at any time.
struct Active<'a> {
    active: &'a UpDownCounter<i64>,
    labels: [KeyValue; 1],
}

impl<'a> Active<'a> {
    fn new(active: &'a UpDownCounter<i64>, method: &'static str) -> Self {
        let labels = [KeyValue::new(http::REQUEST_METHOD, method)];
        active.add(1, &labels);
        Self { active, labels }
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.active.add(-1, &self.labels);
    }
}
