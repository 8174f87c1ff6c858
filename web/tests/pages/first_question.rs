//! The first question of a chat that is not taken.

use crate::gateway::Refused;
use crate::support::{ChatPage, field};

const ASK: &str = "POST /v1/responses";

/// How many chats are listed.
async fn listed(chat: &ChatPage) -> usize {
    chat.page("/chats").await.matches("aria-label=\"Rename ").count()
}

#[tokio::test]
async fn a_first_question_that_was_not_taken_leaves_no_chat_whoever_said_so() {
    let chat = ChatPage::open();
    let home = chat.page("/").await;

    // Somebody in between, who does not know what became of it.
    chat.gateway.refuse_next(ASK, Refused::new(504, "", "Nobody answered."));
    let back = chat.ask_in(&home, &[("prompt", "Why?")]).await;
    assert_eq!(back.status(), 504);
    assert_eq!(listed(&chat).await, 0, "it is known not to be there");
    let back = back.text().await.unwrap();
    assert_ne!(field(&back, "once"), field(&home, "once"), "nothing is there to be read again");
    assert_eq!(chat.ask_in(&back, &[("prompt", "Why?")]).await.status(), 303);
    assert_eq!((listed(&chat).await, chat.gateway.answers().len()), (1, 1));
}

#[tokio::test]
async fn a_chat_that_was_begun_though_nobody_heard_of_it_is_not_left_empty() {
    let chat = ChatPage::open();
    let home = chat.page("/").await;

    chat.gateway.lose_next("POST /v1/conversations");
    let back = chat.ask_in(&home, &[("prompt", "Why?")]).await;

    assert_eq!((back.status().as_u16(), listed(&chat).await), (502, 0));
}

#[tokio::test]
async fn a_chat_that_is_left_empty_is_deleted_once_its_gateway_can() {
    const DELETE: &str = "DELETE /v1/conversations/{id}";
    let chat = ChatPage::open();
    let home = chat.page("/").await;
    for request in [ASK, DELETE] {
        let away = Refused::new(503, "queue_unavailable", "Later.");
        chat.gateway.refuse_next(request, away);
    }

    let back = chat.ask_in(&home, &[("prompt", "Why?")]).await;

    assert_eq!(back.status(), 503);
    chat.gateway.is_called(DELETE, 2).await;
    assert_eq!(listed(&chat).await, 0);
}

#[tokio::test]
async fn a_first_question_that_is_too_long_is_not_called_a_conversation() {
    let chat = ChatPage::open();
    let turn = chat.ask("a").await;
    let file: &[(&str, &[u8])] = &[("a.txt", b"a")];
    let too_large = || Refused::new(413, "request_too_large", "No.");

    for (conversation, what) in [("", "message"), (&*turn.conversation, "conversation")] {
        let form = [("model", "simulator"), ("prompt", "Why?"), ("conversation", conversation)];
        for files in [&[], file] {
            chat.gateway.refuse_next(ASK, too_large());
            let back = chat.send_files(&form, files).await;
            assert_eq!(back.status(), 413, "{what}");
            let page = back.text().await.unwrap();
            let alert =
                page.split_once("role=\"alert\">").unwrap().1.split_once("<form").unwrap().0;
            assert!(alert.contains(&format!("{what} is too long to be sent")), "{alert}");
            assert_eq!(alert.contains("Start a new chat"), what == "conversation", "{alert}");
        }
    }
}
