//! The model simulator's process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service_runtime::process::<model_simulator::Simulator>()
}
