//! Why a request could not be started, in the words of the domain.

use bus::BusError;
use contract::{Capability, ModelName, QueueName};

/// Why a request could not be started. No status codes: `http::refusal` decides how each looks.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ChatError {
    /// Not in the catalogue.
    #[error("The model `{0}` does not exist here. GET /v1/models lists those that do.")]
    UnknownModel(String),

    /// In the catalogue, for something else.
    #[error("The model `{model}` does not do {}; it does {}.", asked.as_str(), list(has))]
    WrongCapability { model: ModelName, asked: Capability, has: Vec<Capability> },

    /// Nobody has been heard from who serves this model.
    #[error("No worker serves the queue `{0}` at the moment.")]
    NoWorker(QueueName),

    /// The lane is at its limit.
    #[error("Too many requests are waiting. Try again soon.")]
    LaneFull,

    /// The job could not be stored in time.
    #[error("The job queue is unavailable. Try again soon.")]
    QueueUnavailable(#[source] Option<BusError>),
}

fn list(capabilities: &[Capability]) -> String {
    capabilities.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(", ")
}
