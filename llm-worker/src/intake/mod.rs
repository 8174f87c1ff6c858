//! NATS in: pulls jobs for free slots, claims them, and settles each one.
//!
//! * [`pull`]: standing requests for as many jobs as there are free slots.
//! * [`delivery`]: one delivery from arrival to settlement.
//! * [`settle`]: the only file that says ack, nak or term.
//! * [`running`]: the jobs in hand: told to stop, reported in progress.
//! * [`liveness`]: which gateways are heard.

mod delivery;
mod liveness;
mod pull;
mod running;
mod settle;

pub(crate) use delivery::Desk;
pub(crate) use liveness::Gateways;
pub(crate) use pull::{Slots, pull_jobs};
pub(crate) use running::{Running, Stop};
