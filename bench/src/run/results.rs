//! Everything that was found, as it is written to `results.json`.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::Options;
use super::assets::Assets;
use super::fleet::Name;
use super::round::Record;
use super::rows::Row;
use super::scenario::Scenario;
use super::starts::Start;
use super::stored::Found;
use super::{keys, pages};
use crate::machine;

/// The machine and what was measured on it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Machine {
    pub(crate) processors: usize,
    pub(crate) processor: Option<String>,
    pub(crate) kernel: Option<String>,
    pub(crate) nats_server: String,
    /// Of the source, in short; with `-dirty` when it is not what was committed.
    pub(crate) commit: Option<String>,
}

/// One target.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TargetInfo {
    pub(crate) name: Name,
    /// Of another's program.
    pub(crate) version: Option<String>,
    /// Memory before the first load.
    pub(crate) idle_mb: Option<f64>,
    /// Why it was not measured.
    pub(crate) missing: Option<String>,
}

/// Everything.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) machine: Machine,
    pub(crate) quick: bool,
    /// The rows that were asked for; empty is all.
    pub(crate) only: Vec<Row>,
    pub(crate) rounds: u32,
    pub(crate) targets: Vec<TargetInfo>,
    pub(crate) records: Vec<Record>,
    pub(crate) starts: Vec<Start>,
    pub(crate) assets: Option<Assets>,
    /// Of stored work, beside the loads.
    pub(crate) stored: Option<Found>,
    /// Of keys, beside the load.
    pub(crate) keys: Option<keys::Found>,
    /// Of the chat page.
    pub(crate) pages: Option<pages::Found>,
    /// What the collector was sent.
    pub(crate) telemetry_bytes: Option<u64>,
}

impl Results {
    pub(crate) fn new(options: &Options) -> anyhow::Result<Self> {
        let nats = Command::new(&options.nats_server).arg("--version").output();
        let nats = nats.context("cannot run nats-server")?;
        let commit = Command::new("git")
            .args(["describe", "--always", "--dirty", "--exclude=*"])
            .current_dir(&options.repository)
            .output();
        let commit = commit.ok().filter(|output| output.status.success());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        let machine = Machine {
            processors: std::thread::available_parallelism()?.get(),
            processor: machine::processor_name(),
            kernel: machine::kernel(),
            nats_server: text(&nats.stdout).replace("nats-server: ", ""),
            commit: commit.map(|output| text(&output.stdout)),
        };
        Ok(Self {
            machine,
            quick: options.quick,
            only: options.only.clone(),
            rounds: options.rounds(),
            targets: Vec::new(),
            records: Vec::new(),
            starts: Vec::new(),
            assets: None,
            stored: None,
            keys: None,
            pages: None,
            telemetry_bytes: None,
        })
    }

    /// Whether a row was asked for.
    pub(crate) fn wants(&self, row: Row) -> bool {
        self.only.is_empty() || self.only.contains(&row)
    }

    /// Whether a start of the target was tried.
    pub(crate) fn has(&self, name: Name) -> bool {
        self.target(name).is_some()
    }

    pub(crate) fn target(&self, name: Name) -> Option<&TargetInfo> {
        self.targets.iter().find(|target| target.name == name)
    }

    pub(crate) fn add_target(&mut self, target: TargetInfo) {
        self.targets.push(target);
    }

    /// The rounds of a load on a target.
    pub(crate) fn rounds_of(
        &self,
        scenario: Scenario,
        target: Name,
    ) -> impl Iterator<Item = &Record> {
        let records = self.records.iter();
        records.filter(move |record| record.scenario == scenario && record.target == target)
    }

    /// Each round of a load on a target, with the same round of another.
    pub(crate) fn pairs(
        &self,
        scenario: Scenario,
        target: Name,
        other: Name,
    ) -> impl Iterator<Item = (&Record, &Record)> {
        self.rounds_of(scenario, target).filter_map(move |record| {
            let mut others = self.rounds_of(scenario, other);
            Some((record, others.find(|other| other.round == record.round)?))
        })
    }

    /// What went wrong with what is ours: an answer that was not good, a target that is not there.
    pub(crate) fn failures(&self) -> Vec<String> {
        let ours = |name: &Name| !Name::PEERS.contains(name);
        let missing = self.targets.iter().filter(|target| ours(&target.name));
        let missing = missing.filter_map(|target| {
            let reason = target.missing.as_ref()?;
            Some(format!("{} was not measured: {reason}", target.name.text()))
        });
        let bad = self.records.iter().filter(|record| ours(&record.target));
        let bad = bad.filter(|record| !record.report.is_clean()).map(Record::sentence);
        let stored = self.stored.iter().flat_map(|found| found.failures.clone());
        let keys = self.keys.iter().flat_map(|found| found.failures.clone());
        let pages = self.pages.iter().flat_map(|found| found.failures.clone());
        missing.chain(bad).chain(stored).chain(keys).chain(pages).collect()
    }

    /// Writes everything down.
    pub(crate) fn save(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)?;
        fs::write(path, text).with_context(|| path.display().to_string())
    }
}
