//! The OpenAI wire format, as far as Chappe reads or writes it itself. Pure data, no I/O.
//!
//! Requests and chunks pass through Chappe as the bytes that came: this crate has views that
//! read the few members we need and an editor that replaces a member without touching the rest.
//!
//! * [`ErrorBody`]: every error a caller sees.
//! * [`RequestHead`]: the members of a request that decide where it goes.
//! * [`completion`]: a chat completion that came whole, in the form of a streamed one, and back.
//! * [`object`]: replace members of a JSON object, everything else byte for byte.
//! * [`ModelList`], [`Model`]: `/v1/models`.
//! * [`responses`]: `/v1/responses`, made of chat completions: requests one way, events the other.
//! * [`sse`]: server-sent events, both ways.

pub mod completion;
mod error;
mod models;
pub mod object;
mod request;
pub mod responses;
pub mod sse;

pub use error::{ErrorBody, ErrorDetail, ErrorKind};
pub use models::{Model, ModelList};
pub use request::{InvalidRequest, MAX_DEPTH, MAX_MESSAGES, RequestHead};
