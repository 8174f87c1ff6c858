//! Outboxes: the events of all jobs of one gateway share its messages.
//!
//! An idle outbox sends at once; otherwise a short tick joins what all streams have to say. That
//! is cheaper than a message per event, because waking a reader costs more than its bytes.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bus::{Bus, BusError, LinkState};
use bytes::Bytes;
use contract::{Event, GatewayId, SILENT_AFTER, WorkerId};
use service_runtime::Tasks;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::batch::{Added, Batch, Haste, TICK};
use super::way::Way;

/// How long a word waits for a connection. After this the gateway takes this worker for dead.
const BLOCKED_FOR: std::time::Duration = SILENT_AFTER;

/// The outboxes of a worker, one for each gateway that it works for.
#[derive(Debug)]
pub(crate) struct Outboxes {
    bus: Bus,
    worker: WorkerId,
    tasks: Tasks,
    by_gateway: Mutex<HashMap<GatewayId, Arc<Outbox>>>,
}

impl Outboxes {
    /// What `worker` has to say.
    pub(crate) fn new(bus: Bus, worker: WorkerId, tasks: Tasks) -> Self {
        Self { bus, worker, tasks, by_gateway: Mutex::default() }
    }

    /// The outbox for `gateway`.
    pub(crate) fn of(&self, gateway: GatewayId) -> Arc<Outbox> {
        let mut boxes = lock(&self.by_gateway);
        let outbox = boxes.entry(gateway).or_insert_with(|| {
            let outbox = Arc::new(Outbox::new(self.bus.clone(), self.worker, gateway));
            self.tasks.spawn_detached(Arc::clone(&outbox).tick());
            outbox
        });
        Arc::clone(outbox)
    }

    /// A gateway has read everything up to `position`.
    pub(crate) fn have_read(&self, gateway: GatewayId, position: u64) {
        if let Some(outbox) = lock(&self.by_gateway).get(&gateway) {
            outbox.way.have_read(position);
        }
    }

    /// Closes the outbox of a gateway that is gone.
    pub(crate) fn close(&self, gateway: GatewayId) {
        if let Some(outbox) = lock(&self.by_gateway).remove(&gateway) {
            outbox.close();
        }
    }

    /// Sends what is left, and closes all.
    pub(crate) async fn close_all(&self) {
        let boxes: Vec<_> = lock(&self.by_gateway).drain().map(|(_, outbox)| outbox).collect();
        for outbox in boxes {
            if let Err(error) = outbox.flush().await {
                tracing::warn!(%error, "the last events cannot be sent: {error}");
            }
            outbox.close();
        }
    }
}

/// What is to be said to one gateway.
#[derive(Debug)]
pub(crate) struct Outbox {
    bus: Bus,
    gateway: GatewayId,
    link: watch::Receiver<LinkState>,
    batch: Mutex<Batch>,
    way: Way,
    more: Notify,
    closed: Notify,
    /// Messages that could not be sent.
    lost: AtomicU64,
}

impl Outbox {
    fn new(bus: Bus, worker: WorkerId, gateway: GatewayId) -> Self {
        let batch = Mutex::new(Batch::new(bus.max_payload()));
        let link = bus.state();
        let (way, more, closed, lost) = (Way::new(worker), Notify::new(), Notify::new(), 0.into());
        Self { bus, gateway, link, batch, way, more, closed, lost }
    }

    /// Adds an event under its next number, and sends it now or within a tick.
    ///
    /// Waits while there is no connection, or while the gateway has too much to read, so that
    /// models are slowed down instead of memory filled.
    ///
    /// # Errors
    ///
    /// When there was no connection for as long as a gateway waits for a silent worker.
    pub(super) async fn push(
        &self,
        mut event: Event<'_>,
        next_seq: &mut u32,
        haste: Haste,
    ) -> Result<(), BusError> {
        loop {
            self.connected().await?;
            let lost_before = self.lost.load(Ordering::Relaxed);
            // Numbered when it is added: whoever gives up before leaves no gap.
            event.seq = *next_seq;
            let added = lock(&self.batch).add(&event, haste, Instant::now());
            if added != Added::NoRoom {
                *next_seq += 1;
            }
            match added {
                Added::SendNow => {
                    self.flush().await?;
                    if self.lost.load(Ordering::Relaxed) != lost_before {
                        // Somebody else may have taken it along, and failed.
                        return Err(BusError::Unavailable("events were lost".to_owned()));
                    }
                    return Ok(());
                }
                Added::Waits => {
                    self.more.notify_one();
                    return Ok(());
                }
                Added::NoRoom => self.flush().await?,
            }
        }
    }

    async fn connected(&self) -> Result<(), BusError> {
        if *self.link.borrow() == LinkState::Connected {
            return Ok(());
        }
        let mut link = self.link.clone();
        let back = link.wait_for(|state| *state == LinkState::Connected);
        match tokio::time::timeout(BLOCKED_FOR, back).await {
            Ok(Ok(_connected)) => Ok(()),
            Ok(Err(_closed)) => Err(BusError::Unavailable("the connection is closed".to_owned())),
            Err(_elapsed) => Err(BusError::Unavailable(format!("none for {BLOCKED_FOR:?}"))),
        }
    }

    /// Sends what is pending.
    async fn flush(&self) -> Result<(), BusError> {
        let mut turn = self.way.turn().await;
        let Some(message) = lock(&self.batch).take(Instant::now()) else { return Ok(()) };
        let message = Bytes::from(message);
        let mut taken = Taken { outbox: self, message: Some(message.clone()) };
        let (bytes, receipt) = (message.len() as u64, turn.receipt(message.len() as u64));
        let sent = self.bus.send_events(self.gateway, message, receipt);
        let sent = match tokio::time::timeout(BLOCKED_FOR, sent).await {
            Ok(sent) => sent,
            Err(_elapsed) => Err(BusError::Unavailable(format!("blocked for {BLOCKED_FOR:?}"))),
        };
        taken.message = None;
        turn.sent(bytes, receipt);
        if sent.is_err() {
            // A gap in their numbers tells of most of them; of last ones, this does.
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
        if !lock(&self.batch).is_empty() {
            // A message that came back was not joined with what is behind it.
            self.more.notify_one();
        }
        sent
    }

    /// Sends what waited for company, until the outbox is closed.
    async fn tick(self: Arc<Self>) {
        loop {
            tokio::select! {
                () = self.closed.notified() => return,
                () = self.more.notified() => {}
            }
            tokio::time::sleep(TICK).await;
            if let Err(error) = self.flush().await {
                tracing::warn!(%error, "events cannot be sent: {error}");
            }
        }
    }

    fn close(&self) {
        self.closed.notify_one();
    }
}

/// A message on its way out. It holds what many jobs say: if the one that sends it is told to stop
/// meanwhile, it goes back.
struct Taken<'a> {
    outbox: &'a Outbox,
    message: Option<Bytes>,
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        if let Some(message) = self.message.take() {
            lock(&self.outbox.batch).put_back(&message);
            self.outbox.more.notify_one();
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
