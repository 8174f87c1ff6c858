//! The health port: is it alive, is it ready, has it started, what are its figures.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use axum::{Json, Router};
use serde::Serialize;
use telemetry::ServiceTelemetry;

use crate::{BindError, HttpLimits, HttpServer, Shutdown};

/// What a service reports about itself. Cheap to clone; all clones report together.
///
/// It is ready when it has started, is not draining, and no check is [`Readiness::Failing`].
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<Reported>>);

#[derive(Debug, Default)]
struct Reported {
    started: bool,
    draining: bool,
    checks: BTreeMap<&'static str, Readiness>,
}

/// One reason to be ready, or not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "status", content = "reason", rename_all = "snake_case")]
pub enum Readiness {
    /// All is well.
    Ok,
    /// Worth an operator's look; traffic is still welcome.
    Warning(String),
    /// No traffic, please.
    Failing(String),
}

/// The answer of `/readyz`.
#[derive(Debug, Serialize)]
struct Report {
    ready: bool,
    started: bool,
    draining: bool,
    checks: BTreeMap<&'static str, Readiness>,
}

impl Health {
    /// Not started, nothing checked.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that start-up is over.
    pub fn started(&self) {
        self.state().started = true;
    }

    /// Says that no new work is taken any more. Readiness drops at once; liveness stays.
    pub fn draining(&self) {
        self.state().draining = true;
    }

    /// Sets the result of one check.
    pub fn report(&self, check: &'static str, readiness: Readiness) {
        self.state().checks.insert(check, readiness);
    }

    /// Whether traffic is welcome.
    pub fn is_ready(&self) -> bool {
        self.snapshot().ready
    }

    fn snapshot(&self) -> Report {
        let state = self.state();
        let failing = state.checks.values().any(|check| matches!(check, Readiness::Failing(_)));
        Report {
            ready: state.started && !state.draining && !failing,
            started: state.started,
            draining: state.draining,
            checks: state.checks.clone(),
        }
    }

    fn state(&self) -> MutexGuard<'_, Reported> {
        // Plain values: a panic elsewhere cannot have left them half-written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The health port, bound but not yet answering.
#[derive(Debug)]
pub struct HealthServer {
    server: HttpServer,
    router: Router,
}

impl HealthServer {
    /// Listens on `address`. `variable` is named in errors.
    ///
    /// # Errors
    ///
    /// When the port cannot be had.
    pub fn bind(
        address: SocketAddr,
        variable: &'static str,
        health: Health,
        telemetry: ServiceTelemetry,
    ) -> Result<Self, BindError> {
        let limits = HttpLimits {
            connections: 64,
            drain_time: Duration::from_secs(1),
            ..HttpLimits::default()
        };
        let server = HttpServer::bind(address, variable, limits)?;
        let router = Router::new()
            // Answering at all shows that the event loop turns.
            .route("/livez", get(async || "ok\n"))
            .route("/readyz", get(readyz))
            .route("/startupz", get(startupz))
            .with_state(health)
            .route("/metrics", get(metrics).with_state(telemetry));
        Ok(Self { server, router })
    }

    /// Where it really listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// Answers until shutdown is requested. Give it a shutdown that comes after the drain, so
    /// that the drain can be watched.
    pub async fn serve(self, shutdown: Shutdown) {
        self.server.serve(self.router, shutdown).await;
    }
}

async fn readyz(State(health): State<Health>) -> impl IntoResponse {
    let report = health.snapshot();
    (status(report.ready), Json(report))
}

async fn startupz(State(health): State<Health>) -> impl IntoResponse {
    let started = health.snapshot().started;
    (status(started), if started { "started\n" } else { "starting\n" })
}

async fn metrics(State(telemetry): State<ServiceTelemetry>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], telemetry.prometheus_text())
}

fn status(good: bool) -> StatusCode {
    if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE }
}

/// Asks `/readyz` at `address`, which `variable` names, without a runtime: what `--health` does.
pub(crate) fn ask(address: SocketAddr, variable: &str, limit: Duration) -> anyhow::Result<()> {
    let address = reachable(address);
    let mut connection = TcpStream::connect_timeout(&address, limit)
        .with_context(|| format!("nothing answers on {address} ({variable})"))?;
    connection.set_read_timeout(Some(limit))?;
    connection.set_write_timeout(Some(limit))?;
    write!(connection, "GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = Vec::new();
    connection.take(64 * 1024).read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer);
    if answer.starts_with("HTTP/1.1 200") {
        return Ok(());
    }
    let body = answer.split_once("\r\n\r\n").map_or("no answer", |(_head, body)| body);
    anyhow::bail!("not ready: {}", body.trim())
}

/// An address that listens on every interface is asked on loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    match address {
        SocketAddr::V4(v4) if v4.ip().is_unspecified() => ([127, 0, 0, 1], v4.port()).into(),
        SocketAddr::V6(v6) if v6.ip().is_unspecified() => {
            (std::net::Ipv6Addr::LOCALHOST, v6.port()).into()
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_asks_where_nothing_listens_is_told_where_it_was() {
        // Bound and let go: nothing listens there.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let asked = SocketAddr::from(([0, 0, 0, 0], free.port()));

        let error = ask(asked, "X_HEALTH_LISTEN", Duration::from_secs(3)).unwrap_err().to_string();

        assert_eq!(error, format!("nothing answers on {free} (X_HEALTH_LISTEN)"));
    }

    #[test]
    fn readiness_needs_a_start_no_failure_and_no_drain() {
        let health = Health::new();
        assert!(!health.is_ready(), "not started");

        health.started();
        assert!(health.is_ready());

        health.report("catalogue", Readiness::Warning("differs".to_owned()));
        assert!(health.is_ready(), "a warning does not stop traffic");

        health.report("nats", Readiness::Failing("disconnected".to_owned()));
        assert!(!health.is_ready());

        health.report("nats", Readiness::Ok);
        health.draining();
        assert!(!health.is_ready(), "draining");
    }
}
