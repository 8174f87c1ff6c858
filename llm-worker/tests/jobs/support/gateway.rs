//! A gateway that the test plays: it grants claims and hears events.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bus::{Bus, Mail, MailBox};
use contract::window::{Credit, cost};
use contract::{
    BEAT_EVERY, CancelJob, CancelReason, ClaimRequest, EventKind, Failure, GatewayBeat, GatewayId,
    JobId, Verdict, WorkFigures, WorkerId, pack,
};
use openai_api::ErrorBody;
use service_runtime::Shutdown;
use tokio::sync::mpsc;

use super::{background, within};

type Judge = Box<dyn FnMut(&ClaimRequest, u32) -> Verdict + Send>;

/// A gateway that is alive.
pub(crate) struct Gateway {
    pub(crate) id: GatewayId,
    bus: Bus,
    events: mpsc::UnboundedReceiver<Said>,
    claims: mpsc::UnboundedReceiver<ClaimRequest>,
    judge: Arc<Mutex<Judge>>,
    messages: Arc<AtomicUsize>,
    slow: Arc<Mutex<Option<JobId>>>,
    death: Shutdown,
}

/// An event as it was heard.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Said {
    pub(crate) job: JobId,
    pub(crate) claim: u32,
    pub(crate) seq: u32,
    pub(crate) kind: EventKind,
    pub(crate) payload: Vec<u8>,
    pub(crate) work: Option<WorkFigures>,
}

impl Said {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.payload).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.payload).unwrap()
    }

    /// What it says if it is a failure.
    pub(crate) fn failure(&self) -> (Failure, ErrorBody) {
        assert_eq!(self.kind, EventKind::Failed, "{}", self.text());
        let failure: Failure = serde_json::from_slice(&self.payload).unwrap();
        let body = serde_json::from_str(&failure.body).unwrap();
        (failure, body)
    }
}

impl Gateway {
    /// One that grants every claim.
    pub(crate) async fn start(bus: &Bus) -> Self {
        let id = GatewayId::fresh();
        let (to_events, events) = mpsc::unbounded_channel();
        let (to_claims, claims) = mpsc::unbounded_channel();
        let judge: Judge = Box::new(|_claim, number| Verdict::Go { claim: number });
        let judge = Arc::new(Mutex::new(judge));
        let messages = Arc::new(AtomicUsize::new(0));
        let slow = Arc::default();
        let death = Shutdown::manual();
        let mail = bus.gateway_mail(id).await.unwrap();
        let reader = Reader {
            mail,
            bus: bus.clone(),
            events: to_events,
            claims: to_claims,
            judge: Arc::clone(&judge),
            messages: Arc::clone(&messages),
            slow: Arc::clone(&slow),
        };
        background(reader.read(death.clone()));
        background(beat(id, bus.clone(), death.clone()));
        Self { id, bus: bus.clone(), events, claims, judge, messages, slow, death }
    }

    /// From now on claims are judged so. The number counts the claims of that job, from 1.
    pub(crate) fn judges(&self, judge: impl FnMut(&ClaimRequest, u32) -> Verdict + Send + 'static) {
        *self.judge.lock().unwrap() = Box::new(judge);
    }

    /// The next event.
    pub(crate) async fn heard(&mut self) -> Said {
        within("an event", self.events.recv()).await.unwrap()
    }

    /// Everything that is said about one job, to its end. Nothing else may be said meanwhile.
    pub(crate) async fn all_of(&mut self, job: JobId) -> Vec<Said> {
        let mut all: Vec<Said> = Vec::new();
        while all.last().is_none_or(|said| !said.kind.is_last()) {
            let said = self.heard().await;
            assert_eq!((said.job, said.seq as usize), (job, all.len()), "no gap, nobody else");
            all.push(said);
        }
        all
    }

    /// Whether something was said that nobody has listened to.
    pub(crate) fn has_news(&self) -> bool {
        !self.events.is_empty()
    }

    /// The next claim.
    pub(crate) async fn claimed(&mut self) -> ClaimRequest {
        within("a claim", self.claims.recv()).await.unwrap()
    }

    /// Packed messages heard so far.
    pub(crate) fn messages(&self) -> usize {
        self.messages.load(Ordering::SeqCst)
    }

    /// Tells the worker that made `claim` to stop.
    pub(crate) async fn cancel(&self, claim: &ClaimRequest, number: u32, why: CancelReason) {
        let cancel = CancelJob { job: claim.job, claim: number, why };
        self.bus.cancel(claim.worker, &cancel).await.unwrap();
    }

    /// The caller of this job reads nothing: its worker hears no more of it from here.
    pub(crate) fn does_not_read(&self, job: JobId) {
        *self.slow.lock().unwrap() = Some(job);
    }

    /// The caller of a job that does not read has read all up to here.
    pub(crate) async fn has_read(&self, claim: &ClaimRequest, read: u64) {
        let credit = Credit { job: claim.job, claim: 1, read };
        self.bus.credit(claim.worker, &credit).await.unwrap();
    }

    /// Dies without a word.
    pub(crate) fn die(&self) {
        self.death.request();
    }
}

struct Reader {
    mail: MailBox,
    bus: Bus,
    events: mpsc::UnboundedSender<Said>,
    claims: mpsc::UnboundedSender<ClaimRequest>,
    judge: Arc<Mutex<Judge>>,
    messages: Arc<AtomicUsize>,
    slow: Arc<Mutex<Option<JobId>>>,
}

impl Reader {
    async fn read(mut self, death: Shutdown) {
        let mut numbers: HashMap<JobId, u32> = HashMap::new();
        let mut workers: HashMap<JobId, WorkerId> = HashMap::new();
        let mut read: HashMap<(JobId, u32), u64> = HashMap::new();
        loop {
            let mail = tokio::select! {
                () = death.requested() => return,
                mail = self.mail.next() => mail,
            };
            match mail {
                None => return,
                Some(Mail::Claim(claim, reply)) => {
                    workers.insert(claim.job, claim.worker);
                    let number = numbers.entry(claim.job).or_default();
                    *number += 1;
                    let verdict = self.judge.lock().unwrap()(&claim, *number);
                    self.bus.reply(reply, &verdict).await.unwrap();
                    let _nobody_looks = self.claims.send(claim);
                }
                Some(Mail::Events(packed, receipt)) => {
                    self.messages.fetch_add(1, Ordering::SeqCst);
                    if let Some(receipt) = receipt {
                        self.bus.have_read(receipt).await.unwrap();
                    }
                    for event in pack::read(&packed) {
                        let event = event.unwrap();
                        if event.kind == EventKind::Chunk
                            && *self.slow.lock().unwrap() != Some(event.job)
                        {
                            let (job, claim) = (event.job, event.claim);
                            let read = read.entry((job, claim)).or_default();
                            *read += cost(event.payload);
                            let credit = Credit { job, claim, read: *read };
                            self.bus.credit(workers[&job], &credit).await.unwrap();
                        }
                        let _nobody_listens = self.events.send(Said {
                            job: event.job,
                            claim: event.claim,
                            seq: event.seq,
                            kind: event.kind,
                            payload: event.payload.to_vec(),
                            work: serde_json::from_slice(event.work).ok(),
                        });
                    }
                }
            }
        }
    }
}

async fn beat(gateway: GatewayId, bus: Bus, death: Shutdown) {
    let mut ticks = tokio::time::interval(BEAT_EVERY);
    while !death.is_requested() {
        ticks.tick().await;
        let beat = GatewayBeat { gateway, draining: false, requests: 0, version: String::new() };
        let _while_nats_is_away = bus.beat_gateway(&beat).await;
    }
}
