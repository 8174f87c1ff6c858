//! How NATS is doing, for dashboards: how fast it answers, and what its streams hold.
//!
//! Every gateway asks, and all are told the same: a reader takes the largest.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bus::{Bus, StreamState};
use contract::streams;
use futures::future::join_all;
use opentelemetry::KeyValue;
use service_runtime::Shutdown;
use telemetry::ServiceTelemetry;
use telemetry::names::app;
use tokio::time::Instant;

use crate::measures::whole;

/// How often it is asked for an answer.
const ASKED_EVERY: Duration = Duration::from_secs(3);
/// So many questions later the streams are looked at again: what they hold grows slowly.
const STREAMS_EACH: u32 = 5;
/// An older answer is none.
const STALE_AFTER: Duration = Duration::from_secs(45);

type Figure = fn(StreamState) -> Option<u64>;

/// What was seen, and when.
#[derive(Debug, Default)]
struct Seen {
    round_trip: Option<(Instant, Duration)>,
    streams: HashMap<String, (Instant, StreamState)>,
}

impl Seen {
    /// What of each stream was seen lately.
    fn streams(&self) -> impl Iterator<Item = (&str, StreamState)> {
        let lately = self.streams.iter().filter(|(_, (at, _))| at.elapsed() <= STALE_AFTER);
        lately.map(|(name, (_, state))| (name.as_str(), *state))
    }

    fn round_trip(&self) -> Option<Duration> {
        let lately = self.round_trip.filter(|(at, _)| at.elapsed() <= STALE_AFTER);
        lately.map(|(_, took)| took)
    }
}

/// Looks at NATS.
#[derive(Debug)]
pub(crate) struct Broker {
    bus: Bus,
    seen: Arc<Mutex<Seen>>,
}

impl Broker {
    /// It is reported from the first look on.
    pub(crate) fn new(bus: Bus, telemetry: &ServiceTelemetry) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        observe(&seen, telemetry);
        Self { bus, seen }
    }

    /// Looks until the process ends.
    pub(crate) async fn watch(self, until: Shutdown) {
        let mut looks = tokio::time::interval(ASKED_EVERY);
        looks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut look = 0_u32;
        loop {
            tokio::select! {
                () = until.requested() => return,
                _ = looks.tick() => {}
            }
            let round_trip = self.bus.round_trip().await.ok();
            lock(&self.seen).round_trip = round_trip.map(|took| (Instant::now(), took));
            if look.is_multiple_of(STREAMS_EACH) {
                let names = streams::names();
                join_all(names.into_iter().map(|name| self.look_at(name))).await;
            }
            look = look.wrapping_add(1);
        }
    }

    async fn look_at(&self, name: String) {
        match self.bus.stream_state(&name).await {
            Ok(state) => {
                lock(&self.seen).streams.insert(name, (Instant::now(), state));
            }
            // Whatever is the matter with NATS is told elsewhere.
            Err(error) => tracing::debug!(%error, "what `{name}` holds is not known"),
        }
    }
}

fn observe(seen: &Arc<Mutex<Seen>>, telemetry: &ServiceTelemetry) {
    let meter = telemetry.meter();
    let shown = Arc::clone(seen);
    app::NATS_ROUND_TRIP.observed(meter, move |observer| {
        if let Some(took) = lock(&shown).round_trip() {
            observer.observe(took.as_secs_f64(), &[]);
        }
    });
    let figures: [(_, Figure); 3] = [
        (app::NATS_STREAM_MESSAGES, |state| Some(state.messages)),
        (app::NATS_STREAM_BYTES, |state| Some(state.bytes)),
        (app::NATS_STREAM_BYTES_LIMIT, |state| state.limit),
    ];
    for (instrument, figure) in figures {
        let shown = Arc::clone(seen);
        instrument.observed(meter, move |observer| {
            for (name, state) in lock(&shown).streams() {
                if let Some(figure) = figure(state) {
                    let stream = KeyValue::new(app::STREAM, name.to_owned());
                    observer.observe(whole(figure), &[stream]);
                }
            }
        });
    }
    let shown = Arc::clone(seen);
    app::DEAD_LETTERS_KEPT.observed(meter, move |observer| {
        let seen = lock(&shown);
        let kept = seen.streams().find(|(name, _)| *name == streams::DEAD);
        if let Some((_, state)) = kept {
            observer.observe(whole(state.messages), &[]);
        }
    });
}

fn lock(seen: &Mutex<Seen>) -> MutexGuard<'_, Seen> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_was_seen_is_told_under_its_stream_until_it_is_old() {
        let telemetry = ServiceTelemetry::detached();
        let seen = Arc::new(Mutex::new(Seen::default()));
        observe(&seen, &telemetry);
        assert!(!telemetry.prometheus_text().contains("app_nats"), "nothing was seen yet");
        let now = Instant::now();
        let dead = StreamState { messages: 3, bytes: 500, limit: Some(1000) };
        let endless = StreamState { messages: 7, bytes: 70, limit: None };
        *lock(&seen) = Seen {
            round_trip: Some((now, Duration::from_millis(2))),
            streams: HashMap::from([
                (streams::DEAD.to_owned(), (now, dead)),
                ("X".to_owned(), (now, endless)),
            ]),
        };

        let text = telemetry.prometheus_text();
        for line in [
            "app_nats_round_trip_seconds 0.002",
            "app_nats_stream_messages{app_stream=\"X\"} 7",
            "app_nats_stream_bytes_bytes{app_stream=\"DEAD\"} 500",
            "app_nats_stream_bytes_limit_bytes{app_stream=\"DEAD\"} 1000",
            "app_dead_letters_kept 3",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        assert!(!text.contains("limit_bytes{app_stream=\"X\"}"), "{text}");

        tokio::time::advance(STALE_AFTER + Duration::from_secs(1)).await;

        assert!(!telemetry.prometheus_text().contains("app_nats_stream_messages{"));
    }
}
