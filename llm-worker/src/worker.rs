//! The service: built, run, drained.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, BusError, LinkState};
use contract::{BEAT_EVERY, CatalogueHash, Lane, QueueName, WorkerBeat, WorkerId, streams};
use futures::StreamExt as _;
use outbound::CallError;
use service_runtime::{
    BindError, Env, Health, HealthServer, Problems, Process, Readiness, Shutdown, Tasks, Variable,
};
use telemetry::{Identity, ServiceTelemetry};
use tokio::time::Instant;

use crate::intake::{Desk, Gateways, Running, Slots, Stop, pull_jobs};
use crate::measures::Measures;
use crate::settings::{self, Settings};
use crate::upstream::Upstreams;
use crate::voice::Outboxes;

/// How long work that was told to stop may take to do so.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A worker, connected and not yet pulling.
#[derive(Debug)]
pub struct Worker {
    bus: Bus,
    desk: Arc<Desk>,
    tasks: Tasks,
    health: Health,
    health_server: HealthServer,
    queues: Vec<QueueName>,
    slots: usize,
    drain: Duration,
    catalogue: CatalogueHash,
}

/// Why a worker cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The health port cannot be had.
    #[error(transparent)]
    Port(#[from] BindError),
    /// NATS cannot be used.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The HTTP client cannot be made.
    #[error("the HTTP client cannot be made: {0}")]
    Client(#[from] CallError),
}

impl Worker {
    /// Binds the health port, connects, and checks that everything it needs is there.
    ///
    /// # Errors
    ///
    /// [`BuildError`]; nothing is left behind.
    pub async fn build(
        settings: Settings,
        telemetry: ServiceTelemetry,
    ) -> Result<Self, BuildError> {
        let health = Health::new();
        let variable = settings::VARIABLES[0].name;
        let measures = Arc::new(Measures::new(&telemetry));
        let health_server =
            HealthServer::bind(settings.health_listen, variable, health.clone(), telemetry)?;
        let upstreams = Upstreams::new(&settings.catalogue, &settings.keys, Arc::clone(&measures))?;
        let bus = Bus::connect(Self::IDENTITY.name, &settings.nats).await?;
        let jobs = streams::LANES.iter().map(|lane| streams::jobs_stream(*lane));
        let streams: Vec<&str> = jobs.chain([streams::DEAD]).collect();
        bus.require_streams(&streams).await?;
        for queue in &settings.queues {
            bus.jobs(Lane::Chat, queue).await?;
        }
        let blobs = bus.blobs().await?;
        let tasks = Tasks::new();
        measures.slots(settings.max_concurrency);
        let desk = Desk {
            outboxes: Outboxes::new(bus.clone(), tasks.clone()),
            bus: bus.clone(),
            blobs,
            worker: WorkerId::fresh(),
            upstreams,
            running: Running::default(),
            gateways: Gateways::new(),
            measures,
        };
        Ok(Self {
            bus,
            desk: Arc::new(desk),
            tasks,
            health,
            health_server,
            queues: settings.queues,
            slots: settings.max_concurrency,
            drain: settings.drain,
            catalogue: settings.catalogue.hash(),
        })
    }

    /// Where the health port listens.
    pub fn health_address(&self) -> SocketAddr {
        self.health_server.address()
    }

    /// Works until shutdown is requested; then finishes what it has in hand, or hands it back.
    ///
    /// # Errors
    ///
    /// When the bus is lost for good.
    pub async fn run_until(self, shutdown: Shutdown) -> anyhow::Result<()> {
        let Self { bus, desk, tasks, health, health_server, queues, slots, drain, catalogue } =
            self;
        let last = Shutdown::manual();
        let background = Tasks::new();
        background.spawn_detached(health_server.serve(last.clone()));
        background.spawn_detached(listen(bus.clone(), Arc::clone(&desk), last.clone()));
        background.spawn_detached(progress(Arc::clone(&desk), last.clone()));
        background.spawn_detached(watch_link(bus.clone(), health.clone(), last.clone()));
        let beat = Beat { queues: queues.clone(), slots, catalogue: catalogue.clone() };
        background.spawn_detached(beat.run(Arc::clone(&desk), shutdown.clone(), last.clone()));

        let pulls = Tasks::new();
        let shared = Slots::new(slots, queues.len());
        for queue in &queues {
            let source = bus.jobs(Lane::Chat, queue).await?;
            let pull = pull_jobs(
                source,
                shared.clone(),
                Arc::clone(&desk),
                tasks.clone(),
                shutdown.clone(),
            );
            pulls.spawn_detached(pull);
        }
        health.started();
        let worker = desk.worker;
        tracing::info!(
            "worker {worker} takes jobs: {slots} slots, {} queues, catalogue {catalogue}",
            queues.len()
        );

        shutdown.requested().await;
        health.draining();
        let drained = drain_all(&desk, &pulls, drain).await;
        desk.outboxes.close_all().await;
        if bus.barrier().await.is_err() {
            tracing::warn!("the last words may not have reached NATS");
        }
        last.request();
        let _told = tasks.finished(LAST_WORDS).await;
        let _told = background.finished(LAST_WORDS).await;
        tracing::info!("worker {worker} ended, {drained} jobs were broken off or handed back");
        Ok(())
    }
}

/// Waits for the jobs in hand; those that outlast `limit` are told to stop. Gives their number.
async fn drain_all(desk: &Desk, pulls: &Tasks, limit: Duration) -> usize {
    let deadline = Instant::now() + limit;
    let _told = pulls.finished(limit).await;
    idle_by(desk, deadline).await;
    let left = desk.running.count();
    if left > 0 {
        desk.running.stop_where(Stop::Draining, |_gateway| true);
        idle_by(desk, Instant::now() + LAST_WORDS).await;
    }
    left
}

/// Waits until nothing is in hand, at most until `deadline`.
async fn idle_by(desk: &Desk, deadline: Instant) {
    while desk.running.count() > 0 && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Hears gateways: their beats, and the jobs that they want stopped.
async fn listen(bus: Bus, desk: Arc<Desk>, until: Shutdown) {
    let (mut beats, mut cancels) =
        match (bus.gateway_beats().await, bus.cancellations(desk.worker).await) {
            (Ok(beats), Ok(cancels)) => (beats, cancels),
            (Err(error), _) | (_, Err(error)) => {
                tracing::error!(%error, "cannot listen to gateways: {error}");
                return;
            }
        };
    loop {
        tokio::select! {
            () = until.requested() => return,
            Some(cancel) = cancels.next() => desk.running.cancel(&cancel),
            Some(beat) = beats.next() => desk.gateways.heard(beat.gateway, Instant::now()),
            else => return,
        }
    }
}

/// Reports every job in hand in progress, so that it is not given to another worker.
async fn progress(desk: Arc<Desk>, until: Shutdown) {
    let mut ticks = tokio::time::interval(streams::delivery_rules(Lane::Chat).progress_every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = until.requested() => return,
            _ = ticks.tick() => desk.report_progress().await,
        }
    }
}

/// Tells the health port whether NATS is there.
async fn watch_link(bus: Bus, health: Health, until: Shutdown) {
    let mut state = bus.state();
    loop {
        let readiness = match *state.borrow_and_update() {
            LinkState::Connected => Readiness::Ok,
            LinkState::Disconnected => Readiness::Failing("NATS is disconnected".to_owned()),
        };
        health.report("nats", readiness);
        tokio::select! {
            () = until.requested() => return,
            changed = state.changed() => if changed.is_err() { return },
        }
    }
}

/// What this worker says of itself once a second.
struct Beat {
    queues: Vec<QueueName>,
    slots: usize,
    catalogue: CatalogueHash,
}

impl Beat {
    async fn run(self, desk: Arc<Desk>, draining: Shutdown, until: Shutdown) {
        let mut ticks = tokio::time::interval(BEAT_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = until.requested() => return,
                _ = ticks.tick() => {}
            }
            let beat = WorkerBeat {
                worker: desk.worker,
                queues: self.queues.clone(),
                slots: u32::try_from(self.slots).unwrap_or(u32::MAX),
                busy: u32::try_from(desk.running.count()).unwrap_or(u32::MAX),
                draining: draining.is_requested(),
                catalogue: self.catalogue.clone(),
            };
            if let Err(error) = desk.bus.beat_worker(&beat).await {
                tracing::debug!(%error, "a beat was not sent: {error}");
            }
            desk.drop_silent_gateways();
        }
    }
}

impl Process for Worker {
    type Settings = Settings;

    const IDENTITY: Identity = Identity {
        name: "llm-worker",
        version: env!("CARGO_PKG_VERSION"),
        crate_target: "llm_worker",
    };
    const ABOUT: &'static str =
        "Takes jobs from NATS, asks an OpenAI-compatible model, and streams the answers back.";
    const VARIABLES: &'static [Variable] = settings::VARIABLES;

    fn settings(env: &Env) -> Result<Settings, Problems> {
        Settings::from_env(env)
    }

    fn health_address(settings: &Settings) -> Option<SocketAddr> {
        Some(settings.health_listen)
    }

    async fn run(
        settings: Settings,
        telemetry: ServiceTelemetry,
        shutdown: Shutdown,
    ) -> anyhow::Result<()> {
        let worker = Self::build(settings, telemetry).await?;
        tracing::info!("health on http://{}", worker.health_address());
        worker.run_until(shutdown).await
    }
}
