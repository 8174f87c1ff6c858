//! Debian's package manager, for root on Debian, which is what a pipeline's container is.

use std::path::Path;
use std::process::Command;

use crate::environment;
use crate::run::{Log, Run};

/// Installs packages. `false` where that is not for us to do: another system, or not root.
pub(crate) fn install(packages: &[&str], log: &mut Log) -> anyhow::Result<bool> {
    if !is_for_us() {
        return Ok(false);
    }
    let Some(apt) = environment::on_path("apt-get") else { return Ok(false) };
    let root = Path::new("/");
    let apt = |arguments: &[&str]| {
        let run = Run::new(&apt, root).variable("DEBIAN_FRONTEND", "noninteractive");
        run.arguments(["-qq"]).arguments(arguments)
    };
    Ok(apt(&["update"]).succeeds(log)?
        && apt(&["install", "--yes", "--no-install-recommends"])
            .arguments(packages)
            .succeeds(log)?)
}

/// Whether a program is on PATH, if need be from its package.
pub(crate) fn have(program: &str, package: &str, log: &mut Log) -> anyhow::Result<bool> {
    let is_there = || environment::on_path(program).is_some();
    Ok(is_there() || (install(&[package], log)? && is_there()))
}

/// Whether this is Debian, and ours to change.
pub(crate) fn is_for_us() -> bool {
    let id = Command::new("id").arg("-u").output();
    let is_root = id.is_ok_and(|output| output.stdout.trim_ascii() == b"0");
    is_root && Path::new("/etc/debian_version").exists()
}
