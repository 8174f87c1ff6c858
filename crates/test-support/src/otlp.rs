//! A collector for tests: takes OTLP over HTTP and tells what it got.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::to_bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::routing::post;
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use prost::Message as _;
use service_runtime::{HttpLimits, HttpServer, Shutdown};
use tokio::sync::Notify;

/// One span, as it was exported.
#[derive(Debug, Clone)]
pub struct ExportedSpan {
    /// 32 hexadecimal digits.
    pub trace_id: String,
    /// 16 hexadecimal digits.
    pub span_id: String,
    /// 16 hexadecimal digits; empty for a root.
    pub parent_id: String,
    /// The `service.name` of its resource.
    pub service: String,
    /// Its name.
    pub name: String,
    /// Its kind, as the protocol numbers it: 1 internal, 2 server, 3 client, 4 producer, 5 consumer.
    pub kind: i32,
    /// Its attributes, values as text.
    pub attributes: BTreeMap<String, String>,
    /// The span ids that it links to.
    pub links: Vec<String>,
}

/// A collector on loopback.
#[derive(Debug)]
pub struct OtlpReceiver {
    endpoint: String,
    received: Arc<Received>,
    shutdown: Shutdown,
}

#[derive(Debug, Default)]
struct Received {
    spans: Mutex<Vec<ExportedSpan>>,
    /// Every body as it came: what a canary is looked for in.
    bodies: Mutex<Vec<Bytes>>,
    arrived: Notify,
}

impl OtlpReceiver {
    /// Listens on a free port.
    pub fn start() -> Self {
        let limits = HttpLimits { drain_time: Duration::from_millis(100), ..HttpLimits::default() };
        let server = HttpServer::bind(([127, 0, 0, 1], 0).into(), "port 0", limits)
            .expect("a port for the collector");
        let endpoint = format!("http://{}", server.address());
        let received = Arc::new(Received::default());
        let router = Router::new()
            .route("/v1/traces", post(traces))
            .route("/v1/metrics", post(others))
            .route("/v1/logs", post(others))
            .with_state(Arc::clone(&received));
        let shutdown = Shutdown::manual();
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(server.serve(router, shutdown.clone()));
        Self { endpoint, received, shutdown }
    }

    /// The value for `OTEL_EXPORTER_OTLP_ENDPOINT`.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Every span so far.
    pub fn spans(&self) -> Vec<ExportedSpan> {
        lock(&self.received.spans).clone()
    }

    /// Every body so far, as it came.
    pub fn bodies(&self) -> Vec<Bytes> {
        lock(&self.received.bodies).clone()
    }

    /// Waits until `enough` says so of the spans that have come.
    ///
    /// # Panics
    ///
    /// After 60 s, telling what did come.
    pub async fn wait_for(&self, enough: impl Fn(&[ExportedSpan]) -> bool) -> Vec<ExportedSpan> {
        let waiting = async {
            loop {
                let arrived = self.received.arrived.notified();
                let spans = self.spans();
                if enough(&spans) {
                    return spans;
                }
                arrived.await;
            }
        };
        match tokio::time::timeout(Duration::from_secs(60), waiting).await {
            Ok(spans) => spans,
            Err(_elapsed) => panic!("these spans are not enough: {:#?}", self.spans()),
        }
    }
}

impl Drop for OtlpReceiver {
    fn drop(&mut self) {
        self.shutdown.request();
    }
}

async fn traces(State(received): State<Arc<Received>>, request: Request) -> StatusCode {
    let Ok(body) = to_bytes(request.into_body(), 64 << 20).await else {
        return StatusCode::BAD_REQUEST;
    };
    let Ok(export) = ExportTraceServiceRequest::decode(body.clone()) else {
        return StatusCode::BAD_REQUEST;
    };
    lock(&received.bodies).push(body);
    lock(&received.spans).extend(spans_of(export));
    received.arrived.notify_waiters();
    StatusCode::OK
}

async fn others(State(received): State<Arc<Received>>, request: Request) -> StatusCode {
    if let Ok(body) = to_bytes(request.into_body(), 64 << 20).await {
        lock(&received.bodies).push(body);
    }
    StatusCode::OK
}

fn spans_of(export: ExportTraceServiceRequest) -> Vec<ExportedSpan> {
    let mut spans = Vec::new();
    for resource in export.resource_spans {
        let attributes = resource.resource.map(|of| texts(of.attributes)).unwrap_or_default();
        let service = attributes.get("service.name").cloned().unwrap_or_default();
        for span in resource.scope_spans.into_iter().flat_map(|scope| scope.spans) {
            spans.push(ExportedSpan {
                trace_id: hex(&span.trace_id),
                span_id: hex(&span.span_id),
                parent_id: hex(&span.parent_span_id),
                service: service.clone(),
                name: span.name,
                kind: span.kind,
                attributes: texts(span.attributes),
                links: span.links.iter().map(|link| hex(&link.span_id)).collect(),
            });
        }
    }
    spans
}

fn texts(pairs: Vec<KeyValue>) -> BTreeMap<String, String> {
    pairs.into_iter().map(|pair| (pair.key, pair.value.map(text).unwrap_or_default())).collect()
}

fn text(value: AnyValue) -> String {
    match value.value {
        Some(any_value::Value::StringValue(text)) => text,
        Some(any_value::Value::BoolValue(value)) => value.to_string(),
        Some(any_value::Value::IntValue(value)) => value.to_string(),
        Some(any_value::Value::DoubleValue(value)) => value.to_string(),
        other => format!("{other:?}"),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
