//! What keys cost, beside the same without: those of callers and the credentials of services.
//!
//! * `figures`: every figure, those of the load and those of what is measured here.
//! * `keyring`: keys as operators make and take them back, and how soon that is known.
//! * `look_ups`: how often keys are looked up on NATS, seen from there.
//!
//! Callers with keys and callers without ask two gateways of one system, so that everything behind
//! them is the same.

mod figures;
pub(super) mod keyring;
pub(super) mod look_ups;

use std::time::Duration;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::chappe::Auth;
use super::fleet::{Fleet, Name};
use super::program::free_ports;
use super::scenario::Scenario;
use super::{Options, round, screen};

pub(super) use figures::lines;
use keyring::Keyring;
use look_ups::Watch;

/// How often a key is taken back.
const REVOCATIONS: u32 = 40;
/// The same for those who do not measure.
const FEW_REVOCATIONS: u32 = 3;
/// How long nobody asks while look-ups are counted.
const QUIET: Duration = Duration::from_secs(5);
/// Look-ups in a second that are too many: twice as many as it takes to see whether keys have
/// changed. One for each request would be more on the slowest machine.
const TOO_OFTEN_PER_S: f64 = 8.0;

/// What was found beside the load.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Found {
    /// While nobody asks.
    quiet: Option<Counted>,
    /// While everybody asks, each with a key.
    busy: Option<Counted>,
    /// From the wish to take a key back until both gateways refuse it, in milliseconds.
    revocations_ms: Vec<f64>,
    /// What could not be measured, or was not as it should be.
    pub(crate) failures: Vec<String>,
}

/// Look-ups on NATS during a time, of one gateway.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
struct Counted {
    look_ups: u64,
    answers: u64,
    seconds: f64,
}

impl Counted {
    fn per_second(&self) -> f64 {
        self.look_ups as f64 / self.seconds
    }

    /// What is a failure of the run.
    fn failure(&self) -> Option<String> {
        let Self { look_ups, answers, seconds } = self;
        let what = match look_ups {
            0 => "the watch sees none",
            _ if self.per_second() >= TOO_OFTEN_PER_S => "that is too often",
            _ => return None,
        };
        Some(format!(
            "{look_ups} look-ups of keys in {answers} requests and {seconds:.1} s: {what}"
        ))
    }
}

/// Counts look-ups and takes keys back, with the gateways that the load has asked.
pub(super) async fn measure(options: &Options, fleet: &Fleet) -> anyhow::Result<Found> {
    let mut found = Found::default();
    if fleet.target(Name::ChappeWithKeys).is_none() {
        // Why is told with the target.
        return Ok(found);
    }
    if let Err(error) = look_ups(options, fleet, &mut found).await {
        found.failures.push(format!("look-ups of keys: {error:#}"));
    }
    if let Err(error) = revocations(options, fleet, &mut found).await {
        found.failures.push(format!("keys that are taken back: {error:#}"));
    }
    Ok(found)
}

async fn look_ups(options: &Options, fleet: &Fleet, found: &mut Found) -> anyhow::Result<()> {
    let target = fleet.target(Name::ChappeWithKeys).context("nobody asks for keys")?;
    let chappe = fleet.chappe(Name::ChappeWithCredentials).context("there is no system")?;
    let watch = Watch::start(chappe.nats_port()).await?;

    let (began, before) = (Instant::now(), watch.seen()?);
    tokio::time::sleep(if options.quick { QUIET / 5 } else { QUIET }).await;
    let seconds = began.elapsed().as_secs_f64();
    let quiet = Counted { look_ups: watch.seen()? - before, answers: 0, seconds };

    let (began, before) = (Instant::now(), watch.seen()?);
    let record = round::measure(options, Scenario::Keys, target, 0).await?;
    let seconds = began.elapsed().as_secs_f64();
    let (look_ups, answers) = (watch.seen()? - before, record.report.answers);
    let busy = Counted { look_ups, answers, seconds };

    screen::step(&format!(
        "look-ups of keys on NATS: {:.2}/s while nobody asks, {:.2}/s during {answers} requests",
        quiet.per_second(),
        busy.per_second(),
    ));
    found.failures.extend([&quiet, &busy].into_iter().filter_map(Counted::failure));
    (found.quiet, found.busy) = (Some(quiet), Some(busy));
    Ok(())
}

async fn revocations(options: &Options, fleet: &Fleet, found: &mut Found) -> anyhow::Result<()> {
    let chappe = fleet.chappe(Name::ChappeWithCredentials).context("there is no system")?;
    let one = fleet.target(Name::ChappeWithKeys).context("nobody asks for keys")?;
    let [port, health] = free_ports()?;
    let (gateway, _took) = chappe.gateway(port, health, Auth::Keys).await?;
    let gateways = [one.target.address.clone(), format!("127.0.0.1:{port}")];

    let mut keyring = Keyring::of(&chappe.address).await?;
    let times = if options.quick { FEW_REVOCATIONS } else { REVOCATIONS };
    for time in 0..times {
        found.revocations_ms.push(keyring.revocation_ms(&gateways, time).await?);
    }
    screen::step(&format!("{times} keys were taken back, and refused by both gateways"));
    gateway.stop().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_ups_that_go_with_the_requests_are_a_failure_and_so_is_a_blind_watch() {
        for (look_ups, answers, fails) in [
            (8, 0, false),
            (8, 10_000, false),
            (10_008, 10_000, true),
            (28, 20, true),
            (0, 10_000, true),
            (0, 0, true),
        ] {
            let counted = Counted { look_ups, answers, seconds: 2.0 };
            assert_eq!(counted.failure().is_some(), fails, "{counted:?}");
        }
    }
}
