//! Why nothing is said yet: a calm line, asked for once for all who look.

use std::time::Duration;

use serde_json::{Value, json};

use crate::gateway::{Answering, Gateway};
use crate::reader::Turn;
use crate::screen::{Screen, last_answer, text_of};
use crate::support::{ChatPage, read_until};

const WAITING: &str = "GET /v1/responses/{id}/waiting";

/// A question that waits.
async fn asked() -> (ChatPage, Turn, Answering) {
    let gateway = Gateway::that_waits();
    let chat = ChatPage::before(&gateway);
    let turn = chat.ask("Count.").await;
    let answer = gateway.next_answer().await;
    (chat, turn, answer)
}

/// What the gateway tells from now on.
fn tells(chat: &ChatPage, reason: Value, ahead: Value) {
    chat.gateway.say_to(WAITING, 200, json!({"waiting": true, "reason": reason, "ahead": ahead}));
}

/// The lines of a page that tell it.
fn lines(page: &str) -> Vec<String> {
    let lines = last_answer(page).split("<p class=\"waiting\"").skip(1);
    lines.map(|line| text_of(&format!("<p{}", line.split("</p>").next().unwrap()))).collect()
}

#[tokio::test]
async fn everybody_who_looks_is_told_and_the_gateway_is_asked_once() {
    let (chat, turn, answer) = asked().await;
    tells(&chat, json!("busy"), json!(3));
    let mut page = chat.get(&turn.path()).await;
    let mut live = Vec::new();
    for _ in 0..20 {
        live.push(chat.follow(&turn, "").await);
    }

    let told = r#""status":["queued","Waiting: 3 questions before yours."]"#;
    for one in &mut live {
        read_until(&mut one.response, told).await;
    }
    read_until(&mut page, "Waiting: 3 questions before yours.").await;
    let questions = chat.gateway.calls_of(WAITING).len();
    tells(&chat, json!("busy"), json!(1));
    read_until(&mut live[0].response, "Waiting: 1 question before yours.").await;
    answer.begin();
    read_until(&mut live[1].response, "The model was asked and is reading.").await;
    answer.say("one ");
    for one in &mut live {
        read_until(&mut one.response, "one").await;
    }
    let until_the_first_word = chat.gateway.calls_of(WAITING).len();
    tokio::time::sleep(Duration::from_millis(2500)).await;

    assert!(questions <= 2, "{questions} for 21 who look");
    assert_eq!(chat.gateway.calls_of(WAITING).len(), until_the_first_word, "it was said");
    let mut calls = chat.gateway.calls_of(WAITING).into_iter();
    assert!(calls.all(|call| call.header("chappe-on-behalf-of") == answer.owner()));
}

#[tokio::test]
async fn a_page_without_a_script_gets_a_line_for_each_reason_and_not_for_each_number() {
    let (chat, turn, answer) = asked().await;
    tells(&chat, json!("busy"), json!(3));
    let mut page = chat.get(&turn.path()).await;
    let mut seen = read_until(&mut page, "Waiting: 3 questions").await;
    // A script sees the number, and so it has come.
    let mut live = chat.follow(&turn, "").await;
    tells(&chat, json!("busy"), json!(2));
    read_until(&mut live.response, "Waiting: 2 questions").await;
    tells(&chat, json!("no_worker"), json!(2));
    seen += &read_until(&mut page, "no worker serves this model").await;
    tells(&chat, json!("retrying"), Value::Null);
    seen += &read_until(&mut page, "another one takes over").await;
    answer.begin();
    answer.say("one");
    answer.complete();
    seen += &page.text().await.unwrap();

    let expected = [
        "Waiting for a free worker.",
        "Waiting: 3 questions before yours.",
        "Waiting: no worker serves this model at the moment. Your question is kept.",
        "A worker was lost; another one takes over.",
    ];
    let lines = lines(&seen);
    assert_eq!(lines[..4], expected, "{seen}");
    assert!(
        lines[4..].iter().all(|line| line == "The model was asked and is reading."),
        "{lines:?}"
    );
    assert!(text_of(last_answer(&seen)).contains("one"), "{seen}");
    let after = chat.page(&turn.path()).await;
    assert!(!after.contains("class=\"waiting\""), "{after}");
}

#[tokio::test]
async fn a_gateway_that_does_not_know_the_question_is_asked_once_and_nobody_is_told() {
    let (chat, turn, answer) = asked().await;
    chat.gateway.say_to(WAITING, 404, "{}");
    let mut live = chat.follow(&turn, "").await;
    chat.gateway.is_called(WAITING, 1).await;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    answer.say("one");
    answer.complete();

    let mut screen = Screen::default();
    screen.reads(&mut live).await;
    assert_eq!(screen.how.as_deref(), Some("done"));
    assert_eq!(chat.gateway.calls_of(WAITING).len(), 1);
}

#[tokio::test]
async fn a_gateway_that_fails_or_has_too_many_to_answer_is_asked_again() {
    for status in [503, 429] {
        let (chat, turn, _answer) = asked().await;
        chat.gateway.say_to(WAITING, status, "{}");
        let mut live = chat.follow(&turn, "").await;
        chat.gateway.is_called(WAITING, 2).await;

        tells(&chat, json!("no_worker"), Value::Null);

        read_until(&mut live.response, "no worker serves this model").await;
    }
}

#[tokio::test]
async fn nobody_asks_for_an_answer_that_nobody_reads() {
    let (chat, turn, _answer) = asked().await;
    let live = chat.follow(&turn, "").await;
    chat.gateway.is_called(WAITING, 1).await;

    drop(live);
    // One may be on its way, and the reader may not be known to be gone.
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let asked = chat.gateway.calls_of(WAITING).len();
    tokio::time::sleep(Duration::from_millis(2500)).await;

    assert_eq!(chat.gateway.calls_of(WAITING).len(), asked);
}

#[tokio::test]
async fn the_title_says_that_something_is_waited_for_where_a_script_can_take_it_back() {
    let (chat, turn, answer) = asked().await;
    let waiting = chat.with_script().page(&turn.path()).await;
    let mut streamed = chat.get(&turn.path()).await;
    let streamed = read_until(&mut streamed, "</title>").await;
    let mut live = chat.follow(&turn, "").await;
    answer.begin();
    answer.say("one ");
    read_until(&mut live.response, "one").await;

    let spoken = chat.with_script().page(&turn.path()).await;

    assert!(waiting.contains("<title>(waiting) Count. · Chappe</title>"), "{waiting}");
    assert!(waiting.contains("data-title=\"Count. · Chappe\""), "{waiting}");
    for page in [&streamed, &spoken] {
        assert!(page.contains("<title>Count. · Chappe</title>"), "{page}");
    }
}
