//! The service: built, run, drained.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use bus::{Bus, BusError, Hops, LinkState, MailBox, Required};
use contract::{CatalogueHash, GatewayId, streams};
use service_runtime::{
    BindError, Env, Health, HealthServer, HttpLimits, HttpServer, Problems, Process, Shutdown,
    Tasks, Variable,
};
use telemetry::{Identity, ServiceTelemetry};
use tokio::time::Instant;

use crate::broker::Broker;
use crate::chat::{self, Chats, Register, Sweep, Workers};
use crate::conversations::Conversations;
use crate::hops;
use crate::http::{self, Api, Bodies, Door};
use crate::idempotency::Ledger;
use crate::keys::{KeyBook, KeyStore};
use crate::measures::Measures;
use crate::operator::{self, DeadLetters, Gateways, Operator, Teller};
use crate::queues::{self, Queues};
use crate::responses::{self, Readers, Responses, Waits};
use crate::settings::{self, Auth, Roles, Settings};

/// How long answers that were broken off may take to say so, and workers to be told.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// A gateway, connected and not yet answering.
#[derive(Debug)]
pub struct Gateway {
    id: GatewayId,
    bus: Bus,
    mail: MailBox,
    register: Arc<Register>,
    readers: Readers,
    workers: Arc<Workers>,
    measures: Arc<Measures>,
    queues: Queues,
    broker: Broker,
    hops: Option<(Hops, ServiceTelemetry)>,
    gateways: Arc<Gateways>,
    responses: Responses,
    book: Option<KeyBook>,
    roles: Roles,
    open_log_quiet: Duration,
    tasks: Tasks,
    router: Router,
    server: HttpServer,
    health: Health,
    health_server: HealthServer,
    lame_duck: Duration,
    drain: Duration,
    answer_timeout: Duration,
    catalogue: CatalogueHash,
}

/// Why a gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A port cannot be had.
    #[error(transparent)]
    Port(#[from] BindError),
    /// NATS cannot be used.
    #[error(transparent)]
    Bus(#[from] BusError),
}

impl Gateway {
    /// Binds its ports, connects, and checks that everything it needs is there.
    ///
    /// # Errors
    ///
    /// [`BuildError`]; nothing is left behind.
    pub async fn build(
        settings: Settings,
        telemetry: ServiceTelemetry,
    ) -> Result<Self, BuildError> {
        let limits =
            HttpLimits { drain_time: settings.drain + LAST_WORDS, ..HttpLimits::default() };
        let server = HttpServer::bind(settings.listen, settings::LISTEN.name, limits)?
            .with_tls(settings.tls)
            .behind(settings.trusted_proxies)
            .with_hsts(settings.hsts);
        let health = Health::new();
        let measures = Arc::new(Measures::new(&telemetry));
        let variable = settings::HEALTH_LISTEN.name;
        let health_server = HealthServer::bind(
            settings.health_listen,
            variable,
            health.clone(),
            telemetry.clone(),
        )?;

        let bus = Bus::connect(Self::IDENTITY.name, &settings.nats).await?;
        let queues = Queues::new(bus.clone(), settings.catalogue.queues(), &telemetry);
        bus.require(&required()).await?;
        let hops = match settings.broker_spans_percent {
            percent @ 1.. if telemetry.has_spans() => {
                Some((bus.hear_hops(percent).await?, telemetry.clone()))
            }
            _none => None,
        };
        let blobs = bus.blobs().await?;
        // The server cuts a connection that more is asked for on than is read. Logs are large, and
        // read by many at once: they share none with the answers that nothing brings back.
        let stored = Bus::connect_for_logs("gateway.logs", &settings.nats).await?.beside(&bus);
        let records = stored.records(streams::CONVERSATIONS).await?;
        let _there = stored.records(streams::RESPONSES).await?;
        let idempotency = stored.records(streams::IDEMPOTENCY).await?;
        let keys = bus.keys().await?;
        let book = match settings.auth {
            Auth::Off => None,
            Auth::Keys => Some(KeyBook::open(bus.clone(), keys.clone()).await?),
        };
        let id = GatewayId::fresh();
        let mail = bus.gateway_mail(id).await?;

        let tasks = Tasks::new();
        let workers = Arc::new(Workers::new(Instant::now()));
        queues::observe_workers(settings.catalogue.queues(), Arc::clone(&workers), &telemetry);
        let broker = Broker::new(bus.clone(), &telemetry);
        let register =
            Register::new(bus.clone(), blobs.clone(), tasks.clone(), Arc::clone(&measures));
        let register = Arc::new(register);
        let catalogue = settings.catalogue.hash();
        let gateways = Arc::new(Gateways::default());
        let chats = Chats::new(
            id,
            bus.clone(),
            settings.catalogue.clone(),
            Arc::clone(&register),
            Arc::clone(&workers),
            Arc::clone(&measures),
        );
        let readers = Readers::default();
        readers.observe(&telemetry);
        let ledger = Ledger::new(idempotency, tasks.clone());
        let conversations =
            Conversations::new(stored.clone(), records, ledger.clone(), tasks.clone());
        let responses = Responses::new(responses::Parts {
            bus: stored,
            blobs,
            chats: chats.clone(),
            conversations: conversations.clone(),
            ledger: ledger.clone(),
            tasks: tasks.clone(),
            measures: Arc::clone(&measures),
            readers: readers.clone(),
            waits: Waits::new(Arc::clone(&workers), queues.seen()),
            answer_timeout: settings.answer_timeout,
        });
        let operator = Operator::new(operator::Parts {
            gateway: id,
            bus: bus.clone(),
            catalogue: settings.catalogue,
            gateways: Arc::clone(&gateways),
            workers: Arc::clone(&workers),
            queues: queues.seen(),
            measures: Arc::clone(&measures),
            register: Arc::clone(&register),
            readers: readers.clone(),
            dead_letters: DeadLetters::new(bus.clone(), responses.clone(), tasks.clone()),
        });
        let api = Api::new(http::Parts {
            chats,
            responses: responses.clone(),
            conversations,
            ledger,
            keys: KeyStore::new(keys, tasks.clone()),
            operator,
            measures: Arc::clone(&measures),
            bodies: Bodies::new(settings.body_limit_bytes, settings.bodies_limit_bytes),
            head_wait: settings.head_wait,
        });
        let door = Door { hosts: settings.allowed_hosts, cors: settings.cors_origins };
        let router = http::router(api, door, book.clone());
        Ok(Self {
            id,
            bus,
            mail,
            register,
            readers,
            workers,
            measures,
            queues,
            broker,
            hops,
            gateways,
            responses,
            book,
            roles: settings.roles,
            open_log_quiet: settings.open_log_quiet,
            tasks,
            router,
            server,
            health,
            health_server,
            lame_duck: settings.lame_duck,
            drain: settings.drain,
            answer_timeout: settings.answer_timeout,
            catalogue,
        })
    }

    /// Where the API listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The same as the beginning of an address of the web: `http://127.0.0.1:8790`.
    pub fn origin(&self) -> String {
        self.server.origin()
    }

    /// Where the health port listens.
    pub fn health_address(&self) -> SocketAddr {
        self.health_server.address()
    }

    /// Answers until shutdown is requested; then lets open answers end, or breaks them off.
    ///
    /// # Errors
    ///
    /// When the bus cannot be listened to.
    pub async fn run_until(self, shutdown: Shutdown) -> anyhow::Result<()> {
        let Self { id, bus, mail, register, readers, workers, measures, tasks, .. } = self;
        let last = Shutdown::manual();
        let background = Tasks::new();
        background.spawn_detached(self.health_server.serve(last.clone()));
        background.spawn_detached(chat::read_mail(
            mail,
            bus.clone(),
            Arc::clone(&register),
            last.clone(),
        ));
        background.spawn_detached(self.gateways.listen(&bus, last.clone()).await?);
        let teller = Teller { gateway: id, bus: bus.clone(), measures: Arc::clone(&measures) };
        background.spawn_detached(teller.listen(last.clone()).await?);
        let beats = chat::WorkerBeats::open(&bus).await?;
        background.spawn_detached(beats.hear(
            Arc::clone(&workers),
            self.catalogue.clone(),
            self.health.clone(),
            last.clone(),
        ));
        let (asking, reading) = (Arc::clone(&register), readers.clone());
        background.spawn_detached(chat::beat(
            id,
            bus.clone(),
            move || asking.count() + reading.count(),
            shutdown.clone(),
            last.clone(),
        ));
        let sweep = Sweep {
            bus: bus.clone(),
            register: Arc::clone(&register),
            workers: Arc::clone(&workers),
            answer_timeout: self.answer_timeout,
        };
        background.spawn_detached(sweep.run(last.clone()));
        let (seen, figures) = (self.queues.seen(), Arc::clone(&measures));
        background.spawn_detached(operator::watch_queues(seen, figures, last.clone()));
        background.spawn_detached(self.queues.watch(last.clone()));
        background.spawn_detached(self.broker.watch(last.clone()));
        if let Some((told, telemetry)) = self.hops {
            background.spawn_detached(hops::tell(told, telemetry, last.clone()));
        }
        if let Some(book) = self.book {
            background.spawn_detached(book.follow(self.health.clone(), last.clone()));
        }
        if self.roles.chores {
            let reconciler = self.responses.reconciler(self.open_log_quiet);
            background.spawn_detached(reconciler.run(shutdown.clone()));
            background.spawn_detached(self.responses.sealer().run(shutdown.clone()));
        }
        let (link, health, until) = (bus.clone(), self.health.clone(), last.clone());
        background.spawn_detached(async move {
            let tell = |state| match state {
                // Since now silence of a worker counts.
                LinkState::Connected => workers.listening(Instant::now()),
                LinkState::Disconnected => {}
            };
            link.watch_link(&health, &until, tell).await;
        });
        let (streams, health, until) = (bus.clone(), self.health.clone(), last.clone());
        background.spawn_detached(async move {
            streams.watch_required(&required(), &health, &until).await;
        });

        let origin = self.server.origin();
        self.health.started();
        tracing::info!("gateway {id} answers on {origin}, catalogue {}", self.catalogue);
        let serving = Tasks::new();
        let closing = Shutdown::manual();
        if self.roles.api {
            serving.spawn_detached(self.server.serve(self.router, closing.clone()));
        } else {
            // Nobody is answered, so nobody may connect.
            drop(self.server);
        }

        shutdown.requested().await;
        let began = Instant::now();
        self.health.draining();
        // Whoever sends requests here learns that this gateway is not ready before its door closes.
        tokio::time::sleep(self.lame_duck).await;
        closing.request();
        let cut_off = match serving.finished(self.drain).await {
            Ok(()) => 0,
            Err(_still_serving) => {
                let cut_off = register.break_off_all() + readers.break_off_all();
                let _said = serving.finished(LAST_WORDS).await;
                cut_off
            }
        };
        measures.drained(began.elapsed(), cut_off);

        // Workers are told to stop before the connection ends.
        let _told = tasks.finished(LAST_WORDS).await;
        if bus.barrier().await.is_err() {
            tracing::warn!("the last words may not have reached NATS");
        }
        last.request();
        let _ended = background.finished(LAST_WORDS).await;
        tracing::info!("gateway {id} ended, {cut_off} answers were broken off");
        Ok(())
    }
}

/// What must be there for jobs to be queued, and answers to be stored.
fn required() -> Required {
    let jobs = streams::LANES.iter().copied().map(streams::jobs_stream);
    let streams = jobs.chain([streams::LOGS, streams::CHORES]).map(str::to_owned);
    let buckets = streams::buckets().into_iter().map(|bucket| streams::bucket_stream(bucket.name));
    Required { streams: streams.chain(buckets).collect(), queues: Vec::new() }
}

impl Process for Gateway {
    type Settings = Settings;

    const IDENTITY: Identity =
        Identity { name: "gateway", version: env!("CARGO_PKG_VERSION"), crate_target: "gateway" };
    const ABOUT: &'static str =
        "Answers the OpenAI API over HTTP: puts jobs into NATS, and hands back what workers say.";
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
        let gateway = built?;
        tracing::info!("health on http://{}", gateway.health_address());
        gateway.run_until(shutdown).await
    }
}
