//! The gateway: OpenAI-compatible HTTP in, jobs out, events back.
//!
//! # Where to look
//!
//! * [`http`]: the edge. Routes, what a request and an error look like, server-sent events.
//! * [`chat`]: unstored work. Open requests, who may answer them, what arrives for them.
//! * [`responses`]: stored work. A response is a fold of its log, and read from there.
//! * [`conversations`]: what responses are turns of. Lists that are changed by compare-and-set.
//! * [`idempotency`]: which keys of callers were used for what. What comes twice is done once.
//! * [`keys`]: who calls, for whom, and what they may.
//! * [`queues`]: who waits for a worker, and for how long.
//! * [`operator`]: the picture of everything that operators look at, and dead letters.
//! * [`receipt`]: what is told of an answer beside its words.
//! * [`gateway`]: built, run, drained.
//!
//! Start reading at `chat::Chats::start` and `responses::Responses::create`.
//!
//! # What never happens here
//!
//! * A job is published before its request is in the register.
//! * A stored job is published before its log begins.
//! * `chat`, `responses`, `conversations`, `idempotency` and `operator` do not know about HTTP; `http` does not know about NATS.
//! * Nothing is retried within a handler.

mod broker;
mod chat;
mod clock;
mod conversations;
mod gateway;
mod hops;
mod http;
mod idempotency;
mod keys;
mod measures;
mod operator;
mod queues;
mod receipt;
mod responses;
mod settings;
mod silence;

pub use gateway::{BuildError, Gateway};
pub use http::CorsOrigins;
pub use settings::{Auth, Roles, Settings};
