//! Beats: each process says once a second that it is alive.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{CatalogueHash, GatewayId, QueueName, WorkerId};

/// How often a process beats.
pub const BEAT_EVERY: Duration = Duration::from_secs(1);
/// A gateway or a worker that is silent for this long is taken for dead.
pub const SILENT_AFTER: Duration = Duration::from_secs(5);
/// A queue that no worker was heard from for this long refuses new work.
pub const WORKER_UNHEARD_AFTER: Duration = Duration::from_secs(10);

/// A gateway is alive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GatewayBeat {
    /// Who.
    pub gateway: GatewayId,
    /// Whether it is stopping and takes no new requests.
    pub draining: bool,
    /// Requests that it holds a caller for.
    pub requests: u32,
    /// Which version of it; empty of those that did not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
}

/// A worker is alive.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorkerBeat {
    /// Who.
    pub worker: WorkerId,
    /// The queues that it pulls from.
    pub queues: Vec<QueueName>,
    /// Jobs that it can run at once.
    pub slots: u32,
    /// Jobs that it runs now.
    pub busy: u32,
    /// Whether it is stopping and pulls no more.
    pub draining: bool,
    /// Its catalogue.
    pub catalogue: CatalogueHash,
    /// Which version of it; empty of those that did not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
}
