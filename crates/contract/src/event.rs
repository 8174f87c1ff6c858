//! Events: what a worker says about an unstored job, to the gateway that holds its caller.

use serde::{Deserialize, Serialize};

use crate::JobId;

/// One thing said about one job. What it holds is borrowed from the packed message.
///
/// Any number of `Chunk`, then exactly one of the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event<'a> {
    /// The job.
    pub job: JobId,
    /// The claim under which it is said.
    pub claim: u32,
    /// Its place in what was said under this claim, from 0, without gaps.
    pub seq: u32,
    /// What it is.
    pub kind: EventKind,
    /// What it says: see [`EventKind`].
    pub payload: &'a [u8],
    /// Of the last one, the JSON of [`crate::WorkFigures`], for a gateway that reads them. Else empty.
    pub work: &'a [u8],
}

/// What an event is, and what its payload holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// The JSON of one chunk of a streamed answer, as the model sent it, with our `id`, `model`
    /// and `created`.
    Chunk,
    /// The stream is complete. No payload.
    Done,
    /// The JSON of a whole answer.
    Body,
    /// The name of a whole answer in the object store, because it is over what a message holds.
    StoredBody,
    /// There will be no (further) answer: the JSON of a [`Failure`].
    Failed,
}

impl EventKind {
    /// Whether nothing can follow.
    pub fn is_last(self) -> bool {
        match self {
            Self::Chunk => false,
            Self::Done | Self::Body | Self::StoredBody | Self::Failed => true,
        }
    }
}

/// Why there is no (further) answer, in the words of the OpenAI API.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// The HTTP status for a caller that has none yet.
    pub status: u16,
    /// The JSON of an OpenAI error body: the model's own where it sent one.
    pub body: String,
    /// When another try may help, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// False when the same request cannot succeed: SDKs then do not repeat it.
    pub should_retry: bool,
}
