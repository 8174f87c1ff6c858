//! Standing requests for as many jobs as there are free slots.

use std::sync::Arc;
use std::time::Duration;

use bus::{Delivery, JobSource, Pulled};
use service_runtime::{Shutdown, Tasks};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::delivery::Desk;
use super::settle;

/// Shortest and longest wait after requests were lost.
const BACK_OFF_MS: std::ops::Range<u64> = 50..500;

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

    /// Waits until as many slots are free as are already asked for, and takes what is free.
    ///
    /// Asking anew only when half of the slots are free keeps an unsaturated worker at one
    /// request for many jobs; a saturated one has nothing asked for, and takes each slot as it
    /// comes free.
    async fn take(&self, asked_for: usize) -> Option<OwnedSemaphorePermit> {
        let least = u32::try_from(asked_for.clamp(1, self.standing)).unwrap_or(1);
        let mut taken = Arc::clone(&self.free).acquire_many_owned(least).await.ok()?;
        let room = self.standing.saturating_sub(asked_for + taken.num_permits());
        let more = u32::try_from(room.min(self.free.available_permits())).unwrap_or(0);
        if let Ok(more) = Arc::clone(&self.free).try_acquire_many_owned(more) {
            taken.merge(more);
        }
        Some(taken)
    }
}

/// Pulls jobs of one source until shutdown, then hands back what was on its way.
pub(crate) async fn pull_jobs(
    mut source: JobSource,
    slots: Slots,
    desk: Arc<Desk>,
    tasks: Tasks,
    shutdown: Shutdown,
) {
    let mut held: Option<OwnedSemaphorePermit> = None;
    loop {
        let asked_for = source.outstanding();
        tokio::select! {
            biased;
            () = shutdown.requested() => break,
            pulled = source.next() => match pulled {
                Pulled::Job(delivery) => match one(&mut held) {
                    Some(slot) => {
                        let desk = Arc::clone(&desk);
                        tasks.spawn_detached(async move { desk.handle(delivery, slot).await });
                    }
                    // More than was asked for: a request that was taken for lost was not.
                    None => settle::hand_back(&delivery).await,
                },
                Pulled::Expired => release(&mut held, source.outstanding()),
                Pulled::Lost(reason) => {
                    tracing::info!("asking for jobs again: {reason}");
                    release(&mut held, source.outstanding());
                    let pause = rand::random_range(BACK_OFF_MS);
                    tokio::time::sleep(Duration::from_millis(pause)).await;
                }
            },
            taken = slots.take(asked_for), if asked_for < slots.standing => {
                let Some(taken) = taken else { break };
                let count = taken.num_permits();
                match &mut held {
                    Some(held) => held.merge(taken),
                    None => held = Some(taken),
                }
                if let Err(error) = source.request(count).await {
                    tracing::warn!(%error, "cannot ask for jobs: {error}");
                }
            }
        }
    }
    drop(held);
    let left: Vec<Delivery> = source.close().await;
    for delivery in &left {
        settle::hand_back(delivery).await;
    }
}

/// One slot of those held.
fn one(held: &mut Option<OwnedSemaphorePermit>) -> Option<OwnedSemaphorePermit> {
    let permit = held.as_mut()?.split(1)?;
    Some(permit)
}

/// Gives back the slots that nothing is asked for with any more.
fn release(held: &mut Option<OwnedSemaphorePermit>, asked_for: usize) {
    if let Some(held) = held {
        let surplus = held.num_permits().saturating_sub(asked_for);
        drop(held.split(surplus));
    }
}
