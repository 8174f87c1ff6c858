//! The example does what it says.

use std::process::Command;

use test_support::Stack;

/// The example, with a question for this gateway.
fn example(gateway_url: &str, question: &str) -> Command {
    let mut example = Command::new(env!("CARGO_BIN_EXE_read-on"));
    example.arg(question).env_clear().env("CHAPPE_URL", format!("{gateway_url}/v1"));
    example
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_read_on_after_a_cut_is_whole() {
    let stack = Stack::builder().simulator("SIMULATOR_TOKEN_MS", "5").start().await;
    let orders = r#"{"script": "count", "tokens": 100}"#;

    let ended = example(&stack.gateway_url, &format!("simulator: {orders}\nHello")).output();

    let ended = ended.unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    let counted: String = (0..100).map(|number| format!("t{number} ")).collect();
    assert_eq!(String::from_utf8(ended.stdout).unwrap(), format!("{counted}\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_fails_is_no_success() {
    let stack = Stack::builder().start().await;
    let orders = r#"{"script": "count", "tokens": 100, "fault": {"error_chunk_after": 20}}"#;

    let ended = example(&stack.gateway_url, &format!("simulator: {orders}\nHello")).output();

    let ended = ended.unwrap();
    assert!(!ended.status.success());
    let why = String::from_utf8(ended.stderr).unwrap();
    assert!(why.contains("ended with response.failed"), "{why}");
}
