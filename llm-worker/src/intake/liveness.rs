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
pub(crate) struct Gateways {
    since: Instant,
    heard: Mutex<HashMap<GatewayId, Instant>>,
}

impl Gateways {
    pub(crate) fn new() -> Self {
        Self { since: Instant::now(), heard: Mutex::default() }
    }

    /// A gateway beat.
    pub(crate) fn heard(&self, gateway: GatewayId, now: Instant) {
        self.lock().insert(gateway, now);
    }

    /// Whether a gateway has been silent for so long that it is taken for dead. One that was
    /// never heard counts from this worker's own start.
    pub(crate) fn is_silent(&self, gateway: GatewayId, now: Instant) -> bool {
        let last = self.lock().get(&gateway).copied().unwrap_or(self.since);
        now.saturating_duration_since(last) >= SILENT_AFTER
    }

    /// The gateways that fell silent and are now forgotten.
    pub(crate) fn forget_silent(&self, now: Instant) -> Vec<GatewayId> {
        let mut gone = Vec::new();
        self.lock().retain(|gateway, last| {
            let keep = now.saturating_duration_since(*last) < FORGET_AFTER;
            if !keep {
                gone.push(*gateway);
            }
            keep
        });
        gone
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<GatewayId, Instant>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
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
}
