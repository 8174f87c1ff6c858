//! Built, run, drained.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use service_runtime::{
    BindError, Env, HttpLimits, HttpServer, Problems, Process, Shutdown, Variable,
};
use telemetry::{Identity, ServiceTelemetry};

use crate::routes::{self, Served};
use crate::settings::{LISTEN, VARIABLES};
use crate::{Journal, Settings};

/// How long answers that are being played may still take once the end was asked for.
const DRAIN_TIME: Duration = Duration::from_secs(10);

/// The simulator, bound but not yet answering.
#[derive(Debug)]
pub struct Simulator {
    server: HttpServer,
    router: Router,
    journal: Journal,
    /// Ends the waits that would never end, when the run is told to stop.
    stopping: Shutdown,
}

impl Simulator {
    /// Who it is in traces and logs.
    pub const IDENTITY: Identity = Identity {
        name: "model-simulator",
        version: env!("CARGO_PKG_VERSION"),
        crate_target: "model_simulator",
    };
    /// Every variable that [`Settings::from_env`] reads.
    pub const VARIABLES: &'static [Variable] = VARIABLES;

    /// Takes the port. Needs a running tokio runtime.
    ///
    /// # Errors
    ///
    /// When the port cannot be had.
    pub fn build(settings: Settings, telemetry: ServiceTelemetry) -> Result<Self, BindError> {
        let limits = HttpLimits { drain_time: DRAIN_TIME, ..HttpLimits::default() };
        let server = HttpServer::bind(settings.listen, LISTEN, limits)?;
        let journal = Journal::new();
        let stopping = Shutdown::manual();
        let served = Served::new(settings, journal.clone(), stopping.clone());
        let router = routes::router(Arc::new(served), &telemetry);
        Ok(Self { server, router, journal, stopping })
    }

    /// Where it really listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// What became of each request. Take it before [`Simulator::run_until`].
    pub fn journal(&self) -> Journal {
        self.journal.clone()
    }

    /// Answers until shutdown is requested and the answers in hand have ended, at most for ten
    /// seconds more.
    ///
    /// # Errors
    ///
    /// None today.
    pub async fn run_until(self, shutdown: Shutdown) -> anyhow::Result<()> {
        tracing::info!(http.addr = %self.address(), "simulator listening on {}", self.address());
        let stopping = async {
            shutdown.requested().await;
            self.stopping.request();
        };
        let served = self.server.serve(self.router, shutdown.clone());
        tokio::join!(served, stopping);
        Ok(())
    }
}

impl Process for Simulator {
    type Settings = Settings;

    const IDENTITY: Identity = Self::IDENTITY;
    const ABOUT: &'static str = "An OpenAI-compatible model server without a model: scripted, paced, able to fail on order.";
    const VARIABLES: &'static [&'static [Variable]] = &[VARIABLES];
    /// It has no health port of its own: `/readyz` is answered beside the API.
    const HEALTH_LISTEN: Option<Variable> = Some(VARIABLES[0]);

    fn settings(env: &Env) -> Result<Settings, Problems> {
        Settings::from_env(env)
    }

    async fn run(
        settings: Settings,
        telemetry: ServiceTelemetry,
        shutdown: Shutdown,
    ) -> anyhow::Result<()> {
        Self::build(settings, telemetry)?.run_until(shutdown).await
    }
}
