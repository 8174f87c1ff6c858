//! Programs that tests of manifests and of what watches run, out of packages of Debian. None of them
//! talks to a cluster.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::environment;
use crate::repository::Repository;
use crate::run::Run;
use crate::screen;
use crate::tools::{Missing, apt};

/// Puts programs of newer Debian suites into a folder, as root on Debian.
const OF_DEBIAN: &str = ".ci/debian-programs";

/// A program that a test is told of by a variable, which may also name one for us.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Program {
    name: &'static str,
    pub(crate) variable: &'static str,
    /// The package and suite of Debian that has it.
    package: &'static str,
}

/// Renders manifests.
pub(crate) const KUBECTL: Program =
    Program { name: "kubectl", variable: "KUBECTL_BIN", package: "kubectl/sid" };

/// Answers the queries in them.
pub(crate) const PROMTOOL: Program =
    Program { name: "promtool", variable: "PROMTOOL_BIN", package: "promtool/sid" };

/// Asks services for their figures, and evaluates rules.
pub(crate) const PROMETHEUS: Program =
    Program { name: "prometheus", variable: "PROMETHEUS_BIN", package: "prometheus/sid" };

/// Reads the configuration of Alertmanager.
pub(crate) const AMTOOL: Program =
    Program { name: "amtool", variable: "AMTOOL_BIN", package: "prometheus-alertmanager/sid" };

impl Program {
    /// What its variable names, or one on PATH.
    fn here(self) -> anyhow::Result<Option<PathBuf>> {
        let Self { name, variable, package: _ } = self;
        let Some(named) = environment::variable(variable) else {
            return Ok(environment::on_path(name));
        };
        let path = PathBuf::from(&named);
        anyhow::ensure!(path.is_file(), "{variable} names `{named}`, which is no file");
        Ok(Some(path))
    }
}

/// Each program with its file: one that is here, or Debian's newest in a folder of ours. Those are
/// fetched at once, since the list of packages takes longer than they do.
pub(crate) fn find(
    repository: &Repository,
    wanted: &[Program],
) -> anyhow::Result<Vec<(Program, PathBuf)>> {
    let folder = environment::cache().join("manifests");
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for program in wanted {
        let here = program.here()?;
        if here.is_none() {
            missing.push(*program);
        }
        let unpacked = || folder.join("usr/bin").join(program.name);
        found.push((*program, here.unwrap_or_else(unpacked)));
    }
    if missing.is_empty() {
        return Ok(found);
    }
    let names: Vec<&str> = missing.iter().map(|program| program.name).collect();
    let variables: Vec<&str> = missing.iter().map(|program| program.variable).collect();
    let (names, variables) = (names.join(" and "), variables.join(" and "));
    let remedy = format!("install what is missing, or name it with {variables}");
    if !apt::is_for_us() {
        return Err(Missing(format!("no {names}: {remedy}")).into());
    }
    screen::step(&format!("finding {names} among Debian's packages, since PATH has none"));
    Run::new(repository.root().join(OF_DEBIAN), repository.root())
        .arguments([folder.display().to_string()])
        .arguments(missing.iter().map(|program| program.package))
        .quietly()
        .with_context(|| format!("{names} cannot be fetched: {remedy}"))?;
    Ok(found)
}
