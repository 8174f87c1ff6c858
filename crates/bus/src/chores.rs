//! Chores: whoever sees that something is left to do says so, and whoever has time does it.

use async_nats::HeaderMap;
use async_nats::header::NATS_MESSAGE_ID;
use bytes::Bytes;
use contract::log::LogId;
use contract::{Chore, streams, subjects};

use crate::{Bus, BusError, JobSource};

impl Bus {
    /// Says that a chore about a log is to be done, and waits until that is stored. The same within
    /// two minutes is stored once, and doing it twice changes nothing.
    ///
    /// # Errors
    ///
    /// [`BusError::Full`] when there are too many already, [`BusError::Unavailable`] when no
    /// acknowledgement came within 5 s.
    pub async fn publish_chore(&self, chore: Chore, log: &LogId) -> Result<(), BusError> {
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, format!("{}-{}", chore.token(), log.job));
        let subject = subjects::chore(chore, log);
        let stored = self.jetstream.publish_with_headers(subject, headers, Bytes::new()).await;
        let stored = stored.map_err(|error| BusError::of_publish(streams::CHORES, &error))?;
        stored.await.map(|_ack| ()).map_err(|error| BusError::of_publish(streams::CHORES, &error))
    }

    /// The chores of a kind; their subjects name the logs. Nothing comes until
    /// [`JobSource::request`] asks.
    ///
    /// # Errors
    ///
    /// [`BusError::NotReady`] when the consumer is missing.
    pub async fn chores(&self, chore: Chore) -> Result<JobSource, BusError> {
        self.source(streams::CHORES, streams::chore_consumer(chore).to_owned()).await
    }
}
