//! Standing requests for as many jobs as there are free slots.

use std::sync::Arc;
use std::time::Duration;

use bus::{Delivery, JobSource, Pulled};
use service_runtime::{Shutdown, Tasks};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::delivery::Desk;
use super::settle::{Settlement, settle};

/// Shortest and longest wait after requests were lost.
const BACK_OFF_MS: std::ops::Range<u64> = 50..500;

/// What goes on being lost, because a consumer is missing, is said this often.
const COMPLAIN_EVERY: Duration = Duration::from_secs(30);

/// The slots of a worker, shared by the queues that it pulls from.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    free: Arc<Semaphore>,
    /// Slots that one queue may hold ready while nothing comes.
    standing: usize,
}

impl Slots {
    pub(crate) fn new(slots: usize, queues: usize) -> Self {
        // A single queue holds all slots ready; several leave each other room.
        let standing = if queues <= 1 { slots } else { (slots / (2 * queues)).max(1) };
        Self { free: Arc::new(Semaphore::new(slots)), standing }
    }

    /// Whether it is time to ask for more: when at least half of what may stand is used up.
    ///
    /// An unsaturated worker then asks once for many jobs; a saturated one has nothing asked for,
    /// and takes each slot as it comes free.
    fn wants_more(&self, asked_for: usize) -> bool {
        asked_for <= self.standing / 2
    }

    /// Waits until as many slots are free as are already asked for, and takes what is free and
    /// may stand.
    async fn take(&self, asked_for: usize) -> Option<OwnedSemaphorePermit> {
        let room = self.standing.saturating_sub(asked_for);
        let least = u32::try_from(asked_for.min(room).max(1)).unwrap_or(1);
        let mut taken = Arc::clone(&self.free).acquire_many_owned(least).await.ok()?;
        let more = room.saturating_sub(taken.num_permits()).min(self.free.available_permits());
        let more = u32::try_from(more).unwrap_or(0);
        if let Ok(more) = Arc::clone(&self.free).try_acquire_many_owned(more) {
            taken.merge(more);
        }
        Some(taken)
    }

    /// One slot, if one is free now.
    fn one_now(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).try_acquire_owned().ok()
    }
}

/// Pulls jobs of one source until shutdown, then hands back what was on its way.
pub(crate) async fn pull_jobs(
    mut source: JobSource,
    slots: Slots,
    desk: Arc<Desk>,
    work: Tasks,
    shutdown: Shutdown,
) {
    // The slots with which jobs are asked for.
    let mut held: Option<OwnedSemaphorePermit> = None;
    let mut complained = None;
    loop {
        let asked_for = source.outstanding();
        tokio::select! {
            biased;
            () = shutdown.requested() => break,
            pulled = source.next() => match pulled {
                Pulled::Job(delivery) => match one(&mut held).or_else(|| slots.one_now()) {
                    Some(slot) => {
                        let desk = Arc::clone(&desk);
                        work.spawn_detached(async move { desk.handle(delivery, slot).await });
                    }
                    // More than was asked for: a request that was taken for lost was not. While a
                    // slot is free the gateway is asked about it. Else it is left alone: if this
                    // process was held up, it may be another worker's by now, and a word about it
                    // would count for both. The queue delivers it again.
                    None => drop(delivery),
                },
                Pulled::Expired => renew(&mut source, &mut held).await,
                Pulled::Lost(reason) => {
                    if complained.is_none_or(|at: Instant| at.elapsed() >= COMPLAIN_EVERY) {
                        tracing::info!("asking for jobs again: {reason}");
                        complained = Some(Instant::now());
                    }
                    release(&mut held, source.outstanding());
                    let pause = rand::random_range(BACK_OFF_MS);
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
            },
            taken = slots.take(asked_for), if slots.wants_more(asked_for) => {
                let Some(taken) = taken else { break };
                let count = taken.num_permits();
                match &mut held {
                    Some(held) => held.merge(taken),
                    None => held = Some(taken),
                }
                ask(&mut source, count).await;
            }
        }
    }
    drop(held);
    let left: Vec<Delivery> = source.close().await;
    for delivery in &left {
        hand_back(delivery, &desk).await;
    }
}

/// A request has expired. Its slots go back to where other queues may take them, but for one: a
/// quiet queue stays served while another one is busy.
async fn renew(source: &mut JobSource, held: &mut Option<OwnedSemaphorePermit>) {
    let asked_for = source.outstanding();
    release(held, asked_for.max(1));
    let free = held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
    if free > asked_for {
        ask(source, free - asked_for).await;
    }
}

/// Asks for jobs. What cannot be sent counts as asked for until it is taken for lost.
async fn ask(source: &mut JobSource, slots: usize) {
    if let Err(error) = source.request(slots).await {
        tracing::warn!(%error, "cannot ask for jobs: {error}");
    }
}

/// Hands a delivery back untouched, for another worker to take at once.
async fn hand_back(delivery: &Delivery, desk: &Desk) {
    settle(delivery, Settlement::RetryAfter(Duration::ZERO), &desk.measures).await;
}

/// One slot of those held.
fn one(held: &mut Option<OwnedSemaphorePermit>) -> Option<OwnedSemaphorePermit> {
    held.as_mut()?.split(1)
}

/// Gives back the slots that nothing is asked for with any more.
fn release(held: &mut Option<OwnedSemaphorePermit>, asked_for: usize) {
    if let Some(held) = held {
        let surplus = held.num_permits().saturating_sub(asked_for);
        drop(held.split(surplus));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn more_is_asked_for_when_half_of_the_slots_are_free() {
        let slots = Slots::new(64, 1);
        let mut held = slots.take(0).await.unwrap();
        assert_eq!(held.num_permits(), 64, "an idle worker asks once for all");

        assert!(!slots.wants_more(33), "31 jobs came: not yet worth a request");
        drop(held.split(32));

        assert!(slots.wants_more(32));
        assert_eq!(slots.take(32).await.unwrap().num_permits(), 32);
    }

    #[tokio::test]
    async fn a_saturated_worker_takes_each_slot_as_it_comes_free() {
        let slots = Slots::new(4, 1);
        let mut busy = slots.take(0).await.unwrap();
        let mut next = std::pin::pin!(slots.take(0));
        assert!(tokio::time::timeout(Duration::ZERO, &mut next).await.is_err());

        drop(busy.split(1));

        assert_eq!(next.await.unwrap().num_permits(), 1);
    }

    #[tokio::test]
    async fn several_queues_leave_each_other_room() {
        for (all, queues) in [(64, 2), (64, 3), (4, 2), (2, 2), (3, 3)] {
            let slots = Slots::new(all, queues);
            let mut held = Vec::new();
            for queue in 0..queues {
                let taken = tokio::time::timeout(Duration::ZERO, slots.take(0)).await;
                held.push(taken.unwrap_or_else(|_| panic!("queue {queue} of {queues}: {all}")));
            }
            let standing: usize = held.iter().flatten().map(|one| one.num_permits()).sum();
            assert!(standing <= all, "{standing} of {all}");
        }
    }
}
