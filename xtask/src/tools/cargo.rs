//! Commands of cargo that are packages of their own, in one version each.

use std::path::PathBuf;

use crate::environment;
use crate::repository::Repository;
use crate::run::{Log, Run};
use crate::screen;

/// A package, which is the name of its program, and its version.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Package {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
}

/// Puts into a program the list of what it is made of.
pub(crate) const AUDITABLE: Package = Package { name: "cargo-auditable", version: "0.7.7" };

/// Lists what the source is made of.
pub(crate) const CYCLONEDX: Package = Package { name: "cargo-cyclonedx", version: "0.5.9" };

impl Package {
    /// Whatever is on PATH, or else this version in `target/xtask/tools`, which takes minutes to
    /// compile. The folder of those that are not on PATH.
    pub(crate) fn install(
        self,
        repository: &Repository,
        log: &mut Log,
    ) -> anyhow::Result<Option<PathBuf>> {
        let Self { name, version } = self;
        if environment::on_path(name).is_some() {
            return Ok(None);
        }
        let tools = repository.made("tools");
        let folder = tools.join("bin");
        if !folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)).is_file() {
            screen::step(&format!("compiling {name} {version}"));
            let install = Run::new("cargo", repository.root())
                .arguments(["install", name, "--locked", "--version", version])
                .arguments(["--root", &tools.display().to_string()]);
            anyhow::ensure!(install.succeeds(log)?, "{name} cannot be installed");
        }
        Ok(Some(folder))
    }
}
