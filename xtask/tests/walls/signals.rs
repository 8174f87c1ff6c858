//! The registry of signals says what the code says, and its page what it says.

use std::process::Command;

use crate::source;

#[test]
fn every_signal_is_in_the_registry_and_its_page_is_made_of_it() {
    let checked = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["signals", "--check"])
        .current_dir(source::root())
        .output()
        .unwrap();

    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "`cargo xtask signals --check` says:\n{said}");
    let lines: Option<u32> = said
        .split(" log lines in the code")
        .next()
        .and_then(|before| before.rsplit(' ').next())
        .and_then(|number| number.parse().ok());
    assert!(lines.is_some_and(|lines| lines > 80), "it reads the log lines of the code:\n{said}");
}
