//! What the tests start with.

use std::fs;
use std::path::{Path, PathBuf};

use nats_server::{Config, Places, Port, find_or_fetch};
use tempfile::TempDir;

/// What the tests' own environment offers; fetches into the user's cache the first time.
pub(crate) async fn server() -> PathBuf {
    #[expect(clippy::disallowed_methods, reason = "tests have no settings of their own")]
    let places = Places::from_lookup(|name| std::env::var(name).ok());
    find_or_fetch(&places, &|_step: &str| {}).await.unwrap()
}

/// A nats-server in `folder` that does what `text` says.
pub(crate) fn fake(folder: &Path, text: &str) -> PathBuf {
    program(folder, "nats-server", text)
}

/// A program in `folder` that does what `text` says.
pub(crate) fn program(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    let mut command = std::process::Command::new("chmod");
    assert!(command.arg("755").arg(&path).status().unwrap().success());
    path
}

/// A server with its data there.
pub(crate) fn config(binary: &Path, data: &TempDir, port: Port) -> Config {
    Config { port, ..Config::new(binary, data.path()) }
}
