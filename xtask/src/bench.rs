//! `cargo xtask bench`: builds the programs and hands over to `bench-run`.

use std::path::Path;

use clap::Args;

use crate::cases::Counts;
use crate::repository::Repository;
use crate::run::{Log, Run};
use crate::suites::Suite;
use crate::tools::{Missing, nats};

/// The packages whose programs take part.
const PROGRAMS: &[&str] = &["bench", "bus", "gateway", "llm-worker", "web"];

#[derive(Debug, Args)]
pub(crate) struct BenchArguments {
    /// One short round: only whether everything runs, no token is lost, and no figure is ten
    /// times over its budget. Takes a minute or two.
    #[arg(long, conflicts_with_all = ["write", "peers", "rounds"])]
    quick: bool,
    /// Only these rows: unary, cpu, single, streams, overload, memory, stored, keys, pages,
    /// start, telemetry, assets.
    #[arg(long, value_name = "ROW")]
    only: Option<String>,
    /// Rounds of each load; 3 when nothing is said.
    #[arg(long, value_name = "N")]
    rounds: Option<u32>,
    /// Measure others as well, installed with pip and npm into target/bench/peers: LiteLLM,
    /// Portkey, TensorZero, and a proxy written with FastAPI.
    #[arg(long)]
    peers: bool,
    /// Rewrite the measured parts of bench/RESULTS.md; with `--only stored`, `--only keys`
    /// or `--only pages`, that part alone.
    #[arg(long)]
    write: bool,
}

impl BenchArguments {
    fn for_the_run(&self) -> Vec<String> {
        let mut words = Vec::new();
        for (flag, set) in
            [("--quick", self.quick), ("--peers", self.peers), ("--write", self.write)]
        {
            words.extend(set.then(|| flag.to_owned()));
        }
        words.extend(self.only.iter().map(|rows| format!("--only={rows}")));
        words.extend(self.rounds.iter().map(|rounds| format!("--rounds={rounds}")));
        words
    }
}

/// The command: builds and measures.
pub(crate) fn command(arguments: &BenchArguments) -> anyhow::Result<bool> {
    let parts = ["stored", "keys", "pages"];
    let whole = arguments.only.as_ref().is_none_or(|rows| parts.contains(&rows.as_str()));
    anyhow::ensure!(
        whole || !arguments.write,
        "only whole parts are written: all rows, or `stored`, `keys` or `pages` alone"
    );
    let repository = Repository::open()?;
    let mut log = Log::create(repository.made("logs").join("bench.log"))?;
    // What is measured is what ships; a smoke test need not wait for the linker.
    let profile = if arguments.quick { "release" } else { "dist" };
    let build = repository.build(profile, PROGRAMS);
    anyhow::ensure!(build.succeeds(&mut log)?, "the programs are not built");
    run(&repository, &repository.built(profile), &arguments.for_the_run())?.succeeds(&mut log)
}

/// The suite: a quick run of programs that are built. Each figure within its bound is a test.
pub(crate) fn suite(repository: &Repository, log: &mut Log) -> anyhow::Result<Counts> {
    if cfg!(not(target_os = "linux")) {
        return Err(Missing(format!("`{}` needs Linux's /proc", Suite::Bench.name())).into());
    }
    let mut counts = Counts::default();
    let succeeded =
        run(repository, &repository.release(), &["--quick".to_owned()])?.heard(log, |line| {
            counts += Counts {
                passed: u32::from(line.starts_with("ok: ")),
                failed: u32::from(line.starts_with("FAILED: ")),
                skipped: 0,
            };
        })?;
    Ok(counts.ended(succeeded))
}

fn run(repository: &Repository, programs: &Path, arguments: &[String]) -> anyhow::Result<Run> {
    let folder = |path: &Path| path.display().to_string();
    let run = Run::new(programs.join("bench-run"), repository.root())
        .arguments(["--repository", &folder(repository.root())])
        .arguments(["--programs", &folder(programs)])
        .arguments(["--nats-server", &folder(&nats::find()?)])
        .arguments(["--output", &folder(&repository.bench())]);
    Ok(run.arguments(arguments))
}
