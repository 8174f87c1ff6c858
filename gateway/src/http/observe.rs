//! For each request: a span that continues the caller's trace, an id, and figures.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::header::{CACHE_CONTROL, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderMap, HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use contract::RequestId;
use service_runtime::{Client, masked};
use telemetry::names::{app, gen_ai, http, span};
use telemetry::propagation;
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use super::header_names::{PROCESSING_MS, REQUEST_ID, TRACE_ID};
use crate::measures::Measures;

/// Longest id that is taken from a caller.
const LONGEST_ID: usize = 128;

/// What the middleware needs.
#[derive(Debug, Clone)]
pub(super) struct Observer(Arc<Measures>);

impl Observer {
    pub(super) fn new(measures: &Arc<Measures>) -> Self {
        Self(Arc::clone(measures))
    }
}

/// What is known of a request before its handler runs.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// The request's span. Whoever holds it keeps it open: a stream outlives its handler.
    pub(super) span: Span,
    pub(super) request_id: Arc<str>,
    pub(super) began: Instant,
}

/// Runs the request within its span.
pub(super) async fn request(
    State(Observer(measures)): State<Observer>,
    route: Option<MatchedPath>,
    mut request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let method = http::known_method(request.method().as_str());
    let route = route.as_ref().map_or("", MatchedPath::as_str).to_owned();
    let request_id = request_id(request.headers());
    let client = request.extensions().get().copied();
    let span = span_of(method, &route, &request_id, client);
    propagation::continue_from(&span, propagation::headers(request.headers()));
    let seen = Seen { span: span.clone(), request_id: Arc::from(request_id.as_str()), began };
    request.extensions_mut().insert(seen);

    let active = Active::new(&measures, method);
    let mut response = next.run(request).instrument(span.clone()).await;
    drop(active);

    let status = response.status();
    span.record(http::RESPONSE_STATUS_CODE, i64::from(status.as_u16()));
    if status.is_server_error() {
        span.record(span::STATUS_CODE, span::ERROR);
    }
    let took = began.elapsed();
    measures.responded(method, &route, status.as_u16(), took);
    let headers = response.headers_mut();
    insert(headers, REQUEST_ID, &request_id);
    insert(headers, PROCESSING_MS, &took.as_millis().to_string());
    if let Some(trace_id) = propagation::trace_id(&span) {
        insert(headers, TRACE_ID, &trace_id);
    }
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Answers are their callers' alone; what is everybody's says so itself.
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

fn span_of(method: &'static str, route: &str, request_id: &str, client: Option<Client>) -> Span {
    tracing::info_span!(
        "request",
        { span::NAME } = http::server_span_name(method, route),
        { span::KIND } = span::SERVER,
        { span::STATUS_CODE } = tracing::field::Empty,
        { span::ERROR_TYPE } = tracing::field::Empty,
        { http::REQUEST_METHOD } = method,
        { http::ROUTE } = route,
        { http::RESPONSE_STATUS_CODE } = tracing::field::Empty,
        { http::CLIENT_ADDRESS } = client.map(|client| tracing::field::display(client.address)),
        { app::REQUEST_ID } = request_id,
        { app::JOB_ID } = tracing::field::Empty,
        { app::KEY_ID } = tracing::field::Empty,
        { app::OUTCOME } = tracing::field::Empty,
        { app::STREAM_CHUNKS } = tracing::field::Empty,
        { app::STREAM_LONGEST_GAP } = tracing::field::Empty,
        { gen_ai::OPERATION_NAME } = tracing::field::Empty,
        { gen_ai::REQUEST_MODEL } = tracing::field::Empty,
        { gen_ai::REQUEST_STREAM } = tracing::field::Empty,
    )
}

/// The caller's id if it is a sensible one, else ours.
fn request_id(headers: &HeaderMap) -> String {
    let theirs = headers.get(REQUEST_ID).and_then(|value| value.to_str().ok());
    let sensible = |id: &&str| {
        (1..=LONGEST_ID).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_graphic())
            // Ids are told and logged; a key that was sent as one is not.
            && masked(id) == *id
    };
    theirs.filter(sensible).map_or_else(|| format!("req_{}", RequestId::fresh()), str::to_owned)
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// Counts a request as active until it is dropped: its caller may leave at any time.
struct Active<'a> {
    measures: &'a Measures,
    method: &'static str,
}

impl<'a> Active<'a> {
    fn new(measures: &'a Measures, method: &'static str) -> Self {
        measures.active(method, 1);
        Self { measures, method }
    }
}

impl Drop for Active<'_> {
    fn drop(&mut self) {
        self.measures.active(self.method, -1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_id_is_taken_if_it_is_sensible() {
        let id = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_str(value).unwrap());
            request_id(&headers)
        };

        assert_eq!(id("req_7"), "req_7");
        let key = contract::keys::ApiKey::fresh();
        for senseless in ["", "two words", &"x".repeat(129), key.reveal()] {
            assert!(id(senseless).starts_with("req_"), "{senseless}");
        }
        assert_ne!(request_id(&HeaderMap::new()), request_id(&HeaderMap::new()));
    }
}
