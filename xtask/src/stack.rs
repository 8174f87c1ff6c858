//! Chappe as a process with a simulator behind it, for suites that look at it from outside.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use anyhow::Context as _;
use tempfile::TempDir;

use crate::environment;
use crate::repository::Repository;
use crate::run::Run;
use crate::suites::Endpoints;
use crate::tools::nats;

/// Ten times what it takes on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(60);
/// Longer than the longest drain.
const STOPPED_WITHIN: Duration = Duration::from_secs(30);
/// What it prints when everything answers.
const READY: &str = "Chappe is ready.";

/// A running `chappe --simulator`. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Stack {
    endpoints: Endpoints,
    pid: u32,
    ended: Receiver<ExitStatus>,
    stopped: bool,
    _data: TempDir,
}

impl Stack {
    /// Starts the release build on free ports, with its data in a temporary folder and what it
    /// says in `log`.
    pub(crate) fn start(repository: &Repository, log: &Path) -> anyhow::Result<Self> {
        let data = tempfile::tempdir()?;
        let [web, web_health, gateway, gateway_health, worker_health, simulator] = free_ports()?;
        let address = |port: u16| format!("127.0.0.1:{port}");
        let program = repository.release().join("chappe");
        let mut command = Command::new(&program);
        // Nothing that a developer has set may change what is tested.
        command.arg("--simulator").env_clear().current_dir(data.path());
        for name in ["PATH", "HOME", "XDG_CACHE_HOME"] {
            command.envs(environment::variable(name).map(|value| (name, value)));
        }
        command
            .env("NATS_SERVER_BIN", nats::find()?)
            .env("CHAPPE_DATA_DIR", data.path().join("data"))
            .env("LOG_FILTER", "info")
            .env("SIMULATOR_TTFT_MS", "5")
            .env("SIMULATOR_TOKEN_MS", "2")
            // Prompts of many megabytes are tested: they must not be too long for the model.
            .env("SIMULATOR_CONTEXT_TOKENS", "100000000");
        for (name, port) in [
            ("WEB_LISTEN", web),
            ("WEB_HEALTH_LISTEN", web_health),
            ("GATEWAY_LISTEN", gateway),
            ("GATEWAY_HEALTH_LISTEN", gateway_health),
            ("LLM_WORKER_HEALTH_LISTEN", worker_health),
            ("SIMULATOR_LISTEN", simulator),
        ] {
            command.env(name, address(port));
        }
        let (reader, writer) = std::io::pipe()?;
        command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
        let child = command.spawn();
        let child = child.with_context(|| format!("cannot run `{}`", program.display()))?;
        drop(command);

        let pid = child.id();
        let ready = copy_to_log(reader, log)?;
        let url = |port: u16| format!("http://{}", address(port));
        let endpoints = Endpoints {
            gateway_url: url(gateway),
            web_url: Some(url(web)),
            simulator_url: Some(url(simulator)),
            api_key: None,
        };
        let stack = Self { endpoints, pid, ended: wait_for(child), stopped: false, _data: data };
        ready.recv_timeout(READY_WITHIN).ok().with_context(|| {
            let said = std::fs::read_to_string(log).unwrap_or_default();
            format!("`chappe --simulator` does not become ready:\n{said}")
        })?;
        Ok(stack)
    }

    /// Where it answers.
    pub(crate) fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// Stops it as Ctrl-C does. An end with another code than 0 is an error.
    pub(crate) fn stop(mut self) -> anyhow::Result<()> {
        self.signal("-INT")?;
        let ended = self.ended.recv_timeout(STOPPED_WITHIN);
        let status = ended.ok().with_context(|| {
            format!("`chappe` does not end within {} s of Ctrl-C", STOPPED_WITHIN.as_secs())
        })?;
        self.stopped = true;
        anyhow::ensure!(status.success(), "`chappe` ended with {status} after Ctrl-C");
        Ok(())
    }

    fn signal(&self, signal: &str) -> anyhow::Result<()> {
        Run::new("kill", Path::new("/")).arguments([signal, &self.pid.to_string()]).quietly()?;
        Ok(())
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        if !self.stopped {
            let _it_may_be_gone = self.signal("-KILL");
            let _ended = self.ended.recv_timeout(STOPPED_WITHIN);
        }
    }
}

/// Ports that are free now, all different: each is held until the last is known.
fn free_ports<const COUNT: usize>() -> anyhow::Result<[u16; COUNT]> {
    let mut held = Vec::new();
    let mut ports = [0; COUNT];
    for port in &mut ports {
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Copies what is said to a file for as long as anything is said; tells once when it is ready.
fn copy_to_log(reader: std::io::PipeReader, log: &Path) -> anyhow::Result<Receiver<()>> {
    let mut file = std::fs::File::create(log).with_context(|| log.display().to_string())?;
    let (tell, ready) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(reader).lines().map_while(Result::ok) {
            let _best_effort = writeln!(file, "{line}");
            if line.contains(READY) {
                let _nobody_waits = tell.send(());
            }
        }
    });
    Ok(ready)
}

fn wait_for(mut child: Child) -> Receiver<ExitStatus> {
    let (tell, ended) = mpsc::channel();
    std::thread::spawn(move || {
        if let Ok(status) = child.wait() {
            let _nobody_waits = tell.send(status);
        }
    });
    ended
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_ports_differ() {
        let ports: [u16; 8] = free_ports().unwrap();
        let different: std::collections::BTreeSet<_> = ports.iter().collect();
        assert_eq!(different.len(), ports.len());
    }
}
