//! An OpenAI-compatible model server without a model: scripted, paced, able to fail on order.
//!
//! # Where to look
//!
//! * [`Simulator`]: built, run, drained; [`Journal`]: what became of each request, for tests.
//! * `routes`, `chat`, `embeddings`: the endpoints.
//! * `request`: what was asked for, read once; `directives`: what the caller orders beside it.
//! * `script`: the rules. A request in, an answer as a list of tokens out.
//! * `playback`, `frames`, `whole`: the answer on the wire, at the pace that `pace` says.
//! * `fault`: failures on order.
//!
//! Start reading at `chat::create`.
//!
//! # What never happens here
//!
//! * `script` knows neither HTTP nor time; the same request gets the same words.
//! * No tree of JSON values is built for a token.
//! * No wait outlives its caller: every one ends when the connection closes.

mod answer;
mod chat;
mod directives;
mod embeddings;
mod ending;
mod error;
mod fault;
mod frames;
mod journal;
mod observe;
mod pace;
mod playback;
mod random;
mod request;
mod routes;
mod script;
mod settings;
mod simulator;
mod tokens;
mod whole;

pub use journal::{Counts, Ended, Journal, Operation, Phase, PhaseCounts, Record};
pub use settings::Settings;
pub use simulator::Simulator;
