//! The gateway: OpenAI-compatible HTTP in, jobs out, events back.
//!
//! # Where to look
//!
//! * [`http`]: the edge. Routes, what a request and an error look like, server-sent events.
//! * [`chat`]: the domain. Open requests, who may answer them, what arrives for them.
//! * [`gateway`]: built, run, drained.
//!
//! Start reading at `chat::Chats::start`.
//!
//! # What never happens here
//!
//! * A job is published before its request is in the register.
//! * `chat` does not know about HTTP; `http` does not know about NATS.
//! * Nothing is retried within a handler.

mod chat;
mod gateway;
mod http;
mod measures;
mod settings;

pub use gateway::{BuildError, Gateway};
pub use settings::Settings;
