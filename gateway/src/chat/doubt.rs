//! After this gateway's connection broke: requests whose answer was given while nobody heard it.

use std::sync::Arc;
use std::time::Duration;

use bus::Bus;
use contract::{JobId, Lane, TenantName};
use tokio::time::Instant;

use super::failures;
use super::register::Register;

/// What was on its way when the connection came back has arrived by then.
const SETTLES_WITHIN: Duration = Duration::from_secs(2);

/// Ends the requests claimed before `back_since` whose job has left the queue unheard.
///
/// Their last event is lost, and nothing follows it that would show the gap. A job that is still
/// in the queue comes to its end by itself.
pub(crate) async fn resolve(bus: Bus, register: Arc<Register>, back_since: Instant) {
    tokio::time::sleep(SETTLES_WITHIN).await;
    let mut unheard: Vec<JobId> = Vec::new();
    for (job, queue) in register.claimed_before(back_since) {
        match bus.is_queued(Lane::Chat, &queue, &TenantName::local(), job).await {
            Ok(true) => {}
            Ok(false) => unheard.push(job),
            Err(error) => {
                // The connection broke again: its return begins this anew.
                tracing::warn!(%error, "whether answers were lost cannot be asked: {error}");
                return;
            }
        }
    }
    if unheard.is_empty() {
        return;
    }
    // Whoever acknowledged in this moment has sent the end just before.
    tokio::time::sleep(SETTLES_WITHIN).await;
    for job in unheard {
        register.break_off(job, failures::answer_incomplete());
    }
}
