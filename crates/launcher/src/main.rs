//! `chappe`: everything on one machine, in one process, beside a nats-server of its own.

use std::process::ExitCode;

fn main() -> ExitCode {
    launcher::main()
}
