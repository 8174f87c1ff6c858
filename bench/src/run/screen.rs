//! The only module of the run that prints.
#![expect(clippy::print_stdout, reason = "this is a command for people")]

/// Some lines.
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// Something was done.
pub(crate) fn step(text: &str) {
    println!("  · {text}");
}
