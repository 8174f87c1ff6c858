//! Programs that end with whoever started them, also when that one is killed.

use std::path::Path;

use tokio::process::Command;

/// A command that runs `program`, and on Linux has it end (SIGTERM) with the thread that starts it.
///
/// The kernel has to be asked by the new process itself, which takes unsafe code, or util-linux'
/// `setpriv`: that asks and then becomes `program`, with the same process id. Where there is no such
/// `setpriv` the program outlives a parent that is killed, and the next start ends it.
#[cfg(target_os = "linux")]
pub(crate) async fn command(program: &Path) -> Command {
    const SETPRIV: &str = "setpriv";
    const ENDS_WITH_PARENT: [&str; 3] = ["--pdeathsig", "TERM", "--"];

    // Busybox has one that knows no `--pdeathsig`.
    let mut tried = Command::new(SETPRIV);
    tried.args(ENDS_WITH_PARENT).arg("true");
    if tried.output().await.is_ok_and(|output| output.status.success()) {
        let mut command = Command::new(SETPRIV);
        command.args(ENDS_WITH_PARENT).arg(program);
        return command;
    }
    Command::new(program)
}

/// A command that runs `program`.
#[cfg(not(target_os = "linux"))]
#[expect(clippy::unused_async, reason = "asks the system elsewhere")]
pub(crate) async fn command(program: &Path) -> Command {
    Command::new(program)
}
