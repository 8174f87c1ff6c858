//! Every name that leaves a process: spans, attributes, instruments, bucket lists.
//!
//! Where the OpenTelemetry semantic conventions (1.44.0; generative AI still in development) have a name, it is
//! theirs; ours begin with `app.`. A constant serves as a field name of a `tracing` macro too:
//!
//! ```
//! use telemetry::names::{http, span};
//!
//! let span = tracing::info_span!(
//!     "HTTP",
//!     { span::NAME } = "POST /v1/chat/completions",
//!     { span::KIND } = span::SERVER,
//!     { http::REQUEST_METHOD } = "POST",
//!     { http::RESPONSE_STATUS_CODE } = tracing::field::Empty,
//! );
//! span.record(http::RESPONSE_STATUS_CODE, 200);
//! ```
//!
//! What tells requests apart (a user, a conversation, a job, a subject with an id, a model's name
//! as the caller wrote it, a path) is a span attribute and never a metric label.

pub mod app;
pub mod buckets;
pub mod gen_ai;
pub mod http;
mod instrument;
pub mod messaging;
pub mod resource;
pub mod span;

pub use instrument::{Instrument, Kind};
