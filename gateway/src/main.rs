//! The gateway process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service_runtime::process::<gateway::Gateway>()
}
