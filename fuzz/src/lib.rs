//! What parses bytes that others made, each with what must be true whatever the bytes are.
//!
//! A target panics when that is not true. `cargo xtask fuzz` looks for bytes that make it panic,
//! hang or take memory without bound: guided by coverage where there is a C++ compiler, for which
//! `libFuzzer` is built, and blindly where there is none.
//!
//! * [`TARGETS`]: all of them. A new one is a line there and a folder of `seeds/`.
//! * `seeds/<target>/`: well-formed input, where the search begins.
//! * `cases/<target>/`: what was once found. Both are run by the tests of this crate for ever.
//! * [`search`]: the blind search, whose whole course follows from its seed.
//!
//! HTTP itself is read by `hyper`, which has fuzzing of its own; its odd shapes are sent to a
//! gateway by `acceptance/bad-input`.

mod current;
mod input;
mod mutation;
pub mod search;
mod targets;

pub use current::Current;
pub use input::{Input, inputs_of};
pub use targets::{TARGETS, Target, target};
