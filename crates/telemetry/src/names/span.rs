//! Fields by which a `tracing` span says what it is as an OpenTelemetry span, and names in common.
//!
//! A whole number is recorded as `i64`: the layer that makes spans knows no other, and exports one
//! without a sign as text.

/// The span's name where it is not the one in the code: `POST /v1/chat/completions`.
pub const NAME: &str = "otel.name";
/// The span's kind: one of the four below; internal when nothing is said.
pub const KIND: &str = "otel.kind";
/// `ERROR` when the operation failed. Left alone otherwise.
pub const STATUS_CODE: &str = "otel.status_code";

/// Kind: answers a request.
pub const SERVER: &str = "server";
/// Kind: makes a request and waits.
pub const CLIENT: &str = "client";
/// Kind: sends a message that carries this span's context.
pub const PRODUCER: &str = "producer";
/// Kind: works on a message.
pub const CONSUMER: &str = "consumer";

/// The value of [`STATUS_CODE`] on failure.
pub const ERROR: &str = "ERROR";

/// What kind of failure: one of a few words of ours, or a status code. Also a metric label.
pub const ERROR_TYPE: &str = "error.type";
/// Host that is talked to.
pub const SERVER_ADDRESS: &str = "server.address";
/// Port that is talked to.
pub const SERVER_PORT: &str = "server.port";
