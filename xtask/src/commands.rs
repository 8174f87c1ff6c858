//! What each command does.

mod line;

use std::process::ExitCode;

use clap::{Parser as _, ValueEnum as _};
use tokio::time::Instant;

use crate::bench;
use crate::cases::Counts;
use crate::deny;
use crate::environment;
use crate::fuzz;
use crate::report::{self, Row};
use crate::repository::Repository;
use crate::run::Log;
use crate::screen;
use crate::signals;
use crate::suites::black_box;
use crate::suites::compose::Images;
use crate::suites::containers;
use crate::suites::faults::{self, Chaos, Extent, Load};
use crate::suites::manifests;
use crate::suites::observability;
use crate::suites::pipeline;
use crate::suites::pods::Pods;
use crate::suites::rust;
use crate::suites::{Context, Endpoints, Suite};
use crate::tools::Missing;

use self::line::{
    AcceptanceArguments, ChaosArguments, Command, CommandLine, ComposeArguments,
    ManifestsArguments, ObservabilityArguments, PipelineArguments, TestArguments,
};

/// What `main` does.
pub(crate) fn main() -> ExitCode {
    let done = match CommandLine::parse().command {
        Command::Test(arguments) if arguments.list => {
            for suite in Suite::value_variants() {
                screen::line(&format!("{:<12} {}", suite.name(), suite.about()));
            }
            return ExitCode::SUCCESS;
        }
        Command::Test(arguments) => test(&arguments),
        Command::Acceptance(arguments) => acceptance(arguments),
        Command::Chaos(arguments) => chaos(&arguments),
        Command::Browser(arguments) => browser(&arguments),
        Command::Compose(arguments) => compose(&arguments),
        Command::Pods(arguments) => pods(&arguments),
        Command::Pipeline(arguments) => pipeline(&arguments),
        Command::Bench(arguments) => bench::command(&arguments),
        Command::Fuzz(arguments) => fuzz::command(&arguments),
        Command::Images => images(),
        Command::Manifests(arguments) => manifests(&arguments),
        Command::Observability(arguments) => observability(&arguments),
        Command::Deny(arguments) => deny::command(&arguments),
        Command::Signals(arguments) => signals::command(&arguments),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            screen::line(&format!("cargo xtask: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn test(arguments: &TestArguments) -> anyhow::Result<bool> {
    let context = Context { repository: Repository::open()?, endpoints: None };
    let named = |suite: &&Suite| arguments.only.is_empty() || arguments.only.contains(suite);
    let mut suites: Vec<Suite> = Suite::value_variants().iter().filter(named).copied().collect();
    let needed = suites.iter().any(|suite| suite.needs_release(&context));
    if needed && !suites.contains(&Suite::Build) {
        suites.insert(0, Suite::Build);
    }
    if arguments.no_build {
        suites.retain(|suite| *suite != Suite::Build);
    }
    run(&context, &suites)
}

fn acceptance(arguments: AcceptanceArguments) -> anyhow::Result<bool> {
    let AcceptanceArguments { gateway_url, direct_url, web_url, simulator_url, api_key } =
        arguments;
    let direct_url = direct_url.unwrap_or_else(|| gateway_url.clone());
    let proxy = Endpoints { gateway_url, web_url, simulator_url, api_key };
    let gateway = Endpoints { gateway_url: direct_url, ..proxy.clone() };
    ask_everything(proxy, gateway)
}

/// The black-box suites, through the proxy or, for what a proxy does not let through, at a gateway.
fn ask_everything(proxy: Endpoints, gateway: Endpoints) -> anyhow::Result<bool> {
    let mut suites = Suite::OF_A_RUNNING_SYSTEM.to_vec();
    suites.retain(|suite| match suite {
        Suite::BadInput => false,
        Suite::Browser => proxy.web_url.is_some(),
        _ => true,
    });
    let asked = |endpoints, suites: &[Suite]| {
        let context = Context { repository: Repository::open()?, endpoints: Some(endpoints) };
        run(&context, suites)
    };
    Ok(asked(proxy, &suites)? & asked(gateway, &[Suite::BadInput])?)
}

fn chaos(arguments: &ChaosArguments) -> anyhow::Result<bool> {
    let context = Context { repository: Repository::open()?, endpoints: None };
    let logs = context.repository.made("logs");
    if !arguments.no_build && !release(&context.repository)? {
        return Ok(false);
    }
    let load = match (arguments.pages, arguments.stored, arguments.cluster) {
        (true, _, _) => Load::Pages,
        (_, _, true) => Load::StoredOnCluster,
        (_, true, false) => Load::Stored,
        (_, false, false) => Load::Mixed,
    };
    let extent = match load {
        Load::Pages => Extent::Episodes(arguments.episodes),
        _ => Extent::Minutes(arguments.minutes),
    };
    let chaos = Chaos { load, extent, seed: arguments.seed };
    let mut log = Log::create(logs.join("chaos.log"))?;
    Ok(good(faults::chaos(&context.repository, chaos, &mut log)?))
}

/// Builds the release programs; whether that went well.
fn release(repository: &Repository) -> anyhow::Result<bool> {
    let mut log = Log::create(repository.made("logs").join("build.log"))?;
    Ok(rust::release(repository, &mut log)?.failed == 0)
}

fn images() -> anyhow::Result<bool> {
    let repository = Repository::open()?;
    let mut log = Log::create(repository.made("logs").join("images.log"))?;
    Ok(good(containers::whole(&repository, &mut log)?))
}

fn manifests(arguments: &ManifestsArguments) -> anyhow::Result<bool> {
    let repository = Repository::open()?;
    if !arguments.no_build && !release(&repository)? {
        return Ok(false);
    }
    let mut log = Log::create(repository.made("logs").join("manifests.log"))?;
    Ok(good(manifests::whole(&repository, &mut log)?))
}

fn observability(arguments: &ObservabilityArguments) -> anyhow::Result<bool> {
    let repository = Repository::open()?;
    if !arguments.no_build && !release(&repository)? {
        return Ok(false);
    }
    let mut log = Log::create(repository.made("logs").join("observability.log"))?;
    let looked = if arguments.plots { observability::plots } else { observability::whole };
    Ok(good(looked(&repository, &mut log)?))
}

fn browser(arguments: &ComposeArguments) -> anyhow::Result<bool> {
    let context = Context { repository: Repository::open()?, endpoints: None };
    if !arguments.no_build && !release(&context.repository)? {
        return Ok(false);
    }
    let mut log = Log::create(context.repository.made("logs").join("browser-whole.log"))?;
    Ok(good(black_box::whole_browser(&context, &mut log)?))
}

fn compose(arguments: &ComposeArguments) -> anyhow::Result<bool> {
    let repository = Repository::open()?;
    let logs = repository.made("logs");
    if !arguments.no_build && !release(&repository)? {
        return Ok(false);
    }
    let mut log = Log::create(logs.join("compose.log"))?;
    let images = Images::make(&repository, &mut log)?;
    let of_its_own = good(images.tested(Suite::Compose, &[], |run| run, &mut log)?);
    let of_any_system = images.with_a_stack("support.compose", |run| run, ask_everything)?;
    Ok(of_its_own && of_any_system)
}

fn pods(arguments: &ComposeArguments) -> anyhow::Result<bool> {
    let repository = Repository::open()?;
    if !arguments.no_build && !release(&repository)? {
        return Ok(false);
    }
    let mut log = Log::create(repository.made("logs").join("pods.log"))?;
    let pods = Pods::make(&repository, &mut log)?;
    let of_their_own = good(pods.tested(&[], &mut log)?);
    Ok(pods.asked(ask_everything)? && of_their_own)
}

fn pipeline(arguments: &PipelineArguments) -> anyhow::Result<bool> {
    let repository = Repository::open()?;
    let mut log = Log::create(repository.made("logs").join("pipeline.log"))?;
    Ok(good(pipeline::whole(&repository, &arguments.commit_stage, &mut log)?))
}

/// Runs the suites, all of them whatever becomes of one, and says how it ended.
fn run(context: &Context, suites: &[Suite]) -> anyhow::Result<bool> {
    let mut rows = Vec::new();
    let mut failures = Vec::new();
    let mut built = true;
    for suite in suites {
        screen::heading(&suite.name());
        let began = Instant::now();
        let log = context.repository.made("logs").join(format!("{}.log", suite.name()));
        let mut log = Log::create(log)?;
        let ended = if built || !suite.needs_release(context) {
            suite.run(context, &mut log)
        } else {
            Err(anyhow::anyhow!("the release programs are not built"))
        };
        let (counts, remark) = match ended {
            Ok(counts) => (counts, None),
            Err(error) if error.is::<Missing>() => {
                log.line(&format!("SKIPPED: {error:#}"));
                (Counts { skipped: 1, ..Counts::default() }, Some(format!("{error:#}")))
            }
            Err(error) => {
                log.line(&format!("FAILED: {error:#}"));
                (Counts::of(false), Some(format!("{error:#}")))
            }
        };
        built &= *suite != Suite::Build || counts.failed == 0;
        if counts.failed > 0 {
            let what = log.failures().join("\n");
            failures.push(format!("{what}\n({}: {})", suite.name(), log.path().display()));
        }
        rows.push(Row { suite: suite.name(), counts, took: began.elapsed(), remark });
    }
    let total = report::total(&rows);
    // Again at the end, where whoever reads a long log looks first.
    if !failures.is_empty() && rows.len() > 1 {
        screen::heading("what failed, and what it said last");
        screen::line(&failures.join("\n\n"));
    }
    screen::line(&format!("\n{}", report::table(&rows)));
    screen::line(&report::summary(total));
    Ok(good(total))
}

fn good(counts: Counts) -> bool {
    report::good(counts, environment::in_pipeline())
}
