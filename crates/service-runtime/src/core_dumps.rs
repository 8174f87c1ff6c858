//! What a crash leaves behind: no copy of the memory, in which keys and prompts are.

/// Most bytes of one. A file of one byte is not written. Linux also hands nothing to a program that
/// `kernel.core_pattern` names, which no other limit keeps it from, not even 0.
#[cfg(target_os = "linux")]
const MOST_BYTES: u64 = 1;
#[cfg(all(unix, not(target_os = "linux")))]
const MOST_BYTES: u64 = 0;

/// Has the system write no core dump of this process, and of those that it starts. Whoever needs one
/// may raise the limit again while it runs: `prlimit --core=unlimited --pid PID`.
pub fn refuse_core_dumps() {
    #[cfg(unix)]
    {
        use nix::sys::resource::{Resource, getrlimit, setrlimit};
        let refused = getrlimit(Resource::RLIMIT_CORE)
            .and_then(|(_soft, hard)| setrlimit(Resource::RLIMIT_CORE, MOST_BYTES.min(hard), hard));
        // To lower a limit is always permitted. Should it fail all the same, nothing is worse than
        // before.
        let _harmless = refused;
    }
}
