//! The command line.

use clap::{Args, Parser, Subcommand};

use crate::bench::BenchArguments;
use crate::deny::DenyArguments;
use crate::fuzz::FuzzArguments;
use crate::signals::SignalsArguments;
use crate::suites::Suite;

/// Every command that the pipeline runs.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
pub(super) struct CommandLine {
    #[command(subcommand)]
    pub(super) command: Command,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
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
    /// whole and streamed answers, embeddings, callers who leave or read slowly, models
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
    ///
    /// With `--pages`: as many answers as `--episodes` says, each shown in tabs that are loaded
    /// again, cut off, put away and joined by others, with a script and without, while chat pages
    /// and gateways are killed. Fails when a tab has shown a word twice or not at all, and when
    /// what it has in the end differs by a byte from a page that is loaded afterwards. Logs:
    /// target/xtask/logs/chaos-pages.
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
    /// Tests the chat page in Chromium, and has axe look at each of its pages and states in each
    /// width and colour.
    ///
    /// Takes a picture of each: target/xtask/screenshots/matrix-*.png. Finds or installs what it
    /// needs as `test` does. The suite `browser` is its short form.
    Browser(ComposeArguments),
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
    /// Runs the pods of k8s/ in Docker as their manifests have them, and asks them everything.
    ///
    /// Users, capabilities, read-only roots, limits of memory and processors, files of secrets, three
    /// nats-servers that each keep everything. While stored work runs, a leader of NATS is killed, a
    /// worker is parted from NATS for 20 s, and another is killed by the kernel for its memory. Tells
    /// what memory each takes. Then the black-box suites are run against them, with a key. Needs
    /// kubectl and a Docker engine on this machine, which has to be Linux, or root on Debian to fetch
    /// and start them. The suite `pods` is its short form.
    Pods(ComposeArguments),
    /// Tests the manifests of k8s/, as the suite `manifests` does, and has checkov look at them.
    ///
    /// Needs kubectl and promtool, or root on Debian to fetch them, and installs checkov, which
    /// takes some 300 MB.
    Manifests(ManifestsArguments),
    /// Tests what watches: its files, and what a real Prometheus, a receiver of OTLP and the operator
    /// page make of a system under load and in trouble.
    ///
    /// Also: 10,000 users, conversations and model names, and receivers that are down, slow or
    /// resetting for a minute. Needs prometheus, promtool and amtool, or root on Debian to fetch them.
    /// With `--plots` it draws what each panel shows of such a system instead, into target/xtask/plots.
    /// The suite `observability` is its short form.
    Observability(ObservabilityArguments),
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
    /// Makes observability/SIGNALS.md of observability/signals.yaml, and compares that with the code.
    ///
    /// Every metric, span, attribute and log field of the code is in the registry, and the reverse.
    Signals(SignalsArguments),
}

#[derive(Debug, Args)]
pub(super) struct TestArguments {
    /// Only these suites, and the release build if they need it.
    #[arg(long, value_name = "SUITE", value_delimiter = ',', env = "CHAPPE_TEST_ONLY")]
    pub(super) only: Vec<Suite>,
    /// Name the suites and what each of them checks.
    #[arg(long)]
    pub(super) list: bool,
    /// Take the release programs as they are, without building them anew.
    #[arg(long)]
    pub(super) no_build: bool,
}

#[derive(Debug, Args)]
pub(super) struct ChaosArguments {
    /// Under stored work: responses that outlive whatever carries them.
    #[arg(long)]
    pub(super) stored: bool,
    /// Over three nats-servers, whose leaders are killed.
    #[arg(long, requires = "stored")]
    pub(super) cluster: bool,
    /// Under the chat page: answers that are shown while they are written.
    #[arg(long, conflicts_with_all = ["stored", "cluster", "minutes"])]
    pub(super) pages: bool,
    /// How many answers are shown.
    #[arg(long, default_value = "1000", requires = "pages")]
    pub(super) episodes: u32,
    /// How long trouble is made; 0.5 to 1440.
    #[arg(long, default_value = "10", value_parser = minutes)]
    pub(super) minutes: f64,
    /// Makes the same trouble at the same times as an earlier run, which told its seed.
    #[arg(long)]
    pub(super) seed: Option<u32>,
    /// Take the release programs as they are, without building them anew.
    #[arg(long)]
    pub(super) no_build: bool,
}

#[derive(Debug, Args)]
pub(super) struct ComposeArguments {
    /// Take the release programs as they are, without building them anew.
    #[arg(long)]
    pub(super) no_build: bool,
}

#[derive(Debug, Args)]
pub(super) struct ManifestsArguments {
    /// Take the release programs as they are, without building them anew.
    #[arg(long)]
    pub(super) no_build: bool,
}

#[derive(Debug, Args)]
pub(super) struct ObservabilityArguments {
    /// Draw the panels, and test nothing.
    #[arg(long)]
    pub(super) plots: bool,
    /// Take the release programs as they are, without building them anew.
    #[arg(long)]
    pub(super) no_build: bool,
}

#[derive(Debug, Args)]
pub(super) struct PipelineArguments {
    /// Of the commit stage only these suites, `fmt,unit,walls` for example; without it all, which
    /// takes half an hour.
    #[arg(long, value_name = "SUITE", value_delimiter = ',')]
    pub(super) commit_stage: Vec<Suite>,
}

#[derive(Debug, Args)]
pub(super) struct AcceptanceArguments {
    /// Address of the gateway, without `/v1`.
    #[arg(long, value_name = "URL", env = "ACCEPTANCE_GATEWAY_URL")]
    pub(super) gateway_url: String,
    /// One gateway without a proxy before it, which speaks for itself about bad requests.
    #[arg(long, value_name = "URL", env = "ACCEPTANCE_DIRECT_URL")]
    pub(super) direct_url: Option<String>,
    /// The web chat. Without it the browser suite is left out.
    #[arg(long, value_name = "URL", env = "ACCEPTANCE_WEB_URL")]
    pub(super) web_url: Option<String>,
    /// The model simulator behind it. Without it, tests that read its journal are skipped.
    #[arg(long, value_name = "URL", env = "ACCEPTANCE_SIMULATOR_URL")]
    pub(super) simulator_url: Option<String>,
    /// The key that callers send.
    #[arg(long, value_name = "KEY", env = "ACCEPTANCE_API_KEY", hide_env_values = true)]
    pub(super) api_key: Option<String>,
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes = text.parse().ok().filter(|minutes| (0.5..=1440.0).contains(minutes));
    minutes.ok_or_else(|| "expected a number from 0.5 to 1440".to_owned())
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
