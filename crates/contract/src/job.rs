//! A job: what is queued.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{GatewayId, JobId, ModelName, Owner, TenantName};

/// Asks a worker to have a model answer one request.
///
/// The body is the caller's JSON as it came, unknown members included; it is borrowed from the
/// message, so reading a job copies no prompt.
#[derive(Debug, Serialize, Deserialize)]
pub struct Job<'a> {
    /// Its name, from acceptance to the last event.
    pub id: JobId,
    /// What the model is asked to do.
    pub operation: Operation,
    /// The public name of the model.
    pub model: ModelName,
    /// Who pays.
    pub tenant: TenantName,
    /// Whether the caller wants the answer in pieces.
    pub stream: bool,
    /// The gateway that holds the caller and decides who may answer.
    pub gateway: GatewayId,
    /// When it was accepted, milliseconds since 1970.
    pub accepted_at_ms: u64,
    /// Whether its gateway reads [`crate::WorkFigures`] in the last event. One of a version before
    /// does not, and could read nothing else of such a message.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reads_work: bool,
    /// What the caller sent.
    #[serde(borrow)]
    pub body: Body<'a>,
}

/// Asks a worker to have a model answer, and to write the answer into the job's log.
#[derive(Debug, Serialize, Deserialize)]
pub struct StoredJob<'a> {
    /// Its name, from acceptance to the last event.
    pub id: JobId,
    /// What the model is asked to do.
    pub operation: Operation,
    /// The public name of the model.
    pub model: ModelName,
    /// Who pays, and whose log it is.
    pub owner: Owner,
    /// Whether its answer is fetched later. Otherwise somebody waits for it, in whichever lane.
    pub background: bool,
    /// When it was accepted, milliseconds since 1970.
    pub accepted_at_ms: u64,
    /// What the model is asked.
    #[serde(borrow)]
    pub body: Body<'a>,
}

/// What a model can be asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// `POST /chat/completions`.
    ChatCompletions,
    /// `POST /embeddings`.
    Embeddings,
}

impl Operation {
    /// The path below an upstream's base address.
    pub fn path(self) -> &'static str {
        match self {
            Self::ChatCompletions => "/chat/completions",
            Self::Embeddings => "/embeddings",
        }
    }

    /// The value of `gen_ai.operation.name`.
    pub fn gen_ai_name(self) -> &'static str {
        match self {
            Self::ChatCompletions => "chat",
            Self::Embeddings => "embeddings",
        }
    }
}

/// The caller's JSON, here or elsewhere.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body<'a> {
    /// Inside the message.
    #[serde(borrow)]
    Inline(&'a RawValue),
    /// In the object store under this name, because it is over what a message may hold.
    Stored(String),
}
