//! An answer is followed over the connection that asked for it, to its end, whoever reads it.

use std::time::Duration;

use serde_json::json;

use crate::gateway::{Cut, Gateway};
use crate::reader::Turn;
use crate::screen::{Live, Screen, last_answer, text_of};
use crate::support::ChatPage;

const ASK: &str = "POST /v1/responses";
const FOLLOW: &str = "GET /v1/responses/{id}";
const TURNS: &str = "GET /v1/conversations/{id}/turns";
/// Longer than an answer is followed that was not asked for here and that nobody reads.
const LONG: Duration = Duration::from_secs(13);

fn waiting() -> (Gateway, ChatPage) {
    let gateway = Gateway::that_waits();
    let chat = ChatPage::before(&gateway);
    (gateway, chat)
}

/// What the page tells of a counter.
async fn counted(chat: &ChatPage, name: &str) -> u64 {
    let metrics = chat.browser.get(format!("{}/metrics", chat.health_url)).send().await.unwrap();
    let metrics = metrics.text().await.unwrap();
    let line = metrics.lines().find(|line| line.starts_with(name));
    let line = line.unwrap_or_else(|| panic!("{name}: {metrics}"));
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn what_nobody_opens_is_read_to_its_end_and_what_was_asked_elsewhere_is_let_go() {
    let (gateway, chat) = waiting();
    let elsewhere = ChatPage::before(&gateway);
    let here = chat.ask("a").await;
    let there = elsewhere.ask("b").await;
    let (one, other) = (gateway.next_answer().await, gateway.next_answer().await);
    drop(chat.at(&elsewhere.url).follow(&here, "").await);
    drop(elsewhere.at(&chat.url).follow(&there, "").await);
    one.is_read_by(2).await;
    other.is_read_by(2).await;

    tokio::time::sleep(LONG).await;

    one.is_read_by(1).await;
    other.is_read_by(1).await;
    one.say("one two");
    one.complete();
    one.is_read_by(0).await;
    assert!(text_of(last_answer(&chat.page(&here.path()).await)).contains("one two"));
    assert_eq!(gateway.calls_of(FOLLOW).len(), 2, "those elsewhere");
}

#[tokio::test]
async fn where_its_connection_breaks_it_is_read_on_behind_the_last_event() {
    let (gateway, chat) = waiting();
    for how in [Cut::Silently, Cut::InWords] {
        let turn = chat.ask("Count.").await;
        let answer = gateway.next_answer().await;
        answer.begin();
        answer.say("one ");
        let (mut screen, mut events) = (Screen::default(), chat.follow(&turn, "").await);
        screen.reads_until("one", &mut events).await;
        answer.is_read_by(1).await;

        gateway.cut(how);
        answer.is_read_by(0).await;
        answer.say("two");
        answer.complete();
        screen.reads(&mut events).await;

        assert_eq!(screen.over(), last_answer(&chat.page(&turn.path()).await));
        let again = gateway.calls_of(FOLLOW).pop().unwrap();
        assert_eq!(again.query, "stream=true&starting_after=5");
    }
}

#[tokio::test]
async fn a_connection_that_breaks_before_the_first_event_gives_the_question_back() {
    let (gateway, chat) = waiting();
    let page = chat.page("/").await;
    gateway.breaks_after([20]);
    let back = chat.ask_in(&page, &[("prompt", "Why?")]).await;
    assert_eq!(back.status(), 502);
    let back = back.text().await.unwrap();
    let answer = gateway.next_answer().await;
    answer.begin();
    answer.say("Because ");

    // It was taken all the same: the same form is told so, and reads from the first event.
    let sent = chat.ask_in(&back, &[("prompt", "Why?")]).await;
    let turn = Turn::at(sent.headers()["location"].to_str().unwrap());
    answer.say("so.");
    answer.complete();

    assert_eq!((gateway.answers().len(), answer.id()), (1, &*turn.response));
    let page = chat.page(&turn.path()).await;
    assert!(text_of(last_answer(&page)).contains("Because so."), "{page}");
    assert_eq!(gateway.calls_of(FOLLOW).len(), 0);
}

#[tokio::test]
async fn a_form_that_is_sent_twice_is_followed_once() {
    let (gateway, chat) = waiting();
    let home = chat.page("/").await;
    let first = chat.ask_in(&home, &[("prompt", "Why?")]).await;
    let answer = gateway.next_answer().await;
    let (mut screen, turn) =
        (Screen::default(), Turn::at(first.headers()["location"].to_str().unwrap()));
    let mut events = chat.follow(&turn, "").await;

    let second = chat.ask_in(&home, &[("prompt", "Why?")]).await;

    assert_eq!(second.headers()["location"], first.headers()["location"]);
    answer.is_read_by(1).await;
    answer.say("one two");
    answer.complete();
    screen.reads(&mut events).await;
    assert_eq!(screen.text().matches("one two").count(), 1, "{screen:?}");
}

#[tokio::test]
async fn what_is_no_stream_of_events_is_no_answer_of_a_gateway() {
    let (gateway, chat) = waiting();
    let page = chat.page("/").await;
    let whole = json!({"id": "resp_1", "object": "response", "status": "queued"});
    gateway.say_to(ASK, 200, whole);

    let back = chat.ask_in(&page, &[("prompt", "Why?")]).await;

    assert_eq!(back.status(), 502);
    let back = back.text().await.unwrap();
    assert!(back.contains("says nothing that one says"), "{back}");
    assert!(back.contains(">Why?</textarea>"), "{back}");
}

#[tokio::test]
async fn of_more_answers_than_are_followed_at_once_readers_are_told_and_the_answer_is_written() {
    let gateway = Gateway::that_waits();
    let chat = ChatPage::at(&gateway, &[("WEB_MOST_ANSWERS", "1")]);
    let (first, second) = (chat.ask("a").await, chat.ask("b").await);
    let (one, other) = (gateway.next_answer().await, gateway.next_answer().await);
    one.is_read_by(1).await;
    other.is_read_by(0).await;
    other.say("two three");

    let live = chat.get(&second.live()).await;
    assert_eq!(
        (live.status().as_u16(), &live.headers()["retry-after"]),
        (503, &"2".parse().unwrap())
    );
    let page = chat.get(&second.path()).await;
    assert_eq!(page.status(), 503);
    let page = page.text().await.unwrap();
    assert!(page.contains("cannot be shown yet") && page.contains("still being written"), "{page}");
    let page = chat.with_script().page(&second.path()).await;
    assert!(page.contains("cannot be shown yet") && page.contains("data-live="), "{page}");
    assert!(page.contains("<p class=\"waiting\""), "the script has a line to say why: {page}");
    assert_eq!(chat.with_script().get(&first.path()).await.status(), 200, "that one is followed");
    assert_eq!(gateway.calls_of(FOLLOW).len(), 0);
    assert_eq!(counted(&chat, "app_answers_refused_total").await, 3);
    assert_eq!(counted(&chat, "app_answers_let_go_total").await, 2, "neither is without a reader");

    one.complete();
    one.is_read_by(0).await;
    let cursor = Screen::of(&page).cursor;
    let mut screen = Screen::default();
    let mut events = loop {
        // It has told its readers of the end, and is gone a moment later.
        let live = chat.get(&format!("{}?from={cursor}", second.live())).await;
        if live.status() == 200 {
            break Live::of(live);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    };
    screen.reads_until("two three", &mut events).await;
    other.complete();
    screen.reads(&mut events).await;
    assert_eq!(screen.over(), last_answer(&chat.page(&second.path()).await));
}

#[tokio::test]
async fn answers_that_nobody_reads_leave_places_for_readers() {
    let gateway = Gateway::that_waits();
    let chat = ChatPage::at(&gateway, &[("WEB_MOST_ANSWERS", "2")]);
    assert_eq!(counted(&chat, "app_answers_let_go_total").await, 0, "told from the beginning");
    chat.ask("a").await;
    let one = gateway.next_answer().await;
    chat.ask("b").await;
    let other = gateway.next_answer().await;
    one.is_read_by(1).await;
    other.is_read_by(1).await;

    // A moment after it was asked for, the older one is let go.
    one.is_read_by(0).await;
    assert_eq!(counted(&chat, "app_answers_let_go_total").await, 1);

    let last = chat.ask("c").await;
    assert_eq!(chat.get(&last.live()).await.status(), 200);
    assert_eq!(counted(&chat, "app_answers_refused_total").await, 0);
}

#[tokio::test]
async fn names_that_somebody_makes_up_take_no_places() {
    let gateway = Gateway::that_waits();
    let chat = ChatPage::at(&gateway, &[("WEB_MOST_ANSWERS", "1")]);
    let elsewhere = ChatPage::before(&gateway);
    let turn = elsewhere.ask("Why?").await;
    let reader = elsewhere.at(&chat.url);
    // Whether they are there is not known yet.
    gateway.hold(FOLLOW);
    gateway.hold(TURNS);
    let status = async |path: String| reader.get(&path).await.status();
    let made_up =
        (9_000..9_020).map(|number| status(turn.below(&format!("live/resp_{number:032}"))));
    let made_up = futures::future::join_all(made_up);
    let there = async {
        let all_are_asked_for = gateway.is_called(TURNS, 20);
        tokio::time::timeout(LONG, all_are_asked_for).await.expect("no place is needed for that");
        let then = async {
            gateway.is_called(TURNS, 21).await;
            gateway.release();
        };
        tokio::join!(status(turn.live()), then).0
    };

    let (made_up, there) = tokio::join!(made_up, there);

    assert_eq!(there, 200);
    assert_eq!(made_up, [404; 20]);
}
