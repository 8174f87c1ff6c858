//! What crosses NATS between the services: messages, ids, subjects, streams, the catalogue.
//!
//! Pure data: no I/O, no runtime. A type is here because two services exchange it.
//!
//! # Where to look
//!
//! * [`subjects`]: the address book, the only file that spells a subject.
//! * [`Job`]: what is queued. [`Event`], [`pack`]: what a worker says about it.
//! * [`ClaimRequest`], [`Verdict`]: who may answer a job. [`WorkFigures`]: what was measured of it.
//! * [`log`]: what happened to a stored job. [`Chore`]: what is left to do behind its end.
//! * [`window`]: how much may be said before it was read.
//! * [`GatewayBeat`], [`WorkerBeat`]: who is alive. [`figures`]: what gateways have counted.
//! * [`streams`]: every stream and consumer, with its limits.
//! * [`keys`]: who may call, for whom, and how much.
//! * [`permissions`]: which service may say and hear what.
//! * [`Catalogue`], which is `models.toml`.

mod beat;
mod catalogue;
mod chore;
mod claim;
mod dead;
mod event;
pub mod figures;
mod ids;
mod job;
pub mod keys;
pub mod log;
mod names;
mod owner;
pub mod pack;
pub mod permissions;
pub mod streams;
pub mod subjects;
mod token;
pub mod window;
mod work;

pub use beat::{BEAT_EVERY, GatewayBeat, SILENT_AFTER, WORKER_UNHEARD_AFTER, WorkerBeat};
pub use catalogue::{
    Capability, Catalogue, CatalogueHash, CatalogueProblem, Continues, Model, Price, Upstream,
    UpstreamLimits,
};
pub use chore::Chore;
pub use claim::{CancelJob, CancelReason, ClaimRequest, Verdict};
pub use dead::DeadLetter;
pub use event::{Event, EventKind, Failure};
pub use ids::{ConversationId, GatewayId, InvalidId, JobId, RequestId, WorkerId};
pub use job::{Body, Job, Operation, StoredJob};
pub use names::{InvalidName, KeyName, Lane, ModelName, OwnerName, QueueName, TenantName};
pub use owner::Owner;
pub use work::WorkFigures;
