//! What belongs to somebody else, what nobody has, and forms that other sites send.

use openai_api::responses::Status;

use crate::gateway::Gateway;
use crate::reader::{Reader, Turn};
use crate::screen::Screen;
use crate::support::ChatPage;

/// Nobody has these.
const CONVERSATION: &str = "conv_00000000000000000000000000009999";
const RESPONSE: &str = "resp_00000000000000000000000000009999";

/// Everything that can be asked about a turn.
fn addresses(turn: &Turn) -> Vec<String> {
    vec![
        turn.path(),
        format!("/c/{}", turn.conversation),
        turn.below("rename"),
        turn.below("delete"),
        turn.below("export/markdown"),
        turn.below("export/json"),
    ]
}

async fn sees_nothing(reader: &Reader, turn: &Turn, secret: &str) {
    for path in addresses(turn) {
        let page = reader.get(&path).await;
        assert_eq!(page.status(), 404, "{path}");
        let page = page.text().await.unwrap();
        assert!(page.contains("no such chat") && !page.contains(secret), "{path}: {page}");
    }
    let live = reader.get(&turn.live()).await;
    assert!(!live.text().await.unwrap().contains(secret));
}

#[tokio::test]
async fn what_somebody_else_has_is_not_there_and_looks_like_what_nobody_has() {
    let gateway = Gateway::that_waits();
    let chat = ChatPage::before(&gateway);
    let turn = chat.ask("My secret").await;
    let answer = gateway.next_answer().await;
    answer.begin();
    answer.say("A secret answer");
    let other = chat.another_reader();
    let nobodys = Turn { conversation: CONVERSATION.into(), response: RESPONSE.into() };

    sees_nothing(&other, &turn, "secret").await;
    sees_nothing(&other, &nobodys, "secret").await;
    for (path, fields) in [
        (turn.below("stop"), vec![("answer", &*turn.response)]),
        (turn.below("rename"), vec![("title", "Mine")]),
    ] {
        let refused = other.send(&path, &fields).await;
        assert_eq!(refused.status(), 404, "{path}");
        assert!(!refused.text().await.unwrap().contains("secret"), "{path}");
    }
    other.send(&turn.below("delete"), &[]).await;
    for more in [
        vec![("prompt", "Tell me.")],
        vec![("again", &*turn.response)],
        vec![("go_on", &*turn.response)],
        vec![("prompt", "x"), ("after", &*turn.response)],
    ] {
        let mut fields = vec![("model", "simulator"), ("conversation", &*turn.conversation)];
        fields.extend_from_slice(&more);
        let refused = other.send("/chat", &fields).await;
        assert_eq!(refused.status(), 404, "{more:?}");
        assert!(!refused.text().await.unwrap().contains("secret"), "{more:?}");
    }

    assert_eq!(answer.status(), Status::InProgress, "nothing was stopped");
    assert_eq!(gateway.answers().len(), 1, "nothing was asked");
    answer.complete();
    assert!(chat.page(&turn.path()).await.contains("A secret answer"), "nothing was deleted");
    assert!(chat.page(&turn.path()).await.contains("<title>My secret"), "nothing was renamed");
}

#[tokio::test]
async fn an_answer_that_its_owner_reads_is_shared_with_nobody_else() {
    let gateway = Gateway::that_waits();
    let chat = ChatPage::before(&gateway);
    let turn = chat.ask("My secret").await;
    let answer = gateway.next_answer().await;
    answer.begin();
    answer.say("A secret answer ");
    let mut events = chat.follow(&turn, "").await;
    Screen::default().reads_until("secret", &mut events).await;

    let other = chat.another_reader();
    let live = other.get(&turn.live()).await;

    let status = live.status();
    let text = live.text().await.unwrap();
    assert!(!text.contains("secret"), "{text}");
    assert_eq!(status, 404, "{text}");
    assert_eq!(answer.status(), Status::InProgress);
}

#[tokio::test]
async fn a_session_that_is_over_gives_the_question_back_and_shows_nothing() {
    let chat = ChatPage::open();
    let turn = chat.ask("My secret").await;
    let page = chat.page(&turn.path()).await;
    // The cookie has expired: the browser sends another one.
    let expired = chat.another_reader();

    let back = expired.ask_in(&page, &[("prompt", "What I wrote\nfor long")]).await;

    assert_eq!(back.status(), 404);
    let back = back.text().await.unwrap();
    assert!(back.contains(">What I wrote\nfor long</textarea>"), "{back}");
    assert!(!back.contains("secret"), "{back}");
    let again = expired.ask_in(&back, &[("prompt", "What I wrote\nfor long")]).await;
    assert_eq!(again.status(), 303, "what was given back can be sent");
}

#[tokio::test]
async fn another_site_sends_no_form_of_ours() {
    let gateway = Gateway::that_waits();
    let chat = ChatPage::before(&gateway);
    let turn = chat.ask("Mine").await;
    let calls = gateway.calls().len();

    for path in [
        "/chat".to_owned(),
        "/look".to_owned(),
        "/chats/delete".to_owned(),
        turn.below("stop"),
        turn.below("rename"),
        turn.below("delete"),
    ] {
        for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")]
        {
            let forged = chat.request("POST", &path).header(name, value);
            let forged = forged.header("content-type", "application/x-www-form-urlencoded");
            let forged = forged.body(format!("prompt=x&title=x&answer={}", turn.response));
            let refused = forged.send().await.unwrap();
            assert_eq!(refused.status(), 403, "{path} {name}");
            assert!(refused.text().await.unwrap().contains("another site"), "{path}");
        }
    }
    let asked: Vec<_> = gateway.calls().split_off(calls);
    assert!(asked.iter().all(|call| call.path == "/v1/models"), "nothing was done");
}

#[tokio::test]
async fn addresses_that_name_nothing_are_no_pages() {
    let chat = ChatPage::open();
    let turn = chat.ask("Why?").await;

    for path in [
        "/c/".to_owned(),
        "/c/nonsense".to_owned(),
        "/c/..%2fv1%2fmodels".to_owned(),
        format!("/c/{}?at=nonsense", turn.conversation),
        format!("/c/{}?at={RESPONSE}", turn.conversation),
        format!("/c/{}?before={RESPONSE}", turn.conversation),
        turn.below("nowhere"),
        turn.below("live/nonsense"),
        "/c/nonsense/export/json".to_owned(),
    ] {
        let page = chat.get(&path).await;
        assert!(matches!(page.status().as_u16(), 400 | 404), "{path}: {}", page.status());
        assert!(page.text().await.unwrap().contains("role=\"alert\"><p>"), "{path}");
    }
    for call in chat.gateway.calls() {
        assert!(!call.path.contains("nonsense") && !call.path.contains(".."), "{}", call.path);
    }
    // Addresses of forms that are opened again lead to where they were.
    let back = chat.get(&turn.below("stop")).await;
    assert_eq!(back.headers()["location"], format!("/c/{}", turn.conversation));
}

#[tokio::test]
async fn an_answer_is_read_and_stopped_in_its_own_chat_alone() {
    let gateway = Gateway::that_waits();
    let chat = ChatPage::before(&gateway);
    let (one, other) = (chat.ask("a").await, chat.ask("b").await);
    let mixed = Turn { conversation: one.conversation.clone(), ..other.clone() };

    // Where it is followed, and where nothing is known of it.
    for page in [&chat, &ChatPage::before(&gateway)] {
        let reader = chat.at(&page.url);
        let live = reader.get(&mixed.live()).await;
        assert_eq!(live.status(), 404);
        assert!(live.text().await.unwrap().contains("no such chat"));
        let stopped = reader.send(&mixed.below("stop"), &[("answer", &other.response)]).await;
        assert_eq!(stopped.status(), 404);
        assert!(stopped.text().await.unwrap().contains("no such chat"));
    }
    for answer in gateway.answers() {
        assert_eq!(answer.status(), Status::Queued, "nothing was stopped");
    }
    // In its own chat it is read and stopped, wherever nothing is known of it.
    let elsewhere = ChatPage::before(&gateway);
    let reader = chat.at(&elsewhere.url);
    assert_eq!(reader.get(&other.live()).await.status(), 200);
    reader.go(&one.below("stop"), &[("answer", &one.response)]).await;
    assert_eq!(gateway.next_answer().await.ended().await, Status::Cancelled);
}
