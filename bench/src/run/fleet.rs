//! The targets, started when they are first needed and kept until the end: what is compared runs
//! side by side.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use tokio::process::Command;
use tokio::time::Instant;

use super::chappe::{Auth, Chappe, Variant};
use super::keys::keyring::Keyring;
use super::peers::Peers;
use super::program::{Program, free_ports};
use super::results::TargetInfo;
use super::scenario::Scenario;
use super::{Options, screen};
use crate::load::{self, Api, Load, Target};
use crate::machine;

/// LiteLLM takes 20 s, and more when others work.
const ANSWERS_WITHIN: Duration = Duration::from_secs(180);
/// What a process has taken for its start is given back by then.
const SETTLED_AFTER: Duration = Duration::from_secs(3);

/// API keys that there are.
const KEYS: u32 = 100;
/// Those of them that are used.
const USED_KEYS: usize = 5;

/// A target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Name {
    /// The mock itself.
    Direct,
    /// Chappe as it is on one server.
    Chappe,
    /// With jobs in a memory stream.
    ChappeInMemory,
    /// With every request traced.
    ChappeObserved,
    /// Asked for responses, which are stored.
    ChappeStored,
    /// With credentials of its own for each service.
    ChappeWithCredentials,
    /// The same, asked through another gateway, which answers whoever has an API key.
    ChappeWithKeys,
    /// LiteLLM's proxy with two workers.
    #[value(name = "litellm")]
    #[serde(rename = "litellm")]
    LiteLlm,
    /// Portkey's gateway.
    Portkey,
    /// TensorZero's gateway.
    #[value(name = "tensorzero")]
    #[serde(rename = "tensorzero")]
    TensorZero,
    /// A proxy written with FastAPI and aiohttp, two workers.
    #[value(name = "fastapi")]
    #[serde(rename = "fastapi")]
    FastApi,
}

impl Name {
    pub(crate) const PEERS: [Self; 4] =
        [Self::LiteLlm, Self::Portkey, Self::TensorZero, Self::FastApi];

    pub(crate) fn text(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// A target that answers.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) name: Name,
    pub(crate) target: Target,
    /// What it is asked in.
    pub(crate) api: Api,
    /// What its names of models begin with.
    pub(crate) prefix: String,
    /// Its processes' ancestors.
    pub(crate) roots: Vec<u32>,
    /// The one among them that is its gateway, of a Chappe.
    pub(crate) gateway: Option<u32>,
    process: Process,
}

/// What must be kept, so that it runs.
#[derive(Debug)]
enum Process {
    /// The mock, which is not measured.
    None,
    Chappe(Box<Chappe>),
    /// Of a system that is another target.
    Gateway(Box<Program>),
    Peer(Box<Program>),
}

impl Running {
    /// Where it stores what it is asked for, if it does.
    pub(crate) fn data(&self) -> Option<&Path> {
        match &self.process {
            Process::Chappe(chappe) if self.api == Api::Responses => Some(chappe.data()),
            _ => None,
        }
    }

    /// Every process of it now.
    pub(crate) fn pids(&self) -> Vec<u32> {
        self.roots.iter().flat_map(|root| machine::tree(*root)).collect()
    }
}

/// Everything that runs.
#[derive(Debug)]
pub(crate) struct Fleet {
    programs: PathBuf,
    nats_server: PathBuf,
    folder: PathBuf,
    peers: Peers,
    quick: bool,
    mock: (Program, String),
    collector: Option<(Program, String)>,
    running: Vec<Running>,
}

impl Fleet {
    /// The mock alone.
    pub(crate) fn new(options: &Options) -> anyhow::Result<Self> {
        let folder = options.output.join("run");
        if folder.exists() {
            // Of an earlier run.
            fs::remove_dir_all(&folder)?;
        }
        fs::create_dir_all(&folder)?;
        let mut fleet = Self {
            programs: options.programs.clone(),
            nats_server: options.nats_server.clone(),
            peers: Peers::new(&options.repository.join("bench/peers"), &options.output),
            quick: options.quick,
            mock: mock(&options.programs, "mock", &folder)?,
            folder,
            collector: None,
            running: Vec::new(),
        };
        let target = Target::plain(&fleet.mock.1);
        fleet.running.push(Running {
            name: Name::Direct,
            target,
            api: Api::Chat,
            prefix: String::new(),
            roots: vec![fleet.mock.0.pid()],
            gateway: None,
            process: Process::None,
        });
        Ok(fleet)
    }

    /// A target that runs.
    pub(crate) fn target(&self, name: Name) -> Option<&Running> {
        self.running.iter().find(|running| running.name == name)
    }

    /// The system of a target, if it runs and is its own.
    pub(crate) fn chappe(&self, name: Name) -> Option<&Chappe> {
        match &self.target(name)?.process {
            Process::Chappe(chappe) => Some(chappe),
            _ => None,
        }
    }

    /// Starts a target and waits until it answers. One that cannot be started is told of and not
    /// measured; the others are.
    pub(crate) async fn start(&mut self, name: Name) -> TargetInfo {
        match self.try_start(name).await {
            Ok(info) => info,
            Err(error) => {
                screen::step(&format!("{} cannot be measured: {error:#}", name.text()));
                self.running.retain(|running| running.name != name);
                TargetInfo {
                    name,
                    version: None,
                    idle_mb: None,
                    missing: Some(format!("{error:#}")),
                }
            }
        }
    }

    async fn try_start(&mut self, name: Name) -> anyhow::Result<TargetInfo> {
        let mut info = TargetInfo { name, version: None, idle_mb: None, missing: None };
        let variant = match name {
            Name::Direct => return Ok(info),
            Name::Chappe | Name::ChappeStored => Variant::default(),
            Name::ChappeWithCredentials => Variant { credentials: true, ..Variant::default() },
            Name::ChappeWithKeys => {
                self.start_with_keys().await?;
                return self.settled(info).await;
            }
            Name::ChappeInMemory => Variant { in_memory: true, ..Variant::default() },
            Name::ChappeObserved => {
                let collector = mock(&self.programs, "collector", &self.folder)?;
                let address = &self.collector.insert(collector).1.clone();
                let variant = Variant { collector: Some(address), ..Variant::default() };
                self.start_chappe(name, variant).await?;
                return self.settled(info).await;
            }
            Name::LiteLlm | Name::Portkey | Name::TensorZero | Name::FastApi => {
                let [port] = free_ports()?;
                let peer = self.peers.start(name, port, &self.mock.1, &self.folder).await?;
                info.version = Some(peer.version);
                self.running.push(Running {
                    name,
                    target: peer.target,
                    api: Api::Chat,
                    prefix: peer.prefix,
                    roots: vec![peer.program.pid()],
                    gateway: None,
                    process: Process::Peer(Box::new(peer.program)),
                });
                return self.settled(info).await;
            }
        };
        self.start_chappe(name, variant).await?;
        self.settled(info).await
    }

    async fn start_chappe(&mut self, name: Name, variant: Variant<'_>) -> anyhow::Result<()> {
        let chappe = self.new_chappe(&name.text(), variant).await?;
        let api = if name == Name::ChappeStored { Api::Responses } else { Api::Chat };
        let path = api.path().to_owned();
        self.running.push(Running {
            name,
            target: Target { path, ..Target::plain(&chappe.address) },
            api,
            prefix: String::new(),
            roots: chappe.pids(),
            gateway: chappe.split_pids().0,
            process: Process::Chappe(Box::new(chappe)),
        });
        Ok(())
    }

    /// One more gateway of the system with credentials, which asks for keys. Both are asked with the
    /// same keys, so that only what is done with them differs.
    async fn start_with_keys(&mut self) -> anyhow::Result<()> {
        let open = Name::ChappeWithCredentials;
        let chappe = self.chappe(open).context("there is no system with credentials")?;
        let mut keyring = Keyring::of(&chappe.address).await?;
        let mut keys = Vec::new();
        for number in 0..KEYS {
            keys.push(keyring.makes(&format!("bench-{number}")).await?.key);
        }
        keys.truncate(USED_KEYS);
        let [port, health] = free_ports()?;
        let (gateway, _took) = chappe.gateway(port, health, Auth::Keys).await?;
        let (_open, behind) = chappe.split_pids();
        let target = Target { keys: keys.clone(), ..Target::plain(format!("127.0.0.1:{port}")) };
        if let Some(open) = self.running.iter_mut().find(|running| running.name == open) {
            open.target.keys = keys;
        }
        self.running.push(Running {
            name: Name::ChappeWithKeys,
            target,
            api: Api::Chat,
            prefix: String::new(),
            roots: behind.into_iter().chain([gateway.pid()]).collect(),
            gateway: Some(gateway.pid()),
            process: Process::Gateway(Box::new(gateway)),
        });
        Ok(())
    }

    /// One more Chappe, which nobody else asks.
    pub(crate) async fn new_chappe(
        &self,
        name: &str,
        variant: Variant<'_>,
    ) -> anyhow::Result<Chappe> {
        let (programs, nats_server) = (&self.programs, &self.nats_server);
        let starting =
            Chappe::start(name, programs, nats_server, &self.mock.1, &self.folder, variant);
        Box::pin(starting).await
    }

    /// Waits until it has answered, and until it is quiet; then looks at its memory.
    async fn settled(&mut self, mut info: TargetInfo) -> anyhow::Result<TargetInfo> {
        let place = self.running.iter().position(|running| running.name == info.name);
        let running = &mut self.running[place.context("it was just started")?];
        let began = Instant::now();
        loop {
            if let Process::Peer(program) = &mut running.process {
                program.still_runs()?;
            }
            let report = load::generate(probe(running)).await;
            if report.answers > 0 {
                break;
            }
            let said = report.first_error.unwrap_or_default();
            anyhow::ensure!(began.elapsed() < ANSWERS_WITHIN, "it does not answer: {said}");
        }
        tokio::time::sleep(if self.quick { SETTLED_AFTER / 3 } else { SETTLED_AFTER }).await;
        info.idle_mb = Some(machine::pss_mb_of(&running.pids()));
        screen::step(&format!("{} answers", info.name.text()));
        Ok(info)
    }

    /// How much telemetry has arrived.
    pub(crate) async fn telemetry_bytes(&self) -> Option<u64> {
        let (_, address) = self.collector.as_ref()?;
        let (_, body) = load::get(address, "/received").await.ok()?;
        let received: serde_json::Value = serde_json::from_slice(&body).ok()?;
        received["bytes"].as_u64()
    }

    /// Stops everything in order.
    pub(crate) async fn stop(self) {
        // A gateway before the system that it belongs to.
        for running in self.running.into_iter().rev() {
            match running.process {
                Process::None => {}
                Process::Chappe(chappe) => chappe.stop().await,
                Process::Gateway(program) | Process::Peer(program) => program.stop().await,
            }
        }
    }
}

/// One request, more or less.
fn probe(running: &Running) -> Load {
    let scenario = Scenario::SingleUnary;
    Load {
        target: running.target.clone(),
        api: running.api,
        plan: scenario.plan(),
        model: format!("{}{}", running.prefix, scenario.plan().model()),
        streaming: false,
        clients: 1,
        ramp: Duration::ZERO,
        warm_up: Duration::ZERO,
        measured: Duration::from_millis(100),
        patience: Duration::from_secs(5),
    }
}

/// A mock and its address.
fn mock(programs: &Path, name: &str, logs: &Path) -> anyhow::Result<(Program, String)> {
    let [port] = free_ports()?;
    let address = format!("127.0.0.1:{port}");
    let mut command = Command::new(programs.join("bench-mock"));
    command.args(["--listen", &address]);
    Ok((Program::start(name, command, logs)?, address))
}
