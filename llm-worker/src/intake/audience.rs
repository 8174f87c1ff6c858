//! Whether a stored job is still wanted: somebody reads its log, and nobody else has written it.

use std::time::Duration;

use bus::Bus;
use contract::log::LogId;
use tokio::time::{Instant, MissedTickBehavior};

use super::page::Page;
use crate::script::Script;

/// A log is looked at so often within the time for which nobody need read it.
const LOOKS: u32 = 6;

/// The time between two looks.
pub(super) fn between_looks(unread: Duration) -> Duration {
    unread / LOOKS
}

/// Whether nobody reads a log: at two looks, as a gateway may be about to connect again.
pub(super) async fn is_unread(bus: &Bus, log: &LogId, between: Duration) -> bool {
    let nobody = async || matches!(bus.has_reader(log).await, Ok(false));
    if !nobody().await {
        return false;
    }
    tokio::time::sleep(between).await;
    nobody().await
}

/// Completes when nobody has read a log for `limit`.
///
/// Who cannot ask knows nothing of readers: their absence counts anew from the next answer.
pub(super) async fn has_left(bus: &Bus, log: &LogId, limit: Duration) {
    let every = between_looks(limit);
    let mut ticks = tokio::time::interval_at(Instant::now() + every, every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard_at = Instant::now();
    loop {
        ticks.tick().await;
        match bus.has_reader(log).await {
            Ok(false) if heard_at.elapsed() >= limit => return,
            Ok(false) => {}
            Ok(true) | Err(_) => heard_at = Instant::now(),
        }
    }
}

/// Completes when `attempt` may not write the log any more, though it has not tried to for a while:
/// its model is silent, and the answer was cancelled, or another worker has taken it.
pub(super) async fn was_overruled(
    bus: &Bus,
    log: &LogId,
    attempt: u32,
    script: &Script,
    every: Duration,
) {
    loop {
        tokio::time::sleep(every).await;
        if script.quiet_for() < every {
            continue;
        }
        match bus.last_entry(log).await {
            Ok(last) if Page::of(last.as_ref()).rules_out(attempt) => return,
            Ok(_) | Err(_) => {}
        }
    }
}
