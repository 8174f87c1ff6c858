//! The proxy that stands before several gateways and chat pages while they are stopped in turn.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::environment;
use crate::run::Log;
use crate::tools::apt;

/// The program: `HAPROXY_BIN`, one on PATH, or installed where we may install.
///
/// Without it nothing is known of how services are stopped under load: that is a failure, and no
/// suite that is left out.
pub(crate) fn find(log: &mut Log) -> anyhow::Result<PathBuf> {
    if let Some(named) = environment::variable("HAPROXY_BIN") {
        let path = PathBuf::from(&named);
        anyhow::ensure!(path.is_file(), "HAPROXY_BIN names `{named}`, which is no file");
        return Ok(path);
    }
    if let Some(found) = installed() {
        return Ok(found);
    }
    apt::install(&["haproxy"], log)?;
    installed().context("no HAProxy: install it (Debian: apt-get install haproxy; macOS: brew install haproxy) or name one with HAPROXY_BIN")
}

fn installed() -> Option<PathBuf> {
    // Debian keeps it where only root looks.
    let sbin = PathBuf::from("/usr/sbin/haproxy");
    environment::on_path("haproxy").or_else(|| sbin.is_file().then_some(sbin))
}
