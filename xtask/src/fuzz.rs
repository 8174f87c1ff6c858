//! `cargo xtask fuzz`: looks for bytes that a parser cannot take. What it finds is written to
//! `fuzz/cases`, whose tests fail until it is mended.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::Context as _;
use clap::Args;

use crate::cases::Counts;
use crate::environment;
use crate::repository::Repository;
use crate::run::{Log, Run};

/// What the compiler adds so that `libFuzzer` sees which code an input reaches, and the checks of
/// a build for developers.
const GUIDED_FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
    -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares \
    -Cllvm-args=-simplifycfg-branch-fold-threshold=0 \
    -Ccodegen-units=1 -Cdebug-assertions -Coverflow-checks";
/// Longest input, longest time for one in seconds, and most memory in MiB.
const GUIDED_LIMITS: [&str; 3] = ["-max_len=16384", "-timeout=5", "-rss_limit_mb=1024"];
/// What the test command runs: the same inputs each time, so that a commit is judged by what it
/// changes.
const SHORT: Length = Length { seconds: 3, seed: 5 };

#[derive(Debug, Args)]
pub(crate) struct FuzzArguments {
    /// How long each target is searched, in minutes; parts of one are possible.
    #[arg(long, default_value = "10", value_parser = minutes)]
    minutes: f64,
    /// Only this target: answers, catalogue, markdown, names, records, requests, streams.
    #[arg(long, value_name = "TARGET")]
    only: Option<String>,
    /// Searches as an earlier run did, which told its seed.
    #[arg(long)]
    seed: Option<u32>,
    /// Without coverage, as where there is no C++ compiler.
    #[arg(long)]
    blind: bool,
}

#[derive(Debug, Clone, Copy)]
struct Length {
    seconds: u64,
    seed: u32,
}

/// The command: each target for a long time.
pub(crate) fn command(arguments: &FuzzArguments) -> anyhow::Result<bool> {
    let repository = Repository::open()?;
    let mut log = Log::create(repository.made("logs").join("fuzz.log"))?;
    let blind = Blind::build(&repository, Profile::Release, &mut log)?;
    let mut targets = blind.targets()?;
    if let Some(only) = &arguments.only {
        targets.retain(|target| target == only);
        anyhow::ensure!(!targets.is_empty(), "there is no target `{only}`");
    }
    let guided = if arguments.blind { None } else { Guided::build(&repository, &mut log)? };
    if guided.is_none() {
        log.line("searching blindly: what is not near a seed is not found");
    }
    let seed = arguments.seed.unwrap_or_else(fresh_seed);
    let seconds = std::time::Duration::from_secs_f64(arguments.minutes * 60.0).as_secs();
    let length = Length { seconds, seed };
    log.line(&format!("seed {seed}, {seconds} s for each target"));
    let mut counts = Counts::default();
    for target in &targets {
        let sound = match &guided {
            Some(guided) => guided.search(target, length, &mut log)?,
            None => blind.search(target, length, &mut log)?,
        };
        counts += Counts::of(sound);
    }
    log.line(&format!("{} targets sound, {} with findings", counts.passed, counts.failed));
    Ok(counts.failed == 0)
}

/// The suite: each target for a moment.
pub(crate) fn suite(repository: &Repository, log: &mut Log) -> anyhow::Result<Counts> {
    let blind = Blind::build(repository, Profile::Dev, log)?;
    let mut counts = Counts::default();
    for target in blind.targets()? {
        counts += Counts::of(blind.search(&target, SHORT, log)?);
    }
    Ok(counts)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Profile {
    /// With all checks: the tests have built most of it.
    Dev,
    Release,
}

/// The search that only changes seeds.
struct Blind<'a> {
    repository: &'a Repository,
    program: PathBuf,
}

impl<'a> Blind<'a> {
    fn build(repository: &'a Repository, profile: Profile, log: &mut Log) -> anyhow::Result<Self> {
        // The whole workspace, so that features are those of the tests.
        let mut build = Run::new("cargo", repository.root()).arguments([
            "build",
            "--workspace",
            "--locked",
            "--bin",
            "fuzz",
        ]);
        let folder = match profile {
            Profile::Dev => repository.of_this_machine("debug"),
            Profile::Release => {
                build = build.arguments(["--release"]);
                repository.of_this_machine("release")
            }
        };
        anyhow::ensure!(build.succeeds(log)?, "the search is not built");
        let program = folder.join(format!("fuzz{}", std::env::consts::EXE_SUFFIX));
        Ok(Self { repository, program })
    }

    fn targets(&self) -> anyhow::Result<Vec<String>> {
        let said = Run::new(&self.program, self.repository.root()).quietly()?;
        let names = said.lines().filter_map(|line| line.split_whitespace().next());
        Ok(names.map(str::to_owned).collect())
    }

    fn search(&self, target: &str, length: Length, log: &mut Log) -> anyhow::Result<bool> {
        let (current, cases) = (current(self.repository, target), cases(self.repository));
        fs::create_dir_all(self.repository.made("fuzz").join(target))?;
        let mut told = false;
        let sound = Run::new(&self.program, self.repository.root())
            .arguments([target, "--seconds", &length.seconds.to_string()])
            .arguments(["--seed", &length.seed.to_string()])
            .arguments(["--current", &current.display().to_string()])
            .arguments(["--cases", &cases.display().to_string()])
            .heard(log, |line| {
                told |= line.starts_with("FOUND: ") || line.starts_with("FAILED: ")
            })?;
        if !sound && !told {
            keep_deadly(self.repository, target, length, log)?;
        }
        Ok(sound)
    }
}

/// The search that is guided by coverage.
struct Guided<'a> {
    repository: &'a Repository,
    program: PathBuf,
}

impl<'a> Guided<'a> {
    /// `None` where it cannot be built.
    fn build(repository: &'a Repository, log: &mut Log) -> anyhow::Result<Option<Self>> {
        let compilers = ["c++", "g++", "clang++"];
        if cfg!(not(unix)) || !compilers.iter().any(|name| environment::on_path(name).is_some()) {
            log.line("there is no C++ compiler, for which libFuzzer is built");
            return Ok(None);
        }
        let version = Run::new("rustc", repository.root()).arguments(["-vV"]).quietly()?;
        let host = version.lines().find_map(|line| line.strip_prefix("host: "));
        let host = host.context("rustc does not say for which host it is")?;
        let folder = repository.made("fuzz").join("target");
        let built = Run::new("cargo", repository.root())
            .arguments(["build", "--locked", "--release", "--package", "fuzz"])
            .arguments(["--features", "guided", "--bin", "fuzz-guided"])
            // Named, so that build scripts and macros are compiled without the flags.
            .arguments(["--target", host])
            .variable("CARGO_TARGET_DIR", &folder)
            .variable("RUSTFLAGS", GUIDED_FLAGS)
            .succeeds(log)?;
        anyhow::ensure!(built, "the guided search is not built; --blind does without");
        let program = folder.join(host).join("release/fuzz-guided");
        Ok(Some(Self { repository, program }))
    }

    fn search(&self, target: &str, length: Length, log: &mut Log) -> anyhow::Result<bool> {
        // What was learnt is kept from run to run, beside what everybody has.
        let corpus = self.repository.made("fuzz").join(target).join("corpus");
        let found = cases(self.repository).join(target);
        fs::create_dir_all(&corpus)?;
        fs::create_dir_all(&found)?;
        let seeds = self.repository.root().join("fuzz/seeds").join(target);
        let mut told = false;
        let path = |path: &Path| path.display().to_string();
        let sound = Run::new(&self.program, self.repository.root())
            .arguments([path(&corpus), path(&seeds), path(&found)])
            .arguments([format!("-max_total_time={}", length.seconds)])
            .arguments([format!("-seed={}", length.seed)])
            .arguments([format!("-artifact_prefix={}/found-", path(&found))])
            .arguments(GUIDED_LIMITS)
            .variable("FUZZ_TARGET", target)
            .variable("FUZZ_CURRENT", current(self.repository, target))
            .heard(log, |line| told |= line.contains("Test unit written to"))?;
        if !sound && !told {
            keep_deadly(self.repository, target, length, log)?;
        }
        // Git keeps no empty folder either.
        let _holds_cases = fs::remove_dir(&found);
        log.line(&format!("{}: {target}", if sound { "ok" } else { "FOUND" }));
        Ok(sound)
    }
}

/// Keeps the input of which a search died, before it could say or write anything: of a stack that
/// overflowed, or of memory that it did not get.
fn keep_deadly(
    repository: &Repository,
    target: &str,
    length: Length,
    log: &mut Log,
) -> anyhow::Result<()> {
    let folder = cases(repository).join(target);
    fs::create_dir_all(&folder)?;
    let kept = folder.join(format!("found-died-{}", length.seed));
    fs::copy(current(repository, target), &kept).context("the input that it died of")?;
    log.line(&format!("FOUND: {target}: the search died; kept in {}", kept.display()));
    Ok(())
}

/// The file with the input that is being tried.
fn current(repository: &Repository, target: &str) -> PathBuf {
    repository.made("fuzz").join(target).join("current")
}

fn cases(repository: &Repository) -> PathBuf {
    repository.root().join("fuzz/cases")
}

/// Another one each time.
fn fresh_seed() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // Zero means to `libFuzzer` that it shall draw one.
    now.subsec_nanos().max(1)
}

fn minutes(text: &str) -> Result<f64, String> {
    let minutes = text.parse().ok().filter(|minutes| (0.05..=1440.0).contains(minutes));
    minutes.ok_or_else(|| "expected a number from 0.05 to 1440".to_owned())
}
