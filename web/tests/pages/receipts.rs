//! What an answer took: asked for, shown below it, and carried by the form.

use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::support::{ChatPage, field};

/// A stream of one word, and what is to follow before its end.
fn stream(more: &str) -> String {
    let word = json!({"choices": [{"index": 0, "delta": {"content": "Because."}}]});
    let end = json!({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]});
    format!("data: {word}\n\ndata: {end}\n\n{more}data: [DONE]\n\n")
}

fn receipt() -> Value {
    json!({"model": "llama3.2", "upstream": "rack-2", "attempt": 2,
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "queue_wait_ms": 1.2,
        "model_first_token_ms": 30.1, "time_to_first_token_ms": 34.5, "duration_ms": 1234.0,
        "input_tokens": 12, "output_tokens": 40, "tokens_per_second": 48.2})
}

fn page_that_is_told(more: &str) -> (ChatPage, Gateway) {
    let gateway = Gateway::that_refuses(404, "not_found", "No.");
    gateway.say_to("POST /v1/chat/completions", 200, stream(more));
    (ChatPage::before(&gateway), gateway)
}

#[tokio::test]
async fn it_is_below_the_answer_and_stays_there_with_the_conversation() {
    let chunk = json!({"choices": [], "chappe": receipt()});
    let (page, gateway) = page_that_is_told(&format!("data: {chunk}\n\n"));

    let first = page.ask("Why?").await.text().await.unwrap();

    for part in [
        "1.2 s · 48 tokens/s</summary>",
        ">rack-2<",
        ">2<",
        ">12<",
        ">40<",
        ">30 ms<",
        ">4bf92f3577b34da6a3ce929d0e0e4736<",
        "class=\"speaking\"",
    ] {
        assert!(first.contains(part), "{part} is not in {first}");
    }
    let asked = gateway.calls().into_iter().find(|call| call.method == "POST").unwrap();
    assert_eq!(asked.headers["x-chappe-receipt"], "true");
    let second = page.ask_in(&field(&first, "conversation"), "And?").await.text().await.unwrap();
    assert_eq!(second.matches("1.2 s · 48 tokens/s").count(), 2, "{second}");

    let events = page.ask_for_events("Why?").await.text().await.unwrap();
    let last = events.trim_end().rsplit("data: ").next().unwrap();
    let last: Value = serde_json::from_str(last).unwrap();
    assert_eq!(last["end"]["receipt"]["upstream"], "rack-2");
    assert!(last["add"][0][1].as_str().unwrap().contains("48 tokens/s"), "{last}");
}

#[tokio::test]
async fn without_one_or_with_one_that_cannot_be_read_the_answer_is_all() {
    for more in ["", "data: {\"choices\":[],\"chappe\":{\"duration_ms\":[]}}\n\n"] {
        let (page, _gateway) = page_that_is_told(more);

        let html = page.ask("Why?").await.text().await.unwrap();

        assert!(html.contains("Because.") && !html.contains("class=\"receipt\""), "{html}");
        assert!(!html.contains("role=\"alert\"><p>"), "{html}");
    }
}

#[tokio::test]
async fn no_model_is_told_of_it() {
    let page = ChatPage::open();
    let said = json!([
        {"role": "user", "content": "Why?"},
        {"role": "assistant", "content": "Because.", "receipt": receipt()},
    ]);

    let html = page.ask_in(&said.to_string(), "simulator: echo\nAnd?").await.text().await.unwrap();

    let turns: Vec<Value> = serde_json::from_str(&field(&html, "conversation")).unwrap();
    let echo = turns[3]["content"].as_str().unwrap();
    assert!(echo.contains("Because.") && !echo.contains("rack-2"), "{echo}");
    assert_eq!(turns[1]["receipt"]["upstream"], "rack-2", "it stays in the conversation");
}
