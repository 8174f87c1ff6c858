//! What goes wrong, in words, with a status.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::gateway::{Gateway, Piece, Refused, Script};
use crate::reader::Turn;
use crate::screen::last_answer;
use crate::support::{ChatPage, field};

const ASK: &str = "POST /v1/responses";

#[tokio::test]
async fn a_refusal_is_a_status_words_and_the_question_back_in_its_box() {
    let chat = ChatPage::open();
    let turn = chat.ask("a").await;
    let page = chat.page(&turn.path()).await;

    for (status, code, expected, words) in [
        (400, "context_length_exceeded", 400, "too long"),
        (404, "model_not_found", 404, "no such model"),
        (400, "conversation_locked", 409, "still being written"),
        (429, "rate_limit_exceeded", 429, "in 7 seconds"),
        (503, "server_is_overloaded", 503, "in 7 seconds"),
        (500, "internal_error", 502, "error"),
    ] {
        for whole in ["/", &turn.path()] {
            let refused = Refused::new(status, code, "No.");
            let again = matches!(status, 429 | 503);
            let refused = if again { refused.come_again(7) } else { refused };
            chat.gateway.refuse_next(ASK, refused);
            let from = if whole == "/" { chat.page("/").await } else { page.clone() };

            let prompt = [("prompt", "Why?\n<b>"), ("instructions", "Be brief.")];
            let answer = chat.ask_in(&from, &prompt).await;

            assert_eq!(answer.status(), expected, "{code}");
            assert_eq!(answer.headers().contains_key("retry-after"), again, "{code}");
            let back = answer.text().await.unwrap();
            let (_, alert) = back.split_once("role=\"alert\">").unwrap();
            assert!(
                alert.split_once("<form").map_or(alert, |it| it.0).contains(words),
                "{code}: {back}"
            );
            assert!(back.contains("Why?\n&lt;b&gt;</textarea>"), "{code}: {back}");
            assert!(back.contains("Be brief.</textarea>"), "{code}: {back}");
            assert_eq!(field(&back, "conversation"), field(&from, "conversation"), "{code}");
            assert_eq!(field(&back, "after"), field(&from, "after"), "{code}");
        }
    }
    let list = chat.page("/chats").await;
    assert_eq!(list.matches("href=\"/c/").count(), 3, "no empty chat is left: {list}");
    assert_eq!(chat.gateway.answers().len(), 1);
}

#[tokio::test]
async fn what_was_accepted_though_nobody_heard_of_it_is_not_asked_twice() {
    let chat = ChatPage::open();
    let turn = chat.ask("a").await;

    for from in ["/".to_owned(), turn.path()] {
        let before = chat.gateway.answers().len();
        let page = chat.page(&from).await;
        chat.gateway.lose_next(ASK);
        let back = chat.ask_in(&page, &[("prompt", "Why?")]).await;
        assert_eq!(back.status(), 502, "{from}");
        let back = back.text().await.unwrap();
        assert!(back.contains(">Why?</textarea>"), "{back}");

        let sent = chat.ask_in(&back, &[("prompt", "Why?")]).await;

        assert_eq!(sent.status(), 303, "{from}");
        let turn = Turn::at(sent.headers()["location"].to_str().unwrap());
        assert_eq!(chat.gateway.answers().len(), before + 1, "{from}");
        assert_eq!(chat.gateway.answers()[before].id(), turn.response);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_kept_and_said_to_be_broken() {
    let gateway = Gateway::start();
    let pieces = vec![Piece::text("one two "), Piece::Fail("worker_lost", "Gone.")];
    gateway.answers_by(Script::Says(pieces));
    let chat = ChatPage::before(&gateway);
    let turn = chat.ask("Count.").await;

    let page = chat.page(&turn.path()).await;
    let said = last_answer(&page);
    assert!(said.contains("one two") && said.contains("Interrupted: "), "{page}");

    // It stays said, and no model is told.
    gateway.answers_by(Script::Echo);
    let next = chat.ask_after(&turn, "And?").await;
    let next = chat.page(&next.path()).await;
    assert_eq!(next.matches("Interrupted: ").count(), 1, "{next}");
    let told: Vec<_> = gateway.answers()[1].told().into_iter().map(|(_, text)| text).collect();
    assert_eq!(told, ["Count.", "And?"]);
}

#[tokio::test]
async fn without_a_gateway_the_page_is_there_and_says_so() {
    let chat = ChatPage::without_gateway().await;

    let home = chat.get("/").await;
    assert_eq!(home.status(), 200);
    assert!(home.text().await.unwrap().contains("cannot be reached"));

    let answer = chat.send("/chat", &[("prompt", "Why?"), ("model", "simulator")]).await;
    assert_eq!(answer.status(), 502);
    let answer = answer.text().await.unwrap();
    assert!(
        answer.contains("cannot be reached") && answer.contains(">Why?</textarea>"),
        "{answer}"
    );
    for path in ["/chats", "/c/conv_1", "/c/conv_1/rename", "/c/conv_1/export/json"] {
        let page = chat.get(path).await;
        assert_eq!(page.status(), 502, "{path}");
        assert!(page.text().await.unwrap().contains("cannot be reached"), "{path}");
    }

    let ready = chat.browser.get(format!("{}/readyz", chat.health_url)).send().await.unwrap();
    assert_eq!(ready.status(), 200);
}

#[tokio::test]
async fn a_question_in_a_chat_is_given_back_while_the_gateway_is_away_and_taken_when_it_is_back() {
    let chat = ChatPage::open();
    let turn = chat.ask("a").await;
    let page = chat.page(&turn.path()).await;
    chat.gateway.die().await;

    let back = chat.ask_in(&page, &[("prompt", "Why?")]).await;
    assert_eq!(back.status(), 502);
    let back = back.text().await.unwrap();
    assert!(back.contains(">Why?</textarea>"), "{back}");
    chat.gateway.come_back();
    let sent = chat.ask_in(&back, &[("prompt", "Why?")]).await;

    assert_eq!(sent.status(), 303);
    assert_eq!(chat.gateway.answers()[1].told().len(), 3, "it stands where it was written");
}

#[tokio::test]
async fn a_gateway_that_dies_while_it_is_asked_gives_the_question_back() {
    let chat = ChatPage::open();
    let home = chat.page("/").await;
    chat.gateway.hold(ASK);

    let question = [("prompt", "Why?")];
    let asking = chat.ask_in(&home, &question);
    let dying = async {
        chat.gateway.is_called(ASK, 1).await;
        chat.gateway.die().await;
        chat.gateway.release();
    };
    let (back, ()) = tokio::join!(asking, dying);

    assert_eq!(back.status(), 502);
    let back = back.text().await.unwrap();
    assert!(back.contains(">Why?</textarea>"), "{back}");
    chat.gateway.come_back();
    assert_eq!(chat.ask_in(&back, &question).await.status(), 303);
    assert_eq!(chat.gateway.answers().len(), 1);
    let list = chat.page("/chats").await;
    assert_eq!(list.matches("aria-label=\"Rename ").count(), 1, "no empty chat is left: {list}");
}

#[tokio::test]
async fn a_reader_who_leaves_while_the_gateway_is_asked_finds_the_answer_in_the_list() {
    let chat = ChatPage::open();
    let home = chat.page("/").await;
    chat.gateway.hold(ASK);

    let question = [("prompt", "Why?")];
    tokio::select! {
        _ = chat.ask_in(&home, &question) => panic!("nobody answers"),
        () = chat.gateway.is_called(ASK, 1) => {}
    }
    chat.gateway.release();
    let sent = chat.ask_in(&home, &question).await;

    assert_eq!(sent.status(), 303);
    let turn = Turn::at(sent.headers()["location"].to_str().unwrap());
    assert!(chat.page(&turn.path()).await.contains("You said: Why?"));
    assert_eq!(chat.gateway.answers().len(), 1, "it was asked once");
    let list = chat.page("/chats").await;
    assert_eq!(list.matches("aria-label=\"Rename ").count(), 1, "{list}");
}

#[tokio::test]
async fn forms_that_no_page_of_ours_sends_are_refused_in_words() {
    let chat = ChatPage::open();
    let turn = chat.ask("a").await;
    let posts = chat.gateway.calls_of(ASK).len();

    let good = [("model", "simulator"), ("prompt", "Why?"), ("conversation", &*turn.conversation)];
    for (name, value) in [
        ("conversation", "{"),
        ("conversation", "conv_a/../b"),
        ("after", "resp_"),
        ("after", "conv_1"),
        ("again", "nonsense"),
        ("go_on", "../.."),
    ] {
        let mut fields: Vec<_> = good.into_iter().filter(|(other, _)| *other != name).collect();
        fields.push((name, value));
        let refused = chat.send("/chat", &fields).await;
        assert_eq!(refused.status(), 400, "{name}={value}");
        assert!(refused.text().await.unwrap().contains("cannot be read"), "{name}={value}");
    }
    let empty = chat.send("/chat", &[]).await;
    assert!(matches!(empty.status().as_u16(), 200 | 400), "{}", empty.status());
    let other = chat.request("POST", "/chat").header("content-type", "application/json").body("{}");
    assert_eq!(other.send().await.unwrap().status(), 400);
    let large = "x".repeat(33 * 1024 * 1024);
    let large = chat.send("/chat", &[("prompt", &large)]).await;
    assert_eq!(large.status(), 413);
    assert!(large.text().await.unwrap().contains("too long"));
    assert_eq!(chat.gateway.calls_of(ASK).len(), posts, "nothing was asked");
}

#[tokio::test]
async fn places_that_are_not_in_the_chat_are_refused_and_the_question_is_given_back() {
    let chat = ChatPage::open();
    let (turn, other) = (chat.ask("a").await, chat.ask("b").await);

    for fields in [
        [("conversation", &*turn.conversation), ("after", &*other.response)],
        [("conversation", "conv_00000000000000000000000000009999"), ("after", "")],
        [("conversation", &*turn.conversation), ("again", &*other.response)],
        [("conversation", &*turn.conversation), ("go_on", "resp_00000000000000000000000000009999")],
    ] {
        let mut form = vec![("model", "simulator"), ("prompt", "Why?")];
        form.extend(fields);
        let refused = chat.send("/chat", &form).await;
        assert_eq!(refused.status(), 404, "{fields:?}");
        let page = refused.text().await.unwrap();
        assert!(page.contains(">Why?</textarea>"), "{fields:?}: {page}");
    }
    assert_eq!(chat.gateway.answers().len(), 2);
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
