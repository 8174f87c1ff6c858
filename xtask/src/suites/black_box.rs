//! Suites that see Chappe from outside: a base address, or the release programs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::cases::{self, Counts};
use crate::repository::Repository;
use crate::run::{Log, Run};
use crate::stack::Stack;
use crate::suites::{Context, Endpoints, Suite};
use crate::tools::chromium;
use crate::tools::nats;
use crate::tools::node::Node;
use crate::tools::python::Python;

/// The command lines of the release programs.
pub(super) fn launcher(repository: &Repository, log: &mut Log) -> anyhow::Result<Counts> {
    let python = Python::with(repository, REQUIREMENTS, log)?;
    let run = pytest(&python, Suite::Launcher, repository)
        .variable("CHAPPE_BIN_DIR", repository.release())
        .variable("NATS_SERVER_BIN", nats::find()?);
    counted_by_pytest(run, log)
}

/// A suite of pytest against a running system.
pub(super) fn python(suite: Suite, context: &Context, log: &mut Log) -> anyhow::Result<Counts> {
    let python = Python::with(&context.repository, REQUIREMENTS, log)?;
    against_a_system(context, log, |endpoints, log| {
        let run = pytest(&python, suite, &context.repository);
        counted_by_pytest(with_endpoints(run, endpoints), log)
    })
}

/// A suite of `node --test` against a running system.
pub(super) fn node(suite: Suite, context: &Context, log: &mut Log) -> anyhow::Result<Counts> {
    node_with(suite, context, |run| run, log)
}

/// All of the browser suite, with every page and state in each width and colour.
pub(crate) fn whole_browser(context: &Context, log: &mut Log) -> anyhow::Result<Counts> {
    node_with(Suite::Browser, context, |run| run.variable("ACCEPTANCE_WHOLE", "1"), log)
}

fn node_with(
    suite: Suite,
    context: &Context,
    and: impl FnOnce(Run) -> Run,
    log: &mut Log,
) -> anyhow::Result<Counts> {
    let repository = &context.repository;
    let chromium = match suite {
        Suite::Browser => Some(chromium::find(log)?),
        _ => None,
    };
    let node = Node::with_packages(repository, log)?;
    let junit = repository.made("junit");
    fs::create_dir_all(&junit)?;
    against_a_system(context, log, |endpoints, log| {
        let name = suite.name();
        let mut run = node.run("node", repository).arguments([
            "--test".to_owned(),
            // They share one system, and its journal.
            "--test-concurrency=1".to_owned(),
            // A file counts as a test as well, and the whole browser suite has a long one.
            "--test-timeout=900000".to_owned(),
            "--test-reporter=spec".to_owned(),
            "--test-reporter-destination=stdout".to_owned(),
            "--test-reporter=junit".to_owned(),
            format!("--test-reporter-destination={}", junit.join(format!("{name}.xml")).display()),
        ]);
        run = run.arguments(tests_in(&repository.root().join("acceptance").join(&name))?);
        if let Some(chromium) = &chromium {
            run = run.variable("CHROMIUM_BIN", chromium);
            run = run.variable("ACCEPTANCE_SCREENSHOTS", repository.made("screenshots"));
            // Its pages for operators stand before a gateway of the tests.
            run = run.variable("CHAPPE_BIN_DIR", repository.release());
        }
        let mut counts = Counts::default();
        let run = and(with_endpoints(run, endpoints));
        let succeeded = run.heard(log, |line| cases::of_node(line, &mut counts))?;
        Ok(counts.ended(succeeded))
    })
}

pub(super) const REQUIREMENTS: &str = "acceptance/requirements.txt";

/// With the system of the context, or with one of our own, whose orderly end counts as a test.
fn against_a_system(
    context: &Context,
    log: &mut Log,
    run: impl FnOnce(&Endpoints, &mut Log) -> anyhow::Result<Counts>,
) -> anyhow::Result<Counts> {
    if let Some(endpoints) = &context.endpoints {
        return run(endpoints, log);
    }
    let said = log.path().with_extension("chappe.log");
    let stack = Stack::start(&context.repository, &said)?;
    let mut counts = run(&stack.endpoints().clone(), log)?;
    let stopped = stack.stop();
    if let Err(error) = &stopped {
        log.line(&format!("{error:#}"));
    }
    counts += Counts::of(stopped.is_ok());
    Ok(counts)
}

fn with_endpoints(run: Run, endpoints: &Endpoints) -> Run {
    let mut run = run.variable("ACCEPTANCE_GATEWAY_URL", &endpoints.gateway_url);
    for (name, value) in [
        ("ACCEPTANCE_WEB_URL", &endpoints.web_url),
        ("ACCEPTANCE_SIMULATOR_URL", &endpoints.simulator_url),
        ("ACCEPTANCE_API_KEY", &endpoints.api_key),
    ] {
        if let Some(value) = value {
            run = run.variable(name, value);
        }
    }
    run
}

pub(super) fn pytest(python: &Python, suite: Suite, repository: &Repository) -> Run {
    let name = suite.name();
    let report = repository.made("junit").join(format!("{name}.xml"));
    Run::new(python.program("python"), &repository.root().join("acceptance"))
        .arguments(["-m", "pytest", &name])
        .arguments([format!("--junitxml={}", report.display())])
        // The source folder stays as it is.
        .variable("PYTHONDONTWRITEBYTECODE", "1")
        .variable("PYTHONUNBUFFERED", "1")
}

pub(super) fn counted_by_pytest(run: Run, log: &mut Log) -> anyhow::Result<Counts> {
    let mut counts = Counts::default();
    let succeeded = run.heard(log, |line| {
        if let Some(read) = cases::of_pytest(line) {
            counts = read;
        }
    })?;
    Ok(counts.ended(succeeded))
}

fn tests_in(folder: &Path) -> anyhow::Result<Vec<String>> {
    let files = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let mut paths: Vec<PathBuf> = files.into_iter().map(|file| file.path()).collect();
    paths.retain(|path| path.to_string_lossy().ends_with(".test.mjs"));
    paths.sort();
    Ok(paths.into_iter().map(|path| path.display().to_string()).collect())
}
