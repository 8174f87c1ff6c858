//! Beats: who is alive. Not stored; a lost one is followed by another within a second.

use contract::{GatewayBeat, WorkerBeat, subjects};
use futures::Stream;

use crate::mail::decoded;
use crate::{Bus, BusError};

impl Bus {
    /// Says that a gateway is alive.
    ///
    /// # Errors
    ///
    /// When the connection is closed.
    pub async fn beat_gateway(&self, beat: &GatewayBeat) -> Result<(), BusError> {
        self.send(subjects::gateway_beat(beat.gateway), beat).await
    }

    /// Says that a worker is alive.
    ///
    /// # Errors
    ///
    /// When the connection is closed.
    pub async fn beat_worker(&self, beat: &WorkerBeat) -> Result<(), BusError> {
        self.send(subjects::worker_beat(beat.worker), beat).await
    }

    /// The beats of every gateway.
    ///
    /// # Errors
    ///
    /// When the connection is closed.
    pub async fn gateway_beats(
        &self,
    ) -> Result<impl Stream<Item = GatewayBeat> + Send + Unpin + use<>, BusError> {
        Ok(decoded(self.subscribe(subjects::ALL_GATEWAY_BEATS.to_owned()).await?))
    }

    /// The beats of every worker.
    ///
    /// # Errors
    ///
    /// When the connection is closed.
    pub async fn worker_beats(
        &self,
    ) -> Result<impl Stream<Item = WorkerBeat> + Send + Unpin + use<>, BusError> {
        Ok(decoded(self.subscribe(subjects::ALL_WORKER_BEATS.to_owned()).await?))
    }
}
