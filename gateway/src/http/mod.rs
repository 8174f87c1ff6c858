//! The edge: routes, what a request and an error look like, server-sent events.
//!
//! * [`router`]: every route. [`observe`]: a span, a request id and figures for each.
//! * [`completions`]: chat completions and embeddings. [`models`]: the list of models.
//! * [`responses`]: stored answers: create, read, follow, cancel, delete.
//! * [`conversations`]: what responses are turns of, and its items.
//! * [`admin_keys`]: keys, for operators.
//! * [`operator`]: the picture of everything, and dead letters, for operators.
//! * [`bodies`]: bodies of requests, and the room for them.
//! * [`identity`]: who calls, and whether they may. [`door`]: which requests are let in.
//! * [`cors`]: which pages may call and read.
//! * [`header_names`]: headers that are ours. [`refusal`]: every error that a caller reads.
//! * [`answering`]: an answer as one JSON or as a stream. [`sse`]: its frames.
//! * [`account`]: the figures of one answer.
//! * [`reference`]: `/openapi.json` and `/docs`.

mod account;
mod admin_keys;
mod answering;
mod bodies;
mod completions;
mod conversations;
mod cors;
mod door;
mod header_names;
mod idempotency;
mod identity;
mod models;
mod observe;
mod operator;
mod reference;
mod refusal;
mod responses;
mod router;
mod sse;
mod state;

pub(crate) use bodies::Bodies;
pub use cors::CorsOrigins;
pub(crate) use door::Door;
pub(crate) use router::router;
pub(crate) use state::{Api, Parts};
