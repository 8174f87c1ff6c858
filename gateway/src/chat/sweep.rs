//! Once a second: requests that will never end by themselves end honestly.
//!
//! Their worker is gone, or nobody ever answered, or what was said is lost: events travel over core
//! NATS, which forgets what nobody hears. Where that is in doubt the queue is asked: a job that
//! has left it while its caller still waits was answered unheard.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, LinkState};
use contract::{JobId, Lane, SILENT_AFTER, streams};
use service_runtime::Shutdown;
use tokio::time::Instant;

use super::failures;
use super::register::{Register, Sight};
use super::workers::Workers;

const EVERY: Duration = Duration::from_secs(1);
/// A request that hears nothing for this long is asked after, now and then.
const QUIET: Duration = Duration::from_secs(20);
/// How often at most.
const ASKED_EVERY: Duration = Duration::from_secs(10);
/// What was on its way when the connection came back has arrived by then.
const SETTLED: Duration = Duration::from_secs(2);

/// What becomes of a request.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    Waits,
    WorkerLost,
    NoAnswer,
    NoMore,
    /// If its job has left the queue, nobody will ever answer.
    AskQueue,
}

/// Ends requests that will never end by themselves.
pub(crate) struct Sweep {
    pub(crate) bus: Bus,
    pub(crate) register: Arc<Register>,
    pub(crate) workers: Arc<Workers>,
    pub(crate) answer_timeout: Duration,
}

/// When the queue was asked after a request, and whether its job was gone.
type Asked = HashMap<JobId, (Instant, bool)>;

impl Sweep {
    /// Sweeps until the process ends.
    pub(crate) async fn run(self, until: Shutdown) {
        let mut ticks = tokio::time::interval(EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut asked = Asked::new();
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = until.requested() => return,
            }
            asked = self.once(asked).await;
        }
    }

    async fn once(&self, mut asked: Asked) -> Asked {
        let now = Instant::now();
        let back_for = self.workers.listening_for(now);
        let mut may_ask = *self.bus.state().borrow() == LinkState::Connected;
        let mut still = Asked::new();
        for sight in self.register.sights() {
            if sight.spoken && sight.quiet_for >= SETTLED {
                // Its worker may wait for a word that was lost.
                self.register.repeat_read(sight.job);
            }
            let silent_for = sight.worker.map_or(Duration::ZERO, |worker| {
                // A worker that has just claimed is alive, even if its first beat is on its way.
                self.workers.silent_for(worker, now).min(sight.claimed_for)
            });
            let failure = match judge(&sight, silent_for, back_for, self.answer_timeout) {
                Verdict::Waits => continue,
                Verdict::WorkerLost => failures::worker_lost(),
                Verdict::NoAnswer => failures::no_answer(),
                Verdict::NoMore => failures::answer_incomplete(),
                Verdict::AskQueue => {
                    let before = asked.remove(&sight.job);
                    let lately =
                        before.filter(|(at, gone)| !gone && now - *at < ASKED_EVERY.min(back_for));
                    let answer = match lately {
                        Some(answer) => Some(answer),
                        None if may_ask => self.is_gone(sight.job).await.map(|gone| (now, gone)),
                        None => None,
                    };
                    match (answer, before) {
                        // Twice: its last event may have been on its way.
                        (Some((_, true)), Some((_, true))) => failures::answer_incomplete(),
                        (Some(answer), _) => {
                            still.insert(sight.job, answer);
                            continue;
                        }
                        (None, _) => {
                            may_ask = false;
                            continue;
                        }
                    }
                }
            };
            self.register.break_off(sight.job, failure);
        }
        still
    }

    /// Whether a request's job has left the queue; `None` while that cannot be known.
    async fn is_gone(&self, job: JobId) -> Option<bool> {
        let (queue, tenant) = self.register.place_of(job)?;
        let queued = self.bus.is_queued(Lane::Chat, &queue, &tenant, job).await;
        queued.ok().map(|queued| !queued)
    }
}

/// | said something | its worker, the connection           | verdict                                  |
/// |----------------|--------------------------------------|------------------------------------------|
/// | yes            | silent                               | lost                                     |
/// | yes            | quiet for the answer's time          | no more: its last word was lost          |
/// | no             | quiet for the answer's time          | no answer                                |
/// | no             | silent                               | waits: the queue gives it to another one |
/// | no             | silent, and no other one came        | the queue is asked                       |
/// | any            | nothing since the connection is back | the queue is asked                       |
/// | any            | quiet for a while                    | the queue is asked                       |
/// | any            | the same, for longer than it keeps   | waits                                    |
/// |                | jobs                                 |                                          |
fn judge(
    sight: &Sight,
    worker_silent_for: Duration,
    back_for: Duration,
    answer_timeout: Duration,
) -> Verdict {
    let redelivered_by = SILENT_AFTER + streams::delivery_rules(Lane::Chat).ack_wait * 2;
    let too_quiet = sight.quiet_for > answer_timeout;
    let unheard_since_back = back_for >= SETTLED && sight.quiet_for > back_for;
    // The queue forgets a job that is still worked on when it gets old.
    let queue_knows = sight.open_for < streams::CHAT_JOBS_MAX_AGE;
    match sight.spoken {
        true if worker_silent_for >= SILENT_AFTER => Verdict::WorkerLost,
        true if too_quiet => Verdict::NoMore,
        false if too_quiet => Verdict::NoAnswer,
        false if worker_silent_for > redelivered_by => Verdict::AskQueue,
        _ if queue_knows && (unheard_since_back || sight.quiet_for > QUIET) => Verdict::AskQueue,
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
            open_for: Duration::from_secs(quiet_for_s),
            spoken,
            quiet_for: Duration::from_secs(quiet_for_s),
        };
        for (why, spoken, silent_for_s, back_for_s, quiet_for_s, expected) in [
            ("it flows", true, 0, 999, 1, Verdict::Waits),
            ("it pauses", true, 1, 999, 19, Verdict::Waits),
            ("it pauses for long", true, 1, 999, 21, Verdict::AskQueue),
            ("its last word was lost", true, 0, 999, 601, Verdict::NoMore),
            ("its worker died in the middle", true, 5, 999, 3, Verdict::WorkerLost),
            ("its worker died before, another will come", false, 15, 999, 16, Verdict::Waits),
            ("and none came yet", false, 16, 999, 16, Verdict::AskQueue),
            ("it waits in the queue", false, 0, 999, 599, Verdict::AskQueue),
            ("for too long", false, 0, 999, 601, Verdict::NoAnswer),
            ("it may arrive any moment", true, 0, 1, 5, Verdict::Waits),
            ("it was said while nobody listened", true, 0, 2, 5, Verdict::AskQueue),
            ("it goes on after the outage", true, 0, 3, 1, Verdict::Waits),
        ] {
            let seconds = Duration::from_secs;
            let sight = sight(spoken, quiet_for_s);
            let verdict = judge(&sight, seconds(silent_for_s), seconds(back_for_s), limit);
            assert_eq!(verdict, expected, "{why}");
        }
    }

    #[test]
    fn a_job_that_the_queue_has_forgotten_by_its_age_is_not_asked_after() {
        let day = Duration::from_secs(24 * 60 * 60);
        let sight = Sight {
            job: JobId::fresh(),
            worker: Some(WorkerId::fresh()),
            claimed_for: Duration::ZERO,
            open_for: streams::CHAT_JOBS_MAX_AGE,
            spoken: true,
            quiet_for: QUIET * 2,
        };

        assert_eq!(judge(&sight, Duration::ZERO, day, day), Verdict::Waits);
    }
}
