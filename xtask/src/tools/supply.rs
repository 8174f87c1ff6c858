//! What signs images, attaches to them and keeps them: cosign, oras, and a registry to try it with.

use std::path::PathBuf;

use crate::environment;
use crate::repository::Repository;
use crate::run::Run;
use crate::screen;
use crate::tools::apt;

/// A program, and the package and suite of Debian that has it.
const PROGRAMS: [(&str, &str); 3] =
    [("cosign", "cosign/sid"), ("oras", "oras/sid"), ("docker-registry", "docker-registry/trixie")];

/// Unpacks packages of Debian without installing them, as root on Debian.
const UNPACK: &str = ".ci/debian-programs";

/// The folder that has those which are not on PATH, if there are any.
///
/// Without them nothing is known of the pipeline: that is a failure, and no suite that is left
/// out.
pub(crate) fn find(repository: &Repository) -> anyhow::Result<Option<PathBuf>> {
    let missing = PROGRAMS.iter().filter(|(name, _package)| environment::on_path(name).is_none());
    let (names, packages): (Vec<&str>, Vec<&str>) = missing.copied().unzip();
    if names.is_empty() {
        return Ok(None);
    }
    anyhow::ensure!(
        apt::is_for_us(),
        "there is no {} on PATH: install them, or leave this suite out by naming others with `--only`",
        names.join(", ")
    );
    let folder = environment::cache().join("debian");
    screen::step(&format!("finding {} among Debian's packages", names.join(", ")));
    Run::new(repository.root().join(UNPACK), repository.root())
        .arguments([folder.display().to_string()])
        .arguments(packages)
        .quietly()?;
    Ok(Some(folder.join("usr/bin")))
}
