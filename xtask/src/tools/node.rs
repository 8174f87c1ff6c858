//! Node.js with the packages of `acceptance/package-lock.json`.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;

use crate::environment;
use crate::repository::Repository;
use crate::run::{Log, Run};
use crate::screen;
use crate::tools::made_from;
use crate::tools::python::Python;

/// The oldest one that the pinned packages run on.
const OLDEST: u32 = 20;

/// The oldest one that gitlab-ci-local runs on.
const OLDEST_FOR_PIPELINES: u32 = 22;
const GITLAB_CI_LOCAL: &str = "node_modules/gitlab-ci-local/dist/index.js";

/// A Node.js with packages.
#[derive(Debug)]
pub(crate) struct Node {
    programs: PathBuf,
}

impl Node {
    /// With everything that is pinned: Node from PATH, or from a Python package when there is
    /// none or an old one (Debian 12 has version 18).
    pub(crate) fn with_packages(repository: &Repository, log: &mut Log) -> anyhow::Result<Self> {
        let programs = programs(repository, OLDEST, log)?;
        let node = Self { programs };
        let folder = repository.root().join("acceptance");
        let lock = fs::read_to_string(folder.join("package-lock.json"))
            .context("acceptance/package-lock.json")?;
        let stamp = folder.join("node_modules/.made-from");
        if !made_from(&stamp, &lock) {
            screen::step("installing the npm packages of acceptance/package-lock.json");
            node.run("npm", repository)
                .arguments(["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
                .quietly()?;
            fs::write(stamp, lock)?;
        }
        Ok(node)
    }

    /// One of its programs, run in `acceptance/`.
    pub(crate) fn run(&self, program: &str, repository: &Repository) -> Run {
        let program = self.programs.join(program);
        // npm is a script that starts the `node` which PATH names.
        Run::new(program, &repository.root().join("acceptance")).path_first(&self.programs)
    }
}

/// A Node.js and the program that executes a pipeline, which it runs.
pub(crate) fn gitlab_ci_local(
    repository: &Repository,
    log: &mut Log,
) -> anyhow::Result<(PathBuf, PathBuf)> {
    // The packages are installed by whichever Node the other suites use.
    Node::with_packages(repository, log)?;
    let node = programs(repository, OLDEST_FOR_PIPELINES, log)?.join("node");
    Ok((node, repository.root().join("acceptance").join(GITLAB_CI_LOCAL)))
}

fn programs(repository: &Repository, oldest: u32, log: &mut Log) -> anyhow::Result<PathBuf> {
    match on_path(repository, oldest) {
        Some(programs) => Ok(programs),
        None => Ok(Python::with(repository, "acceptance/requirements-node.txt", log)?.programs()),
    }
}

fn on_path(repository: &Repository, oldest: u32) -> Option<PathBuf> {
    let (node, _npm) = (environment::on_path("node")?, environment::on_path("npm")?);
    let version = Run::new(&node, repository.root()).arguments(["--version"]).quietly().ok()?;
    let major: u32 = version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()?;
    let folder = node.parent().filter(|folder| folder.join("npm").is_file())?;
    (major >= oldest).then(|| folder.to_path_buf())
}
