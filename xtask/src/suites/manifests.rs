//! The manifests of k8s/: schemas, rules, the call graph, scaling and its queries, and the programs
//! with the settings that they give. No cluster is asked.

use crate::cases::Counts;
use crate::repository::Repository;
use crate::run::{Log, Run};
use crate::suites::Suite;
use crate::suites::black_box::counted_by_pytest;
use crate::tools::python::Python;
use crate::tools::{debian, nats};

const REQUIREMENTS: &str = "k8s/tests/requirements.txt";
/// What is too large to be installed for every run of every test.
const CHECKOV: &str = "k8s/tests/requirements-checkov.txt";

/// The short form.
pub(super) fn suite(repository: &Repository, log: &mut Log) -> anyhow::Result<Counts> {
    tested(repository, &["-m", "not checkov"], |run| run, log)
}

/// The long form: checkov looks at them as well.
pub(crate) fn whole(repository: &Repository, log: &mut Log) -> anyhow::Result<Counts> {
    let checkov = Python::with(repository, CHECKOV, log)?.program("checkov");
    tested(repository, &[], |run| run.variable("CHECKOV_BIN", checkov), log)
}

fn tested(
    repository: &Repository,
    chosen: &[&str],
    told: impl FnOnce(Run) -> Run,
    log: &mut Log,
) -> anyhow::Result<Counts> {
    let python = Python::with(repository, REQUIREMENTS, log)?;
    let name = Suite::Manifests.name();
    let report = repository.made("junit").join(format!("{name}.xml"));
    let mut run = Run::new(python.program("python"), &repository.root().join("k8s/tests"))
        .arguments(["-m", "pytest", &format!("--junitxml={}", report.display())])
        // What differs between overlays is worth reading when all is well, too.
        .arguments(["-rP"])
        .arguments(chosen)
        // The source folder stays as it is.
        .variable("PYTHONDONTWRITEBYTECODE", "1")
        .variable("PYTHONUNBUFFERED", "1")
        .variable("CHAPPE_BIN_DIR", repository.release())
        .variable("NATS_SERVER_BIN", nats::find()?);
    for (program, path) in debian::find(repository, &[debian::KUBECTL, debian::PROMTOOL])? {
        run = run.variable(program.variable, path);
    }
    counted_by_pytest(told(run), log)
}
