//! One of our programs as a process.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::process::{Child, Command};

use crate::binary;

/// Ten times what a start takes on a busy machine.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// A running program. Dropping it kills it.
#[derive(Debug)]
pub struct Program {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts `name` with exactly these variables; its log goes to a file in `folder`.
    pub fn start(name: &str, folder: &Path, variables: &[(&str, String)]) -> Self {
        let log = folder.join(format!("{name}-{}.log", crate::free_port()));
        let file = File::create(&log).expect("a log file");
        let child = Command::new(binary(name))
            .env_clear()
            .envs(variables.iter().map(|(name, value)| (*name, value.as_str())))
            .stdin(Stdio::null())
            .stdout(file.try_clone().expect("a second handle of the log file"))
            .stderr(file)
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {name}: {error}"));
        Self { name: name.to_owned(), child, log }
    }

    /// Everything it has logged so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or_else(|| panic!("{} has ended:\n{}", self.name, self.log()))
    }

    /// Waits until its health port says that it is ready.
    pub async fn ready(&mut self, health_port: u16) {
        let url = format!("http://127.0.0.1:{health_port}/readyz");
        let client = crate::http_client();
        let ready = async {
            loop {
                if let Ok(answer) = client.get(&url).send().await
                    && answer.status().is_success()
                {
                    return;
                }
                if let Ok(Some(status)) = self.child.try_wait() {
                    panic!("{} ended with {status}:\n{}", self.name, self.log());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        if tokio::time::timeout(READY_WITHIN, ready).await.is_err() {
            panic!("{} is not ready after {READY_WITHIN:?}:\n{}", self.name, self.log());
        }
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.pid()).expect("a process id");
        kill(Pid::from_raw(pid), signal).expect("a signal to a process of ours");
    }

    /// Waits for its end.
    pub async fn ended(&mut self) -> ExitStatus {
        let ended = tokio::time::timeout(Duration::from_secs(90), self.child.wait()).await;
        match ended {
            Ok(status) => status.expect("the status of a child"),
            Err(_elapsed) => panic!("{} does not end:\n{}", self.name, self.log()),
        }
    }

    /// Asks it to stop (SIGTERM) and waits for its end.
    pub async fn stop(mut self) -> ExitStatus {
        self.signal(Signal::SIGTERM);
        self.ended().await
    }

    /// Kills it (SIGKILL) and waits for its end.
    pub async fn kill(mut self) {
        self.signal(Signal::SIGKILL);
        self.ended().await;
    }
}
