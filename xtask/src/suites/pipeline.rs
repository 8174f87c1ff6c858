//! The pipeline of .gitlab-ci.yml, executed on this machine, and commits that it stops.

use std::fs;
use std::path::PathBuf;

use crate::cases::Counts;
use crate::environment;
use crate::repository::Repository;
use crate::run::{Log, Run};
use crate::suites::Suite;
use crate::suites::black_box::{REQUIREMENTS, counted_by_pytest, pytest};
use crate::suites::compose::have_images_of_others;
use crate::tools::apt;
use crate::tools::cargo::{AUDITABLE, CYCLONEDX};
use crate::tools::docker::Engine;
use crate::tools::node;
use crate::tools::python::Python;
use crate::tools::supply;

/// The short form: over the release programs, which were built already.
pub(super) fn suite(repository: &Repository, log: &mut Log) -> anyhow::Result<Counts> {
    let place = Place::make(repository, log)?;
    place.tested(log, |run| {
        run.arguments(["-m", "not long"]).variable("PIPELINE_PROGRAMS", repository.release())
    })
}

/// All of it. `commit_stage` names the suites of the commit stage, or none of them for all.
pub(crate) fn whole(
    repository: &Repository,
    commit_stage: &[Suite],
    log: &mut Log,
) -> anyhow::Result<Counts> {
    let mut place = Place::make(repository, log)?;
    for package in [AUDITABLE, CYCLONEDX] {
        place.folders.extend(package.install(repository, log)?);
    }
    let names: Vec<String> = commit_stage.iter().map(|suite| suite.name()).collect();
    place.tested(log, |run| run.variable("PIPELINE_COMMIT_STAGE", names.join(",")))
}

/// What executes the pipeline: an engine with the images of others, and programs.
struct Place<'a> {
    repository: &'a Repository,
    engine: Engine,
    python: Python,
    node: PathBuf,
    runner: PathBuf,
    /// Of programs that are not on PATH.
    folders: Vec<PathBuf>,
}

impl<'a> Place<'a> {
    fn make(repository: &'a Repository, log: &mut Log) -> anyhow::Result<Self> {
        let engine = Engine::find(repository)?;
        let python = Python::with(repository, REQUIREMENTS, log)?;
        let (node, runner) = node::gitlab_ci_local(repository, log)?;
        // It copies by rsync.
        anyhow::ensure!(apt::have("rsync", "rsync", log)?, "there is no `rsync` on PATH");
        have_images_of_others(repository, &["compose.yaml"], &engine, log)?;
        let folders = supply::find(repository)?.into_iter().collect();
        Ok(Self { repository, engine, python, node, runner, folders })
    }

    /// Runs the tests of acceptance/pipeline.
    fn tested(&self, log: &mut Log, more: impl FnOnce(Run) -> Run) -> anyhow::Result<Counts> {
        let logs = self.repository.made("logs").join(Suite::Pipeline.name());
        if logs.exists() {
            // Of the run before.
            fs::remove_dir_all(&logs)?;
        }
        let run = pytest(&self.python, Suite::Pipeline, self.repository)
            .variable("ACCEPTANCE_LOGS", logs)
            .variable("PIPELINE_FOLDER", self.repository.made("pipeline"))
            .variable("PIPELINE_NODE", &self.node)
            .variable("PIPELINE_RUNNER", &self.runner)
            .variable("PIPELINE_PATH", environment::joined(self.folders.clone()));
        counted_by_pytest(self.engine.told(more(run)), log)
    }
}
