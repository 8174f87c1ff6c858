//! Standing requests for jobs, and what is done with those that come.

use std::sync::Arc;
use std::time::Duration;

use bus::{Delivery, JobSource, Pulled};
use contract::{Lane, streams};
use service_runtime::{Shutdown, Tasks};
use tokio::time::Instant;

use super::delivery::Desk;
use super::settle::{Settlement, settle};
use super::slots::{MOMENT, Places, Slot};

/// Shortest and longest wait after requests were lost.
const BACK_OFF_MS: std::ops::Range<u64> = 50..500;

/// What goes on being lost, because a consumer is missing, is said this often.
const COMPLAIN_EVERY: Duration = Duration::from_secs(30);

/// Pulls jobs of one source until shutdown, then hands back what was on its way.
pub(crate) async fn pull_jobs(
    source: JobSource,
    places: Places,
    desk: Arc<Desk>,
    work: Tasks,
    shutdown: Shutdown,
) {
    let lane = places.lane();
    let mut puller = Puller { source, places, desk, work, complained: None };
    match lane {
        Lane::Chat => puller.with_slots_ready(&shutdown).await,
        Lane::Live | Lane::Background => puller.with_what_is_free(&shutdown).await,
    }
    let Puller { source, places, desk, .. } = puller;
    places.release(0);
    for delivery in &source.close().await {
        hand_back(lane, delivery, &desk).await;
    }
}

/// Pulls the jobs of one lane of one queue.
struct Puller {
    source: JobSource,
    places: Places,
    desk: Arc<Desk>,
    work: Tasks,
    complained: Option<Instant>,
}

impl Puller {
    /// Asks for as many jobs as slots are held ready: none comes that cannot begin.
    async fn with_slots_ready(&mut self, shutdown: &Shutdown) {
        loop {
            let asked_for = self.source.outstanding();
            tokio::select! {
                biased;
                () = shutdown.requested() => return,
                pulled = self.source.next() => match pulled {
                    Pulled::Job(delivery) => {
                        let slot = self.places.one_now();
                        self.begin(delivery, slot).await;
                    }
                    Pulled::Expired => self.renew().await,
                    Pulled::Lost(reason) => {
                        self.places.release(self.source.outstanding());
                        self.lost(&reason).await;
                    }
                },
                held = self.places.hold_ready(asked_for), if self.places.wants_more(asked_for) => {
                    let Some(count) = held else { return };
                    self.ask(count).await;
                }
            }
        }
    }

    /// Asks for jobs without a slot for each: a slot that waits for one lane is lost to the others.
    /// Once a job has come in vain, a slot is waited for before each further one is asked for,
    /// until there is room again, or no job left.
    async fn with_what_is_free(&mut self, shutdown: &Shutdown) {
        let mut own: Option<Slot> = None;
        let mut refused = false;
        loop {
            refused = refused && self.places.room() == 0;
            let asked_for = self.source.outstanding();
            let wanted = if refused { usize::from(own.is_some()) } else { self.places.ahead() };
            if asked_for <= wanted / 2 && asked_for < wanted {
                self.ask(wanted - asked_for).await;
            }
            tokio::select! {
                biased;
                () = shutdown.requested() => return,
                pulled = self.source.next() => match pulled {
                    Pulled::Job(delivery) => {
                        let slot = own.take().or_else(|| self.places.one_now());
                        refused |= slot.is_none();
                        self.begin(delivery, slot).await;
                    }
                    Pulled::Expired => (own, refused) = (None, false),
                    Pulled::Lost(reason) => {
                        (own, refused) = (None, false);
                        self.lost(&reason).await;
                    }
                },
                slot = self.places.one(), if refused && own.is_none() => {
                    let Some(slot) = slot else { return };
                    own = Some(slot);
                }
                // The job that was refused is another worker's by now.
                () = tokio::time::sleep(MOMENT), if own.is_some() => (own, refused) = (None, false),
            }
        }
    }

    /// Begins a job, or hands it back where there is no slot for it.
    ///
    /// With slots held ready that happens when a request that was taken for lost was not, or when
    /// a stored job took the slot. While a slot is free the gateway, or the log, is asked about the
    /// job: if this process was held up, it may be another worker's by now, and a word about it
    /// would count for both. Where it may, and no log would show it, nothing is said: the queue
    /// delivers it again.
    async fn begin(&self, delivery: Delivery, slot: Option<Slot>) {
        let lane = self.places.lane();
        let Some(slot) = slot else {
            let wait = streams::delivery_rules(lane).ack_wait;
            let ours = delivery.deliveries() == 1 && delivery.age() < wait;
            if lane != Lane::Chat || ours {
                hand_back(lane, &delivery, &self.desk).await;
            }
            return;
        };
        let desk = Arc::clone(&self.desk);
        self.work.spawn_detached(async move { desk.handle(lane, delivery, slot).await });
    }

    /// A request has expired. Its slots go back to where other queues may take them, but for one:
    /// a quiet queue stays served while another one is busy.
    async fn renew(&mut self) {
        let asked_for = self.source.outstanding();
        self.places.release(asked_for.max(1));
        let ready = self.places.ready();
        if ready > asked_for {
            self.ask(ready - asked_for).await;
        }
    }

    /// All requests are lost: a moment later there are others.
    async fn lost(&mut self, reason: &str) {
        if self.complained.is_none_or(|at: Instant| at.elapsed() >= COMPLAIN_EVERY) {
            tracing::info!("asking for jobs again: {reason}");
            self.complained = Some(Instant::now());
        }
        let pause = rand::random_range(BACK_OFF_MS);
        tokio::time::sleep(Duration::from_millis(pause)).await;
    }

    /// Asks for jobs. What cannot be sent counts as asked for until it is taken for lost.
    async fn ask(&mut self, jobs: usize) {
        if let Err(error) = self.source.request(jobs).await {
            tracing::warn!(%error, "cannot ask for jobs: {error}");
        }
    }
}

/// Hands a delivery back untouched, for another worker to take at once.
async fn hand_back(lane: Lane, delivery: &Delivery, desk: &Desk) {
    let at_once = Settlement::RetryAfter(Duration::ZERO);
    settle(lane, delivery, at_once, "no_slot", &desk.measures).await;
}
