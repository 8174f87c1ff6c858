//! What a crash may leave behind.

use nix::sys::resource::{Resource, getrlimit, setrlimit};
use test_support::Stack;

#[tokio::test]
async fn no_service_leaves_its_memory_behind_when_it_crashes() {
    let (_soft, hard) = getrlimit(Resource::RLIMIT_CORE).unwrap();
    // What is started here inherits it.
    setrlimit(Resource::RLIMIT_CORE, hard, hard).unwrap();
    let stack = Stack::builder().start().await;

    for program in [&stack.gateway, &stack.workers[0], &stack.web, &stack.simulator] {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", program.pid())).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        // At one byte neither a file is written nor a program called, where so much is permitted.
        assert_eq!(
            core.split_whitespace().nth(4),
            Some(hard.min(1).to_string().as_str()),
            "{core}"
        );
    }
}
