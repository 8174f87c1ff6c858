//! The command line.

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum as _};
use tokio::time::Instant;

use crate::bench::{self, BenchArguments};
use crate::cases::Counts;
use crate::deny::{self, DenyArguments};
use crate::environment;
use crate::fuzz::{self, FuzzArguments};
use crate::report::{self, Row};
use crate::repository::Repository;
use crate::run::Log;
use crate::screen;
use crate::suites::compose::Images;
use crate::suites::containers;
use crate::suites::faults::{self, Chaos, Load};
use crate::suites::manifests;
use crate::suites::pipeline;
use crate::suites::rust;
use crate::suites::{Context, Endpoints, Suite};
use crate::tools::Missing;

/// Every command that the pipeline runs.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs every test there is, or the suites that are named.
    ///
    /// Finds or installs what the suites need: a nats-server and Python and npm packages in
    /// folders of their own, on Debian as root also Chromium and a proxy. A suite whose outside program
    /// cannot be had is skipped by name; with CI=true that is a failure.
    ///
    /// Ends with a table of suites and the line `N passed, N failed, N skipped`. Logs are in
    /// target/xtask/logs, reports in target/xtask/junit, pictures in target/xtask/screenshots.
    Test(TestArguments),
    /// Runs the black-box suites against a system that runs already.
    ///
    /// The system answers with the model simulator: its models are `simulator` and
    /// `simulator-embeddings`.
    Acceptance(AcceptanceArguments),
    /// Makes random trouble under mixed load, and accounts for every request.
    ///
    /// Starts three gateways, three workers, two chat pages, a proxy, a nats-server and the model
    /// simulator, and kills, stops, holds up and restarts them at random while forty callers ask:
    /// whole and streamed answers, embeddings, pages, callers who leave or read slowly, models
    /// that fail.
    ///
    /// Ends with a table. Fails when a request is lost, doubled, hung or ended without a reason,
    /// when work is left over, or when the memory of a service has grown by more than a tenth
    /// and 4 MiB since the first minute. What the processes said is in target/xtask/logs/chaos.
    ///
    /// With `--stored`: two gateways, three workers and a nats-server, nobody spared, while
    /// responses are asked for in the background and live, and twenty readers leave and come back
    /// on either gateway. Fails when an accepted response is lost, doubled or changed, or what two
    /// readers heard differs by a byte. Logs: target/xtask/logs/chaos-stored.
    ///
    /// With `--cluster` besides: three nats-servers that each keep everything. Whoever leads a
    /// stream or the cluster is hit, now and then two of them at once. Logs:
    /// target/xtask/logs/chaos-cluster.
    Chaos(ChaosArguments),
    /// Measures Chappe against its budgets, round by round beside a direct call. Linux only.
    ///
    /// Builds the programs as they ship in images, starts everything on free ports of this
    /// machine, prints the table of figures and budgets, and writes target/bench/results.json.
    /// Close what else runs: the load of others is reported, not subtracted. bench/README.md says
    /// how it is measured.
    Bench(BenchArguments),
    /// Looks for bytes that a parser cannot take, in each of the targets of fuzz/.
    ///
    /// Guided by coverage where there is a C++ compiler; needs no nightly compiler. What it finds
    /// is written to fuzz/cases, whose tests fail until it is mended. The log is
    /// target/xtask/logs/fuzz.log.
    Fuzz(FuzzArguments),
    /// Builds the images with the Dockerfile, programs and all, and tests them.
    ///
    /// What the suite `containers` does with programs that are built already. Needs a Docker
    /// engine; as root on Debian it starts one, and makes an image like `rust:1.95-bookworm` where
    /// that cannot be pulled. Prints the size of each image, and fails over 15 MB compressed.
    Images,
    /// Tests the stack of compose.yaml: kills and exchanges its containers, and asks it everything.
    ///
    /// Any one container is killed while stored work runs; each replica of each service is
    /// exchanged under load; what is set up wrongly says so; what NATS stores is backed up, lost
    /// and restored; what docs/OPERATIONS.md has somebody type is typed. Each service is exchanged
    /// for the version before and back: the latest earlier commit with other programs, which is
    /// compiled once and kept in target/previous (`CHAPPE_PREVIOUS` names another). Then the
    /// black-box suites are run against it, with a key. Needs a Docker engine, or root on Debian
    /// to start one. The suite `compose` is its short form.
    Compose(ComposeArguments),
    /// Tests the manifests of k8s/, as the suite `manifests` does, and has checkov look at them.
    ///
    /// Needs kubectl, or root on Debian to fetch it, and installs checkov, which takes some 300 MB.
    Manifests(ManifestsArguments),
    /// Executes the pipeline of .gitlab-ci.yml in a clone, from commit to production, and commits
    /// that it has to stop.
    ///
    /// A failing unit test, an image with a shell in it, a failing acceptance test: each stops at
    /// its stage, and nothing is deployed. A service that turns bad after it was deployed is taken
    /// back, and loses nothing under load. Tells how long each stage took.
    ///
    /// Needs a Docker engine, cosign, oras and docker-registry, or root on Debian to find them.
    /// Its deployments and its registry are its own, and are removed. Programs are built by
    /// cargo-auditable outside of a container. Without grype nothing is scanned, which is told.
    /// What is not committed is tested as well. The suite `pipeline` is its short form.
    Pipeline(PipelineArguments),
    /// Checks licences, doubles and sources of all dependencies, as deny.toml says.
    ///
    /// Needs cargo-deny. Where it is missing, nothing is checked and that is a failure. Advisories
    /// are not checked: their database is a git repository elsewhere.
    Deny(DenyArguments),
}

#[derive(Debug, Args)]
struct TestArguments {
    /// Only these suites, and the release build if they need it.
    #[arg(long, value_name = "SUITE", value_delimiter = ',', env = "CHAPPE_TEST_ONLY")]
    only: Vec<Suite>,
    /// Name the suites and what each of them checks.
    #[arg(long)]
    list: bool,
    /// Take the release programs as they are, without building them anew.
    #[arg(long)]
    no_build: bool,
}

#[derive(Debug, Args)]
struct ChaosArguments {
    /// Under stored work: responses that outlive whatever carries them.
    #[arg(long)]
    stored: bool,
    /// Over three nats-servers, whose leaders are killed.
    #[arg(long, requires = "stored")]
    cluster: bool,
    /// How long trouble is made; 0.5 to 1440.
    #[arg(long, default_value = "10", value_parser = minutes)]
    minutes: f64,
    /// Makes the same trouble at the same times as an earlier run, which told its seed.
    #[arg(long)]
    seed: Option<u32>,
    /// Take the release programs as they are, without building them anew.
    #[arg(long)]
    no_build: bool,
}

#[derive(Debug, Args)]
struct ComposeArguments {
    /// Take the release programs as they are, without building them anew.
    #[arg(long)]
    no_build: bool,
}

#[derive(Debug, Args)]
struct ManifestsArguments {
    /// Take the release programs as they are, without building them anew.
    #[arg(long)]
    no_build: bool,
}

#[derive(Debug, Args)]
struct PipelineArguments {
    /// Of the commit stage only these suites, `fmt,unit,walls` for example; without it all, which
    /// takes half an hour.
    #[arg(long, value_name = "SUITE", value_delimiter = ',')]
    commit_stage: Vec<Suite>,
}

#[derive(Debug, Args)]
struct AcceptanceArguments {
    /// Address of the gateway, without `/v1`.
    #[arg(long, value_name = "URL", env = "ACCEPTANCE_GATEWAY_URL")]
    gateway_url: String,
    /// One gateway without a proxy before it, which speaks for itself about bad requests.
    #[arg(long, value_name = "URL", env = "ACCEPTANCE_DIRECT_URL")]
    direct_url: Option<String>,
    /// The web chat. Without it the browser suite is left out.
    #[arg(long, value_name = "URL", env = "ACCEPTANCE_WEB_URL")]
    web_url: Option<String>,
    /// The model simulator behind it. Without it, tests that read its journal are skipped.
    #[arg(long, value_name = "URL", env = "ACCEPTANCE_SIMULATOR_URL")]
    simulator_url: Option<String>,
    /// The key that callers send.
    #[arg(long, value_name = "KEY", env = "ACCEPTANCE_API_KEY", hide_env_values = true)]
    api_key: Option<String>,
}

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
        Command::Compose(arguments) => compose(&arguments),
        Command::Pipeline(arguments) => pipeline(&arguments),
        Command::Bench(arguments) => bench::command(&arguments),
        Command::Fuzz(arguments) => fuzz::command(&arguments),
        Command::Images => images(),
        Command::Manifests(arguments) => manifests(&arguments),
        Command::Deny(arguments) => deny::command(&arguments),
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
    let load = match (arguments.stored, arguments.cluster) {
        (_, true) => Load::StoredOnCluster,
        (true, false) => Load::Stored,
        (false, false) => Load::Mixed,
    };
    let chaos = Chaos { load, minutes: arguments.minutes, seed: arguments.seed };
    let mut log = Log::create(logs.join("chaos.log"))?;
    Ok(faults::chaos(&context.repository, chaos, &mut log)?.failed == 0)
}

/// Builds the release programs; whether that went well.
fn release(repository: &Repository) -> anyhow::Result<bool> {
    let mut log = Log::create(repository.made("logs").join("build.log"))?;
    Ok(rust::release(repository, &mut log)?.failed == 0)
}

fn images() -> anyhow::Result<bool> {
    let repository = Repository::open()?;
    let mut log = Log::create(repository.made("logs").join("images.log"))?;
    Ok(containers::whole(&repository, &mut log)?.failed == 0)
}

fn manifests(arguments: &ManifestsArguments) -> anyhow::Result<bool> {
    let repository = Repository::open()?;
    if !arguments.no_build && !release(&repository)? {
        return Ok(false);
    }
    let mut log = Log::create(repository.made("logs").join("manifests.log"))?;
    Ok(manifests::whole(&repository, &mut log)?.failed == 0)
}

fn compose(arguments: &ComposeArguments) -> anyhow::Result<bool> {
    let repository = Repository::open()?;
    let logs = repository.made("logs");
    if !arguments.no_build && !release(&repository)? {
        return Ok(false);
    }
    let mut log = Log::create(logs.join("compose.log"))?;
    let images = Images::make(&repository, &mut log)?;
    let of_its_own = images.tested(&[], &mut log)?.failed == 0;
    let of_any_system = images.with_a_stack(ask_everything)?;
    Ok(of_its_own && of_any_system)
}

fn pipeline(arguments: &PipelineArguments) -> anyhow::Result<bool> {
    let repository = Repository::open()?;
    let mut log = Log::create(repository.made("logs").join("pipeline.log"))?;
    Ok(pipeline::whole(&repository, &arguments.commit_stage, &mut log)?.failed == 0)
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes = text.parse().ok().filter(|minutes| (0.5..=1440.0).contains(minutes));
    minutes.ok_or_else(|| "expected a number from 0.5 to 1440".to_owned())
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
    Ok(report::good(total, environment::in_pipeline()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_consistent() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn suites_are_named_in_one_argument() {
        let line = CommandLine::parse_from(["cargo xtask", "test", "--only", "fmt,sdk-python"]);

        let Command::Test(arguments) = line.command else { panic!("another command") };
        assert_eq!(arguments.only, [Suite::Fmt, Suite::SdkPython]);
    }

    #[test]
    fn chaos_takes_parts_of_minutes_within_reason() {
        for (text, read) in [("0.5", Some(0.5)), ("90", Some(90.0)), ("0", None), ("NaN", None)] {
            assert_eq!(minutes(text).ok(), read, "{text}");
        }
    }
}
