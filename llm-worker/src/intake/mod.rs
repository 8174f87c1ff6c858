//! NATS in: pulls jobs for free slots, claims them or takes their logs, and settles each one.
//!
//! * [`pull`], [`slots`]: standing requests for jobs, and the slots that they run in.
//! * [`delivery`]: one delivery from arrival to settlement.
//! * [`stored`], [`page`], [`audience`], [`behind`]: the same of a stored job: what its log says of
//!   it, whether it is still wanted, and what of an answer is there already.
//! * [`settle`]: the only file that says ack, nak or term.
//! * [`running`]: the jobs in hand: told to stop, reported in progress.
//! * [`liveness`]: which gateways are heard.

mod audience;
mod behind;
mod delivery;
mod liveness;
mod page;
mod pull;
mod running;
mod settle;
mod slots;
mod stored;

pub(crate) use delivery::Desk;
pub(crate) use liveness::Gateways;
pub(crate) use pull::pull_jobs;
pub(crate) use running::Running;
pub(crate) use slots::{Ready, Slots};
