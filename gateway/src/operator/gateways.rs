//! Which gateways are heard.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bus::{Bus, BusError};
use contract::{GatewayBeat, GatewayId, SILENT_AFTER};
use futures::{Stream, StreamExt as _};
use service_runtime::Shutdown;
use tokio::time::Instant;

/// Those that were heard lately, this one included.
#[derive(Debug, Default)]
pub(crate) struct Gateways(Mutex<HashMap<GatewayId, (Instant, GatewayBeat)>>);

impl Gateways {
    /// Begins to listen; the beats are noted while what this gives is run.
    pub(crate) async fn listen(
        self: &Arc<Self>,
        bus: &Bus,
        until: Shutdown,
    ) -> Result<impl Future<Output = ()> + Send + 'static, BusError> {
        let (beats, gateways) = (bus.gateway_beats().await?, Arc::clone(self));
        Ok(async move { gateways.hear(beats, until).await })
    }

    async fn hear(&self, mut beats: impl Stream<Item = GatewayBeat> + Unpin, until: Shutdown) {
        loop {
            let beat = tokio::select! {
                beat = beats.next() => beat,
                () = until.requested() => return,
            };
            let Some(beat) = beat else { return };
            self.heard(beat, Instant::now());
        }
    }

    fn heard(&self, beat: GatewayBeat, now: Instant) {
        let mut heard = self.lock();
        heard.retain(|_, (at, _)| now.saturating_duration_since(*at) < SILENT_AFTER);
        heard.insert(beat.gateway, (now, beat));
    }

    /// Those that are alive, in the order in which they started, and how long ago each was heard.
    pub(super) fn living(&self, now: Instant) -> Vec<(GatewayBeat, Duration)> {
        let heard = self.lock();
        let ago = |at: Instant| now.saturating_duration_since(at);
        let living = heard.values().filter(|(at, _)| ago(*at) < SILENT_AFTER);
        let mut living: Vec<_> = living.map(|(at, beat)| (beat.clone(), ago(*at))).collect();
        // Ids sort by the time they were made.
        living.sort_by_key(|(beat, _)| beat.gateway);
        living
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<GatewayId, (Instant, GatewayBeat)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_is_silent_for_five_seconds_is_dropped() {
        let (gateways, start) = (Gateways::default(), Instant::now());
        let (first, second) = (GatewayId::fresh(), GatewayId::fresh());
        let beat = |gateway| {
            let version = "1".to_owned();
            GatewayBeat { gateway, draining: false, requests: 3, version }
        };
        let ids = |now| -> Vec<GatewayId> {
            gateways.living(now).into_iter().map(|(beat, _)| beat.gateway).collect()
        };
        let later = start + SILENT_AFTER / 2;

        gateways.heard(beat(second), start);
        gateways.heard(beat(first), later);

        assert_eq!(ids(later), [first, second]);
        assert_eq!(gateways.living(later)[1].1, SILENT_AFTER / 2);
        assert_eq!(ids(start + SILENT_AFTER), [first]);
        gateways.heard(beat(second), start + SILENT_AFTER * 9);
        assert_eq!(gateways.lock().len(), 1, "who is gone is forgotten");
    }
}
