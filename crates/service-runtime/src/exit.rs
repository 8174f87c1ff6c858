//! How a process ends. The only place that speaks before logging exists.
#![expect(clippy::print_stderr, reason = "logging does not exist yet, or no longer")]

use std::collections::BTreeSet;
use std::process::ExitCode;

use crate::{Problems, masked};

/// `EX_CONFIG` of sysexits.h: the settings cannot be used, and starting again will not help.
pub const BAD_CONFIGURATION: u8 = 78;

/// Prints every problem of the settings, one a line, and gives exit code 78.
pub fn bad_configuration(service: &str, problems: &Problems) -> ExitCode {
    // A file can have many problems, and is one setting.
    let settings: BTreeSet<&str> = problems.names().into_iter().collect();
    eprintln!("{service} cannot start: {} of its settings cannot be used", settings.len());
    for problem in &problems.0 {
        eprintln!("  {}: {}", problem.name, problem.message);
    }
    eprintln!("`{service} --help` lists every setting.");
    ExitCode::from(BAD_CONFIGURATION)
}

/// Prints why the process could not go on, with its causes, and gives exit code 1.
pub fn failed(service: &str, error: &anyhow::Error) -> ExitCode {
    eprintln!("{service}: {}", masked(&format!("{error:#}")));
    ExitCode::FAILURE
}
