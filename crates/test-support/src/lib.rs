//! Fixtures for tests: the release programs as processes, a collector that tells what it got.
//!
//! * [`Program`]: one of our programs, with its log and its end.
//! * [`Stack`]: nats-server, `nats-init`, gateway, worker, web and simulator, each a process.
//! * [`TestNats`]: a nats-server that can be killed and started again.
//! * [`OtlpReceiver`]: takes traces and metrics as a collector does.
//! * [`Certificates`]: an authority, and what a server needs for TLS.
//! * [`Log`]: what is logged on the threads of one test.
//! * [`http_client`]: a client that uses no proxy.
//! * [`free_port`]: a port that nobody else in this test run gets.
//!
//! A fixture that cannot be had is a failed test, so these functions panic.
#![expect(
    clippy::panic,
    clippy::expect_used,
    reason = "a broken fixture fails the test that needs it"
)]

mod binaries;
mod certificates;
mod http;
mod log;
mod nats;
mod otlp;
mod ports;
mod program;
mod stack;

pub use binaries::binary;
pub use certificates::Certificates;
pub use http::{http_client, http_client_that_stays};
pub use log::{Listening, Log};
pub use nats::TestNats;
pub use otlp::{ExportedSpan, OtlpReceiver};
pub use ports::free_port;
pub use program::Program;
pub use stack::{Stack, StackBuilder};
