//! `bench-run`: what `cargo xtask bench` starts after it has built everything.
#![expect(clippy::print_stderr, reason = "a command says why it failed")]

use std::process::ExitCode;

use bench::run::{Options, run};
use clap::Parser as _;
use tokio::task::LocalSet;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let options = Options::parse();
    match LocalSet::new().run_until(run(&options)).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("bench-run: {error:#}");
            ExitCode::FAILURE
        }
    }
}
