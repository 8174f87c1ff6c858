//! Readers who stop an answer, leave it, or are left by the server.

use crate::support::{ChatPage, field, read_until};

const ENDLESS: &str = "simulator: {\"script\": \"count\", \"tokens\": 60000, \"token_ms\": 5}";

#[tokio::test]
async fn an_answer_is_sent_while_it_is_written_and_a_reader_who_leaves_stops_it() {
    let chat = ChatPage::open();

    for as_events in [false, true] {
        let mut answer = match as_events {
            true => chat.ask_for_events(ENDLESS).await,
            false => chat.ask(ENDLESS).await,
        };
        assert_eq!(answer.headers()["cache-control"], "no-store, no-transform");
        assert_eq!(answer.headers()["x-accel-buffering"], "no");
        read_until(&mut answer, "t12 ").await;
        drop(answer);

        let gone = if as_events { 2 } else { 1 };
        let counts = chat.journal.wait_until(|counts| counts.client_gone == gone).await;
        assert_eq!(counts.running, 0);
    }
}

#[tokio::test]
async fn a_form_stops_the_answer_and_shows_what_was_said() {
    let chat = ChatPage::open();
    let mut answer = chat.ask(ENDLESS).await;
    let begun = read_until(&mut answer, "t12 ").await;
    // A browser leaves the page before it sends the form.
    drop(answer);

    let (id, conversation) = (field(&begun, "answer"), field(&begun, "conversation"));
    let fields = [
        ("answer", id.as_str()),
        ("conversation", &conversation),
        ("model", "simulator"),
        ("preset", "creative"),
    ];
    let stopped = chat.form("/stop", &fields).send().await.unwrap();

    chat.journal.wait_until(|counts| counts.client_gone == 1).await;
    assert_eq!(stopped.status(), 200);
    let page = stopped.text().await.unwrap();
    assert!(page.contains("<p>t0 t1 t2 ") && page.contains("Stopped."), "{page}");
    let conversation = field(&page, "conversation");
    assert!(conversation.contains("t0 t1 t2 "), "{page}");
    let next = chat.ask_in(&conversation, "And?").await.text().await.unwrap();
    assert!(next.contains("<p class=\"note\">Stopped.</p>"), "it stays said: {next}");
    assert!(page.contains("value=\"creative\" checked"), "{page}");
}

#[tokio::test]
async fn a_page_that_goes_on_ends_when_its_answer_is_stopped() {
    let chat = ChatPage::open();
    let mut answer = chat.ask(ENDLESS).await;
    let begun = read_until(&mut answer, "t12 ").await;

    let fields =
        [("answer", &*field(&begun, "answer")), ("conversation", &*field(&begun, "conversation"))];
    chat.form("/stop", &fields).send().await.unwrap();

    let rest = answer.text().await.unwrap();
    assert!(rest.contains("Stopped.") && rest.ends_with("</html>\n"), "{rest}");
    assert!(rest.contains("id=\"composer\""), "{rest}");
}

#[tokio::test]
async fn an_answer_that_is_not_known_here_gives_the_question_back() {
    let chat = ChatPage::open();
    let fields = [("answer", "gone"), ("conversation", r#"[{"role":"user","content":"Why?"}]"#)];

    let page = chat.form("/stop", &fields).send().await.unwrap().text().await.unwrap();

    assert!(page.contains(">Why?</textarea>"), "{page}");
    assert_eq!(field(&page, "conversation"), "[]");
}

#[tokio::test]
async fn a_server_that_ends_says_so_and_keeps_what_was_said() {
    let chat = ChatPage::open();
    let mut answer = chat.ask(ENDLESS).await;
    read_until(&mut answer, "t12 ").await;

    chat.shutdown.request();
    let rest = answer.text().await.unwrap();
    chat.close().await;

    assert!(rest.contains("being restarted") && rest.ends_with("</html>\n"), "{rest}");
    assert!(field(&rest, "conversation").contains("t0 t1 "), "{rest}");
    let mark = "Interrupted: <span>the server is being restarted.</span> <button class=\"again\"";
    assert!(rest.contains(mark) && rest.contains("What was said is kept: try again"), "{rest}");
}
