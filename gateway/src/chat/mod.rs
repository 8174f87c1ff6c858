//! The domain: open requests, who may answer them, and what arrives for them.
//!
//! * [`service`]: starts a request: register, then publish.
//! * [`register`]: every open request of this process.
//! * [`open`]: one request's state: a pure machine of claims and events.
//! * [`answer`]: what a caller reads: a bounded queue of news.
//! * [`failures`]: what it reads when something of ours went wrong.
//! * [`mail`]: what workers send, and who of them is alive.
//! * [`workers`]: which queues are served. [`sweep`]: ends what will not end by itself.

mod answer;
mod error;
mod failures;
mod mail;
mod open;
mod register;
mod service;
mod sweep;
mod workers;

pub(crate) use answer::{Answer, News};
pub(crate) use error::ChatError;
pub(crate) use failures::{failure, read_too_slowly, wrong_form};
pub(crate) use mail::{WorkerBeats, beat, read_mail};
pub(crate) use register::Register;
pub(crate) use service::{Chats, ENVELOPE_BYTES, Request, publish_span};
pub(crate) use sweep::Sweep;
pub(crate) use workers::Workers;
