//! Built, run, drained.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn, from_fn_with_state};
use service_runtime::{
    AllowedHosts, Env, Health, HealthServer, HttpLimits, HttpObserver, HttpServer, Problems,
    Process, Readiness, Shutdown, Tasks, Variable, observe_http,
};
use telemetry::names::app;
use telemetry::{Identity, ServiceTelemetry};
use tokio::time::Instant;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate as _};
use tower_http::csrf::CsrfLayer;

use crate::answer::{Answers, Ends};
use crate::gateway_client::{GatewayClient, Refused};
use crate::observe;
use crate::operate::Operators;
use crate::pages::{self, Served};
use crate::session::Session;
use crate::settings::{CookieSecure, Gallery, HEALTH_LISTEN, LISTEN, VARIABLES};
use crate::{Settings, assets, headers};

/// How often it looks whether the gateway answers.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// The chat page, bound but not yet answering.
#[derive(Debug)]
pub struct Web {
    server: HttpServer,
    health_server: HealthServer,
    health: Health,
    router: Router,
    gateway: GatewayClient,
    ends: Ends,
    lame_duck: Duration,
    drain_time: Duration,
    telemetry: ServiceTelemetry,
}

impl Web {
    /// Who it is in traces and logs.
    pub const IDENTITY: Identity =
        Identity { name: "web", version: env!("CARGO_PKG_VERSION"), crate_target: "web" };
    /// Every variable that [`Settings::from_env`] reads.
    pub const VARIABLES: &'static [Variable] = VARIABLES;

    /// Takes the ports. Needs a running tokio runtime.
    ///
    /// # Errors
    ///
    /// When a port cannot be had.
    pub fn build(settings: Settings, telemetry: ServiceTelemetry) -> anyhow::Result<Self> {
        let limits = HttpLimits { drain_time: settings.drain_time, ..HttpLimits::default() };
        let server = HttpServer::bind(settings.listen, LISTEN, limits)?
            .with_tls(settings.tls.clone())
            .behind(settings.trusted_proxies.clone())
            .with_hsts(settings.hsts.clone());
        let health = Health::new();
        let health_server = HealthServer::bind(
            settings.health_listen,
            HEALTH_LISTEN,
            health.clone(),
            telemetry.clone(),
        )?;
        let gateway = GatewayClient::new(&settings, &telemetry)?;
        let ends = Ends { soon: Shutdown::manual(), late: Shutdown::manual() };
        let Settings { allowed_hosts: hosts, cookie_secure: secure, gallery, .. } = settings;
        let tasks = Tasks::new();
        let answers =
            Answers::new(tasks.clone(), ends.clone(), settings.most_answers, telemetry.meter());
        let router = router(gateway.clone(), hosts, secure, gallery, (answers, tasks), &telemetry);
        Ok(Self {
            server,
            health_server,
            health,
            router,
            gateway,
            ends,
            lame_duck: settings.lame_duck,
            drain_time: settings.drain_time,
            telemetry,
        })
    }

    /// Where it really listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The same as the beginning of an address of the web: `http://127.0.0.1:8780`.
    pub fn origin(&self) -> String {
        self.server.origin()
    }

    /// Where health and metrics really are.
    pub fn health_address(&self) -> SocketAddr {
        self.health_server.address()
    }

    /// Answers until shutdown is requested and the answers in hand have ended, or the drain time
    /// is over; an answer that is cut then says so.
    ///
    /// # Errors
    ///
    /// None today.
    pub async fn run_until(self, shutdown: Shutdown) -> anyhow::Result<()> {
        let (address, origin) = (self.address(), self.origin());
        tracing::info!(http.addr = %address, "web listening on {origin}");
        self.health.started();
        let (over, door) = (Shutdown::manual(), Shutdown::manual());
        let serving = async {
            self.server.serve(self.router, door.clone()).await;
            over.request();
        };
        let draining = async {
            shutdown.requested().await;
            self.health.draining();
            // Only then: whoever asks first hears that this process is not ready any more, and has
            // the time to send readers elsewhere.
            tokio::time::sleep(self.lame_duck).await;
            door.request();
            self.ends.soon.request();
            let began = Instant::now();
            // The last tenth is for pages to say that their answers are read on elsewhere.
            tokio::select! {
                () = tokio::time::sleep(self.drain_time.mul_f32(0.9)) => self.ends.late.request(),
                () = over.requested() => {}
            }
            over.requested().await;
            let drained = app::DRAIN_DURATION.histogram(self.telemetry.meter());
            drained.record(began.elapsed().as_secs_f64(), &[]);
        };
        let health = self.health_server.serve(over.clone());
        let looking = look_after(&self.gateway, &self.health, &over);
        tokio::join!(serving, draining, health, looking);
        Ok(())
    }
}

/// Reports whether the gateway answers. A page without it still says what is wrong, so that this
/// is never a reason to send readers away.
async fn look_after(gateway: &GatewayClient, health: &Health, over: &Shutdown) {
    // On somebody's behalf as well, or a key that may not do that would be found by readers.
    let gateway = gateway.on_behalf_of(Session::fresh().owner());
    loop {
        let readiness = match gateway.models().await.refusal() {
            None => Readiness::Ok,
            Some(Refused::Key(trouble)) => {
                Readiness::Warning(format!("the gateway does not let the chat page in: {trouble}"))
            }
            Some(_) => Readiness::Warning("the gateway does not answer".to_owned()),
        };
        health.report("gateway", readiness);
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = over.requested() => return,
        }
    }
}

fn router(
    gateway: GatewayClient,
    hosts: AllowedHosts,
    secure: CookieSecure,
    gallery: Gallery,
    (answers, tasks): (Answers, Tasks),
    telemetry: &ServiceTelemetry,
) -> Router {
    let (files, assets) = assets::load();
    let refused_from = assets.clone();
    let csrf = CsrfLayer::new()
        .with_rejection_response(move |_error| pages::refused_origin(&refused_from));
    let strange_to = assets.clone();
    let guard = from_fn(move |request: Request, next: Next| {
        // Under a name that is not ours the script of another site would read our pages.
        let foreign = hosts.check_host(&request).err();
        let refused = foreign.map(|foreign| pages::refused_host(&strange_to, &foreign));
        async {
            match refused {
                None => next.run(request).await,
                Some(refused) => refused,
            }
        }
    });
    let compression = CompressionLayer::new()
        .compress_when(DefaultPredicate::new().and(headers::may_be_compressed));
    let operators = Operators::default();
    pages::router(
        Served { gateway, assets, answers, operators, secure, room: pages::Room::default(), tasks },
        gallery,
    )
    .layer(guard)
    .merge(files)
    .layer(csrf)
    .layer(compression)
    .layer(from_fn(headers::protect))
    .layer(from_fn_with_state(HttpObserver::new(telemetry, observe::span_of), observe_http))
}

impl Process for Web {
    type Settings = Settings;

    const IDENTITY: Identity = Self::IDENTITY;
    const ABOUT: &'static str = "The chat page of Chappe: a client of its gateway, in a browser.";
    const VARIABLES: &'static [&'static [Variable]] = &[VARIABLES];
    const HEALTH_LISTEN: Option<Variable> = Some(VARIABLES[1]);

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
