//! HTTP, on both sides.
//!
//! A server span is named `{method} {route}`, a client span `{method}`. A method outside the
//! standard is [`METHOD_OTHER`] as attribute and [`SPAN_METHOD_OTHER`] in a span's name.
//!
//! `url.path` and `url.query`, which the conventions ask for, are left out: whoever calls may have
//! written anything into them, a key as well.

use super::{Instrument, buckets};

/// A method as telemetry may show it: what is not in the standard may be anything.
#[must_use]
pub fn known_method(method: &str) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method).unwrap_or(METHOD_OTHER)
}

/// The name of a server span, of a method as [`known_method`] gives it.
#[must_use]
pub fn server_span_name(method: &str, route: &str) -> String {
    let method = if method == METHOD_OTHER { SPAN_METHOD_OTHER } else { method };
    format!("{method} {route}").trim_end().to_owned()
}

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
pub const SERVER_ACTIVE_REQUESTS: Instrument = Instrument::up_down_of(
    "http.server.active_requests",
    "{request}",
    "Number of HTTP server requests in flight.",
);
/// Size of request bodies that are read whole. Reported by the gateway.
pub const SERVER_REQUEST_BODY_SIZE: Instrument = Instrument::histogram_of(
    "http.server.request.body.size",
    "By",
    buckets::BODY_BYTES,
    "Size of HTTP server request bodies.",
);
/// Request to response headers, as the client sees it. Reported by who calls.
pub const CLIENT_REQUEST_DURATION: Instrument = Instrument::histogram_of(
    "http.client.request.duration",
    "s",
    buckets::HTTP_SECONDS,
    "Duration of HTTP client requests, to the response headers.",
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_somebody_made_up_is_no_label_and_in_no_name() {
        assert_eq!(known_method("DELETE"), "DELETE");
        for other in ["c4n4ry", "get", "", "GET /"] {
            assert_eq!(known_method(other), METHOD_OTHER, "{other}");
        }
        assert_eq!(server_span_name(METHOD_OTHER, "/v1/models"), "HTTP /v1/models");
        assert_eq!(server_span_name("GET", ""), "GET");
    }
}
