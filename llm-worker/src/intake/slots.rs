//! The slots of a worker: who holds them ready, and who takes one when a job comes.
//!
//! The chat lane of a queue holds a slot ready for each job that it has asked for. The stored
//! lanes hold none: their jobs take what is free, or what the chat lane of their queue holds
//! ready. So every lane is asked at once, and any of them may use the whole worker; only
//! background work leaves some slots to people.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contract::Lane;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What was asked for comes within this time, if there is any.
pub(super) const MOMENT: Duration = Duration::from_millis(100);

/// The slots of a worker, shared by all that it pulls.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    free: Arc<Semaphore>,
    /// What background work may take of them.
    background: Arc<Semaphore>,
    /// Slots that one queue may hold ready while nothing comes.
    standing: usize,
    /// Jobs that a stored lane of one queue asks for while nothing comes.
    ahead: usize,
}

/// A slot, taken by a job until it is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    _place: OwnedSemaphorePermit,
    _background: Option<OwnedSemaphorePermit>,
}

/// What one queue holds ready for its lanes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ready(Arc<Mutex<Option<OwnedSemaphorePermit>>>);

/// The slots as one lane of one queue may take them.
#[derive(Debug)]
pub(crate) struct Places {
    slots: Slots,
    ready: Ready,
    lane: Lane,
}

impl Slots {
    pub(crate) fn new(slots: usize, queues: usize) -> Self {
        // A single queue holds all slots ready; several leave each other room.
        let standing = if queues <= 1 { slots } else { (slots / (2 * queues)).max(1) };
        let ahead = (slots / (4 * queues.max(1))).max(1);
        let (free, background) = (Semaphore::new(slots), Semaphore::new(for_background(slots)));
        Self { free: Arc::new(free), background: Arc::new(background), standing, ahead }
    }

    /// As `lane` of the queue that holds `ready` may take them.
    pub(crate) fn of(&self, lane: Lane, ready: &Ready) -> Places {
        Places { slots: self.clone(), ready: ready.clone(), lane }
    }
}

/// The most slots that background work takes: a quarter, and one at least, is left to people. A
/// single slot is for whoever comes first.
fn for_background(slots: usize) -> usize {
    let for_people = (slots / 4).max(1);
    slots.saturating_sub(for_people).max(1)
}

impl Places {
    /// The lane they are for.
    pub(super) fn lane(&self) -> Lane {
        self.lane
    }

    /// Whether it is time to hold more ready: when at least half of what may stand is used up.
    ///
    /// An unsaturated worker then asks once for many jobs; a saturated one has nothing asked for,
    /// and takes each slot as it comes free.
    pub(super) fn wants_more(&self, asked_for: usize) -> bool {
        asked_for <= self.slots.standing / 2
    }

    /// Waits until as many slots are free as are already asked for, and holds ready what is free
    /// and may stand. Gives their number.
    pub(super) async fn hold_ready(&self, asked_for: usize) -> Option<usize> {
        let free = &self.slots.free;
        let room = self.slots.standing.saturating_sub(asked_for);
        let least = u32::try_from(asked_for.min(room).max(1)).unwrap_or(1);
        let mut taken = Arc::clone(free).acquire_many_owned(least).await.ok()?;
        let more = room.saturating_sub(taken.num_permits()).min(free.available_permits());
        let more = u32::try_from(more).unwrap_or(0);
        if let Ok(more) = Arc::clone(free).try_acquire_many_owned(more) {
            taken.merge(more);
        }
        let count = taken.num_permits();
        self.ready.add(taken);
        Some(count)
    }

    /// Gives back the slots over `kept` that are held ready.
    pub(super) fn release(&self, kept: usize) {
        self.ready.release(kept);
    }

    /// How many are held ready.
    pub(super) fn ready(&self) -> usize {
        self.ready.count()
    }

    /// How many jobs could begin now.
    pub(super) fn room(&self) -> usize {
        let slots = self.ready.count() + self.slots.free.available_permits();
        match self.lane {
            Lane::Chat | Lane::Live => slots,
            Lane::Background => slots.min(self.slots.background.available_permits()),
        }
    }

    /// How many jobs are asked for without a slot for each: what could begin now, within reason.
    /// One that comes all the same when nothing is free shows that the lane waits for a slot.
    pub(super) fn ahead(&self) -> usize {
        self.room().clamp(1, self.slots.ahead)
    }

    /// A slot, if there is one now.
    pub(super) fn one_now(&self) -> Option<Slot> {
        let background = match self.lane {
            Lane::Chat | Lane::Live => None,
            Lane::Background => Some(Arc::clone(&self.slots.background).try_acquire_owned().ok()?),
        };
        let free = || Arc::clone(&self.slots.free).try_acquire_owned().ok();
        let place = self.ready.one().or_else(free)?;
        Some(Slot { _place: place, _background: background })
    }

    /// A slot, when it is this lane's turn, or when one is held ready and nothing comes for it.
    pub(super) async fn one(&self) -> Option<Slot> {
        let background = match self.lane {
            Lane::Chat | Lane::Live => None,
            Lane::Background => {
                Some(Arc::clone(&self.slots.background).acquire_owned().await.ok()?)
            }
        };
        let mut turn = std::pin::pin!(Arc::clone(&self.slots.free).acquire_owned());
        let place = loop {
            tokio::select! {
                place = &mut turn => break place.ok()?,
                () = tokio::time::sleep(MOMENT) => {
                    if let Some(place) = self.ready.one() {
                        break place;
                    }
                }
            }
        };
        Some(Slot { _place: place, _background: background })
    }
}

impl Ready {
    fn add(&self, more: OwnedSemaphorePermit) {
        let mut held = self.lock();
        match &mut *held {
            Some(held) => held.merge(more),
            None => *held = Some(more),
        }
    }

    fn one(&self) -> Option<OwnedSemaphorePermit> {
        self.lock().as_mut()?.split(1)
    }

    fn count(&self) -> usize {
        self.lock().as_ref().map_or(0, OwnedSemaphorePermit::num_permits)
    }

    fn release(&self, kept: usize) {
        if let Some(held) = &mut *self.lock() {
            let surplus = held.num_permits().saturating_sub(kept);
            drop(held.split(surplus));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chat_of(slots: &Slots) -> Places {
        slots.of(Lane::Chat, &Ready::default())
    }

    #[tokio::test]
    async fn more_is_asked_for_when_half_of_the_slots_are_free() {
        let chat = chat_of(&Slots::new(64, 1));
        assert_eq!(chat.hold_ready(0).await, Some(64), "an idle worker asks once for all");

        assert!(!chat.wants_more(33), "31 jobs came: not yet worth a request");
        chat.release(32);

        assert!(chat.wants_more(32));
        assert_eq!(chat.hold_ready(32).await, Some(32));
    }

    #[tokio::test]
    async fn a_saturated_worker_takes_each_slot_as_it_comes_free() {
        let chat = chat_of(&Slots::new(4, 1));
        chat.hold_ready(0).await.unwrap();
        let mut busy: Vec<Slot> = (0..4).filter_map(|_job| chat.one_now()).collect();
        assert_eq!((busy.len(), chat.ready()), (4, 0));
        let mut next = std::pin::pin!(chat.hold_ready(0));
        assert!(tokio::time::timeout(Duration::ZERO, &mut next).await.is_err());

        busy.pop();

        assert_eq!(next.await, Some(1));
    }

    #[tokio::test]
    async fn several_queues_leave_each_other_room() {
        for (all, queues) in [(64, 2), (64, 3), (4, 2), (2, 2), (3, 3)] {
            let slots = Slots::new(all, queues);
            let mut places = Vec::new();
            for queue in 0..queues {
                let chat = chat_of(&slots);
                let taken = tokio::time::timeout(Duration::ZERO, chat.hold_ready(0)).await;
                taken.unwrap_or_else(|_| panic!("queue {queue} of {queues}: {all}"));
                places.push(chat);
            }
            let standing: usize = places.iter().map(Places::ready).sum();
            assert!(standing <= all, "{standing} of {all}");
        }
    }

    #[tokio::test]
    async fn a_stored_job_takes_what_its_queue_holds_ready() {
        let slots = Slots::new(2, 2);
        let (ready, other_ready) = (Ready::default(), Ready::default());
        slots.of(Lane::Chat, &ready).hold_ready(0).await.unwrap();
        slots.of(Lane::Chat, &other_ready).hold_ready(0).await.unwrap();
        let live = slots.of(Lane::Live, &ready);
        assert_eq!((live.room(), live.ahead()), (1, 1));

        let slot = live.one_now();

        assert!(slot.is_some());
        assert!(live.one_now().is_none(), "the other queue keeps its own");
        assert_eq!((live.room(), live.ahead()), (0, 1), "one is asked for all the same");
        assert!(slots.of(Lane::Live, &other_ready).one_now().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn a_lane_that_waits_for_a_slot_takes_one_that_nobody_comes_for() {
        let slots = Slots::new(1, 1);
        let ready = Ready::default();
        let (chat, live) = (slots.of(Lane::Chat, &ready), slots.of(Lane::Live, &ready));
        chat.hold_ready(0).await.unwrap();
        let busy = chat.one_now().unwrap();
        // The chat lane stands first, and then holds the slot for a job that does not come.
        let (held, slot) = tokio::join!(chat.hold_ready(0), async {
            let turn = live.one();
            drop(busy);
            turn.await
        });

        assert_eq!((held, slot.is_some(), chat.ready()), (Some(1), true, 0));
    }

    #[test]
    fn background_work_leaves_slots_to_people() {
        for (slots, most) in [(1, 1), (2, 1), (3, 2), (4, 3), (8, 6), (64, 48)] {
            let all = Slots::new(slots, 1);
            let background = all.of(Lane::Background, &Ready::default());
            let taken: Vec<Slot> = std::iter::from_fn(|| background.one_now()).collect();
            assert_eq!(taken.len(), most, "of {slots}");
            assert_eq!(background.room(), 0);

            let live = all.of(Lane::Live, &Ready::default());
            let left: Vec<Slot> = std::iter::from_fn(|| live.one_now()).collect();
            assert_eq!(left.len(), slots - most, "of {slots}");
        }
    }
}
