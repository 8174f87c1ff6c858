//! An answer is read on by whoever comes, whatever breaks on the way: nothing is lost or doubled.

use crate::gateway::{Answering, Cut, Gateway};
use crate::reader::Turn;
use crate::screen::{Live, Screen, last_answer, text_of};
use crate::support::{ChatPage, read_until};

/// A question whose answer has begun: a block that is over, and one that is not.
async fn begun() -> (ChatPage, Turn, Answering) {
    let gateway = Gateway::that_waits();
    let chat = ChatPage::before(&gateway);
    let turn = chat.ask("Count.").await;
    let answer = gateway.next_answer().await;
    answer.begin();
    answer.think("Hm.");
    answer.say("one two\n\nthree ");
    (chat, turn, answer)
}

#[tokio::test]
async fn a_page_that_is_loaded_in_the_middle_has_the_text_so_far_and_goes_on_behind_it() {
    let (chat, turn, answer) = begun().await;
    let reader = chat.with_script();
    Screen::default().reads_until("three", &mut chat.follow(&turn, "").await).await;

    let page = reader.page(&turn.path()).await;
    let mut screen = Screen::of(&page);
    let text = text_of(&page);
    assert!(text.contains("Hm.") && text.contains("one two") && text.contains("three"), "{page}");
    let mut events = reader.follow(&turn, &screen.cursor).await;
    answer.say("four\n\nfive");
    answer.complete();

    screen.reads(&mut events).await;
    assert_eq!(screen.anew, 0, "what the page has counts");
    assert_eq!(screen.over(), last_answer(&reader.page(&turn.path()).await));
}

#[tokio::test]
async fn a_page_without_a_script_has_the_text_so_far_in_its_first_bytes() {
    let (chat, turn, answer) = begun().await;
    Screen::default().reads_until("three", &mut chat.follow(&turn, "").await).await;

    let mut page = chat.get(&turn.path()).await;
    let first = page.chunk().await.unwrap().unwrap();
    let first = String::from_utf8(first.to_vec()).unwrap();
    let seen = text_of(&first);
    assert!(seen.contains("one two") && seen.contains("Hm."), "{first}");
    answer.say("four");
    answer.complete();
    let rest = page.text().await.unwrap();

    let whole = text_of(&format!("{first}{rest}"));
    for words in ["one two", "three four"] {
        assert_eq!(whole.matches(words).count(), 1, "{words}: {whole}");
    }
}

#[tokio::test]
async fn a_web_that_knows_nothing_of_an_answer_waits_a_moment_for_what_was_said_before() {
    let (chat, turn, _answer) = begun().await;

    // A page does not wait for ever: on a machine with a lot to do, one of them may come too early.
    for _ in 0..5 {
        let another = ChatPage::before(&chat.gateway);
        let page = chat.at(&another.url).with_script().page(&turn.path()).await;
        if text_of(last_answer(&page)).contains("one two") {
            return;
        }
    }
    panic!("no page had the text so far");
}

#[tokio::test]
async fn two_who_read_one_answer_see_the_same_and_the_gateway_is_asked_no_more() {
    let (chat, turn, answer) = begun().await;
    let (mut one, mut other) = (Screen::default(), Screen::default());
    let mut first = chat.follow(&turn, "").await;
    one.reads_until("three", &mut first).await;
    let mut second = chat.follow(&turn, "").await;
    other.reads_until("three", &mut second).await;
    assert_eq!(one.text(), other.text());
    answer.is_read_by(1).await;

    answer.say("four");
    answer.complete();
    one.reads(&mut first).await;
    other.reads(&mut second).await;

    assert_eq!(one.over(), other.over());
    assert_eq!(one.over(), last_answer(&chat.page(&turn.path()).await));
    let streams = chat.gateway.calls_of("GET /v1/responses/{id}");
    assert_eq!(streams.len(), 0, "what asked follows it for all");
}

#[tokio::test]
async fn another_web_goes_on_where_the_first_one_was() {
    let (chat, turn, answer) = begun().await;
    let page = chat.with_script().page(&turn.path()).await;
    let mut screen = Screen::of(&page);
    let mut events = chat.follow(&turn, &screen.cursor).await;
    answer.say("four\n\nfive ");
    screen.reads_until("five", &mut events).await;
    chat.close().await;

    let another = ChatPage::before(&chat.gateway);
    let reader = chat.at(&another.url);
    answer.say("six");
    let mut events = reader.follow(&turn, &screen.cursor).await;
    screen.reads_until("six", &mut events).await;
    assert_eq!(screen.anew, 0, "{screen:?}");
    answer.complete();
    screen.reads(&mut events).await;

    assert_eq!(screen.over(), last_answer(&reader.page(&turn.path()).await));
}

#[tokio::test]
async fn a_gateway_that_dies_and_comes_back_is_read_on() {
    let (chat, turn, answer) = begun().await;
    let mut page = chat.get(&turn.path()).await;
    let mut events = chat.follow(&turn, "").await;
    let mut screen = Screen::default();
    screen.reads_until("three", &mut events).await;

    chat.gateway.die().await;
    answer.say("four\n\nfive ");
    chat.gateway.come_back();
    screen.reads_until("five", &mut events).await;
    answer.is_read_by(1).await;
    chat.gateway.cut(Cut::InWords);
    answer.say("six ");
    screen.reads_until("six", &mut events).await;
    answer.is_read_by(1).await;
    chat.gateway.cut(Cut::Silently);
    answer.say("seven");
    answer.complete();
    screen.reads(&mut events).await;

    let after = chat.page(&turn.path()).await;
    assert_eq!(screen.over(), last_answer(&after));
    assert!(text_of(last_answer(&after)).contains("five six seven\n"), "{after}");
    let streamed = text_of(&read_until(&mut page, "</html>").await);
    for words in ["one two", "three four", "five six seven"] {
        assert_eq!(streamed.matches(words).count(), 1, "{words}: {streamed}");
    }
}

#[tokio::test]
async fn what_another_worker_begins_anew_takes_the_place_of_what_was_said() {
    let (chat, turn, answer) = begun().await;
    let mut page = chat.get(&turn.path()).await;
    read_until(&mut page, "one two").await;
    let mut events = chat.follow(&turn, "").await;
    let mut screen = Screen::default();
    screen.reads_until("three", &mut events).await;

    answer.restart();
    answer.say("uno dos\n\ntres ");
    screen.reads_until("tres", &mut events).await;
    assert!(!screen.text().contains("one two") && !screen.text().contains("Hm."), "{screen:?}");
    assert_eq!(screen.anew, 1);
    // Whoever was away during that is told as well.
    let mut late = Screen::of(&chat.with_script().page(&turn.path()).await);
    answer.complete();
    screen.reads(&mut events).await;
    late.reads(&mut chat.follow(&turn, &late.cursor.clone()).await).await;

    let after = chat.page(&turn.path()).await;
    assert_eq!(screen.over(), last_answer(&after));
    assert_eq!(late.over(), last_answer(&after));
    let rest = page.text().await.unwrap();
    assert!(rest.contains("begun anew") && rest.contains("uno dos"), "{rest}");
}

#[tokio::test]
async fn of_an_answer_that_began_anew_and_failed_without_a_word_nothing_is_left() {
    let (chat, turn, answer) = begun().await;
    let mut events = chat.follow(&turn, "").await;
    let mut screen = Screen::default();
    screen.reads_until("three", &mut events).await;

    answer.restart();
    answer.fail("worker_lost", "Gone.");
    screen.reads(&mut events).await;

    let after = chat.page(&turn.path()).await;
    assert_eq!(screen.over(), last_answer(&after));
}

#[tokio::test]
async fn where_another_worker_goes_on_nothing_is_taken_back() {
    let (chat, turn, answer) = begun().await;
    let mut events = chat.follow(&turn, "").await;
    let mut screen = Screen::default();
    screen.reads_until("three", &mut events).await;

    answer.go_on();
    answer.say("four");
    answer.complete();
    screen.reads(&mut events).await;

    assert_eq!(screen.anew, 0);
    assert_eq!(screen.over(), last_answer(&chat.page(&turn.path()).await));
    assert!(screen.text().contains("three four\n"), "{screen:?}");
}

#[tokio::test]
async fn an_answer_that_ended_while_nobody_read_it_is_followed_to_its_end() {
    let (chat, turn, answer) = begun().await;
    let page = chat.with_script().page(&turn.path()).await;
    answer.complete();

    let mut screen = Screen::of(&page);
    screen.reads(&mut chat.follow(&turn, &screen.cursor.clone()).await).await;

    assert_eq!(screen.how.as_deref(), Some("done"));
    assert_eq!(screen.over(), last_answer(&chat.page(&turn.path()).await));
}

#[tokio::test]
async fn a_cursor_that_fits_nothing_brings_everything() {
    let (chat, turn, answer) = begun().await;
    answer.complete();
    let after = chat.page(&turn.path()).await;

    for cursor in
        ["9.9.9", "0.999.0", "0.0.1000000", "x", "0.1", "18446744073709551616.0.0", "-1.0.0"]
    {
        let mut screen = Screen::default();
        screen.reads(&mut chat.follow(&turn, cursor).await).await;
        assert_eq!(screen.over(), last_answer(&after), "{cursor}");
        let header = chat.request("GET", &turn.live()).header("last-event-id", cursor);
        let mut screen = Screen::default();
        screen.reads(&mut Live::of(header.send().await.unwrap())).await;
        assert_eq!(screen.over(), last_answer(&after), "{cursor}");
    }
}
