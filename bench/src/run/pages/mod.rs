//! The chat page: from a token that reaches `web` to the bytes that show it, and what those who
//! look at answers take in memory.
//!
//! * `gateway`: what stands behind it, and knows when each token was sent.
//! * `viewer`: who looks.
//! * `figures`: every figure.
//!
//! Each figure of memory has a `web` of its own, which has done nothing else before.

mod figures;
mod gateway;
mod viewer;

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::process::Command;
use tokio::time::{Instant, sleep};

use super::program::{Program, free_ports};
use super::{Options, screen};
use crate::figures::Percentiles;
use crate::load;
use crate::machine::{self, Cpu};

pub(super) use figures::lines;
use gateway::{Gateway, Pace};
use viewer::Viewer;

/// How much is done.
#[derive(Debug, Clone, Copy)]
struct Extent {
    /// Of the answer whose tokens are timed: 100 a second.
    tokens: u32,
    /// How often somebody comes to an answer that is being written.
    joins: u32,
    answers: u32,
    viewers: u32,
    /// What a process is given to return what it does not need any more.
    settles_in: Duration,
}

const WHOLE: Extent = Extent {
    tokens: 2_000,
    joins: 20,
    answers: 200,
    viewers: 1_000,
    settles_in: Duration::from_secs(3),
};
const QUICK: Extent = Extent {
    tokens: 200,
    joins: 3,
    answers: 20,
    viewers: 100,
    settles_in: Duration::from_millis(200),
};

const TIMED_GAP: Duration = Duration::from_millis(10);
/// Of answers that are held at the same time: some kilobytes.
const HELD: Pace = Pace { said: 0, gap: Duration::from_millis(10), tokens: 400 };
/// Of an answer that everybody looks at and that says nothing any more.
const SILENT: Pace = Pace { said: 16, gap: Duration::ZERO, tokens: 16 };
/// Of an answer that is in its middle when somebody comes to a `web` that does not know it.
const JOINED: Pace = Pace { said: 1_000, gap: TIMED_GAP, tokens: 2_000 };

/// One round.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Round {
    /// From sending a token to `web` to reading what shows it.
    shown: Option<Percentiles>,
    /// From sending a token to reading it, without anything in between.
    direct: Option<Percentiles>,
    /// From asking for what an answer has said and goes on to say, until what it had said is read.
    joined: Option<Percentiles>,
    /// Tokens that were lost, doubled or out of order.
    wrong: u32,
    /// Processor time of `web` for each token, in microseconds.
    cpu_us: f64,
    idle_mb: f64,
    answer_kb: f64,
    viewer_kb: f64,
    /// The share of the processors that others had meanwhile, 0 to 1.
    foreign: f64,
}

/// What was found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Found {
    rounds: Vec<Round>,
    /// What could not be measured, or was not as it should be.
    pub(crate) failures: Vec<String>,
}

/// Starts what is needed, measures, and stops it, round by round.
pub(super) async fn measure(options: &Options) -> anyhow::Result<Found> {
    let extent = if options.quick { QUICK } else { WHOLE };
    let logs = options.output.join("run");
    std::fs::create_dir_all(&logs)?;
    let mut found = Found::default();
    for _round in 0..options.rounds() {
        match round(&options.programs, &logs, &extent).await {
            Ok(round) => {
                screen::step(&round.sentence());
                if round.wrong > 0 {
                    let wrong = format!("{} tokens were not shown as they were said", round.wrong);
                    found.failures.push(wrong);
                }
                found.rounds.push(round);
            }
            Err(error) => found.failures.push(format!("the chat page: {error:#}")),
        }
    }
    Ok(found)
}

async fn round(programs: &Path, logs: &Path, extent: &Extent) -> anyhow::Result<Round> {
    let gateway = Gateway::start().await?;
    let ours = || Cpu::of(&machine::tree(std::process::id()));
    let (machine_before, ours_before) = (machine::processors()?, ours());
    let timed = Pace { said: 0, gap: TIMED_GAP, tokens: extent.tokens };

    let web = Web::start(programs, logs, &gateway).await?;
    sleep(extent.settles_in).await;
    let idle_mb = web.memory_mb();
    let response = timed.response(0);
    let mut viewer = Viewer::opens(&web.address, &response).await?;
    let before = Cpu::of(&[web.program.pid()]);
    let seen = viewer.sees(extent.tokens).await?;
    let cpu_s = Cpu::of(&[web.program.pid()]).since(&before);
    let shown = between(&gateway.sent(&response), &seen.at);
    drop(viewer);
    let joined = web.is_joined(extent.joins).await?;
    let ours_s = ours().since(&ours_before);
    let machine_after = machine::processors()?;
    let others_s = machine_after.busy_s - machine_before.busy_s - ours_s;
    let foreign = (others_s / (machine_after.total_s - machine_before.total_s)).clamp(0.0, 1.0);
    web.program.stop().await;

    let response = timed.response(1);
    let read = viewer::directly(&gateway.address, &response, extent.tokens).await?;
    let direct = between(&gateway.sent(&response), &read);

    let paces = [(HELD, extent.answers), (SILENT, extent.viewers)];
    let mut added_kb = [0.0; 2];
    for ((pace, viewers), added_kb) in paces.into_iter().zip(&mut added_kb) {
        let web = Web::start(programs, logs, &gateway).await?;
        sleep(extent.settles_in).await;
        let before = web.memory_mb();
        let looking = web.is_looked_at(pace, viewers).await?;
        sleep(extent.settles_in).await;
        *added_kb = (web.memory_mb() - before) * 1e3 / f64::from(viewers);
        // They would be waited for.
        drop(looking);
        web.program.stop().await;
    }
    let [answer_kb, viewer_kb] = added_kb;
    let cpu_us = cpu_s * 1e6 / f64::from(extent.tokens);
    let wrong = seen.wrong;
    Ok(Round { shown, direct, joined, wrong, cpu_us, idle_mb, answer_kb, viewer_kb, foreign })
}

/// Microseconds from one moment to the other.
fn between(sent: &[Instant], seen: &[Instant]) -> Option<Percentiles> {
    let took = sent.iter().zip(seen).map(|(sent, seen)| seen.saturating_duration_since(*sent));
    let micros = took.map(|took| u32::try_from(took.as_micros()).unwrap_or(u32::MAX));
    Percentiles::of(&mut micros.collect::<Vec<_>>())
}

impl Round {
    /// For whoever waits.
    fn sentence(&self) -> String {
        let p50 = self.shown.map_or(f64::NAN, |shown| f64::from(shown.p50) / 1e3);
        let Self { idle_mb, answer_kb, viewer_kb, .. } = self;
        format!(
            "the chat page shows a token after {p50:.1} ms; {idle_mb:.1} MB idle, {answer_kb:.1} kB more with each answer, {viewer_kb:.1} kB with each viewer"
        )
    }
}

/// A `web` that has answered once.
struct Web {
    program: Program,
    address: String,
}

impl Web {
    async fn start(programs: &Path, logs: &Path, gateway: &Gateway) -> anyhow::Result<Self> {
        let [port, health] = free_ports()?;
        let address = format!("127.0.0.1:{port}");
        let mut command = Command::new(programs.join("web"));
        // Nothing that somebody has set may change what is measured.
        command
            .env_clear()
            .env("WEB_LISTEN", &address)
            .env("WEB_HEALTH_LISTEN", format!("127.0.0.1:{health}"))
            .env("WEB_GATEWAY_URL", format!("http://{}", gateway.address));
        let mut program = Program::start("web", command, logs)?;
        program.ready(health).await?;
        let (status, _page) = load::get(&address, "/").await?;
        anyhow::ensure!(status.is_success(), "the chat page has status {status}");
        Ok(Self { program, address })
    }

    fn memory_mb(&self) -> f64 {
        machine::pss_mb_of(&[self.program.pid()])
    }

    /// How long those wait who come in the middle of an answer, of another one each.
    async fn is_joined(&self, joins: u32) -> anyhow::Result<Option<Percentiles>> {
        let mut micros = Vec::new();
        for number in 0..joins as usize {
            let began = Instant::now();
            let mut viewer = Viewer::opens(&self.address, &JOINED.response(number)).await?;
            viewer.sees(JOINED.said).await?;
            micros.push(u32::try_from(began.elapsed().as_micros())?);
        }
        Ok(Percentiles::of(&mut micros))
    }

    /// Viewers who have seen all that is said, of an answer for each or of one for all.
    async fn is_looked_at(&self, pace: Pace, viewers: u32) -> anyhow::Result<Vec<Viewer>> {
        let mut looking = Vec::new();
        for number in 0..viewers as usize {
            let response = pace.response(if pace == SILENT { 0 } else { number });
            looking.push(Viewer::opens(&self.address, &response).await?);
        }
        for viewer in &mut looking {
            viewer.sees(pace.tokens).await.context("a viewer of many")?;
        }
        Ok(looking)
    }
}
