//! One span and two figures for each HTTP request.

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use opentelemetry::KeyValue;
use opentelemetry::metrics::{Histogram, UpDownCounter};
use telemetry::names::{http, span};
use telemetry::{ServiceTelemetry, propagation};
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

/// The instruments, made once.
#[derive(Debug, Clone)]
pub(crate) struct Measures {
    duration: Histogram<f64>,
    active: UpDownCounter<i64>,
}

impl Measures {
    pub(crate) fn new(telemetry: &ServiceTelemetry) -> Self {
        let meter = telemetry.meter();
        Self {
            duration: http::SERVER_REQUEST_DURATION.histogram(meter),
            active: http::SERVER_ACTIVE_REQUESTS.up_down_counter(meter),
        }
    }
}

/// Runs the request within a span that continues the caller's trace. The span lives until the
/// body is sent, because the body holds its question's span, which is a child.
pub(crate) async fn request(
    State(measures): State<Measures>,
    route: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let method = request.method().as_str().to_owned();
    let route = route.as_ref().map_or("", MatchedPath::as_str).to_owned();
    let span = span_of(&method, &route);
    propagation::continue_from(&span, propagation::headers(request.headers()));

    let active = Active::new(&measures.active, &method);
    let response = next.run(request).instrument(span.clone()).await;
    drop(active);

    let status = response.status();
    span.record(http::RESPONSE_STATUS_CODE, status.as_u16());
    if status.is_server_error() {
        span.record(span::STATUS_CODE, span::ERROR);
    }
    let labels = [
        KeyValue::new(http::REQUEST_METHOD, method),
        KeyValue::new(http::ROUTE, route),
        KeyValue::new(http::RESPONSE_STATUS_CODE, i64::from(status.as_u16())),
    ];
    measures.duration.record(started.elapsed().as_secs_f64(), &labels);
    response
}

fn span_of(method: &str, route: &str) -> Span {
    tracing::info_span!(
        "request",
        { span::NAME } = format!("{method} {route}").trim_end(),
        { span::KIND } = span::SERVER,
        { span::STATUS_CODE } = tracing::field::Empty,
        { http::REQUEST_METHOD } = method,
        { http::ROUTE } = route,
        { http::RESPONSE_STATUS_CODE } = tracing::field::Empty,
    )
}

/// Counts a request as active until it is dropped: its caller may leave at any time.
struct Active<'a> {
    active: &'a UpDownCounter<i64>,
    labels: [KeyValue; 1],
}

impl<'a> Active<'a> {
    fn new(active: &'a UpDownCounter<i64>, method: &str) -> Self {
        let labels = [KeyValue::new(http::REQUEST_METHOD, method.to_owned())];
        active.add(1, &labels);
        Self { active, labels }
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.active.add(-1, &self.labels);
    }
}
