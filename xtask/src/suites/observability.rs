//! What watches: its files, and what a real Prometheus makes of a system.

use crate::cases::Counts;
use crate::repository::Repository;
use crate::run::{Log, Run};
use crate::suites::Suite;
use crate::suites::black_box::{REQUIREMENTS, counted_by_pytest, pytest};
use crate::suites::faults::with_programs;
use crate::tools::debian;
use crate::tools::python::Python;

/// What the tests of the files need.
const OF_FILES: &str = "observability/tests/requirements.txt";
/// What draws.
const OF_PLOTS: &str = "acceptance/requirements-plots.txt";

/// The short form.
pub(super) fn suite(repository: &Repository, log: &mut Log) -> anyhow::Result<Counts> {
    let mut counts = files(repository, log)?;
    counts += watched(repository, &["-m", "not long"], log)?;
    Ok(counts)
}

/// The long form.
pub(crate) fn whole(repository: &Repository, log: &mut Log) -> anyhow::Result<Counts> {
    let mut counts = files(repository, log)?;
    counts += watched(repository, &[], log)?;
    Ok(counts)
}

/// Draws what each panel shows of a system, into images below cargo's target folder.
pub(crate) fn plots(repository: &Repository, log: &mut Log) -> anyhow::Result<Counts> {
    let python = Python::with(repository, OF_PLOTS, log)?;
    let images = repository.made("plots");
    let run = Run::new(python.program("python"), &repository.root().join("acceptance"))
        .arguments(["-m", "observability.plot", &images.display().to_string()])
        .variable("PYTHONDONTWRITEBYTECODE", "1")
        .variable("PYTHONUNBUFFERED", "1");
    let run = with_programs(run, "plots", repository, log)?;
    let run = with_prometheus(run, repository)?;
    Ok(Counts::of(run.succeeds(log)?))
}

/// Dashboards, alerts, the files of collector, stores and Grafana.
fn files(repository: &Repository, log: &mut Log) -> anyhow::Result<Counts> {
    let python = Python::with(repository, OF_FILES, log)?;
    let report = repository.made("junit").join("observability-files.xml");
    let run = Run::new(python.program("python"), &repository.root().join("observability/tests"))
        .arguments(["-m", "pytest", &format!("--junitxml={}", report.display())])
        // The source folder stays as it is.
        .variable("PYTHONDONTWRITEBYTECODE", "1")
        .variable("PYTHONUNBUFFERED", "1");
    counted_by_pytest(with_prometheus(run, repository)?, log)
}

/// A system that Prometheus watches, from outside.
fn watched(repository: &Repository, chosen: &[&str], log: &mut Log) -> anyhow::Result<Counts> {
    let python = Python::with(repository, REQUIREMENTS, log)?;
    let name = Suite::Observability.name();
    let run = pytest(&python, Suite::Observability, repository).arguments(chosen);
    let run = with_programs(run, &name, repository, log)?;
    counted_by_pytest(with_prometheus(run, repository)?, log)
}

fn with_prometheus(mut run: Run, repository: &Repository) -> anyhow::Result<Run> {
    let wanted = [debian::PROMETHEUS, debian::PROMTOOL, debian::AMTOOL];
    for (program, path) in debian::find(repository, &wanted)? {
        run = run.variable(program.variable, path);
    }
    Ok(run)
}
