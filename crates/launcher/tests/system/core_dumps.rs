//! What a crash may leave behind.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use test_support::Stack;

#[tokio::test]
async fn no_service_leaves_its_memory_behind_when_it_crashes() {
    let (_soft, hard) = getrlimit(Resource::RLIMIT_CORE).unwrap();
    // What is started here inherits it.
    setrlimit(Resource::RLIMIT_CORE, hard, hard).unwrap();
    if hard == 0 {
        // Nothing here may leave a core dump, whatever it wants.
        return;
    }

    let stack = Stack::builder().start().await;

    for program in [&stack.gateway, &stack.workers[0], &stack.web, &stack.simulator] {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", program.pid())).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(core.split_whitespace().nth(4), Some("0"), "{core}");
    }
}
