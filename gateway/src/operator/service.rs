//! Looks at everything at once.

use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, LinkState};
use contract::{Catalogue, GatewayBeat, GatewayId};
use service_runtime::Shutdown;
use tokio::time::Instant;

use super::asking::{self, Heard};
use super::dead_letters::DeadLetters;
use super::gateways::Gateways;
use super::overview::{DeadShown, GatewayShown, Overview, QueueShown, WorkerShown};
use super::picture::{Picture, seconds, thousandths};
use super::ring::WINDOW_SECONDS;
use crate::chat::{Register, Workers};
use crate::clock::shared_now_ms;
use crate::measures::Measures;
use crate::queues::SeenQueues;
use crate::responses::Readers;

/// Newest dead letters that are shown.
const RECENT: usize = 10;
/// Longest wait for them.
const LETTERS_WITHIN: Duration = Duration::from_secs(2);
/// How often who waits is noted for the history.
const NOTED_EVERY: Duration = Duration::from_secs(3);

/// What operators ask. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Operator(Arc<Parts>);

/// Where it looks.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) gateway: GatewayId,
    pub(crate) bus: Bus,
    pub(crate) catalogue: Catalogue,
    pub(crate) gateways: Arc<Gateways>,
    pub(crate) workers: Arc<Workers>,
    pub(crate) queues: SeenQueues,
    pub(crate) measures: Arc<Measures>,
    pub(crate) register: Arc<Register>,
    pub(crate) readers: Readers,
    pub(crate) dead_letters: DeadLetters,
}

impl Operator {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }

    /// Jobs that were given up.
    pub(crate) fn dead_letters(&self) -> &DeadLetters {
        &self.0.dead_letters
    }

    /// Everything at a glance. What cannot be known now is missing, and said to be.
    pub(crate) async fn overview(&self) -> Overview {
        let this = &self.0;
        // The same ones in all of the picture.
        let living = this.gateways.living(Instant::now());
        let mut incomplete = Vec::new();
        let (others, dead_letters) = if *this.bus.state().borrow() == LinkState::Connected {
            let beats: Vec<_> = living.iter().map(|(beat, _ago)| beat.clone()).collect();
            if !beats.iter().any(|beat| beat.gateway == this.gateway) {
                // Its own would be heard as well: it has just started, or is not permitted to.
                incomplete.push(
                    "This gateway does not hear the beats of gateways (yet): which others there \
                     are is not known."
                        .to_owned(),
                );
            }
            tokio::join!(asking::ask(&this.bus, this.gateway, beats), self.recent_letters())
        } else {
            incomplete.push(
                "This gateway has no connection to NATS: all figures are its own, and who else is \
                 alive is not known."
                    .to_owned(),
            );
            (Heard::default(), Err(None))
        };
        let now_ms = shared_now_ms();
        let mut figures = others.figures;
        figures.push(this.measures.windows().figures());
        let picture = Picture { figures, now_ms, catalogue: &this.catalogue };
        incomplete.extend(others.missing);
        let dead_letters = dead_letters.unwrap_or_else(|why| {
            incomplete.extend(why);
            DeadShown { kept: None, recent: Vec::new() }
        });
        let queues = self.queues();
        let unknown = queues.iter().filter(|queue| queue.waiting.is_none());
        let unknown: Vec<String> =
            unknown.map(|QueueShown { queue, lane, .. }| format!("{lane}.{queue}")).collect();
        if !unknown.is_empty() {
            let unknown = unknown.join(", ");
            incomplete.push(format!("Who waits in {unknown} is not known: NATS did not say."));
        }
        Overview {
            object: "operator.overview",
            at: seconds(now_ms),
            window_seconds: WINDOW_SECONDS,
            gateways: self.gateways(living),
            workers: self.workers(),
            queues,
            models: picture.models(),
            answers: picture.answers(),
            redeliveries: picture.redeliveries(),
            dead_letters,
            slow_answers: picture.slow_answers(),
            history: picture.history(),
            incomplete,
        }
    }

    async fn recent_letters(&self) -> Result<DeadShown, Option<String>> {
        let page = self.0.dead_letters.page(RECENT, None);
        match tokio::time::timeout(LETTERS_WITHIN, page).await {
            Ok(Ok((kept, page))) => Ok(DeadShown { kept: Some(kept), recent: page.into_letters() }),
            Ok(Err(error)) => {
                tracing::debug!(%error, "dead letters are not known: {error}");
                Err(Some("The dead letters cannot be read: NATS did not say.".to_owned()))
            }
            Err(_elapsed) => Err(Some("The dead letters did not come in time.".to_owned())),
        }
    }

    /// This one is there whether or not it is heard.
    fn gateways(&self, living: Vec<(GatewayBeat, Duration)>) -> Vec<GatewayShown> {
        let this = &self.0;
        let requests = this.register.count() + this.readers.count();
        let mut shown = GatewayShown {
            id: this.gateway.to_string(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            draining: false,
            requests: requests as u64,
            seen_seconds_ago: 0.0,
            this: true,
        };
        let mut all = Vec::new();
        for (beat, ago) in living {
            if beat.gateway == this.gateway {
                shown.draining = beat.draining;
                continue;
            }
            all.push(GatewayShown {
                id: beat.gateway.to_string(),
                version: beat.version,
                draining: beat.draining,
                requests: beat.requests.into(),
                seen_seconds_ago: thousandths(ago.as_secs_f64()),
                this: false,
            });
        }
        all.push(shown);
        // On every gateway in the same order.
        all.sort_by(|one, other| one.id.cmp(&other.id));
        all
    }

    fn workers(&self) -> Vec<WorkerShown> {
        let living = self.0.workers.living(Instant::now()).into_iter();
        let shown = living.map(|(beat, ago)| WorkerShown {
            id: beat.worker.to_string(),
            version: beat.version,
            queues: beat.queues.into_iter().map(String::from).collect(),
            slots: beat.slots,
            busy: beat.busy,
            draining: beat.draining,
            catalogue: beat.catalogue.to_string(),
            seen_seconds_ago: thousandths(ago.as_secs_f64()),
        });
        shown.collect()
    }

    fn queues(&self) -> Vec<QueueShown> {
        let seen = self.0.queues.all().into_iter();
        let shown = seen.map(|(queue, lane, state)| QueueShown {
            queue: queue.to_string(),
            lane: lane.token(),
            waiting: state.map(|state| state.waiting),
            oldest_wait_seconds: state.map(|state| thousandths(state.oldest.as_secs_f64())),
            delivered: state.map(|state| state.delivered),
            redelivered: state.map(|state| state.redelivered),
        });
        shown.collect()
    }
}

/// Notes for the history who waits, until the process ends.
pub(crate) async fn watch_queues(queues: SeenQueues, measures: Arc<Measures>, until: Shutdown) {
    let mut looks = tokio::time::interval(NOTED_EVERY);
    looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = until.requested() => return,
            _ = looks.tick() => {}
        }
        let seen: Vec<_> = queues.all().into_iter().filter_map(|(_, _, state)| state).collect();
        // Where nobody was told anything nothing is known; that is not the same as nobody waiting.
        let Some(oldest) = seen.iter().map(|state| state.oldest).max() else { continue };
        let waiting = seen.iter().map(|state| state.waiting).sum();
        measures.windows().queues_seen(waiting, oldest);
    }
}
