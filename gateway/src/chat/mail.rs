//! What workers send: claims, events, beats. And our own beat.

use std::sync::Arc;

use bus::{Bus, BusError, Mail, MailBox};
use contract::{BEAT_EVERY, CatalogueHash, GatewayBeat, GatewayId, WorkerBeat};
use futures::{Stream, StreamExt as _};
use service_runtime::{Health, Readiness, Shutdown};
use tokio::time::Instant;

use super::register::Register;
use super::workers::Workers;

/// Reads the mailbox until the process ends. Never waits for a caller.
pub(crate) async fn read_mail(
    mut mail: MailBox,
    bus: Bus,
    register: Arc<Register>,
    until: Shutdown,
) {
    loop {
        let news = tokio::select! {
            news = mail.next() => news,
            () = until.requested() => return,
        };
        match news {
            Some(Mail::Events(packed, receipt)) => {
                register.events(&packed);
                if let Some(receipt) = receipt
                    && let Err(error) = bus.have_read(receipt).await
                {
                    tracing::debug!(%error, "a worker was not told what was read: {error}");
                }
            }
            Some(Mail::Claim(claim, reply)) => {
                let verdict = register.claim(&claim);
                if let Err(error) = bus.reply(reply, &verdict).await {
                    tracing::warn!(%error, "a claim was not answered: {error}");
                }
            }
            None => return,
        }
    }
}

/// The workers' beats.
pub(crate) struct WorkerBeats(Box<dyn Stream<Item = WorkerBeat> + Send + Unpin>);

impl WorkerBeats {
    /// Begins to listen.
    pub(crate) async fn open(bus: &Bus) -> Result<Self, BusError> {
        Ok(Self(Box::new(bus.worker_beats().await?)))
    }

    /// Notes who is alive, and warns when a worker's catalogue is not ours.
    pub(crate) async fn hear(
        mut self,
        workers: Arc<Workers>,
        catalogue: CatalogueHash,
        health: Health,
        until: Shutdown,
    ) {
        loop {
            let beat = tokio::select! {
                beat = self.0.next() => beat,
                () = until.requested() => return,
            };
            let Some(beat) = beat else { return };
            let now = Instant::now();
            workers.heard(beat, now);
            let readiness = match workers.other_catalogue(&catalogue, now) {
                None => Readiness::Ok,
                Some(other) => Readiness::Warning(format!(
                    "this gateway has catalogue {catalogue}, a worker has {other}"
                )),
            };
            health.report("catalogue", readiness);
        }
    }
}

/// Says once a second that this gateway holds its callers, and how many requests are open.
pub(crate) async fn beat(
    gateway: GatewayId,
    bus: Bus,
    requests: impl Fn() -> usize,
    draining: Shutdown,
    until: Shutdown,
) {
    let mut ticks = tokio::time::interval(BEAT_EVERY);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = until.requested() => return,
        }
        let beat = GatewayBeat {
            gateway,
            draining: draining.is_requested(),
            requests: u32::try_from(requests()).unwrap_or(u32::MAX),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        };
        if let Err(error) = bus.beat_gateway(&beat).await {
            tracing::debug!(%error, "a beat was not sent: {error}");
        }
    }
}
