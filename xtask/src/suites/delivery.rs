//! Files that no compiler reads: pipeline, compose, images, scripts.

use crate::cases::{Case, Counts, End};
use crate::report;
use crate::repository::Repository;
use crate::run::{Log, Run};
use crate::suites::{Suite, black_box};
use crate::tools::Missing;
use crate::tools::debian;
use crate::tools::python::Python;

/// A check: what is true when it succeeds, the program, and its arguments.
type Check = (&'static str, &'static str, &'static [&'static str]);

const SCRIPTS: &[&str] = &[
    ".ci/debian-programs",
    ".ci/docker-engine",
    ".ci/run",
    ".ci/stand-ins/haproxy",
    ".ci/stand-ins/nats",
    ".ci/stand-ins/python",
    ".ci/stand-ins/rust",
    "ci/accept",
    "ci/backup",
    "ci/package-test",
    "ci/publish",
    "ci/restore",
    "ci/roll",
    "ci/test",
    "ci/validate-collector",
    "ci/verify-production",
    "ci/with-python",
    "k8s/secrets",
];

const CHECKS: &[Check] = &[
    (
        "compose.yaml follows the compose specification",
        "check-jsonschema",
        &["--builtin-schema", "vendor.compose-spec", "compose.yaml"],
    ),
    (
        "compose/observability.yaml follows the compose specification",
        "check-jsonschema",
        &["--builtin-schema", "vendor.compose-spec", "compose/observability.yaml"],
    ),
    (
        "compose.dev.yaml follows the compose specification",
        "check-jsonschema",
        &["--builtin-schema", "vendor.compose-spec", "compose.dev.yaml"],
    ),
    (
        ".gitlab-ci.yml follows GitLab's schema",
        "check-jsonschema",
        &[
            "--builtin-schema",
            "vendor.gitlab-ci",
            "--data-transform",
            "gitlab-ci",
            ".gitlab-ci.yml",
        ],
    ),
    ("the pipeline is the only way to production", "python", &["ci/lint-pipeline"]),
    ("the Dockerfile is sound", "hadolint", &["Dockerfile"]),
    ("scripts are sound", "shellcheck", SCRIPTS),
    ("YAML files are tidy", "yamllint", &["--strict", "--config-file", "ci/yamllint.yaml", "."]),
];

pub(super) fn run(repository: &Repository, log: &mut Log) -> anyhow::Result<Counts> {
    let python = Python::with(repository, "ci/requirements.txt", log)?;
    let mut counts = Counts::default();
    let mut cases = Vec::new();
    for (name, program, arguments) in CHECKS {
        let run = Run::new(python.program(program), repository.root()).arguments(*arguments);
        let succeeded = run.succeeds(log)?;
        log.line(&format!("{}: {name}", if succeeded { "ok" } else { "FAILED" }));
        let end = if succeeded { End::Passed } else { End::Failed };
        cases.push(Case { name: (*name).to_owned(), end });
        counts += Counts::of(succeeded);
    }
    let name = Suite::Delivery.name();
    report::write_junit(&repository.made("junit").join(format!("{name}.xml")), &name, &cases)?;
    counts += programs(repository, &python, log)?;
    Ok(counts)
}

/// The tests of the programs in `ci/`.
fn programs(repository: &Repository, python: &Python, log: &mut Log) -> anyhow::Result<Counts> {
    let report = repository.made("junit").join("delivery-programs.xml");
    let mut run = Run::new(python.program("python"), &repository.root().join("ci"))
        .arguments(["-m", "pytest", &format!("--junitxml={}", report.display())])
        // The source folder stays as it is.
        .variable("PYTHONDONTWRITEBYTECODE", "1")
        .variable("PYTHONUNBUFFERED", "1");
    // Both at once, for the suite `manifests` as well.
    match debian::find(repository, &[debian::KUBECTL, debian::PROMTOOL]) {
        Ok(found) => {
            for (program, path) in found {
                run = run.variable(program.variable, path);
            }
        }
        // The tests that need it are skipped by name.
        Err(error) if error.is::<Missing>() => log.line(&format!("{error:#}")),
        Err(error) => return Err(error),
    }
    black_box::counted_by_pytest(run, log)
}
