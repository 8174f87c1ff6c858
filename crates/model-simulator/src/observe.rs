//! The span of each HTTP request. Made here: a span belongs to the service whose crate made it.

use telemetry::names::{http, span};
use tracing::Span;

pub(crate) fn span_of(method: &str, route: &str) -> Span {
    tracing::info_span!(
        "request",
        { span::NAME } = http::server_span_name(method, route),
        { span::KIND } = span::SERVER,
        { span::STATUS_CODE } = tracing::field::Empty,
        { http::REQUEST_METHOD } = method,
        { http::ROUTE } = route,
        { http::RESPONSE_STATUS_CODE } = tracing::field::Empty,
    )
}
