//! Which gateways are heard. One that is silent for long holds no callers any more.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contract::{GatewayId, SILENT_AFTER};
use tokio::time::Instant;

/// A gateway unheard for this long is forgotten.
const FORGET_AFTER: Duration = Duration::from_secs(60);

/// When each gateway was last heard.
#[derive(Debug)]
pub(crate) struct Gateways(Mutex<Heard>);

#[derive(Debug)]
struct Heard {
    /// Since when this worker hears at all; `None` while it does not.
    listening_since: Option<Instant>,
    at: HashMap<GatewayId, Instant>,
}

impl Gateways {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(Heard { listening_since: Some(Instant::now()), at: HashMap::new() }))
    }

    /// A gateway beat.
    pub(crate) fn heard(&self, gateway: GatewayId, now: Instant) {
        self.lock().at.insert(gateway, now);
    }

    /// This worker lost its own connection: that it hears nobody says nothing about gateways.
    pub(crate) fn deaf(&self) {
        self.lock().listening_since = None;
    }

    /// This worker has a connection: silence counts from now on, unless it counted already.
    pub(crate) fn listening(&self, now: Instant) {
        self.lock().listening_since.get_or_insert(now);
    }

    /// Whether a gateway has been silent for so long that it is taken for dead. Silence counts
    /// from this worker's start, or its return, at the earliest.
    pub(crate) fn is_silent(&self, gateway: GatewayId, now: Instant) -> bool {
        let heard = self.lock();
        let Some(listening_since) = heard.listening_since else { return false };
        let last = heard
            .at
            .get(&gateway)
            .copied()
            .map_or(listening_since, |last| last.max(listening_since));
        now.saturating_duration_since(last) >= SILENT_AFTER
    }

    /// The gateways that fell silent and are now forgotten.
    pub(crate) fn forget_silent(&self, now: Instant) -> Vec<GatewayId> {
        let mut gone = Vec::new();
        let mut heard = self.lock();
        if heard.listening_since.is_none() {
            // Nobody can be heard: that says nothing about anybody.
            return gone;
        }
        heard.at.retain(|gateway, last| {
            let keep = now.saturating_duration_since(*last) < FORGET_AFTER;
            if !keep {
                gone.push(*gateway);
            }
            keep
        });
        gone
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_gateway_is_silent_after_five_seconds_without_a_beat() {
        let gateways = Gateways::new();
        let (heard, never_heard) = (GatewayId::fresh(), GatewayId::fresh());

        tokio::time::advance(SILENT_AFTER - Duration::from_millis(1)).await;
        gateways.heard(heard, Instant::now());
        assert!(!gateways.is_silent(never_heard, Instant::now()), "this worker is too young");

        tokio::time::advance(Duration::from_millis(1)).await;
        assert!(gateways.is_silent(never_heard, Instant::now()));
        assert!(!gateways.is_silent(heard, Instant::now()));

        tokio::time::advance(FORGET_AFTER).await;
        assert_eq!(gateways.forget_silent(Instant::now()), [heard]);
    }
    #[tokio::test(start_paused = true)]
    async fn nobody_is_silent_to_a_worker_without_a_connection_nor_at_once_after() {
        let gateways = Gateways::new();
        let gateway = GatewayId::fresh();
        gateways.heard(gateway, Instant::now());

        gateways.deaf();
        tokio::time::advance(SILENT_AFTER * 3).await;
        assert!(!gateways.is_silent(gateway, Instant::now()));

        gateways.listening(Instant::now());
        assert!(!gateways.is_silent(gateway, Instant::now()), "it may beat any moment");
        tokio::time::advance(SILENT_AFTER).await;
        gateways.listening(Instant::now());
        assert!(gateways.is_silent(gateway, Instant::now()));
    }
}
