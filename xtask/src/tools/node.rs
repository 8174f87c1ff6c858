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

/// A Node.js with packages.
#[derive(Debug)]
pub(crate) struct Node {
    programs: PathBuf,
}

impl Node {
    /// With everything that is pinned: Node from PATH, or from a Python package when there is
    /// none or an old one (Debian 12 has version 18).
    pub(crate) fn with_packages(repository: &Repository, log: &mut Log) -> anyhow::Result<Self> {
        let programs = match on_path(repository) {
            Some(programs) => programs,
            None => Python::with(repository, "acceptance/requirements-node.txt", log)?.programs(),
        };
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

fn on_path(repository: &Repository) -> Option<PathBuf> {
    let (node, _npm) = (environment::on_path("node")?, environment::on_path("npm")?);
    let version = Run::new(&node, repository.root()).arguments(["--version"]).quietly().ok()?;
    let major: u32 = version.trim().strip_prefix('v')?.split('.').next()?.parse().ok()?;
    let folder = node.parent().filter(|folder| folder.join("npm").is_file())?;
    (major >= OLDEST).then(|| folder.to_path_buf())
}
