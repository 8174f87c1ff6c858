//! What an answer took: told by the gateway, and shown below it.

use serde_json::{Value, json};

use crate::gateway::Gateway;
use crate::screen::{Screen, last_answer};
use crate::support::ChatPage;

fn receipt() -> Value {
    json!({"model": "llama3.2", "upstream": "rack-2", "attempt": 2,
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "queue_wait_ms": 1.2,
        "model_first_token_ms": 30.1, "time_to_first_token_ms": 34.5, "duration_ms": 1234.0,
        "input_tokens": 12, "output_tokens": 40, "tokens_per_second": 48.2})
}

#[tokio::test]
async fn it_is_below_the_answer_and_stays_there_with_the_conversation() {
    let gateway = Gateway::start();
    gateway.tells_receipts(Some(receipt()));
    let chat = ChatPage::before(&gateway);

    let turn = chat.ask("Why?").await;
    let first = chat.page(&turn.path()).await;

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
    let next = chat.ask_after(&turn, "And?").await;
    let second = chat.page(&next.path()).await;
    assert_eq!(second.matches("1.2 s · 48 tokens/s").count(), 2, "{second}");
    let told = format!("{:?}", gateway.answers()[1].told());
    assert!(told.contains("You said: Why?") && !told.contains("rack-2"), "{told}");

    let mut screen = Screen::default();
    screen.reads(&mut chat.follow(&turn, "").await).await;
    assert!(screen.text().contains("48 tokens/s"), "{screen:?}");
    assert_eq!(screen.over(), last_answer(&first));
}

#[tokio::test]
async fn without_one_or_with_one_that_cannot_be_read_the_answer_is_all() {
    for told in [None, Some(json!({"duration_ms": []})), Some(json!("none"))] {
        let gateway = Gateway::start();
        gateway.tells_receipts(told);
        let chat = ChatPage::before(&gateway);

        let html = chat.page(&chat.ask("Why?").await.path()).await;

        assert!(html.contains("You said: Why?") && !html.contains("class=\"receipt\""), "{html}");
        assert!(!html.contains("role=\"alert\"><p>"), "{html}");
    }
}
