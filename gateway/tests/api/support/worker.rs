//! A worker that the test plays: it pulls jobs, claims them, and hears when to stop.

use bus::{Bus, ForWorker, JobSource, Pulled};
use contract::window::Credit;
use contract::{
    BEAT_EVERY, CancelReason, Catalogue, ClaimRequest, GatewayId, Job, JobId, Lane, QueueName,
    Verdict, WorkerBeat, WorkerId,
};
use futures::{Stream, StreamExt as _};
use tokio::task::JoinSet;

use super::{Held, within};

/// A worker that is alive.
pub(crate) struct Worker {
    pub(crate) id: WorkerId,
    bus: Bus,
    jobs: JobSource,
    mail: Box<dyn Stream<Item = ForWorker> + Unpin>,
    beat: WorkerBeat,
    heart: JoinSet<()>,
}

impl Worker {
    /// One that serves the default queue.
    pub(crate) async fn start(bus: &Bus, catalogue: &Catalogue) -> Self {
        let (id, queue) = (WorkerId::fresh(), QueueName::default_queue());
        let jobs = bus.jobs(Lane::Chat, &queue).await.unwrap();
        let mail = Box::new(bus.worker_mail(id).await.unwrap());
        let beat = WorkerBeat {
            worker: id,
            queues: vec![queue],
            slots: 1,
            busy: 0,
            draining: false,
            catalogue: catalogue.hash(),
            version: "of the test".to_owned(),
        };
        let mut heart = JoinSet::new();
        heart.spawn(beats(bus.clone(), beat.clone()));
        Self { id, bus: bus.clone(), jobs, mail, beat, heart }
    }

    /// Says from now on that it runs so many jobs of as many as it can.
    pub(crate) async fn runs(&mut self, busy: u32, slots: u32) {
        self.heart.shutdown().await;
        (self.beat.busy, self.beat.slots) = (busy, slots);
        self.heart.spawn(beats(self.bus.clone(), self.beat.clone()));
    }

    /// The next job, not claimed yet.
    pub(crate) async fn pulls(&mut self) -> Held {
        within("a job", async {
            loop {
                if self.jobs.outstanding() == 0 {
                    let _while_nats_is_away = self.jobs.request(1).await;
                }
                // Requests expire, and are lost with a server.
                if let Pulled::Job(delivery) = self.jobs.next().await {
                    return Held::new(self.bus.clone(), delivery);
                }
            }
        })
        .await
    }

    /// The next job, claimed for the first time.
    pub(crate) async fn takes(&mut self) -> Held {
        let mut held = self.pulls().await;
        assert_eq!(self.claims(&mut held).await, Verdict::Go { claim: 1 });
        held
    }

    /// Asks whether it may answer.
    pub(crate) async fn claims(&self, held: &mut Held) -> Verdict {
        let verdict = self.asks_about(held.id, held).await;
        if let Verdict::Go { claim } = verdict {
            held.claim = claim;
        }
        verdict
    }

    /// Asks the gateway of `held` about any job.
    pub(crate) async fn asks_about(&self, job: JobId, held: &Held) -> Verdict {
        let deliveries = held.delivery.deliveries();
        let claim = ClaimRequest { job, worker: self.id, delivery: deliveries };
        within("a verdict", self.bus.claim(held.gateway, &claim)).await.unwrap()
    }

    /// Waits until it is told to stop a job.
    pub(crate) async fn told_to_stop(&mut self) -> (JobId, u32, CancelReason) {
        loop {
            let mail = within("a wish to stop", self.mail.next()).await.unwrap();
            if let ForWorker::Cancel(cancel) = mail {
                return (cancel.job, cancel.claim, cancel.why);
            }
        }
    }

    /// Waits until it is told that so much was read of what it said.
    pub(crate) async fn told_what_was_read(&mut self) -> Credit {
        match within("a credit", self.mail.next()).await.unwrap() {
            ForWorker::Credit(credit) => credit,
            other => panic!("told {other:?}"),
        }
    }

    /// Waits until it is told that everything was read that it sent with a wish to know.
    pub(crate) async fn told_of_receipt(&mut self) -> (GatewayId, u64) {
        match within("a receipt", self.mail.next()).await.unwrap() {
            ForWorker::Receipt(gateway, position) => (gateway, position),
            other => panic!("told {other:?}"),
        }
    }

    /// Beats no more, as if it were killed.
    pub(crate) async fn falls_silent(&mut self) {
        self.heart.shutdown().await;
    }
}

async fn beats(bus: Bus, beat: WorkerBeat) {
    let mut ticks = tokio::time::interval(BEAT_EVERY);
    loop {
        ticks.tick().await;
        let _while_nats_is_away = bus.beat_worker(&beat).await;
    }
}

/// The job of a delivery.
pub(super) fn job_of(payload: &[u8]) -> Job<'_> {
    serde_json::from_slice(payload).unwrap()
}
