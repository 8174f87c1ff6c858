//! The running server.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::process::Child;
use tokio::time::Instant;

use crate::config::{Config, Port};
use crate::parent;

/// Longest wait for a server that starts; reading large streams takes a while.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// Longest wait for a server that stops, before it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(10);
/// Starts again this often when somebody took the port that was free.
const TRIES: u32 = 3;
/// Lines of its log that an error shows.
const LAST_LINES: usize = 8;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another server uses the folder.
    #[error("the data folder `{}` is in use by another Chappe; stop it, or set CHAPPE_DATA_DIR", .0.display())]
    FolderInUse(PathBuf),
    /// The port was asked for and is taken.
    #[error("port {0} is in use; NATS needs it, or another one in its place")]
    PortInUse(u16),
    /// The folder cannot be used.
    #[error("`{}`: {source}", .path.display())]
    Folder {
        /// What.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// It was started and does not answer.
    #[error("nats-server did not start: {reason}\n{log}")]
    NotReady {
        /// In short.
        reason: String,
        /// The end of its log.
        log: String,
    },
}

/// A running server. Dropping it kills it; on Linux it also ends with the thread that started it,
/// so that a parent that is killed leaves none behind.
#[derive(Debug)]
pub struct NatsServer {
    child: Child,
    port: u16,
    /// Held as long as the server uses the folder.
    _lock: File,
}

impl NatsServer {
    /// Starts a server and waits until it answers.
    ///
    /// # Errors
    ///
    /// [`StartError`]; nothing is left running.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let folder = &config.data_dir;
        fs::create_dir_all(folder).map_err(|error| of_folder(folder, error))?;
        let lock = lock(folder)?;
        stop_leftover(folder).await;
        let mut tries = TRIES;
        loop {
            let port = choose(config.port)?;
            match spawn(&config, port).await {
                Ok(child) => return Ok(Self { child, port, _lock: lock }),
                // Somebody may have taken the free port between our look and the start.
                Err(StartError::NotReady { .. })
                    if choose(Port::Exactly(port)).is_err() && tries > 0 =>
                {
                    tries -= 1;
                }
                Err(error) => return Err(error),
            }
        }
    }
    /// Where it listens.
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process id, while it runs.
    pub fn pid(&self) -> Option<u32> {
        self.child.id()
    }

    /// Completes when it ends by itself.
    pub async fn exited(&mut self) -> Option<ExitStatus> {
        self.child.wait().await.ok()
    }

    /// Asks it to stop, waits for its end, and kills it if that takes over 10 s.
    pub async fn stop(mut self) {
        terminate(&self.child);
        if tokio::time::timeout(STOP_WITHIN, self.child.wait()).await.is_err() {
            let _gone = self.child.kill().await;
        }
    }

    /// Kills it at once, as a crash would, and waits for its end.
    pub async fn kill(mut self) {
        let _gone = self.child.kill().await;
    }
}

/// One try at a start on `port`.
async fn spawn(config: &Config, port: u16) -> Result<Child, StartError> {
    let folder = &config.data_dir;
    let file = folder.join("nats-server.conf");
    fs::write(&file, config.text(port)).map_err(|error| of_folder(&file, error))?;
    let log_path = folder.join("nats-server.log");
    let log = File::create(&log_path).map_err(|error| of_folder(&log_path, error))?;
    let log_too = log.try_clone().map_err(|error| of_folder(&log_path, error))?;

    let mut command = parent::command(&config.binary).await;
    command.arg("--config").arg(&file).stdin(Stdio::null()).stdout(log).stderr(log_too);
    // Ctrl-C in a terminal reaches the whole group: the server must outlive our own drain.
    #[cfg(unix)]
    command.process_group(0);
    let child = command.kill_on_drop(true).spawn();
    let mut child = child.map_err(|error| of_folder(&config.binary, error))?;
    if let Some(pid) = child.id() {
        // So that the next start can end a server that outlived us.
        let _best_effort = fs::write(folder.join("nats-server.pid"), pid.to_string());
    }
    match ready(&mut child, port).await {
        Ok(()) => Ok(child),
        Err(reason) => {
            let _gone = child.kill().await;
            Err(StartError::NotReady { reason, log: last_lines(&log_path) })
        }
    }
}

fn lock(folder: &Path) -> Result<File, StartError> {
    let path = folder.join("lock");
    let file = File::create(&path).map_err(|error| of_folder(&path, error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(StartError::FolderInUse(folder.to_path_buf())),
        Err(fs::TryLockError::Error(error)) => Err(of_folder(&path, error)),
    }
}

/// Ends a server of this folder whose parent was killed: we hold the lock, so nobody needs it.
#[cfg(target_os = "linux")]
async fn stop_leftover(folder: &Path) {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;

    let Ok(text) = fs::read_to_string(folder.join("nats-server.pid")) else { return };
    let Ok(number) = text.trim().parse::<i32>() else { return };
    let config = folder.join("nats-server.conf");
    let ours = |command: Vec<u8>| {
        let needle = config.as_os_str().as_encoded_bytes().to_vec();
        command.windows(needle.len()).any(|window| window == needle)
    };
    let command_line = format!("/proc/{number}/cmdline");
    // Another process may have the number by now: only one with our configuration is ended.
    if !fs::read(&command_line).is_ok_and(ours) {
        return;
    }
    let _gone = kill(Pid::from_raw(number), Signal::SIGTERM);
    let deadline = Instant::now() + STOP_WITHIN;
    while Path::new(&command_line).exists() && Instant::now() < deadline {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[cfg(not(target_os = "linux"))]
async fn stop_leftover(_folder: &Path) {}

fn choose(port: Port) -> Result<u16, StartError> {
    let free = |port: u16| {
        let listener = TcpListener::bind(("127.0.0.1", port)).ok()?;
        listener.local_addr().ok().map(|address| address.port())
    };
    match port {
        Port::Exactly(port) => free(port).ok_or(StartError::PortInUse(port)),
        Port::Preferred(port) => free(port).or_else(|| free(0)).ok_or(StartError::PortInUse(port)),
        Port::Free => free(0).ok_or(StartError::PortInUse(0)),
    }
}

/// Waits until the server greets.
async fn ready(child: &mut Child, port: u16) -> Result<(), String> {
    let deadline = Instant::now() + READY_WITHIN;
    loop {
        if let Ok(Some(status)) = child.try_wait() {
            return Err(format!("it ended with {status}"));
        }
        if greets(port).await {
            return Ok(());
        }
        if Instant::now() > deadline {
            return Err(format!("it does not answer within {} s", READY_WITHIN.as_secs()));
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A server that is ready sends `INFO {…}` to whoever connects.
async fn greets(port: u16) -> bool {
    let greeting = async {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.ok()?;
        let mut first = [0_u8; 5];
        stream.read_exact(&mut first).await.ok()?;
        (&first == b"INFO ").then_some(())
    };
    matches!(tokio::time::timeout(Duration::from_secs(1), greeting).await, Ok(Some(())))
}

#[cfg(unix)]
fn terminate(child: &Child) {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    if let Some(Ok(pid)) = child.id().map(i32::try_from) {
        let _gone = kill(Pid::from_raw(pid), Signal::SIGTERM);
    }
}

#[cfg(not(unix))]
fn terminate(_child: &Child) {}

fn of_folder(path: &Path, source: std::io::Error) -> StartError {
    StartError::Folder { path: path.to_path_buf(), source }
}

fn last_lines(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(LAST_LINES);
    lines[from..].join("\n")
}
