//! The only module that prints.
#![expect(clippy::print_stdout, reason = "this is a command for people")]

/// One line.
pub(crate) fn line(text: &str) {
    println!("{text}");
}

/// A heading, so that a suite is found in a long log.
pub(crate) fn heading(text: &str) {
    println!("\n━━━ {text} ━━━");
}

/// A step of the preparation.
pub(crate) fn step(text: &str) {
    println!("  · {text}");
}
