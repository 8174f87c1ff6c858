//! The worker: takes jobs from the queue, asks a model, sends back what it says.
//!
//! # Where to look
//!
//! * [`intake`]: NATS in. Pulls jobs for free slots, claims them, settles each one.
//! * [`completion`]: the rules. One job in, a sequence of events out, a verdict at the end.
//! * [`upstream`]: model calls. The only room that speaks HTTP.
//! * [`voice`]: NATS out. What is said, packed by gateway.
//!
//! Start reading at `completion::complete`.
//!
//! # What never happens here
//!
//! * `completion` does not know that NATS or HTTP exist.
//! * No token leaves without a claim.
//! * No job is settled before its last event is on its way.
//! * After the first word of an answer a failure is final, and said.

mod completion;
mod intake;
mod measures;
mod settings;
mod upstream;
mod voice;
mod worker;

pub use settings::Settings;
pub use worker::{BuildError, Worker};
