//! What goes wrong, in words, with a status.

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
        assert!(field(&page, "conversation").contains("t0 t1 t2"), "{fault}: {page}");
    }
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
