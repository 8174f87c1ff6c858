//! What we measure and how: a mock of a model server, a load generator that checks every answer,
//! and the run that puts them around Chappe and around others.
//!
//! # Where to look
//!
//! * [`tokens`]: the numbered tokens that the mock sends and the load generator checks.
//! * [`mock`]: the OpenAI-compatible upstream, binary `bench-mock`.
//! * [`load`]: the load generator, binary `bench-loadgen`.
//! * [`figures`]: percentiles, and the spread over rounds.
//! * [`machine`]: what `/proc` says about processes and about the whole machine.
//! * [`run`]: `cargo xtask bench`, binary `bench-run`. Begin at [`run::run`].
//!
//! Nothing here is linked into a service, and none of the services' code is used: what is
//! measured are the built programs, as processes.

pub mod figures;
pub mod load;
pub mod machine;
pub mod mock;
pub mod run;
pub mod tokens;
