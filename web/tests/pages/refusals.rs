//! What goes wrong, in words, with a status.

use serde_json::Value;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::{ChatPage, field};

#[tokio::test]
async fn a_refusal_is_a_status_words_and_the_question_back_in_its_box() {
    let chat = ChatPage::open();

    for (fault, status, words) in [
        (r#"{"status": 400, "code": "context_length_exceeded"}"#, 400, "too long"),
        (r#"{"status": 404, "code": "model_not_found"}"#, 404, "no such model"),
        (r#"{"status": 429, "retry_after": 7}"#, 429, "in 7 seconds"),
        (r#"{"status": 503, "retry_after": 150}"#, 503, "in 3 minutes"),
        (r#"{"status": 500}"#, 502, "error"),
        (r#"{"reset_on_accept": true}"#, 502, "cannot be reached"),
    ] {
        let prompt = format!("simulator: {{\"fault\": {fault}}}\nWhy?");

        let answer = chat
            .ask_in(
                r#"[{"role":"user","content":"a"},{"role":"assistant","content":"b"}]"#,
                &prompt,
            )
            .await;

        assert_eq!(answer.status(), status, "{fault}");
        let page = answer.text().await.unwrap();
        let (_, alert) = page.split_once("role=\"alert\">").unwrap();
        assert!(alert.split_once("<form").unwrap().0.contains(words), "{fault}: {page}");
        assert!(page.contains("Why?</textarea>"), "{fault}: {page}");
        assert_eq!(field(&page, "conversation").matches("role").count(), 2, "{fault}");

        let events = chat.ask_for_events(&prompt).await;
        assert_eq!(events.status(), status, "{fault}");
        let events = events.text().await.unwrap();
        assert!(events.contains("\"kept\":false") && events.contains(words), "{fault}: {events}");
    }
}

#[tokio::test]
async fn the_wait_is_a_header_too() {
    let chat = ChatPage::open();

    let answer = chat.ask("simulator: {\"fault\": {\"status\": 429, \"retry_after\": 7}}").await;

    assert_eq!(answer.headers()["retry-after"], "7");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_kept_and_said_to_be_broken() {
    let chat = ChatPage::open();

    for fault in
        ["cut_after", "close_without_done_after", "malformed_chunk_after", "error_chunk_after"]
    {
        let prompt = format!(
            "simulator: {{\"script\": \"count\", \"tokens\": 20, \"fault\": {{\"{fault}\": 5}}}}"
        );

        let page = chat.ask(&prompt).await.text().await.unwrap();

        assert!(page.contains("broke off"), "{fault}: {page}");
        let conversation = field(&page, "conversation");
        assert!(conversation.contains("t0 t1 t2"), "{fault}: {page}");
        assert_eq!(marks(&page), 1, "{fault}: {page}");

        // It stays said, and no model is told.
        let next = chat.ask_in(&conversation, "simulator: echo\nAnd?").await.text().await.unwrap();
        assert_eq!(marks(&next), 1, "{fault}: {next}");
        let turns: Vec<Value> = serde_json::from_str(&field(&next, "conversation")).unwrap();
        assert!(turns[1]["mark"]["interrupted"].is_string(), "{fault}: {turns:?}");
        assert!(!turns[3]["content"].as_str().unwrap().contains("interrupted"), "{fault}");

        let events = chat.ask_for_events(&prompt).await.text().await.unwrap();
        assert!(events.contains("\"mark\":{\"interrupted\":"), "{fault}: {events}");
    }
}

#[tokio::test]
async fn a_question_whose_answer_broke_off_can_be_asked_again() {
    let chat = ChatPage::open();
    let conversation = r#"[{"role":"user","content":"simulator: echo\nWhy?"},
        {"role":"assistant","content":"Bec","mark":{"interrupted":"the line broke."}}]"#;
    let fields = [
        ("conversation", conversation),
        ("prompt", "half a thought"),
        ("model", "simulator"),
        ("again", "1"),
    ];

    let page = chat.form("/chat", &fields).send().await.unwrap().text().await.unwrap();

    let turns: Vec<Value> = serde_json::from_str(&field(&page, "conversation")).unwrap();
    assert_eq!(turns.len(), 2, "{turns:?}");
    let echo: Value = serde_json::from_str(turns[1]["content"].as_str().unwrap()).unwrap();
    assert_eq!(echo["body"]["messages"].as_array().unwrap().len(), 1, "{echo}");
    assert!(page.contains(">half a thought</textarea>"), "{page}");
    assert!(!page.contains("the line broke"), "{page}");
}

#[tokio::test]
async fn without_a_gateway_the_page_is_there_and_says_so() {
    let chat = ChatPage::without_gateway();

    let home = chat.get("/").await;
    assert_eq!(home.status(), 200);
    assert!(home.text().await.unwrap().contains("cannot be reached"));

    let answer = chat.ask("Why?").await;
    assert_eq!(answer.status(), 502);
    assert!(answer.text().await.unwrap().contains("cannot be reached"));

    let ready = chat.browser.get(format!("{}/readyz", chat.health_url)).send().await.unwrap();
    assert_eq!(ready.status(), 200);
}

#[tokio::test]
async fn forms_that_no_page_of_ours_sends_are_refused_in_words() {
    let chat = ChatPage::open();

    let damaged = chat.ask_in("{", "Why?").await;
    assert_eq!(damaged.status(), 400);
    assert!(damaged.text().await.unwrap().contains("damaged"));

    let empty = chat.form("/chat", &[]).send().await.unwrap();
    assert_eq!(empty.status(), 400);
    assert!(empty.text().await.unwrap().contains("cannot be read"));

    let large = "x".repeat(33 * 1024 * 1024);
    let large = chat.form("/chat", &[("prompt", &large)]).send().await.unwrap();
    assert_eq!(large.status(), 413);
    assert!(large.text().await.unwrap().contains("too long"));
}

/// A connection that is closed before everything was read is reset, and nobody reads the refusal.
#[tokio::test]
async fn a_form_that_is_too_large_is_read_to_its_end() {
    const PIECE: usize = 1024 * 1024;
    const PIECES: usize = 40;
    let chat = ChatPage::open();
    let mut writer = TcpStream::connect(chat.url.trim_start_matches("http://")).await.unwrap();
    let head = format!(
        "POST /chat HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
        PIECE * PIECES
    );

    writer.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..PIECES {
        writer.write_all(&vec![b'x'; PIECE]).await.unwrap();
    }
    let mut said = String::new();
    writer.read_to_string(&mut said).await.unwrap();

    assert!(said.starts_with("HTTP/1.1 413") && said.contains("too long"), "{said}");
}

/// How many answers a page says to be interrupted; its script has an empty mark besides.
fn marks(page: &str) -> usize {
    page.matches("Interrupted: <span>").count() - page.matches("Interrupted: <span></span>").count()
}
