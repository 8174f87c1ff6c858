//! Outboxes: the events of all jobs of one gateway share its messages.
//!
//! An idle outbox sends at once; otherwise a short tick joins what all streams have to say. That
//! is cheaper than a message per event, because waking a reader costs more than its bytes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bus::{Bus, BusError};
use bytes::Bytes;
use contract::{Event, GatewayId, pack};
use service_runtime::Tasks;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How long events wait for company.
const TICK: Duration = Duration::from_millis(4);
/// A message of this size goes at once.
const FULL_BYTES: usize = 256 * 1024;

/// The outboxes of a worker, one for each gateway that it works for.
#[derive(Debug)]
pub(crate) struct Outboxes {
    bus: Bus,
    tasks: Tasks,
    by_gateway: Mutex<HashMap<GatewayId, Arc<Outbox>>>,
}

impl Outboxes {
    pub(crate) fn new(bus: Bus, tasks: Tasks) -> Self {
        Self { bus, tasks, by_gateway: Mutex::default() }
    }

    /// The outbox for `gateway`.
    pub(crate) fn of(&self, gateway: GatewayId) -> Arc<Outbox> {
        let mut boxes = lock(&self.by_gateway);
        let outbox = boxes.entry(gateway).or_insert_with(|| {
            let max_payload = self.bus.max_payload();
            let outbox = Arc::new(Outbox::new(self.bus.clone(), gateway, max_payload));
            self.tasks.spawn_detached(Arc::clone(&outbox).tick());
            outbox
        });
        Arc::clone(outbox)
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
    max_payload: usize,
    pending: Mutex<Pending>,
    /// Held while a message is taken and sent: messages leave in the order of their events.
    sending: tokio::sync::Mutex<()>,
    more: Notify,
}

#[derive(Debug)]
struct Pending {
    message: Vec<u8>,
    sent_at: Option<Instant>,
    closed: bool,
}

impl Outbox {
    fn new(bus: Bus, gateway: GatewayId, max_payload: usize) -> Self {
        let pending = Pending { message: Vec::new(), sent_at: None, closed: false };
        Self {
            bus,
            gateway,
            max_payload,
            pending: Mutex::new(pending),
            sending: tokio::sync::Mutex::default(),
            more: Notify::new(),
        }
    }

    /// Adds an event; sends at once when it is `urgent`, when nothing was sent for a while, or
    /// when the message is full. Waits then, so that a blocked connection slows the models down.
    pub(crate) async fn push(&self, event: &Event<'_>, urgent: bool) -> Result<(), BusError> {
        let room = self.max_payload.saturating_sub(event.payload.len() + pack::RECORD_OVERHEAD);
        if lock(&self.pending).message.len() > room {
            self.flush().await?;
        }
        let send_now = {
            let mut pending = lock(&self.pending);
            if pending.message.is_empty() {
                pack::begin(&mut pending.message);
            }
            pack::append(&mut pending.message, event);
            let idle = pending.sent_at.is_none_or(|at| at.elapsed() >= TICK);
            urgent || idle || pending.message.len() >= FULL_BYTES
        };
        if send_now {
            return self.flush().await;
        }
        self.more.notify_one();
        Ok(())
    }

    /// Sends what is pending.
    async fn flush(&self) -> Result<(), BusError> {
        let _in_order = self.sending.lock().await;
        let message = {
            let mut pending = lock(&self.pending);
            pending.sent_at = Some(Instant::now());
            std::mem::take(&mut pending.message)
        };
        if message.is_empty() {
            return Ok(());
        }
        self.bus.send_events(self.gateway, Bytes::from(message)).await
    }

    /// Sends what waited for company, until the outbox is closed.
    async fn tick(self: Arc<Self>) {
        loop {
            self.more.notified().await;
            if lock(&self.pending).closed {
                return;
            }
            tokio::time::sleep(TICK).await;
            if let Err(error) = self.flush().await {
                tracing::warn!(%error, "events cannot be sent: {error}");
            }
        }
    }

    fn close(&self) {
        lock(&self.pending).closed = true;
        self.more.notify_one();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
