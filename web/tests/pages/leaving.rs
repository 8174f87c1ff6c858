//! Readers who stop an answer, leave it, or are left by the server.

use openai_api::responses::Status;
use reqwest::Response;

use crate::gateway::{Answering, Gateway};
use crate::reader::Turn;
use crate::screen::{Live, Screen, last_answer, text_of};
use crate::support::{ChatPage, read_until};

/// A question whose answer has begun.
async fn begun() -> (ChatPage, Turn, Answering) {
    let gateway = Gateway::that_waits();
    let chat = ChatPage::before(&gateway);
    let turn = chat.ask("Count.").await;
    let answer = gateway.next_answer().await;
    answer.begin();
    answer.say("one two three ");
    (chat, turn, answer)
}

/// Readers without a script and with one, who have read its first words.
async fn readers(chat: &ChatPage, turn: &Turn) -> (Response, Live, Screen) {
    let mut page = chat.get(&turn.path()).await;
    read_until(&mut page, "one two ").await;
    let mut events = chat.follow(turn, "").await;
    let mut screen = Screen::default();
    screen.reads_until("one two ", &mut events).await;
    (page, events, screen)
}

#[tokio::test]
async fn an_answer_is_sent_while_it_is_written_and_goes_on_when_its_readers_leave() {
    let (chat, turn, answer) = begun().await;

    let mut page = chat.get(&turn.path()).await;
    let mut events = chat.follow(&turn, "").await;
    for response in [&page, &events.response] {
        assert_eq!(response.headers()["cache-control"], "no-store, no-transform");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
    }
    read_until(&mut page, "one two ").await;
    Screen::default().reads_until("one two ", &mut events).await;
    drop((page, events));

    answer.say("four");
    assert_eq!(answer.status(), Status::InProgress);
    answer.complete();
    assert_eq!(chat.gateway.calls_of("POST /v1/responses/{id}/cancel").len(), 0);
    let page = chat.page(&turn.path()).await;
    assert!(text_of(last_answer(&page)).starts_with("one two three four"), "{page}");
}

#[tokio::test]
async fn a_form_stops_the_answer_and_what_was_said_stays() {
    let (chat, turn, answer) = begun().await;
    let page = chat.with_script().page(&turn.path()).await;
    let stop = turn.below("stop");
    assert!(page.contains(&format!("formaction=\"{stop}\"")), "{page}");

    let to = chat.go(&stop, &[("answer", &turn.response)]).await;

    assert_eq!(answer.ended().await, Status::Cancelled);
    assert_eq!(Turn::at(&to), turn);
    let page = chat.page(&turn.path()).await;
    let said = last_answer(&page);
    assert!(text_of(said).starts_with("one two three"), "{page}");
    assert!(said.contains("<p class=\"note\">Stopped.</p>"), "{page}");
    assert!(said.contains("name=\"go_on\""), "{page}");
    let next = chat.ask_after(&turn, "And?").await;
    let next = chat.with_script().page(&next.path()).await;
    assert!(next.contains("<p class=\"note\">Stopped.</p>"), "it stays said: {next}");
    // Twice is once.
    chat.go(&stop, &[("answer", &turn.response)]).await;
}

#[tokio::test]
async fn all_who_read_an_answer_see_that_it_was_stopped() {
    let (chat, turn, _answer) = begun().await;
    let (page, mut events, mut screen) = readers(&chat, &turn).await;

    chat.go(&turn.below("stop"), &[("answer", &turn.response)]).await;

    let rest = page.text().await.unwrap();
    assert!(rest.contains("Stopped.") && rest.ends_with("</html>\n"), "{rest}");
    assert!(rest.contains("id=\"composer\""), "{rest}");
    screen.reads(&mut events).await;
    assert_eq!(screen.how.as_deref(), Some("stopped"));
    assert_eq!(screen.over(), last_answer(&chat.page(&turn.path()).await));
}

#[tokio::test]
async fn an_answer_that_is_not_there_cannot_be_stopped() {
    let (chat, turn, answer) = begun().await;

    for (path, answer, status) in [
        (turn.below("stop"), "resp_00000000000000000000000000009999", 404),
        (turn.below("stop"), "nonsense", 400),
        ("/c/nonsense/stop".to_owned(), &*turn.response, 404),
    ] {
        let refused = chat.send(&path, &[("answer", answer)]).await;
        assert_eq!(refused.status(), status, "{path} {answer}");
        assert!(refused.text().await.unwrap().contains("role=\"alert\"><p>"));
    }
    assert_eq!(answer.status(), Status::InProgress);
}

#[tokio::test]
async fn a_server_that_ends_says_so_and_the_answer_goes_on() {
    let (chat, turn, answer) = begun().await;
    let (page, mut events, mut screen) = readers(&chat, &turn).await;

    chat.shutdown.request();
    let rest = page.text().await.unwrap();
    screen.reads(&mut events).await;
    chat.close().await;

    assert!(rest.contains("being restarted; the answer goes on"), "{rest}");
    assert!(rest.ends_with("</html>\n"), "{rest}");
    assert_eq!(screen.how, None, "it has not ended");
    assert_eq!(answer.status(), Status::InProgress);
}

#[tokio::test]
async fn a_server_that_ends_sends_scripts_away_and_waits_for_answers_that_end_soon() {
    let (chat, turn, answer) = begun().await;
    let (page, mut events, mut screen) = readers(&chat, &turn).await;

    chat.shutdown.request();
    // A script comes again by itself: it is not waited for.
    screen.reads(&mut events).await;
    answer.say("four");
    answer.complete();
    let rest = page.text().await.unwrap();
    chat.close().await;

    assert_eq!(screen.how, None, "it has not ended");
    assert!(text_of(&rest).contains("four") && !rest.contains("restarted"), "{rest}");
    assert!(rest.ends_with("</html>\n"), "{rest}");
}

#[tokio::test]
async fn whoever_reads_an_answer_whose_chat_is_deleted_is_told_that_and_offered_nothing() {
    let (chat, turn, answer) = begun().await;
    let (page, mut events, mut screen) = readers(&chat, &turn).await;

    chat.go(&turn.below("delete"), &[]).await;

    assert_eq!(answer.ended().await, Status::Cancelled);
    screen.reads(&mut events).await;
    assert_eq!(screen.how.as_deref(), Some("failed"));
    let rest = page.text().await.unwrap();
    for seen in [&screen.over(), &rest] {
        let text = text_of(seen);
        assert!(text.contains("this chat was deleted."), "{seen}");
        assert!(!text.contains("Stopped.") && !text.contains("not kept"), "{seen}");
        assert!(!seen.contains("name=\"again\"") && !seen.contains("data-copy=\"\""), "{seen}");
        assert!(!seen.contains("class=\"rate\""), "{seen}");
    }
}
