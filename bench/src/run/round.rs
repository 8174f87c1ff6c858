//! One load on one target, measured.

use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::process::Command;
use tokio::time::Instant;

use super::disk::Disk;
use super::fleet::{Name, Running};
use super::scenario::Scenario;
use super::{Options, rest};
use crate::load::{Api, Report};
use crate::machine::{self, Cpu};

/// How often memory is looked at. Looking costs the target nothing, and us a little.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What a round found.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) scenario: Scenario,
    pub(crate) target: Name,
    /// From 0. Figures of one round are compared with each other.
    pub(crate) round: u32,
    pub(crate) report: Report,
    /// Processor time of the target's processes; with what is done behind stored answers.
    pub(crate) cpu_s: f64,
    /// The part of it that its gateway took, if it has one.
    pub(crate) gateway_cpu_s: Option<f64>,
    /// Most memory of the target's processes together.
    pub(crate) pss_mb: f64,
    /// What was added on the disk, of a target that stores.
    pub(crate) disk: Option<Disk>,
    /// Share of all processors that others than us had, 0 to 1.
    pub(crate) foreign: f64,
    /// Share of all processors that the host gave to other machines, 0 to 1.
    pub(crate) stolen: f64,
}

impl Record {
    /// For whoever waits.
    pub(crate) fn sentence(&self) -> String {
        let Self { scenario, target, round, report, foreign, .. } = self;
        let rate = if scenario.streaming() {
            format!("{:.0} tokens/s", report.tokens_per_s)
        } else {
            format!("{:.0} requests/s", report.requests_per_s)
        };
        let mut text = format!(
            "{}, round {}, {}: {rate}, {} errors; others had {:.0} % of the processors",
            scenario.name(),
            round + 1,
            target.text(),
            report.errors,
            foreign * 100.0
        );
        if let Some(error) = &report.first_error {
            text = format!("{text}; {error}");
        }
        text
    }
}

/// Runs the load generator and looks at the target and the machine meanwhile.
pub(crate) async fn measure(
    options: &Options,
    scenario: Scenario,
    running: &Running,
    round: u32,
) -> anyhow::Result<Record> {
    let before = running.pids();
    let ours = || Cpu::of(&machine::tree(std::process::id()));
    let (cpu_before, ours_before) = (Cpu::of(&before), ours());
    let disk_before = running.data().map(Disk::of).transpose()?;
    let machine_before = machine::processors()?;
    let began = Instant::now();

    let generating = generate(options, scenario, running);
    let mut generating = std::pin::pin!(generating);
    let mut pss_mb = 0.0_f64;
    let report = loop {
        tokio::select! {
            report = &mut generating => break report?,
            () = tokio::time::sleep(LOOK_EVERY) => {
                pss_mb = pss_mb.max(machine::pss_mb_of(&before));
            }
        }
    };

    if running.api == Api::Responses {
        rest::wait(&before).await?;
    }
    let disk = running.data().map(Disk::of).transpose()?;
    let machine_after = machine::processors()?;
    // The load generator has ended, and says itself what it took.
    let ours_s = ours().since(&ours_before) + report.cpu_s;
    let total_s = machine_after.total_s - machine_before.total_s;
    let busy_s = machine_after.busy_s - machine_before.busy_s;
    anyhow::ensure!(total_s > 0.0, "a round of {:?} is too short", began.elapsed());
    Ok(Record {
        scenario,
        target: running.name,
        round,
        cpu_s: Cpu::of(&running.pids()).since(&cpu_before),
        gateway_cpu_s: running.gateway.map(|gateway| Cpu::of(&[gateway]).since(&cpu_before)),
        pss_mb,
        disk: disk.zip(disk_before).map(|(now, before)| now.since(before)),
        foreign: ((busy_s - ours_s) / total_s).clamp(0.0, 1.0),
        stolen: (machine_after.stolen_s - machine_before.stolen_s) / total_s,
        report,
    })
}

/// The load generator is a process of its own, so that ours does not disturb its clock.
async fn generate(
    options: &Options,
    scenario: Scenario,
    running: &Running,
) -> anyhow::Result<Report> {
    let times = scenario.times(options.quick, running.api);
    let millis = |time: Duration| time.as_millis().to_string();
    let target = &running.target;
    let mut command = Command::new(options.programs.join("bench-loadgen"));
    command
        .args(["--target", &format!("{}{}", target.address, target.path)])
        .args(["--model", &format!("{}{}", running.prefix, scenario.plan().model())])
        .args(["--clients", &scenario.clients().to_string()])
        .args(["--ramp-ms", &millis(times.ramp)])
        .args(["--warm-up-ms", &millis(times.warm_up)])
        .args(["--measured-ms", &millis(times.measured)])
        .args(["--patience-ms", &millis(times.patience)])
        .kill_on_drop(true);
    if running.api == Api::Responses {
        command.args(["--api", "responses"]);
    }
    if !target.keys.is_empty() {
        // Not among the arguments, which everybody on the machine sees.
        command.env("BENCH_API_KEYS", target.keys.join(","));
    }
    for (name, value) in &target.headers {
        command.args(["--header", &format!("{name}={value}")]);
    }
    if scenario.streaming() {
        command.arg("--stream");
    }
    let output = command.output().await.context("cannot run bench-loadgen")?;
    let said = String::from_utf8_lossy(&output.stderr);
    anyhow::ensure!(output.status.success(), "bench-loadgen failed:\n{said}");
    serde_json::from_slice(&output.stdout).context("bench-loadgen does not report")
}
