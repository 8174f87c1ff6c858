//! A job in a worker's hands, and what is said about it.

use bus::{Bus, Delivery, Receipt};
use contract::{Event, EventKind, Failure, GatewayId, Job, JobId, WorkFigures, WorkerId, pack};

use super::worker::job_of;

/// A job that a worker has pulled.
pub(crate) struct Held {
    pub(crate) delivery: Delivery,
    pub(crate) id: JobId,
    pub(crate) gateway: GatewayId,
    /// The claim under which it speaks.
    pub(crate) claim: u32,
    /// The number of the next thing it says.
    pub(crate) seq: u32,
    bus: Bus,
}

impl Held {
    pub(super) fn new(bus: Bus, delivery: Delivery) -> Self {
        let Job { id, gateway, .. } = job_of(delivery.payload());
        Self { delivery, id, gateway, claim: 0, seq: 0, bus }
    }

    /// The job as it was published.
    pub(crate) fn job(&self) -> Job<'_> {
        job_of(self.delivery.payload())
    }

    /// The next event as it will be sent.
    pub(crate) fn event<'a>(&mut self, kind: EventKind, payload: &'a [u8]) -> Event<'a> {
        let (job, claim, seq) = (self.id, self.claim, self.seq);
        let event = Event { job, claim, seq, kind, payload, work: b"" };
        self.seq += 1;
        event
    }

    /// Sends these events in one message.
    pub(crate) async fn sends(&self, events: &[Event<'_>]) {
        self.sends_raw(packed(events)).await;
    }

    /// Sends any bytes where events are expected.
    pub(crate) async fn sends_raw(&self, bytes: Vec<u8>) {
        self.bus.send_events(self.gateway, bytes.into(), None).await.unwrap();
    }

    /// Sends a message without events, and wants to know when it was read.
    pub(crate) async fn wants_receipt(&self, worker: WorkerId, position: u64) {
        let receipt = Some(Receipt { worker, position });
        self.bus.send_events(self.gateway, packed(&[]).into(), receipt).await.unwrap();
    }

    /// Says something in a message of its own.
    pub(crate) async fn says(&mut self, kind: EventKind, payload: impl AsRef<[u8]>) {
        let event = self.event(kind, payload.as_ref());
        self.sends(&[event]).await;
    }

    pub(crate) async fn says_chunk(&mut self, json: &str) {
        self.says(EventKind::Chunk, json).await;
    }

    pub(crate) async fn is_done(&mut self) {
        self.says(EventKind::Done, "").await;
    }

    pub(crate) async fn says_body(&mut self, json: &str) {
        self.says(EventKind::Body, json).await;
    }

    /// The last thing it says, with what it has measured of its work.
    pub(crate) async fn ends_with(&mut self, kind: EventKind, payload: &str, work: &WorkFigures) {
        let work = serde_json::to_vec(work).unwrap();
        let event = self.event(kind, payload.as_bytes());
        self.sends(&[Event { work: &work, ..event }]).await;
    }

    pub(crate) async fn fails(&mut self, failure: &Failure) {
        self.says(EventKind::Failed, serde_json::to_vec(failure).unwrap()).await;
    }
}

/// Events as one message.
pub(crate) fn packed(events: &[Event<'_>]) -> Vec<u8> {
    let mut message = Vec::new();
    pack::begin(&mut message);
    for event in events {
        pack::append(&mut message, event);
    }
    message
}
