//! One process of a target.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::Context as _;
use hyper::StatusCode;
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::{Child, Command};
use tokio::time::Instant;

use crate::load;

/// Longest wait for a process of ours to be ready or to end.
const WITHIN: Duration = Duration::from_secs(30);
/// How often we look whether one is ready: often enough for a start of a few milliseconds.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A running process, leader of a group of its own. Dropping it kills the group.
#[derive(Debug)]
pub(crate) struct Program {
    name: String,
    child: Child,
    group: Pid,
    log: PathBuf,
    began: Instant,
}

impl Program {
    /// Starts a command; what it says goes to `<name>.log` in `logs`.
    pub(crate) fn start(name: &str, mut command: Command, logs: &Path) -> anyhow::Result<Self> {
        let log = logs.join(format!("{name}.log"));
        // Appended: a second one of the same name does not take the first one's log away.
        let file = File::options().create(true).append(true).open(&log);
        let file = file.with_context(|| log.display().to_string())?;
        command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
        let began = Instant::now();
        let child = command.spawn().with_context(|| format!("cannot start {name}"))?;
        let id = child.id().with_context(|| format!("{name} has no process id"))?;
        let group = Pid::from_raw(i32::try_from(id)?);
        Ok(Self { name: name.to_owned(), child, group, log, began })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.group.as_raw().unsigned_abs()
    }

    /// Everything it has said.
    pub(crate) fn said(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// An error if it has ended.
    pub(crate) fn still_runs(&mut self) -> anyhow::Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => {
                anyhow::bail!("{} ended with {status}:\n{}", self.name, self.said())
            }
        }
    }

    /// Waits until `/readyz` of its health port is good; how long that took from its start.
    pub(crate) async fn ready(&mut self, health_port: u16) -> anyhow::Result<Duration> {
        let address = format!("127.0.0.1:{health_port}");
        while self.began.elapsed() < WITHIN {
            if let Ok((StatusCode::OK, _)) = load::get(&address, "/readyz").await {
                return Ok(self.began.elapsed());
            }
            self.still_runs()?;
            tokio::time::sleep(LOOK_EVERY).await;
        }
        anyhow::bail!("{} is not ready:\n{}", self.name, self.said())
    }

    /// Waits until it has ended well.
    pub(crate) async fn ended(&mut self) -> anyhow::Result<()> {
        let ended = tokio::time::timeout(WITHIN, self.child.wait()).await;
        let status = ended.with_context(|| format!("{} does not end", self.name))??;
        anyhow::ensure!(status.success(), "{} ended with {status}:\n{}", self.name, self.said());
        Ok(())
    }

    /// Asks it to stop, and kills it if that takes long.
    pub(crate) async fn stop(mut self) {
        let _gone = killpg(self.group, Signal::SIGTERM);
        let _late = tokio::time::timeout(WITHIN, self.child.wait()).await;
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Also what its leader has left behind.
        let _gone = killpg(self.group, Signal::SIGKILL);
    }
}

/// Ports that are free now, all different: each is held until the last is known.
pub(crate) fn free_ports<const COUNT: usize>() -> anyhow::Result<[u16; COUNT]> {
    let mut held = Vec::new();
    let mut ports = [0; COUNT];
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}
