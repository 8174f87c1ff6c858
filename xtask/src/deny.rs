//! `cargo xtask deny`: licences, doubles and sources of what comes into the build, by `deny.toml`.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::environment;
use crate::repository::Repository;
use crate::run::{Log, Run};

/// The version that `deny.toml` is written for.
const VERSION: &str = "0.20.2";

#[derive(Debug, Args)]
pub(crate) struct DenyArguments {
    /// Install cargo-deny into target/xtask/tools if it is not there: minutes of compiling.
    #[arg(long)]
    install: bool,
}

/// The command. What was not run has not passed.
pub(crate) fn command(arguments: &DenyArguments) -> anyhow::Result<bool> {
    let repository = Repository::open()?;
    let mut log = Log::create(repository.made("logs").join("deny.log"))?;
    let tools = repository.made("tools");
    let ours = tools.join("bin").join(format!("cargo-deny{}", std::env::consts::EXE_SUFFIX));
    if arguments.install && found(&ours).is_none() {
        let install = Run::new("cargo", repository.root())
            .arguments(["install", "cargo-deny", "--locked", "--version", VERSION])
            .arguments(["--root", &tools.display().to_string()]);
        anyhow::ensure!(install.succeeds(&mut log)?, "cargo-deny cannot be installed");
    }
    let Some(program) = found(&ours) else {
        log.line("not run: there is no cargo-deny; `cargo xtask deny --install` installs it");
        return Ok(false);
    };
    let sound = Run::new(program, repository.root())
        .arguments(["--locked", "check", "licenses", "bans", "sources"])
        .succeeds(&mut log)?;
    log.line("advisories: not checked, their database is a git repository elsewhere");
    Ok(sound)
}

fn found(ours: &Path) -> Option<PathBuf> {
    ours.is_file().then(|| ours.to_path_buf()).or_else(|| environment::on_path("cargo-deny"))
}
