//! The llm-worker process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service_runtime::process::<llm_worker::Worker>()
}
