//! The chat page's process.

use std::process::ExitCode;

fn main() -> ExitCode {
    service_runtime::process::<web::Web>()
}
