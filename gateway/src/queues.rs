//! Who waits in the queues, for dashboards and for whoever decides how many workers there are.
//!
//! Every gateway asks, and all are told the same: a reader takes the largest. However many want to
//! know, each queue in each lane is asked about once a second at most.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bus::{Bus, QueueState};
use contract::{Lane, QueueName, streams};
use futures::future::join_all;
use opentelemetry::KeyValue;
use opentelemetry::metrics::AsyncInstrument;
use service_runtime::Shutdown;
use telemetry::ServiceTelemetry;
use telemetry::names::app;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use crate::chat::Workers;
use crate::measures::whole;

/// Who waits must be seen within 10 s, scraping included.
const ASKED_EVERY: Duration = Duration::from_secs(3);
/// An older answer is none: whoever scales must not be led by it.
const STALE_AFTER: Duration = Duration::from_secs(15);
/// Between two questions about the same queue in the same lane.
const ASKED_AT_MOST_EVERY: Duration = Duration::from_secs(1);

type Figure = fn(&QueueState) -> f64;
type Key = (Lane, QueueName);
type Seen = HashMap<Key, (Instant, QueueState)>;
/// When each was asked about last, whatever came of it. Who holds one asks; the others wait for
/// what is then known.
type Asked = HashMap<Key, AsyncMutex<Option<Instant>>>;

/// What was seen of each queue, and when.
#[derive(Debug)]
pub(crate) struct Queues(SeenQueues);

/// What was seen, for whoever shows it. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct SeenQueues {
    bus: Bus,
    names: Vec<QueueName>,
    seen: Arc<Mutex<Seen>>,
    asked: Arc<Asked>,
}

impl SeenQueues {
    /// Every queue in every lane, and how it stands, if that was seen lately.
    pub(crate) fn all(&self) -> Vec<(QueueName, Lane, Option<QueueState>)> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let queues = self.names.iter();
        let each = queues.flat_map(|queue| streams::LANES.iter().map(move |lane| (queue, *lane)));
        each.map(|(queue, lane)| {
            let state = seen.get(&(lane, queue.clone()));
            let state = state.filter(|(at, _)| at.elapsed() <= STALE_AFTER);
            (queue.clone(), lane, state.map(|(_, state)| *state))
        })
        .collect()
    }

    /// How a queue stands by a question of the last second, asked behind `since` if that is given;
    /// none if nobody says. Whoever comes too early for the next question waits for it, and so do
    /// those who come meanwhile: a thousand of them are one question.
    pub(crate) async fn now(
        &self,
        lane: Lane,
        queue: &QueueName,
        since: Option<Instant>,
    ) -> Option<QueueState> {
        let key = (lane, queue.clone());
        let lately = Instant::now().checked_sub(ASKED_AT_MOST_EVERY);
        let since = since.max(lately).unwrap_or_else(Instant::now);
        let mut asked = self.asked.get(&key)?.lock().await;
        if asked.is_none_or(|at| at < since) {
            if let Some(at) = *asked {
                tokio::time::sleep_until(at + ASKED_AT_MOST_EVERY).await;
            }
            // Behind the wait, and before the question: what it tells is newer than this.
            let asks_at = Instant::now();
            *asked = Some(asks_at);
            self.ask(&key, asks_at).await;
        }
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&key).filter(|(at, _)| *at >= since).map(|(_, state)| *state)
    }

    async fn ask(&self, key: &Key, asks_at: Instant) {
        let (lane, queue) = key;
        match self.bus.queue_state(*lane, queue).await {
            Ok(state) => {
                let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.insert(key.clone(), (asks_at, state));
            }
            // Whatever is the matter with NATS is told elsewhere.
            Err(error) => tracing::debug!(%error, "who waits is not known"),
        }
    }
}

impl Queues {
    /// What is seen from now on.
    pub(crate) fn seen(&self) -> SeenQueues {
        self.0.clone()
    }

    /// Of a catalogue's queues. They are reported from the first look on.
    pub(crate) fn new(bus: Bus, names: Vec<QueueName>, telemetry: &ServiceTelemetry) -> Self {
        let seen = Arc::new(Mutex::new(Seen::new()));
        let figures: [(_, Figure); 4] = [
            (app::QUEUE_OLDEST_WAITING, |state| state.oldest.as_secs_f64()),
            (app::QUEUE_WAITING, |state| whole(state.waiting)),
            (app::QUEUE_DELIVERED, |state| whole(state.delivered)),
            (app::QUEUE_REDELIVERED, |state| whole(state.redelivered)),
        ];
        for (instrument, figure) in figures {
            let seen = Arc::clone(&seen);
            instrument.observed(telemetry.meter(), move |observer| tell(&seen, observer, figure));
        }
        let each =
            names.iter().flat_map(|queue| streams::LANES.iter().map(|lane| (*lane, queue.clone())));
        let asked = Arc::new(each.map(|key| (key, AsyncMutex::default())).collect());
        Self(SeenQueues { bus, names, seen, asked })
    }

    /// Looks until the process ends.
    pub(crate) async fn watch(self, until: Shutdown) {
        let mut looks = tokio::time::interval(ASKED_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = until.requested() => return,
                _ = looks.tick() => {}
            }
            self.look().await;
        }
    }

    /// At all of them at once: one without a leader holds up no other. Those that somebody else
    /// has asked about just now are known.
    async fn look(&self) {
        let keys = self.0.asked.keys();
        join_all(keys.map(|(lane, queue)| self.0.now(*lane, queue, None))).await;
    }
}

/// Reports how many workers of each queue are heard.
pub(crate) fn observe_workers(
    names: Vec<QueueName>,
    workers: Arc<Workers>,
    telemetry: &ServiceTelemetry,
) {
    app::QUEUE_WORKERS.observed(telemetry.meter(), move |observer| {
        let now = Instant::now();
        for queue in &names {
            let heard = whole(workers.heard_of(queue, now));
            observer.observe(heard, &[KeyValue::new(app::QUEUE, queue.to_string())]);
        }
    });
}

fn tell(seen: &Mutex<Seen>, observer: &dyn AsyncInstrument<f64>, figure: Figure) {
    let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
    for ((lane, queue), (at, state)) in seen.iter() {
        if at.elapsed() <= STALE_AFTER {
            let queue = KeyValue::new(app::QUEUE, queue.to_string());
            observer.observe(figure(state), &[queue, KeyValue::new(app::LANE, lane.token())]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_seen_long_ago_is_not_told() {
        let telemetry = ServiceTelemetry::detached();
        let seen = Arc::new(Mutex::new(Seen::new()));
        let shown = Arc::clone(&seen);
        app::QUEUE_WAITING.observed(telemetry.meter(), move |observer| {
            tell(&shown, observer, |state| whole(state.waiting));
        });
        let state = QueueState { waiting: 3, ..QueueState::default() };
        let key = (Lane::Chat, QueueName::default_queue());
        seen.lock().unwrap().insert(key, (Instant::now(), state));
        let line = "app_queue_waiting{app_lane=\"chat\",app_queue=\"default\"} 3";
        assert!(telemetry.prometheus_text().contains(line), "{}", telemetry.prometheus_text());

        tokio::time::advance(STALE_AFTER + Duration::from_secs(1)).await;

        let text = telemetry.prometheus_text();
        assert!(!text.contains("app_queue_waiting{"), "{text}");
    }
}
