//! The images as they are, and how their containers begin, run and end.

use crate::cases::Counts;
use crate::repository::Repository;
use crate::run::Log;
use crate::suites::Suite;
use crate::suites::black_box::{REQUIREMENTS, counted_by_pytest, pytest};
use crate::tools::docker::Engine;
use crate::tools::nats;
use crate::tools::python::Python;

/// The tag of images that are made for tests, so that no other is mistaken for one of them.
const TAG: &str = "under-test";

/// The short form: images over the release programs, which were built already.
pub(super) fn suite(repository: &Repository, log: &mut Log) -> anyhow::Result<Counts> {
    let engine = Engine::find(repository)?;
    let programs = repository.release().display().to_string();
    // Elsewhere than on Linux, programs for containers are built in one.
    let built: &[&str] = if cfg!(target_os = "linux") { &["--programs", &programs] } else { &[] };
    tested(repository, &engine, built, log)
}

/// The long form: the programs are built in a container as well, as the pipeline does.
pub(crate) fn whole(repository: &Repository, log: &mut Log) -> anyhow::Result<Counts> {
    let engine = Engine::find(repository)?;
    // Where the builder's image can be had from no registry, this makes one like it.
    let pulled = engine.run("docker").arguments(["pull", "--quiet", BUILDER]).quietly();
    if pulled.is_err() {
        let stand_in = engine.run(repository.root().join(".ci/stand-ins/rust"));
        anyhow::ensure!(stand_in.succeeds(log)?, "there is no image `{BUILDER}`");
    }
    tested(repository, &engine, &[], log)
}

/// What the programs are built in, as the Dockerfile has it.
const BUILDER: &str = "rust:1.95-bookworm";

fn tested(
    repository: &Repository,
    engine: &Engine,
    programs: &[&str],
    log: &mut Log,
) -> anyhow::Result<Counts> {
    let python = Python::with(repository, REQUIREMENTS, log)?;
    let build = engine
        .run(python.program("python"))
        .arguments(["ci/build-images"])
        .arguments(programs)
        .variable("CHAPPE_VERSION", TAG);
    anyhow::ensure!(build.succeeds(log)?, "the images are not built");
    let run = pytest(&python, Suite::Containers, repository)
        // What was measured is worth reading when all is well, too.
        .arguments(["-rP"])
        .variable("CHAPPE_VERSION", TAG)
        .variable("NATS_SERVER_BIN", nats::find()?);
    counted_by_pytest(engine.told(run), log)
}
