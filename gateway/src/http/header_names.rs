//! Names of headers that are ours, or those of the API.

use axum::http::HeaderName;

/// Names a request.
pub(super) const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Its trace.
pub(super) const TRACE_ID: HeaderName = HeaderName::from_static("x-trace-id");
/// How long it took to begin an answer.
pub(super) const PROCESSING_MS: HeaderName = HeaderName::from_static("openai-processing-ms");
/// `true` in a request for a stream: it ends with a receipt.
pub(super) const RECEIPT: HeaderName = HeaderName::from_static("x-chappe-receipt");
/// What the SDKs heed before their own rules.
pub(super) const SHOULD_RETRY: HeaderName = HeaderName::from_static("x-should-retry");
/// The same as `retry-after`, finer.
pub(super) const RETRY_AFTER_MS: HeaderName = HeaderName::from_static("retry-after-ms");
/// Of an answer that was made for an earlier request.
pub(super) const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");
/// How many requests a key may make in a minute.
pub(super) const RATE_LIMIT: HeaderName = HeaderName::from_static("x-ratelimit-limit-requests");
/// How many of them are left.
pub(super) const RATE_REMAINING: HeaderName =
    HeaderName::from_static("x-ratelimit-remaining-requests");
/// When all of them are again.
pub(super) const RATE_RESET: HeaderName = HeaderName::from_static("x-ratelimit-reset-requests");
