//! The command line of the search. What it finds is the last line that it writes.
#![expect(clippy::print_stdout, reason = "a program for developers says how it ended")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser;
use fuzz::TARGETS;
use fuzz::search::{Found, Search};

/// Longest time that one input may take.
const TOO_LONG: Duration = Duration::from_secs(5);
/// Memory of the process, in bytes; an allocation beyond it ends it.
#[cfg(target_os = "linux")]
const TOO_MUCH: u64 = 2 * 1024 * 1024 * 1024;

/// Searches for input that one target cannot take.
#[derive(Debug, Parser)]
#[command(name = "fuzz")]
struct CommandLine {
    /// The target; without one, all are listed.
    target: Option<String>,
    /// How long.
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    /// What the search follows from.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the input that is being tried is written down.
    #[arg(long, value_name = "FILE", default_value = "current")]
    current: PathBuf,
    /// Where what is found is kept.
    #[arg(long, value_name = "FOLDER", default_value = "fuzz/cases")]
    cases: PathBuf,
}

/// What `main` does.
pub(crate) fn main() -> ExitCode {
    match run(CommandLine::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("FAILED: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(line: CommandLine) -> anyhow::Result<bool> {
    let Some(name) = line.target else {
        for target in TARGETS {
            println!("{:<10} {}", target.name, target.about);
        }
        return Ok(true);
    };
    let target = fuzz::target(&name).with_context(|| format!("there is no target `{name}`"))?;
    bound_memory()?;
    // A panic is a finding, and its text is told once.
    std::panic::set_hook(Box::new(|_panic| {}));
    let (time, seed) = (Duration::from_secs(line.seconds), line.seed);
    let search = Search { target, time, too_long: TOO_LONG, seed, current: line.current };
    match search.run()? {
        Found::Nothing(tried) => {
            println!("ok: {name}: {tried} inputs, seed {seed}");
            Ok(true)
        }
        Found::Wrong(why) => {
            let kept = search.keep(&line.cases)?;
            println!("FOUND: {name}, seed {seed}: {why}\nkept in {}", kept.display());
            Ok(false)
        }
    }
}

/// An input that asks for memory without bound ends the process instead of the machine.
#[cfg(target_os = "linux")]
fn bound_memory() -> anyhow::Result<()> {
    use nix::sys::resource::{Resource, setrlimit};
    Ok(setrlimit(Resource::RLIMIT_AS, TOO_MUCH, TOO_MUCH)?)
}

#[cfg(not(target_os = "linux"))]
fn bound_memory() -> anyhow::Result<()> {
    Ok(())
}
