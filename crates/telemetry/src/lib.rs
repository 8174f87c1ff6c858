//! Traces, metrics and logs: set-up, names, propagation.
//!
//! # Where to look
//!
//! * [`init`]: called once in a process, before anything is logged; gives a [`Telemetry`].
//! * [`ServiceTelemetry`]: what the `build` of a service receives: its meter, its `/metrics` text.
//! * [`PastSpan`]: a span of what is over, as somebody else told it.
//! * [`names`]: every span, attribute and instrument name. A dashboard and the code that feeds it
//!   agree because both read this list.
//! * [`propagation`]: W3C trace context in and out of any carrier (HTTP headers, NATS headers).
//! * [`refusals`]: what NATS did not permit. [`clock`]: how far its clock is from ours.
//!   [`connections`]: whether those to NATS stand.
//!
//! # How it is put together
//!
//! Several services may live in one process, each with its own `service.name`. One layer turns
//! `tracing` spans into OpenTelemetry spans and hands each to the provider of the service whose
//! crate made it. A span of any other crate is not exported: a library that wants to be seen takes
//! a span made by its service. Events are log lines on stderr, and with export on they are sent as
//! well, to nobody else; they carry the ids of the span that was current.
//!
//! With export off there is no such layer, no thread and no span: `info_span!` costs a branch.
//! Metrics are always counted, for the scrape endpoint.
//!
//! # What never happens here
//!
//! * No function takes a prompt or an answer, and no name here is meant for one: neither is ever a
//!   span attribute, a metric label or a log field.
//! * Nothing is measured twice: a name in [`names`] says which service reports it.
//! * Baggage is neither read nor written.

pub mod clock;
pub mod connections;
mod error;
mod export;
mod identity;
mod logs;
mod lost;
pub mod names;
mod past;
pub mod propagation;
pub mod refusals;
mod routing;
mod service;
mod settings;
mod setup;
#[cfg(test)]
mod testing;

pub use error::InitError;
pub use identity::Identity;
pub use past::PastSpan;
pub use service::{PROMETHEUS_CONTENT_TYPE, ServiceTelemetry};
pub use settings::{Exported, InvalidLogFilter, LogFilter, LogFormat, Otlp, Settings};
pub use setup::{Telemetry, init};
