//! What an operator should know, as the gateway tells it; no HTTP and no HTML.
//!
//! * [`Overview`]: how everything is at the moment, read from a gateway of any version.
//! * [`Verdict`]: the same in one sentence, with the reasons.
//! * [`Operators`]: who has signed in, with which key.

mod operators;
mod overview;
mod verdict;

pub(crate) use operators::{COOKIE, Operators, Ticket};
pub(crate) use overview::{
    DeadLetter, DeadLetters, GatewaySeen, History, LetterId, Model, Overview, Percentiles, Point,
    Queue, SlowAnswer, WorkerSeen,
};
pub(crate) use verdict::{Level, Verdict};
