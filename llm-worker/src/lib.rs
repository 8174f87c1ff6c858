//! The worker: takes jobs from the queue, asks a model, sends back what it says.
//!
//! # Where to look
//!
//! * [`intake`]: NATS in. Pulls jobs for free slots, claims them or takes their logs, settles each
//!   one.
//! * [`completion`]: the rules. One job in, a sequence of events out, a verdict at the end.
//! * [`upstream`]: model calls. The only room that speaks HTTP.
//! * [`voice`]: NATS out. What is said to callers, packed by gateway.
//! * [`script`]: NATS out. What is said of stored jobs, written into their logs.
//!
//! Start reading at `completion::complete`.
//!
//! # What never happens here
//!
//! * `completion` does not know that NATS or HTTP exist.
//! * No token leaves without a claim, or into a log that another worker writes.
//! * No job is settled before its last event is on its way.
//! * After the first word of an answer a failure is final, and said. Only the end of this process
//!   is none: a stored answer then begins anew at another worker, which its log tells.

mod completion;
mod intake;
mod measures;
mod script;
mod settings;
mod upstream;
mod voice;
mod worker;

pub use settings::Settings;
pub use worker::{BuildError, Worker};
