//! Claims: the gateway that holds a caller says who may answer.

use serde::{Deserialize, Serialize};

use crate::{JobId, WorkerId};

/// A worker asks, before its first word, whether it may answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRequest {
    /// The job.
    pub job: JobId,
    /// Who would answer; told when to stop.
    pub worker: WorkerId,
    /// Which arrival of the job this is, from 1.
    pub delivery: u64,
}

/// The gateway's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// Answer. Every event carries `claim`; events of an older claim are dropped.
    Go {
        /// The number of this claim, from 1; the newest one counts.
        claim: u32,
    },
    /// Nobody waits, or somebody else has begun to answer: ack and forget.
    Drop,
    /// A later delivery of the job was claimed, and that one settles it: leave this one alone. It
    /// lay unread in a worker that was held up.
    Leave,
}

/// Tells a worker to stop a job: its caller left, or a newer claim stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelJob {
    /// The job.
    pub job: JobId,
    /// Only this claim and older ones are stopped.
    pub claim: u32,
    /// Why.
    #[serde(default)]
    pub why: CancelReason,
}

/// Why a job is to stop: it decides how its delivery is settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// Its caller left: the job leaves the queue.
    #[default]
    CallerLeft,
    /// A newer claim stands: the newer delivery settles it, this one must not.
    Superseded,
}
