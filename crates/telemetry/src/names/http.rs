//! HTTP, on both sides.
//!
//! A server span is named `{method} {route}`, a client span `{method}`. A method outside the
//! standard is [`METHOD_OTHER`] as attribute and [`SPAN_METHOD_OTHER`] in a span's name.

use super::{Instrument, buckets};

/// Method of a request that has no standard method.
pub const METHOD_OTHER: &str = "_OTHER";
/// The same within a span's name.
pub const SPAN_METHOD_OTHER: &str = "HTTP";

/// Method.
pub const REQUEST_METHOD: &str = "http.request.method";
/// Route with its placeholders: `/v1/models/{id}`.
pub const ROUTE: &str = "http.route";
/// Status.
pub const RESPONSE_STATUS_CODE: &str = "http.response.status_code";
/// Whoever sent a request, behind proxies that are trusted. Never a metric label.
pub const CLIENT_ADDRESS: &str = "client.address";
/// Path as called. Never a metric label.
pub const URL_PATH: &str = "url.path";
/// `http` or `https`.
pub const URL_SCHEME: &str = "url.scheme";
/// What a client called, without credentials. Never a metric label.
pub const URL_FULL: &str = "url.full";

/// Request to response headers, as the conventions have it. Reported by every HTTP server.
pub const SERVER_REQUEST_DURATION: Instrument = Instrument::histogram_of(
    "http.server.request.duration",
    "s",
    buckets::HTTP_SECONDS,
    "Duration of HTTP server requests, to the response headers.",
);
/// Requests being answered. Reported by every HTTP server.
pub const SERVER_ACTIVE_REQUESTS: Instrument = Instrument::number(
    "http.server.active_requests",
    "{request}",
    "Number of HTTP server requests in flight.",
);
/// Size of request bodies. Reported by every HTTP server.
pub const SERVER_REQUEST_BODY_SIZE: Instrument = Instrument::histogram_of(
    "http.server.request.body.size",
    "By",
    buckets::BODY_BYTES,
    "Size of HTTP server request bodies.",
);
/// Size of response bodies. Reported by every HTTP server.
pub const SERVER_RESPONSE_BODY_SIZE: Instrument = Instrument::histogram_of(
    "http.server.response.body.size",
    "By",
    buckets::BODY_BYTES,
    "Size of HTTP server response bodies.",
);
/// Request to response headers, as the client sees it. Reported by who calls.
pub const CLIENT_REQUEST_DURATION: Instrument = Instrument::histogram_of(
    "http.client.request.duration",
    "s",
    buckets::HTTP_SECONDS,
    "Duration of HTTP client requests, to the response headers.",
);
