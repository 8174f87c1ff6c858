//! A thumb for an answer.

use serde_json::{Value, json};

use crate::support::ChatPage;

const FEEDBACK: &str = "POST /v1/conversations/{id}/turns/{id}/feedback";

/// Which of the thumbs below the last answer are pressed.
fn pressed(page: &str) -> Vec<&str> {
    let (_, form) = page.rsplit_once("class=\"rate\"").unwrap_or_else(|| panic!("{page}"));
    let (form, _) = form.split_once("</form>").unwrap();
    let buttons = form.split("<button").skip(1);
    let pressed = buttons.filter(|button| button.contains("aria-pressed=\"true\""));
    pressed
        .map(|button| button.split_once("value=\"").unwrap().1.split('"').next().unwrap())
        .collect()
}

#[tokio::test]
async fn a_thumb_is_kept_and_taken_back_by_the_same_button() {
    let chat = ChatPage::open();
    let turn = chat.ask("Why?").await;
    let other = chat.ask_after(&turn, "And?").await;
    let rate = turn.below("rate");
    assert_eq!(pressed(&chat.page(&other.path()).await), Vec::<&str>::new());

    for (thumb, now, rating, shown) in [
        ("up", "", json!("up"), vec!["up"]),
        ("down", "up", json!("down"), vec!["down"]),
        ("down", "down", Value::Null, vec![]),
    ] {
        let fields = [("answer", other.response.as_str()), ("thumb", thumb), ("now", now)];
        let to = chat.go(&rate, &fields).await;

        assert_eq!(to, format!("{}#latest", other.path()));
        let sent = chat.gateway.calls_of(FEEDBACK).pop().unwrap();
        assert_eq!(sent.json(), json!({ "rating": rating }));
        let page = chat.page(&other.path()).await;
        assert_eq!(pressed(&page), shown, "{page}");
        assert_eq!(page.matches("aria-pressed=\"true\"").count(), shown.len(), "{page}");
        let file = chat.page(&turn.below("export/json")).await;
        let file: Value = serde_json::from_str(&file).unwrap();
        assert_eq!(file["turns"][1]["rating"], rating);
        assert_eq!(file["turns"][0]["rating"], Value::Null);
    }
}

#[tokio::test]
async fn what_is_no_thumb_or_nobodys_answer_is_said_in_words() {
    let chat = ChatPage::open();
    let turn = chat.ask("Why?").await;
    let stranger = chat.another_reader();
    let rate = turn.below("rate");

    for (fields, status) in [
        (vec![("answer", turn.response.as_str()), ("thumb", "sideways")], 400),
        (vec![("answer", turn.response.as_str())], 400),
        (vec![("answer", "x"), ("thumb", "up")], 400),
        (vec![("answer", "resp_1"), ("thumb", "up")], 404),
    ] {
        let answer = chat.send(&rate, &fields).await;
        assert_eq!(answer.status(), status, "{fields:?}");
        assert!(answer.text().await.unwrap().contains("<main"), "{fields:?}");
    }
    let fields = [("answer", turn.response.as_str()), ("thumb", "up")];
    assert_eq!(stranger.send(&rate, &fields).await.status(), 404);
    assert_eq!(pressed(&chat.page(&turn.path()).await), Vec::<&str>::new());
}
