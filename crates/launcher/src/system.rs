//! Everything on one machine: started in order, stopped in the reverse order.

use std::path::{Path, PathBuf};
use std::time::Duration;

use bus::{Bus, MODELS_FILE};
use contract::Catalogue;
use gateway::{Auth, Gateway};
use llm_worker::Worker;
use model_simulator::Simulator;
use nats_server::NatsServer;
use secrecy::SecretString;
use service_runtime::{Env, Process, Shutdown, Tasks};
use telemetry::{Identity, Telemetry};
use web::Web;

use crate::data_dir::DataDir;
use crate::model_choice::{self, ModelChoice, Wish};
use crate::{discovery, keys, nats, screen, settings};

/// Everyone who speaks in this process.
pub(crate) const IDENTITIES: &[Identity] =
    &[Gateway::IDENTITY, Worker::IDENTITY, Web::IDENTITY, Simulator::IDENTITY];

/// Longer than every service's own drain.
const LONGEST_STOP: Duration = Duration::from_secs(60);

/// How it ended.
pub(crate) enum Ended {
    /// Ctrl-C, and everything in hand was finished.
    Drained,
    /// A second Ctrl-C.
    Interrupted,
}

/// Runs everything until Ctrl-C.
pub(crate) async fn run(
    data_dir: PathBuf,
    wish: Wish,
    env: Env,
    telemetry: &Telemetry,
) -> anyhow::Result<Ended> {
    let shutdown = Shutdown::on_signal()?;
    // Held until everything has ended.
    let data_dir = DataDir::take(data_dir)?;
    let starting = Box::pin(start(data_dir.path(), wish, env, telemetry));
    let Some(started) = shutdown.unless_requested(starting).await else {
        screen::stopped();
        return Ok(Ended::Drained);
    };
    let Started { services, choice, nats_url, server } = started?;
    let announced = Announced { choice: &choice, nats_url: &nats_url, data_dir: data_dir.path() };
    services.run(shutdown, server, &announced).await
}

/// What is ready to run.
struct Started {
    services: Services,
    choice: ModelChoice,
    nats_url: String,
    server: Option<NatsServer>,
}

/// What is said of it once it runs.
struct Announced<'a> {
    choice: &'a ModelChoice,
    nats_url: &'a str,
    data_dir: &'a Path,
}

/// Starts what the services need, and builds them.
async fn start(
    data_dir: &Path,
    wish: Wish,
    env: Env,
    telemetry: &Telemetry,
) -> anyhow::Result<Started> {
    let choice = model_choice::choose(wish).await?;
    let simulator = match choice {
        ModelChoice::Simulator => Some(simulator(&env, telemetry)?),
        _ => None,
    };
    let simulator_url = simulator.as_ref().map(|one| format!("http://{}/v1", one.address()));
    let catalogue = model_choice::write_catalogue(&choice, simulator_url.as_deref(), data_dir)?;
    let env = env.with(MODELS_FILE.name, catalogue.to_string_lossy());
    // Once more, now with the catalogue.
    let mut settings = settings::Services::read(&env)?;

    let server = nats::ready(&env, data_dir).await?.map(|(server, credentials)| {
        settings.use_nats(&server.url(), &credentials);
        server
    });
    let nats_url = settings.nats.servers.to_string();
    let built = Services::build(settings, &env, data_dir, telemetry, simulator);
    // Large, as it holds all services while they are built.
    let services = Box::pin(built).await?;
    Ok(Started { services, choice, nats_url, server })
}

fn simulator(env: &Env, telemetry: &Telemetry) -> anyhow::Result<Simulator> {
    let settings = <Simulator as Process>::settings(env)?;
    Ok(Simulator::build(settings, telemetry.service(Simulator::IDENTITY.name))?)
}

/// The services, built and not yet running.
struct Services {
    gateway: Gateway,
    worker: Worker,
    web: Web,
    simulator: Option<Simulator>,
    models: Vec<String>,
    asks_for_keys: bool,
    /// The key that was just made for the chat page, if one was.
    page_key: Option<SecretString>,
}

impl Services {
    /// Declares streams, then builds each service.
    async fn build(
        settings: settings::Services,
        env: &Env,
        data_dir: &Path,
        telemetry: &Telemetry,
        simulator: Option<Simulator>,
    ) -> anyhow::Result<Self> {
        let settings::Services { catalogue, nats, operator, gateway, worker, mut web } = settings;

        screen::step("declaring streams and consumers");
        declare(&nats, &catalogue).await?;
        let asks_for_keys = gateway.auth == Auth::Keys;
        let gateway = Gateway::build(gateway, telemetry.service(Gateway::IDENTITY.name)).await?;
        // Behind the gateway, which tells of keys that are made from now on.
        let mut page_key = None;
        if asks_for_keys && web.api_key.is_none() {
            page_key = Some(keys::of_web(&operator, data_dir).await?);
            web.api_key.clone_from(&page_key);
        }
        let worker = Worker::build(worker, telemetry.service(Worker::IDENTITY.name)).await?;
        if env.get("WEB_GATEWAY_URL").is_none() {
            // The gateway may have taken a free port.
            web.gateway_url = gateway.origin().parse()?;
        }
        let web = Web::build(web, telemetry.service(Web::IDENTITY.name))?;
        let models = catalogue.models().map(|model| model.name.to_string()).collect();
        Ok(Self { gateway, worker, web, simulator, models, asks_for_keys, page_key })
    }

    fn announcement<'a>(&self, announced: &Announced<'a>) -> screen::Ready<'a> {
        screen::Ready {
            web: self.web.origin(),
            gateway: self.gateway.origin(),
            simulator: self.simulator.as_ref().map(Simulator::address),
            nats_url: announced.nats_url,
            data_dir: announced.data_dir,
            models: self.models.clone(),
            asks_for_keys: self.asks_for_keys,
            choice: announced.choice,
        }
    }

    /// Runs until one is told to stop or fails. The chat and the API end first, while the worker
    /// still answers what they have in hand; then the worker, then what it needs.
    async fn run(
        self,
        asked: Shutdown,
        mut server: Option<NatsServer>,
        announced: &Announced<'_>,
    ) -> anyhow::Result<Ended> {
        let announcement = self.announcement(announced);
        let tasks = Tasks::new();
        let (front, back, last) = (Shutdown::manual(), Shutdown::manual(), Shutdown::manual());
        let mut gateway = tasks.spawn(self.gateway.run_until(front.clone()));
        let mut worker = tasks.spawn(self.worker.run_until(back.clone()));
        let simulator = self.simulator.map(|one| tasks.spawn(one.run_until(last.clone())));
        if let Some(key) = &self.page_key {
            // The gateway hears of keys from NATS, a moment after they are made: whoever opens the
            // page as soon as it is announced is not told that its key is unknown.
            let known = discovery::known(&announcement.gateway, key);
            asked.unless_requested(known).await;
        }
        let mut web = tasks.spawn(self.web.run_until(front.clone()));
        screen::ready(&announcement);

        let broken = tokio::select! {
            () = asked.requested() => None,
            ended = &mut gateway => Some(unasked("gateway", ended)),
            ended = &mut web => Some(unasked("web", ended)),
            ended = &mut worker => Some(unasked("llm-worker", ended)),
            () = nats::gone(&mut server) => Some(anyhow::anyhow!("nats-server ended by itself")),
        };
        if let Some(error) = broken {
            return Err(error);
        }

        screen::stopping();
        let orderly = async {
            front.request();
            let (_gateway, _web) = tokio::join!(gateway, web);
            back.request();
            let _worker = worker.await;
            last.request();
            if let Some(simulator) = simulator {
                let _simulator = simulator.await;
            }
            if let Some(server) = server {
                server.stop().await;
            }
        };
        let ended = tokio::select! {
            stopped = tokio::time::timeout(LONGEST_STOP, orderly) => match stopped {
                Ok(()) => Ended::Drained,
                Err(_elapsed) => Ended::Interrupted,
            },
            _ = tokio::signal::ctrl_c() => Ended::Interrupted,
        };
        screen::stopped();
        Ok(ended)
    }
}

async fn declare(nats: &bus::Settings, catalogue: &Catalogue) -> anyhow::Result<()> {
    let bus = Bus::connect("nats-init", nats).await?;
    bus::declare(&bus, &catalogue.queues(), 1).await?;
    Ok(())
}

/// A service that ended before anyone asked it to.
fn unasked(name: &str, ended: Result<anyhow::Result<()>, tokio::task::JoinError>) -> anyhow::Error {
    match ended {
        Ok(Ok(())) => anyhow::anyhow!("{name} ended by itself"),
        Ok(Err(error)) => error.context(name.to_owned()),
        Err(panicked) => anyhow::Error::from(panicked).context(name.to_owned()),
    }
}
