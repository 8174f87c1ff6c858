//! Chappe as it is measured: gateway, llm-worker and nats-server, one process each.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use nats_server::{Config, NatsServer, Port};
use serde::{Deserialize, Serialize};
use tokio::process::Command;

use super::keys::look_ups;
use super::program::{Program, free_ports};
use super::scenario::Scenario;
use super::stored;
use crate::machine;

/// Twice the streams that we open: the worker is to be limited by nothing but itself.
const SLOTS: &str = "2048";

/// How this one differs from the usual.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Variant<'a> {
    /// Jobs are kept in memory and not in a file.
    pub(crate) in_memory: bool,
    /// Every request is traced, and all traces and metrics go here.
    pub(crate) collector: Option<&'a str>,
    /// Each service has its own credentials on NATS, and may do with them what it needs.
    pub(crate) credentials: bool,
}

/// Whom a gateway answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Auth {
    /// Everybody.
    Off,
    /// Whoever has an API key.
    Keys,
}

/// Proportional set sizes, in megabytes (10^6 bytes).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(crate) struct Memory {
    pub(crate) gateway: f64,
    pub(crate) worker: f64,
    pub(crate) nats: f64,
}

impl Memory {
    /// Of all of them together.
    pub(crate) fn all(self) -> f64 {
        self.gateway + self.worker + self.nats
    }

    /// What has been added since `earlier`.
    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            gateway: self.gateway - earlier.gateway,
            worker: self.worker - earlier.worker,
            nats: self.nats - earlier.nats,
        }
    }
}

/// A running system.
#[derive(Debug)]
pub(crate) struct Chappe {
    programs: PathBuf,
    logs: PathBuf,
    name: String,
    variables: Vec<(&'static str, String)>,
    nats: NatsServer,
    data: PathBuf,
    /// Where each service's seed is, if it has one.
    credentials: Option<PathBuf>,
    services: Vec<Program>,
    /// Where the API is.
    pub(crate) address: String,
}

impl Chappe {
    /// Starts everything and waits until it is ready.
    pub(crate) async fn start(
        name: &str,
        programs: &Path,
        nats_server: &Path,
        mock: &str,
        folder: &Path,
        variant: Variant<'_>,
    ) -> anyhow::Result<Self> {
        let data = folder.join(format!("{name}-data"));
        let mut config = Config { port: Port::Free, ..Config::new(nats_server, &data) };
        let mut credentials = None;
        if variant.credentials {
            let made = folder.join(format!("{name}-credentials"));
            config.more = look_ups::with_the_watch(&users(programs, &made).await?)?;
            credentials = Some(made);
        }
        let nats = NatsServer::start(config).await?;
        let models = folder.join(format!("{name}-models.toml"));
        fs::write(&models, catalogue(mock))?;
        let mut variables =
            vec![("NATS_URL", nats.url()), ("MODELS_FILE", models.display().to_string())];
        if let Some(collector) = variant.collector {
            variables.push(("OTEL_EXPORTER_OTLP_ENDPOINT", format!("http://{collector}")));
        }
        let mut chappe = Self {
            programs: programs.to_path_buf(),
            logs: folder.to_path_buf(),
            name: name.to_owned(),
            variables,
            nats,
            data,
            credentials,
            services: Vec::new(),
            address: String::new(),
        };
        let storage = if variant.in_memory { "memory" } else { "file" };
        let storage = ("NATS_CHAT_STORAGE", storage.to_owned());
        chappe.spawn("nats-init", &[storage])?.ended().await?;
        let [port, gateway_health, worker_health] = free_ports()?;
        let (mut gateway, _) = chappe.gateway(port, gateway_health, Auth::Off).await?;
        let (worker, _) = chappe.worker(worker_health).await?;
        gateway.still_runs()?;
        chappe.services = vec![gateway, worker];
        chappe.address = format!("127.0.0.1:{port}");
        Ok(chappe)
    }

    /// Its processes.
    pub(crate) fn pids(&self) -> Vec<u32> {
        self.services.iter().map(Program::pid).chain(self.nats.pid()).collect()
    }

    /// Of its first gateway, and of what works behind every gateway.
    pub(crate) fn split_pids(&self) -> (Option<u32>, Vec<u32>) {
        let mut services = self.services.iter().map(Program::pid);
        (services.next(), services.chain(self.nats.pid()).collect())
    }

    /// The port of its nats-server.
    pub(crate) fn nats_port(&self) -> u16 {
        self.nats.port()
    }

    /// Where its nats-server stores.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// How much memory each of its processes takes.
    pub(crate) fn memory(&self) -> Memory {
        let of = |pid: Option<u32>| machine::pss_mb_of(pid.as_slice());
        let service = |place: usize| of(self.services.get(place).map(Program::pid));
        Memory { gateway: service(0), worker: service(1), nats: of(self.nats.pid()) }
    }

    /// One more gateway, and how long its start took.
    pub(crate) async fn gateway(
        &self,
        port: u16,
        health: u16,
        auth: Auth,
    ) -> anyhow::Result<(Program, Duration)> {
        let auth = match auth {
            Auth::Off => "off",
            Auth::Keys => "keys",
        };
        let mut gateway = self.spawn(
            "gateway",
            &[
                ("GATEWAY_LISTEN", format!("127.0.0.1:{port}")),
                ("GATEWAY_HEALTH_LISTEN", format!("127.0.0.1:{health}")),
                ("GATEWAY_AUTH", auth.to_owned()),
            ],
        )?;
        let took = gateway.ready(health).await?;
        Ok((gateway, took))
    }

    /// One more worker, and how long its start took.
    pub(crate) async fn worker(&self, health: u16) -> anyhow::Result<(Program, Duration)> {
        let mut worker = self.spawn(
            "llm-worker",
            &[
                ("LLM_WORKER_HEALTH_LISTEN", format!("127.0.0.1:{health}")),
                ("LLM_WORKER_MAX_CONCURRENCY", SLOTS.to_owned()),
            ],
        )?;
        let took = worker.ready(health).await?;
        Ok((worker, took))
    }

    /// Stops it in order.
    pub(crate) async fn stop(self) {
        for service in self.services {
            service.stop().await;
        }
        self.nats.stop().await;
    }

    fn spawn(&self, program: &str, more: &[(&'static str, String)]) -> anyhow::Result<Program> {
        let mut command = Command::new(self.programs.join(program));
        // Nothing that somebody has set may change what is measured.
        command.env_clear().envs(self.variables.iter().cloned()).envs(more.iter().cloned());
        if let Some(folder) = &self.credentials {
            command.env("NATS_NKEY_FILE", folder.join(format!("{program}.nk")));
        }
        Program::start(&format!("{}-{program}", self.name), command, &self.logs)
    }
}

/// Makes credentials for every service; what a nats-server has to know of them.
async fn users(programs: &Path, folder: &Path) -> anyhow::Result<String> {
    let mut command = Command::new(programs.join("nats-init"));
    command.env_clear().args(["credentials", "--dir"]).arg(folder);
    let output = command.output().await.context("cannot run nats-init")?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "nats-init makes no credentials:\n{said}");
    Ok(fs::read_to_string(folder.join("nats-users.conf"))?)
}

fn catalogue(mock: &str) -> String {
    let mut text = String::new();
    for model in Scenario::models().into_iter().chain(stored::models()) {
        let _infallible = write!(
            text,
            "[[models]]\nname = \"{model}\"\ncapabilities = [\"chat\"]\n\
             [[models.upstreams]]\nbase_url = \"http://{mock}/v1\"\nmax_concurrency = {SLOTS}\n\n"
        );
    }
    text
}
