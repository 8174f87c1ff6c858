//! Waiting until nothing is done any more: what is stored is sealed behind its answers.

use std::time::Duration;

use tokio::time::Instant;

use crate::machine::Cpu;

/// Over which time processes are looked at.
const LOOK: Duration = Duration::from_millis(500);
/// Share of one processor under which they rest: their timers, and nothing more.
const RESTING: f64 = 0.06;
/// Longest wait.
const WITHIN: Duration = Duration::from_secs(120);

/// Waits until these processes rest.
///
/// # Errors
///
/// When they go on and on.
pub(crate) async fn wait(pids: &[u32]) -> anyhow::Result<()> {
    let began = Instant::now();
    while began.elapsed() < WITHIN {
        let before = Cpu::of(pids);
        tokio::time::sleep(LOOK).await;
        if Cpu::of(pids).since(&before) <= LOOK.as_secs_f64() * RESTING {
            return Ok(());
        }
    }
    anyhow::bail!("{pids:?} are still at work after {} s", WITHIN.as_secs())
}
