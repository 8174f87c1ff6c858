//! Formatting, lints, the release build and every `cargo test`.

use crate::cases::{CargoTest, Counts};
use crate::report;
use crate::repository::{Repository, TestTarget};
use crate::run::{Log, Run};
use crate::suites::Suite;
use crate::tools::{Missing, faketime, nats};

/// The programs that the black-box suites run: packages of the workspace.
const PROGRAMS: &[&str] =
    &["bench", "bus", "gateway", "launcher", "llm-worker", "model-simulator", "web"];

pub(super) fn fmt(repository: &Repository, log: &mut Log) -> anyhow::Result<Counts> {
    let run = cargo(repository).arguments(["fmt", "--all", "--check"]);
    Ok(Counts::of(run.succeeds(log)?))
}

pub(super) fn clippy(repository: &Repository, log: &mut Log) -> anyhow::Result<Counts> {
    let run = cargo(repository).arguments([
        "clippy",
        "--workspace",
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]);
    Ok(Counts::of(run.succeeds(log)?))
}

pub(crate) fn release(repository: &Repository, log: &mut Log) -> anyhow::Result<Counts> {
    Ok(Counts::of(repository.build("release", PROGRAMS).succeeds(log)?))
}

pub(super) fn unit(repository: &Repository, log: &mut Log) -> anyhow::Result<Counts> {
    let mut counts = test(Suite::Unit, &["--lib", "--bins"], repository, log)?;
    let run = cargo(repository).arguments(["test", "--workspace", "--locked", "--doc"]);
    let mut examples = CargoTest::default();
    let succeeded = run.heard(log, |line| examples.hear(line))?;
    counts += examples.counts.ended(succeeded);
    Ok(counts)
}

/// The integration tests that belong to `suite`. New ones are found by asking cargo, so that
/// none is forgotten; the filter is by name, so that every call builds with the same features.
pub(super) fn integration(
    suite: Suite,
    repository: &Repository,
    log: &mut Log,
) -> anyhow::Result<Counts> {
    let all = repository.test_targets();
    let ours = all.iter().filter(|target| suite_of(target) == suite);
    let mut names: Vec<&str> = ours.map(|target| target.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    for name in &names {
        let mut of_that_name = all.iter().filter(|target| target.name == *name);
        anyhow::ensure!(
            of_that_name.all(|target| suite_of(target) == suite),
            "two packages have an integration test `{name}` and belong to different suites: rename one"
        );
    }
    let filter: Vec<&str> = names.iter().flat_map(|name| ["--test", name]).collect();
    test(suite, &filter, repository, log)
}

fn suite_of(target: &TestTarget) -> Suite {
    match (target.package.as_str(), target.name.as_str()) {
        ("xtask", _) => Suite::Walls,
        ("example" | "launcher", _) => Suite::System,
        ("bus" | "nats-server", _) => Suite::Bus,
        _ => Suite::Service,
    }
}

fn test(
    suite: Suite,
    filter: &[&str],
    repository: &Repository,
    log: &mut Log,
) -> anyhow::Result<Counts> {
    let mut run = cargo(repository)
        .arguments(["test", "--workspace", "--locked", "--no-fail-fast"])
        .arguments(filter)
        .variable("NATS_SERVER_BIN", nats::find()?)
        .variable("CHAPPE_BIN_DIR", repository.release());
    if suite == Suite::Service && cfg!(target_os = "linux") {
        match faketime::find(log) {
            // The tests of wrong clocks are ignored unless somebody gives them that.
            Ok(library) => {
                run = run.variable("LIBFAKETIME", library).arguments(["--", "--include-ignored"]);
            }
            // They are counted as left out then, which no pipeline puts up with, and all others run.
            Err(error) if error.is::<Missing>() => log.line(&format!("LEFT OUT: {error:#}")),
            Err(error) => return Err(error),
        }
    }
    let mut cargo = CargoTest::default();
    let succeeded = run.heard(log, |line| cargo.hear(line))?;
    let name = suite.name();
    let report = repository.made("junit").join(format!("{name}.xml"));
    report::write_junit(&report, &name, &cargo.cases)?;
    Ok(cargo.counts.ended(succeeded))
}

fn cargo(repository: &Repository) -> Run {
    Run::new("cargo", repository.root())
}
