//! What `cargo xtask test` runs, in this order.

pub(crate) mod black_box;
pub(crate) mod compose;
pub(crate) mod containers;
mod delivery;
pub(crate) mod faults;
pub(crate) mod manifests;
pub(crate) mod observability;
pub(crate) mod pipeline;
pub(crate) mod pods;
pub(crate) mod rust;
mod secrets;

use clap::ValueEnum;

use crate::bench;
use crate::cases::Counts;
use crate::fuzz;
use crate::repository::Repository;
use crate::run::Log;

/// One suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Suite {
    /// Formatting of the Rust code.
    Fmt,
    /// Clippy over all targets, warnings denied.
    Clippy,
    /// The release build of the programs, which the suites below run.
    Build,
    /// Tests beside the code, and examples in the documentation.
    Unit,
    /// The walls between rooms of the code.
    Walls,
    /// What looks like a secret in a file of the repository.
    Secrets,
    /// Parsers and bytes at random: the same ones each time, for a few seconds a target.
    Fuzz,
    /// The bus and what it runs on, with a real nats-server.
    Bus,
    /// One service each as a black box, and the other crates.
    Service,
    /// The whole system: release programs as separate processes.
    System,
    /// A quick run of what is measured: no token lost, no figure ten times over its budget.
    Bench,
    /// The programs' command lines: help, bad settings, busy ports, nats-server, Ctrl-C.
    Launcher,
    /// The official Python SDK, unchanged but for its base address.
    SdkPython,
    /// The official Node SDK, unchanged but for its base address.
    SdkNode,
    /// Bad and unusual input over raw HTTP.
    BadInput,
    /// Processes that are killed, stopped and held up one by one, and models that fail.
    Faults,
    /// Random trouble under mixed load and under stored work, with an account of every request:
    /// a short run of each.
    Chaos,
    /// The chat page in Chromium, with and without JavaScript.
    Browser,
    /// Pipeline, compose and image files: schemas and linters. The programs of the pipeline.
    Delivery,
    /// The manifests of k8s/: schemas, rules and what breaks them, the call graph, scaling.
    Manifests,
    /// Dashboards, alerts and the collector's file; and what a real Prometheus makes of a system: that
    /// every query has data, traces are whole, and nobody's words are in any of it.
    Observability,
    /// The images and their containers: what is in them, how they begin, run and end.
    Containers,
    /// The stack of compose.yaml: what it answers, one trace, a worker that is killed.
    Compose,
    /// The pipeline of .gitlab-ci.yml, executed from the build to production and its verification,
    /// and a commit that puts a shell into an image. Left out are the stages commit, acceptance and
    /// staging, lists of what is in the programs, and the other bad commits: `cargo xtask pipeline`.
    Pipeline,
    /// The pods of k8s/ in Docker, under their manifests' conditions: a leader of NATS is killed.
    Pods,
}

/// A running system, seen from outside.
#[derive(Debug, Clone)]
pub(crate) struct Endpoints {
    pub(crate) gateway_url: String,
    pub(crate) web_url: Option<String>,
    pub(crate) simulator_url: Option<String>,
    pub(crate) api_key: Option<String>,
}

/// What a suite is run with.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) repository: Repository,
    /// A system that runs already; without one, a suite that needs a system starts its own.
    pub(crate) endpoints: Option<Endpoints>,
}

impl Suite {
    /// The suites that only need an address.
    pub(crate) const OF_A_RUNNING_SYSTEM: &[Self] =
        &[Self::SdkPython, Self::SdkNode, Self::BadInput, Self::Browser];

    /// As it is written on the command line.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// What it checks.
    pub(crate) fn about(self) -> String {
        let value = self.to_possible_value();
        let help = value.and_then(|value| value.get_help().map(ToString::to_string));
        help.unwrap_or_default()
    }

    /// Whether it runs the release programs.
    pub(crate) fn needs_release(self, context: &Context) -> bool {
        match self {
            Self::System
            | Self::Bench
            | Self::Launcher
            | Self::Faults
            | Self::Chaos
            | Self::Manifests
            | Self::Observability
            | Self::Containers
            | Self::Compose
            | Self::Pipeline
            | Self::Pods => true,
            _ => Self::OF_A_RUNNING_SYSTEM.contains(&self) && context.endpoints.is_none(),
        }
    }

    /// Runs it.
    pub(crate) fn run(self, context: &Context, log: &mut Log) -> anyhow::Result<Counts> {
        let repository = &context.repository;
        match self {
            Self::Fmt => rust::fmt(repository, log),
            Self::Clippy => rust::clippy(repository, log),
            Self::Build => rust::release(repository, log),
            Self::Unit => rust::unit(repository, log),
            Self::Secrets => secrets::run(repository, log),
            Self::Fuzz => fuzz::suite(repository, log),
            Self::Walls | Self::Bus | Self::Service | Self::System => {
                rust::integration(self, repository, log)
            }
            Self::Bench => bench::suite(repository, log),
            Self::Launcher => black_box::launcher(repository, log),
            Self::Faults => faults::one_by_one(repository, log),
            Self::Chaos => faults::short_chaos(repository, log),
            Self::SdkPython | Self::BadInput => black_box::python(self, context, log),
            Self::SdkNode | Self::Browser => black_box::node(self, context, log),
            Self::Delivery => delivery::run(repository, log),
            Self::Manifests => manifests::suite(repository, log),
            Self::Observability => observability::suite(repository, log),
            Self::Containers => containers::suite(repository, log),
            Self::Compose => compose::suite(repository, log),
            Self::Pipeline => pipeline::suite(repository, log),
            Self::Pods => pods::suite(repository, log),
        }
    }
}
