//! A chat as a file: one branch of it, written while it is read.

use serde_json::Value;

use crate::gateway::{Gateway, Piece, Refused, Script};
use crate::support::ChatPage;

#[tokio::test]
async fn a_chat_is_exported_as_markdown_and_json_as_it_was_written() {
    let gateway = Gateway::start();
    let text = "# So\n\n*Because* of <b> & \u{1f41d}.";
    gateway.answers_by(Script::Says(vec![Piece::text(text), Piece::Complete]));
    let chat = ChatPage::before(&gateway);
    let mut turn = chat.ask("Why?\nTell me.").await;
    for number in 0..120 {
        turn = chat.ask_after(&turn, &format!("And {number}?")).await;
    }

    let markdown = chat.get(&turn.below("export/markdown")).await;
    let json = chat.get(&turn.below("export/json")).await;

    for (file, kind, ending) in
        [(&markdown, "text/markdown", "md"), (&json, "application/json", "json")]
    {
        assert_eq!(file.status(), 200);
        assert!(file.headers()["content-type"].to_str().unwrap().starts_with(kind));
        let disposition = file.headers()["content-disposition"].to_str().unwrap();
        let expected = format!("attachment; filename=\"why-tell-me.{ending}\"");
        assert_eq!(disposition, expected, "it is called as the chat");
    }
    let markdown = markdown.text().await.unwrap();
    assert!(markdown.starts_with("# Why? Tell me.\n"), "{markdown}");
    assert_eq!(markdown.matches(text).count(), 121);
    let json: Value = serde_json::from_str(&json.text().await.unwrap()).unwrap();
    let turns = json["turns"].as_array().unwrap();
    assert_eq!(turns.len(), 121);
    assert_eq!(
        (&turns[0]["question"], &turns[0]["answer"]),
        (&"Why?\nTell me.".into(), &text.into())
    );
    assert_eq!(turns[120]["question"], "And 119?");
    assert_eq!(json["id"], turn.conversation.as_str());
    assert_eq!(chat.get(&turn.below("export/pdf")).await.status(), 404);
}

#[tokio::test]
async fn the_branch_that_is_shown_is_the_one_that_is_exported() {
    let chat = ChatPage::open();
    let first = chat.ask("a").await;
    let old = chat.ask_after(&first, "b").await;
    chat.ask_after(&old, "c").await;
    let new = chat.ask_after(&first, "d").await;

    for (turn, expected) in [(&old, vec!["a", "b", "c"]), (&new, vec!["a", "d"])] {
        let page = chat.page(&turn.path()).await;
        let (before, _) = page.split_once("\">JSON</a>").unwrap();
        let address = before.rsplit_once("href=\"").unwrap().1;
        let json: Value = serde_json::from_str(&chat.page(address).await).unwrap();

        let turns = json["turns"].as_array().unwrap().iter();
        let asked: Vec<_> = turns.map(|turn| turn["question"].as_str().unwrap()).collect();
        assert_eq!(asked, expected, "{address}");
    }
    for at in ["?at=nonsense", "?at=resp_00000000000000000000000000009999"] {
        let path = first.below(&format!("export/markdown{at}"));
        assert_eq!(chat.get(&path).await.status(), 404, "{at}");
    }
}

#[tokio::test]
async fn an_export_that_cannot_be_read_to_its_end_breaks_off() {
    let chat = ChatPage::open();
    let mut turn = chat.ask("0").await;
    for number in 1..=220 {
        turn = chat.ask_after(&turn, &number.to_string()).await;
    }
    let turns = "GET /v1/conversations/{id}/turns";
    let read = chat.gateway.calls_of(turns).len();
    let whole = chat.page(&turn.below("export/markdown")).await;
    assert_eq!(whole.matches("\n## You\n").count(), 221);
    assert_eq!(chat.gateway.calls_of(turns).len(), read + 5, "three there, two back");

    let refused = Refused::new(503, "queue_unavailable", "Later.");
    chat.gateway.refuse_after(turns, 4, refused.clone());
    let cut = chat.get(&turn.below("export/json")).await;
    assert_eq!(cut.status(), 200);
    let file = cut.text().await;
    assert!(file.is_err(), "half a chat looks like a whole one: {file:?}");

    // Before anything was sent it is a page that says why.
    chat.gateway.refuse_after(turns, 2, refused);
    let page = chat.get(&turn.below("export/json")).await;
    assert_eq!(page.status(), 503);
    assert!(page.text().await.unwrap().contains("role=\"alert\""));
}
