//! Once a second: requests whose worker is gone, or that nobody ever answered, end honestly.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use bus::Bus;
use contract::{JobId, Lane, SILENT_AFTER, TenantName, streams};
use service_runtime::Shutdown;
use tokio::time::Instant;

use super::failures;
use super::register::{Register, Sight};
use super::workers::Workers;

const EVERY: Duration = Duration::from_secs(1);

/// Why a request is ended.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Waits,
    WorkerLost,
    NoAnswer,
    NoMore,
    /// Its worker is long gone: if its job has left the queue, nobody will ever answer.
    AskQueue,
}

/// Ends requests that will never end by themselves.
pub(crate) async fn sweep(
    bus: Bus,
    register: Arc<Register>,
    workers: Arc<Workers>,
    answer_timeout: Duration,
    until: Shutdown,
) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut gone_before = HashSet::new();
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = until.requested() => return,
        }
        let now = Instant::now();
        let mut gone = HashSet::new();
        for sight in register.sights() {
            let silent_for = sight.worker.map_or(Duration::ZERO, |worker| {
                // A worker that has just claimed is alive, even if its first beat is on its way.
                workers.silent_for(worker, now).min(sight.claimed_for)
            });
            let failure = match judge(&sight, silent_for, answer_timeout) {
                Verdict::Waits => continue,
                Verdict::WorkerLost => failures::worker_lost(),
                Verdict::NoAnswer => failures::no_answer(),
                Verdict::NoMore => failures::answer_incomplete(),
                Verdict::AskQueue if is_gone(&bus, &register, sight.job).await => {
                    // Twice: its last event may be on its way.
                    if !gone_before.contains(&sight.job) {
                        gone.insert(sight.job);
                        continue;
                    }
                    failures::no_answer()
                }
                Verdict::AskQueue => continue,
            };
            register.break_off(sight.job, failure);
        }
        gone_before = gone;
    }
}

/// Whether a request's job has left the queue. Not while that cannot be known.
async fn is_gone(bus: &Bus, register: &Register, job: JobId) -> bool {
    let Some(queue) = register.queue_of(job) else { return false };
    let queued = bus.is_queued(Lane::Chat, &queue, &TenantName::local(), job).await;
    matches!(queued, Ok(false))
}

/// | said something | its worker                     | verdict                                  |
/// |----------------|--------------------------------|------------------------------------------|
/// | yes            | silent                         | lost                                     |
/// | yes            | quiet for the answer's time    | no more: its last word was lost          |
/// | no             | silent                         | waits: the queue gives it to another one |
/// | no             | silent, and no other one came  | the queue is asked                       |
/// | no             | any, after the answer's time   | no answer                                |
fn judge(sight: &Sight, worker_silent_for: Duration, answer_timeout: Duration) -> Verdict {
    let redelivered_by = SILENT_AFTER + streams::delivery_rules(Lane::Chat).ack_wait * 2;
    let too_quiet = sight.quiet_for > answer_timeout;
    match sight.spoken {
        true if worker_silent_for >= SILENT_AFTER => Verdict::WorkerLost,
        true if too_quiet => Verdict::NoMore,
        false if too_quiet => Verdict::NoAnswer,
        false if worker_silent_for > redelivered_by => Verdict::AskQueue,
        _ => Verdict::Waits,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::WorkerId;

    #[test]
    fn a_request_waits_while_it_may_still_be_answered() {
        let limit = Duration::from_secs(600);
        let sight = |spoken, quiet_for_s| Sight {
            job: JobId::fresh(),
            worker: Some(WorkerId::fresh()),
            claimed_for: Duration::ZERO,
            spoken,
            quiet_for: Duration::from_secs(quiet_for_s),
        };
        for (why, spoken, silent_for_s, quiet_for_s, expected) in [
            ("it flows", true, 0, 1, Verdict::Waits),
            ("it pauses", true, 1, 599, Verdict::Waits),
            ("its last word was lost", true, 0, 601, Verdict::NoMore),
            ("its worker died in the middle", true, 5, 3, Verdict::WorkerLost),
            ("its worker died before, another will come", false, 15, 16, Verdict::Waits),
            ("even if the request is old", false, 15, 599, Verdict::Waits),
            ("and none came yet", false, 16, 16, Verdict::AskQueue),
            ("it waits in the queue", false, 0, 599, Verdict::Waits),
            ("for too long", false, 0, 601, Verdict::NoAnswer),
        ] {
            let silent_for = Duration::from_secs(silent_for_s);
            assert_eq!(judge(&sight(spoken, quiet_for_s), silent_for, limit), expected, "{why}");
        }
    }
}
