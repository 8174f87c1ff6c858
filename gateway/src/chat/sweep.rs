//! Once a second: requests whose worker is gone, or that nobody ever answered, end honestly.

use std::sync::Arc;
use std::time::Duration;

use contract::{Lane, SILENT_AFTER, streams};
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
}

/// Ends requests that will never end by themselves.
pub(crate) async fn sweep(
    register: Arc<Register>,
    workers: Arc<Workers>,
    answer_timeout: Duration,
    until: Shutdown,
) {
    let mut ticks = tokio::time::interval(EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = until.requested() => return,
        }
        let now = Instant::now();
        for sight in register.sights() {
            let silent = sight.worker.is_some_and(|worker| {
                // A worker that has just claimed is alive, even if its first beat is on its way.
                sight.claimed_for >= SILENT_AFTER && workers.is_silent(worker, now)
            });
            match judge(&sight, silent, answer_timeout) {
                Verdict::Waits => {}
                Verdict::WorkerLost => register.break_off(sight.job, failures::worker_lost()),
                Verdict::NoAnswer => register.break_off(sight.job, failures::no_answer()),
            }
        }
    }
}

/// | said something | its worker | verdict                                                   |
/// |----------------|------------|-----------------------------------------------------------|
/// | yes            | silent     | lost                                                      |
/// | no             | any        | waits: the queue gives the job to another worker          |
/// | no             | any        | after the answer's time, or a redelivery that never came: no answer |
fn judge(sight: &Sight, worker_is_silent: bool, answer_timeout: Duration) -> Verdict {
    let redelivered_by = SILENT_AFTER + streams::delivery_rules(Lane::Chat).ack_wait * 2;
    if sight.spoken && worker_is_silent {
        return Verdict::WorkerLost;
    }
    let abandoned = worker_is_silent && sight.open_for > redelivered_by;
    if !sight.spoken && (sight.open_for > answer_timeout || abandoned) {
        return Verdict::NoAnswer;
    }
    Verdict::Waits
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::{JobId, WorkerId};

    #[test]
    fn a_request_waits_while_it_may_still_be_answered() {
        let limit = Duration::from_secs(600);
        let sight = |spoken, open_for_s| Sight {
            job: JobId::fresh(),
            worker: Some(WorkerId::fresh()),
            claimed_for: Duration::ZERO,
            spoken,
            open_for: Duration::from_secs(open_for_s),
        };
        for (why, spoken, silent, open_for_s, expected) in [
            ("it flows", true, false, 3_000, Verdict::Waits),
            ("its worker died in the middle", true, true, 3, Verdict::WorkerLost),
            ("its worker died before, another will come", false, true, 10, Verdict::Waits),
            ("and none came", false, true, 16, Verdict::NoAnswer),
            ("it waits in the queue", false, false, 599, Verdict::Waits),
            ("for too long", false, false, 601, Verdict::NoAnswer),
        ] {
            assert_eq!(judge(&sight(spoken, open_for_s), silent, limit), expected, "{why}");
        }
    }
}
