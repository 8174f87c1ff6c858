//! What every process of Chappe needs, whatever it does.
//!
//! # Where to look
//!
//! * [`Env`] and [`Reader`]: settings from the environment, every problem reported at once.
//! * [`process`]: `--help`, `--version`, `--health`, then the service until it is told to stop.
//! * [`Shutdown`] and [`Tasks`]: who asks for the end, and who is waited for.
//! * [`HttpServer`]: a listener with limits: header time, connections, a drain that ends; [`Tls`],
//!   [`Hsts`].
//!   [`Authorities`]: whose certificates a client of ours takes.
//! * [`Client`]: where a request comes from, as far as [`TrustedProxies`] say so.
//! * [`read_body`]: a request's body, with limits. [`AllowedHosts`]: whose requests are taken.
//! * [`observe_http`]: a span and figures for each request.
//! * [`masked`]: a text without what looks like a secret, for whoever quotes others.
//! * [`write_whole`]: a file that is there whole or not at all, and whose secret is its owner's.
//! * [`Health`]: `/livez`, `/readyz`, `/startupz` and `/metrics` on a port of their own.
//!
//! # What never happens here
//!
//! * Nothing knows what is served: no jobs, no models, no NATS.
//! * No other crate reads the process environment.

mod allowed_hosts;
mod authorities;
mod cli;
mod client;
mod connection;
mod core_dumps;
mod env;
mod exit;
mod head;
mod health;
mod hsts;
mod http_observer;
mod http_server;
mod masked;
mod process;
mod request_body;
mod shutdown;
mod tasks;
mod telemetry_settings;
mod whole_file;

pub use allowed_hosts::{AllowedHosts, Foreign};
pub use authorities::Authorities;
pub use cli::{Variable, variables_text};
pub use client::{Client, TrustedProxies};
pub use connection::Connection;
pub use core_dumps::refuse_core_dumps;
pub use env::{Env, Problem, Problems, Reader};
pub use exit::{BAD_CONFIGURATION, bad_configuration, failed};
pub use health::{Health, HealthServer, Readiness};
pub use hsts::{Hsts, InvalidHsts};
pub use http_observer::{HttpObserver, observe_http};
pub use http_server::{BindError, HttpLimits, HttpServer, Tls};
pub use masked::masked;
pub use process::{Process, arguments, process};
pub use request_body::{BodyError, read_body, read_body_into};
pub use shutdown::Shutdown;
pub use tasks::Tasks;
pub use telemetry_settings::{TELEMETRY_VARIABLES, telemetry_settings};
pub use whole_file::{Readers, write_whole};

/// Makes `ring` the process's TLS implementation, unless one is already chosen.
///
/// Every HTTPS client in the process needs one; calling this twice is harmless.
pub fn install_tls_provider() {
    // An error says that another provider stands already, which is just as well.
    let _already_chosen = rustls::crypto::ring::default_provider().install_default();
}
