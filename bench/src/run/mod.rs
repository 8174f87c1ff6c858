//! The run: starts everything, measures round by round with the targets side by side, writes down
//! what came out.
//!
//! # Where to look
//!
//! * [`rows`]: the rows that can be asked for; `budgets`: what is measured for them, and the budgets.
//! * `scenario`: the loads. `round`: one load on one target, measured.
//! * `fleet`: the targets as processes: `chappe` and `peers`; `program` is one process.
//! * `keys`: what API keys and credentials cost beside none.
//! * `pages`: how soon the chat page shows a token, and what its viewers take.
//! * `stored`: what stored work costs beside it; `rest` and `disk` look at what it leaves behind.
//! * `starts`, `assets`: what is measured without load.
//! * `results`: everything that was found. `tables`, `document`: for people.

mod assets;
mod budgets;
mod chappe;
mod disk;
mod document;
mod fleet;
mod keys;
mod pages;
mod peers;
mod program;
mod rest;
mod results;
mod round;
pub mod rows;
mod scenario;
mod screen;
mod starts;
mod stored;
mod tables;

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Parser;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal};

use crate::machine;
use document::Part;
use fleet::{Fleet, Name};
use results::Results;
use rows::Row;
use scenario::Scenario;

/// Measures Chappe against its budgets. Linux only.
#[derive(Debug, Parser)]
#[command(name = "bench-run")]
pub struct Options {
    /// The checkout.
    #[arg(long, value_name = "FOLDER")]
    repository: PathBuf,
    /// The folder of the built programs.
    #[arg(long, value_name = "FOLDER")]
    programs: PathBuf,
    /// A nats-server.
    #[arg(long, value_name = "FILE")]
    nats_server: PathBuf,
    /// Results, logs and what others are installed into.
    #[arg(long, value_name = "FOLDER")]
    output: PathBuf,
    /// One short round, checked against bounds ten times looser than the budgets.
    #[arg(long, conflicts_with_all = ["write", "peers", "rounds"])]
    quick: bool,
    /// Only these rows.
    #[arg(long, value_name = "ROW", value_delimiter = ',')]
    only: Vec<Row>,
    /// Rounds of each load.
    #[arg(long, value_name = "N", default_value_t = 3)]
    rounds: u32,
    /// Others as well: LiteLLM, Portkey, TensorZero, FastAPI.
    #[arg(long)]
    peers: bool,
    /// Rewrite the measured parts of bench/RESULTS.md; with `--only stored`, `--only keys` or
    /// `--only pages`, that part alone.
    #[arg(long)]
    write: bool,
}

impl Options {
    fn wants(&self, row: Row) -> bool {
        self.only.is_empty() || self.only.contains(&row)
    }

    fn rounds(&self) -> u32 {
        if self.quick { 1 } else { self.rounds }
    }

    fn rounds_of(&self, scenario: Scenario) -> u32 {
        if self.quick { 1 } else { self.rounds * scenario.rounds_in_one() }
    }

    /// The targets of a load, in the order of the first round.
    fn targets(&self, scenario: Scenario) -> Vec<Name> {
        if scenario == Scenario::Keys {
            return vec![Name::Chappe, Name::ChappeWithCredentials, Name::ChappeWithKeys];
        }
        let mut names = vec![Name::Direct, Name::Chappe];
        let unstored = scenario.rows().iter().any(|row| *row != Row::Stored && self.wants(*row));
        if !self.quick && unstored {
            names.push(Name::ChappeInMemory);
        }
        if scenario == Scenario::Unary && self.wants(Row::Telemetry) {
            names.push(Name::ChappeObserved);
        }
        if scenario.rows().contains(&Row::Stored) && self.wants(Row::Stored) {
            names.push(Name::ChappeStored);
        }
        if self.peers && unstored {
            names.extend(Name::PEERS);
        }
        names
    }

    /// The parts of the document that this run measures whole.
    fn parts(&self) -> Vec<Part> {
        let mut parts = Vec::new();
        if self.only.is_empty() {
            parts.push(Part::Chappe);
        }
        if self.only.is_empty() || self.only == [Row::Stored] {
            parts.push(Part::Stored);
        }
        if self.only.is_empty() || self.only == [Row::Keys] {
            parts.push(Part::Keys);
        }
        if self.only.is_empty() || self.only == [Row::Pages] {
            parts.push(Part::Pages);
        }
        if self.only.is_empty() && self.peers {
            parts.push(Part::Peers);
        }
        parts
    }

    fn scenarios(&self) -> Vec<Scenario> {
        let wanted = |scenario: &&Scenario| scenario.rows().iter().any(|row| self.wants(*row));
        Scenario::ALL.iter().filter(wanted).copied().collect()
    }
}

/// Measures, tells, writes down; whether all is well. Must run inside a
/// [`tokio::task::LocalSet`].
///
/// # Errors
///
/// When something could not be measured.
pub async fn run(options: &Options) -> anyhow::Result<bool> {
    let parts = options.parts();
    anyhow::ensure!(
        !options.write || !parts.is_empty(),
        "only whole parts are written: all rows, or `stored`, `keys` or `pages` alone"
    );
    // 1,000 streams need 1,000 connections in each process.
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most).context("cannot open more files at once")?;
    machine::processors().context("figures about processes need Linux's /proc")?;

    let mut terminated = signal(SignalKind::terminate())?;
    let results = tokio::select! {
        results = measure(options) => results?,
        _ = tokio::signal::ctrl_c() => anyhow::bail!("stopped before everything was measured"),
        _ = terminated.recv() => anyhow::bail!("told to stop before everything was measured"),
    };
    results.save(&options.output.join("results.json"))?;
    let mut lines = budgets::lines(&results);
    screen::line(&tables::machine(&results));
    if !lines.is_empty() {
        screen::line(&tables::own(&lines, &results));
    }
    if options.wants(Row::Stored) {
        let stored = stored::lines(&results);
        screen::line(&tables::stored(&stored));
        lines.extend(stored);
    }
    if options.wants(Row::Keys) {
        let keys = keys::lines(&results);
        screen::line(&tables::keys(&keys));
        lines.extend(keys);
    }
    if options.wants(Row::Pages) {
        let pages = pages::lines(&results);
        screen::line(&tables::pages(&pages));
        lines.extend(pages);
    }
    if options.peers {
        screen::line(&tables::peers(&results));
    }
    if options.write {
        document::write(&options.repository.join("bench/RESULTS.md"), &results, &parts)?;
    }
    if options.quick {
        return Ok(budgets::roughly_met(&lines, &results));
    }
    Ok(results.failures().is_empty())
}

async fn measure(options: &Options) -> anyhow::Result<Results> {
    let mut fleet = Fleet::new(options)?;
    let mut results = Results::new(options)?;
    if options.wants(Row::Assets) {
        results.assets = assets::measure(&options.repository.join("web/static"))?;
    }
    for scenario in options.scenarios() {
        let mut names = options.targets(scenario);
        for name in &names {
            if !results.has(*name) {
                results.add_target(fleet.start(*name).await);
            }
        }
        names.retain(|name| fleet.target(*name).is_some());
        for round in 0..options.rounds_of(scenario) {
            for name in &names {
                let Some(target) = fleet.target(*name) else { continue };
                let record = round::measure(options, scenario, target, round).await?;
                screen::step(&record.sentence());
                results.records.push(record);
            }
            // Nobody is always the first, or always behind the same.
            names.rotate_left(1);
        }
    }
    if options.wants(Row::Stored) {
        results.stored = Some(stored::measure(&fleet, options.quick).await?);
    }
    if options.wants(Row::Keys) {
        results.keys = Some(keys::measure(options, &fleet).await?);
    }
    if options.wants(Row::Pages) {
        results.pages = Some(pages::measure(options).await?);
    }
    if options.wants(Row::Start) {
        if !results.has(Name::Chappe) {
            results.add_target(fleet.start(Name::Chappe).await);
        }
        results.starts = starts::measure(&fleet, if options.quick { 2 } else { 5 }).await?;
    }
    results.telemetry_bytes = fleet.telemetry_bytes().await;
    fleet.stop().await;
    Ok(results)
}
