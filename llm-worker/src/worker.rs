//! The service: built, run, drained.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, BusError, ForWorker, LinkState, Required};
use contract::{
    BEAT_EVERY, CatalogueHash, GatewayBeat, Lane, QueueName, WorkerBeat, WorkerId, streams,
};
use futures::{Stream, StreamExt as _};
use outbound::CallError;
use service_runtime::{
    BindError, Env, Health, HealthServer, Problems, Process, Shutdown, Tasks, Variable,
};
use telemetry::{Identity, ServiceTelemetry};
use tokio::time::Instant;

use crate::intake::{Desk, Gateways, Ready, Running, Slots, pull_jobs};
use crate::measures::Measures;
use crate::script::Scripts;
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
        let variable = settings::HEALTH_LISTEN.name;
        let measures = Arc::new(Measures::new(&telemetry));
        let health_server =
            HealthServer::bind(settings.health_listen, variable, health.clone(), telemetry)?;
        measures.prices(&settings.catalogue);
        let upstreams = Upstreams::new(&settings.catalogue, &settings.keys, &measures)?;
        let bus = Bus::connect(Self::IDENTITY.name, &settings.nats).await?;
        bus.require(&required(&settings.queues)).await?;
        let blobs = bus.blobs().await?;
        let tasks = Tasks::new();
        measures.slots(settings.max_concurrency, &settings.queues);
        let worker = WorkerId::fresh();
        let desk = Desk {
            outboxes: Outboxes::new(bus.clone(), worker, tasks.clone()),
            bus: bus.clone(),
            blobs,
            worker,
            upstreams,
            scripts: Scripts::default(),
            unread: settings.unread,
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
    /// When the bus cannot be listened to.
    pub async fn run_until(self, shutdown: Shutdown) -> anyhow::Result<()> {
        let Self { bus, desk, tasks, health, health_server, queues, slots, drain, catalogue } =
            self;
        // Before the first job: whoever wants one stopped is heard from its claim on.
        let ears = Ears::open(&desk).await?;
        let mut sources = Vec::new();
        let shared = Slots::new(slots, queues.len());
        for queue in &queues {
            let ready = Ready::default();
            for lane in streams::LANES {
                sources.push((bus.jobs(*lane, queue).await?, shared.of(*lane, &ready)));
            }
        }
        let last = Shutdown::manual();
        let background = Tasks::new();
        background.spawn_detached(health_server.serve(last.clone()));
        background.spawn_detached(ears.listen(Arc::clone(&desk), last.clone()));
        for lane in streams::LANES {
            background.spawn_detached(progress(*lane, Arc::clone(&desk), last.clone()));
        }
        let (listener, reported, until) = (Arc::clone(&desk), health.clone(), last.clone());
        background.spawn_detached(async move {
            // Whether silence of a gateway means anything.
            let tell = |state| match state {
                LinkState::Connected => listener.gateways.listening(Instant::now()),
                LinkState::Disconnected => listener.gateways.deaf(),
            };
            listener.bus.watch_link(&reported, &until, tell).await;
        });
        let (watcher, reported, until) = (bus.clone(), health.clone(), last.clone());
        let needed = required(&queues);
        background.spawn_detached(async move {
            watcher.watch_required(&needed, &reported, &until).await;
        });
        let beat = Beat { queues: queues.clone(), slots, catalogue: catalogue.clone() };
        background.spawn_detached(beat.run(Arc::clone(&desk), shutdown.clone(), last.clone()));

        let (pulls, work) = (Tasks::new(), Tasks::new());
        for (source, places) in sources {
            let (desk, work) = (Arc::clone(&desk), work.clone());
            pulls.spawn_detached(pull_jobs(source, places, desk, work, shutdown.clone()));
        }
        health.started();
        let worker = desk.worker;
        tracing::info!(
            "worker {worker} takes jobs: {slots} slots, {} queues, catalogue {catalogue}",
            queues.len()
        );

        shutdown.requested().await;
        health.draining();
        desk.measures.draining();
        let began = Instant::now();
        let cut_off = finish(&desk, &pulls, &work, drain).await;
        desk.outboxes.close_all().await;
        if bus.barrier().await.is_err() {
            tracing::warn!("the last words may not have reached NATS");
        }
        desk.measures.drained(began.elapsed(), cut_off);
        last.request();
        let _told = tasks.finished(LAST_WORDS).await;
        let _told = background.finished(LAST_WORDS).await;
        tracing::info!("worker {worker} ended, {cut_off} jobs were broken off or handed back");
        Ok(())
    }
}

/// What must be there for jobs to come, to be answered, and to be given up.
fn required(queues: &[QueueName]) -> Required {
    let jobs = streams::LANES.iter().map(|lane| streams::jobs_stream(*lane));
    let lanes_of = |queue: &QueueName| {
        let queue = queue.clone();
        streams::LANES.iter().map(move |lane| (*lane, queue.clone()))
    };
    Required {
        streams: jobs
            .chain([streams::LOGS, streams::CHORES, streams::DEAD])
            .map(str::to_owned)
            .collect(),
        queues: queues.iter().flat_map(lanes_of).collect(),
    }
}

/// Waits for the jobs in hand; those that outlast `limit` are told to stop. Gives their number.
async fn finish(desk: &Desk, pulls: &Tasks, work: &Tasks, limit: Duration) -> usize {
    let deadline = Instant::now() + limit;
    // Short: what is on its way is handed back.
    let _told = pulls.finished(limit).await;
    let left = deadline.saturating_duration_since(Instant::now());
    let Err(cut_off) = work.finished(left).await else { return 0 };
    desk.running.drain();
    if let Err(deaf) = work.finished(LAST_WORDS).await {
        tracing::error!("{deaf} jobs did not stop; the queue delivers them again");
    }
    cut_off
}

/// Hears gateways: their beats, the jobs that they want stopped, and what they have read.
struct Ears {
    beats: Box<dyn Stream<Item = GatewayBeat> + Send + Unpin>,
    mail: Box<dyn Stream<Item = ForWorker> + Send + Unpin>,
}

impl Ears {
    async fn open(desk: &Desk) -> Result<Self, BusError> {
        Ok(Self {
            beats: Box::new(desk.bus.gateway_beats().await?),
            mail: Box::new(desk.bus.worker_mail(desk.worker).await?),
        })
    }

    async fn listen(mut self, desk: Arc<Desk>, until: Shutdown) {
        loop {
            tokio::select! {
                () = until.requested() => return,
                Some(mail) = self.mail.next() => match mail {
                    ForWorker::Cancel(cancel) => desk.running.cancel(&cancel),
                    ForWorker::Credit(credit) => desk.running.credit(&credit),
                    ForWorker::Receipt(gateway, read) => desk.outboxes.have_read(gateway, read),
                },
                Some(beat) = self.beats.next() => {
                    desk.gateways.heard(beat.gateway, Instant::now());
                }
                else => return,
            }
        }
    }
}

/// Reports the jobs of a lane that are in hand in progress, so that they are not given to another
/// worker.
async fn progress(lane: Lane, desk: Arc<Desk>, until: Shutdown) {
    let mut ticks = tokio::time::interval(streams::delivery_rules(lane).progress_every);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = until.requested() => return,
            _ = ticks.tick() => desk.report_progress(lane).await,
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
        let mut told = false;
        loop {
            tokio::select! {
                () = until.requested() => return,
                // At once, so that gateways count on it no longer than they must.
                () = draining.requested(), if !told => told = true,
                _ = ticks.tick() => {}
            }
            let beat = WorkerBeat {
                worker: desk.worker,
                queues: self.queues.clone(),
                slots: u32::try_from(self.slots).unwrap_or(u32::MAX),
                busy: u32::try_from(desk.running.count()).unwrap_or(u32::MAX),
                draining: draining.is_requested(),
                catalogue: self.catalogue.clone(),
                version: env!("CARGO_PKG_VERSION").to_owned(),
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
    const VARIABLES: &'static [&'static [Variable]] = settings::VARIABLES;
    const HEALTH_LISTEN: Option<Variable> = Some(settings::HEALTH_LISTEN);

    fn settings(env: &Env) -> Result<Settings, Problems> {
        Settings::from_env(env)
    }

    async fn run(
        settings: Settings,
        telemetry: ServiceTelemetry,
        shutdown: Shutdown,
    ) -> anyhow::Result<()> {
        let building = Box::pin(Self::build(settings, telemetry));
        let Some(built) = shutdown.unless_requested(building).await else { return Ok(()) };
        let worker = built?;
        tracing::info!("health on http://{}", worker.health_address());
        worker.run_until(shutdown).await
    }
}
