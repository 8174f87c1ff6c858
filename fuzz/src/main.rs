//! `fuzz TARGET`: the blind search in one target, for `cargo xtask fuzz` and `cargo xtask test`.

mod command;

use std::process::ExitCode;

fn main() -> ExitCode {
    command::main()
}
