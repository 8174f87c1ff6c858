//! `cargo xtask …`: every command that the pipeline runs, and nothing that it does not.
//!
//! # Where to look
//!
//! * [`commands`]: what can be said on the command line.
//! * [`suites`]: what `cargo xtask test` runs, one module for each kind.
//! * [`tools`]: finds or installs what the suites need. [`signals`]: the registry of signals.
//! * [`bench`], [`fuzz`], [`deny`]: hand over to `bench/`, to `fuzz/` and to cargo-deny.
//! * [`stack`], [`run`], [`cases`], [`report`]: Chappe or a child process, its output, the table.

mod bench;
mod cases;
mod commands;
mod deny;
mod environment;
mod fuzz;
mod report;
mod repository;
mod run;
mod screen;
mod signals;
mod stack;
mod suites;
mod tools;

use std::process::ExitCode;

fn main() -> ExitCode {
    commands::main()
}
