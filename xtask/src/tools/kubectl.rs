//! kubectl, which renders manifests; it talks to no cluster.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::environment;
use crate::repository::Repository;
use crate::run::Run;
use crate::screen;
use crate::tools::{Missing, apt};

/// Puts programs of newer Debian suites into a folder, as root on Debian.
const OF_DEBIAN: &str = ".ci/debian-programs";

/// The program: `KUBECTL_BIN`, one on PATH, or Debian's newest in a folder of ours.
pub(crate) fn find(repository: &Repository) -> anyhow::Result<PathBuf> {
    if let Some(named) = environment::variable("KUBECTL_BIN") {
        let path = PathBuf::from(&named);
        anyhow::ensure!(path.is_file(), "KUBECTL_BIN names `{named}`, which is no file");
        return Ok(path);
    }
    if let Some(found) = environment::on_path("kubectl") {
        return Ok(found);
    }
    if !apt::is_for_us() {
        let missing = "no kubectl: install it, or name one with KUBECTL_BIN";
        return Err(Missing(missing.to_owned()).into());
    }
    let folder = cache().context("neither XDG_CACHE_HOME nor HOME is set")?.join("chappe/kubectl");
    screen::step("fetching kubectl, since there is none on PATH");
    Run::new(repository.root().join(OF_DEBIAN), repository.root())
        .arguments([folder.display().to_string(), "kubectl/sid".to_owned()])
        .quietly()
        .context("kubectl cannot be fetched: install it, or name one with KUBECTL_BIN")?;
    Ok(folder.join("usr/bin/kubectl"))
}

fn cache() -> Option<PathBuf> {
    let named = environment::variable("XDG_CACHE_HOME").map(PathBuf::from);
    named.or_else(|| environment::variable("HOME").map(|home| PathBuf::from(home).join(".cache")))
}
