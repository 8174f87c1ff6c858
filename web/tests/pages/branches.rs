//! A question is asked anew, in other words or the same: each answer stays, on a branch of its own.

use serde_json::json;

use crate::gateway::{Gateway, Piece, Script};
use crate::reader::Turn;
use crate::screen::last_answer;
use crate::support::{ChatPage, field};

/// A conversation of three turns: a, b, c.
async fn three() -> (ChatPage, [Turn; 3]) {
    let chat = ChatPage::open();
    let first = chat.ask("question a").await;
    let second = chat.ask_after(&first, "question b").await;
    let third = chat.ask_after(&second, "question c").await;
    (chat, [first, second, third])
}

/// What the model was told last, without who said it.
fn told(gateway: &Gateway) -> Vec<String> {
    let answers = gateway.answers();
    answers.last().unwrap().told().into_iter().map(|(_, text)| text).collect()
}

#[tokio::test]
async fn asked_again_a_question_stands_beside_itself() {
    let (chat, [first, second, third]) = three().await;
    let page = chat.page(&third.path()).await;
    let again = format!("name=\"again\" value=\"{}\"", second.response);
    assert!(page.contains(&again), "{page}");

    let sent =
        chat.ask_in(&page, &[("prompt", "half a thought"), ("again", &second.response)]).await;
    let other = Turn::at(sent.headers()["location"].to_str().unwrap());

    let answer = chat.gateway.answers().pop().unwrap();
    assert_eq!(answer.request()["chappe"], json!({ "after": first.response }));
    assert_eq!(told(&chat.gateway), ["question a", "You said: question a", "question b"]);
    let page = chat.page(&other.path()).await;
    assert!(!page.contains("question c") && page.contains("2 / 2"), "{page}");
    let before =
        format!("href=\"{}#{}\" aria-label=\"Version before\"", second.path(), second.response);
    assert!(page.contains(&before), "{page}");
    // The one before leads on to what followed it.
    let page = chat.page(&second.path()).await;
    assert!(page.contains("question c") && page.contains("1 / 2"), "{page}");
    assert!(page.contains(&format!("<li class=\"turn\" id=\"{}\">", second.response)), "{page}");
    assert!(page.contains("aria-label=\"Next version\""), "{page}");
    assert_eq!(field(&page, "after"), third.response);
}

#[tokio::test]
async fn the_first_question_is_asked_again_at_the_beginning() {
    let (chat, [first, ..]) = three().await;
    let page = chat.page(&first.path()).await;

    let sent = chat.ask_in(&page, &[("again", &first.response)]).await;
    let other = Turn::at(sent.headers()["location"].to_str().unwrap());

    let answer = chat.gateway.answers().pop().unwrap();
    assert_eq!(answer.request()["chappe"], json!({ "after": null }));
    assert_eq!(told(&chat.gateway), ["question a"]);
    let page = chat.page(&other.path()).await;
    assert!(!page.contains("question b") && page.contains("2 / 2"), "{page}");
    // The newest of all is what the conversation's own address shows.
    let page = chat.page(&format!("/c/{}", first.conversation)).await;
    assert_eq!(field(&page, "after"), other.response);
}

#[tokio::test]
async fn a_question_is_written_anew_where_it_stands() {
    let (chat, [first, second, third]) = three().await;
    let page = chat.page(&third.path()).await;
    let address = format!("{}&amp;edit={}#edit", third.path(), second.response);
    assert!(page.contains(&format!("href=\"{address}\"")), "{page}");

    let editing = chat.page(&format!("{}&edit={}", third.path(), second.response)).await;
    let (_, form) = editing.split_once("id=\"edit\"").unwrap();
    let (form, _) = form.split_once("</form>").unwrap();
    assert!(form.contains(">question b</textarea>"), "{form}");
    assert_eq!(field(form, "after"), first.response);
    let sent = chat.ask_in(form, &[("prompt", "question <d>")]).await;

    let other = Turn::at(sent.headers()["location"].to_str().unwrap());
    assert_eq!(told(&chat.gateway), ["question a", "You said: question a", "question <d>"]);
    let page = chat.page(&other.path()).await;
    assert!(page.contains("question &lt;d&gt;") && page.contains("2 / 2"), "{page}");
    // The first one is written anew at the beginning.
    let editing = chat.page(&format!("{}&edit={}", third.path(), first.response)).await;
    let (_, form) = editing.split_once("id=\"edit\"").unwrap();
    assert_eq!(field(form.split_once("</form>").unwrap().0, "after"), "beginning");
}

#[tokio::test]
async fn a_question_of_another_branch_is_written_anew_on_its_own_or_is_said_not_to_be_there() {
    let (chat, [first, second, third]) = three().await;
    let other = chat.ask_after(&first, "question d").await;

    let editing = chat.page(&format!("{}&edit={}", other.path(), second.response)).await;
    let (_, form) = editing.split_once("id=\"edit\"").unwrap();
    let (form, _) = form.split_once("</form>").unwrap();
    assert!(form.contains(">question b</textarea>"), "{form}");
    assert!(editing.contains("question c") && !editing.contains("question d"), "{editing}");

    let elsewhere = chat.ask("question e").await;
    for nothing in [&*elsewhere.response, "resp_00000000000000000000000000009999"] {
        let page = chat.page(&format!("{}&edit={nothing}", third.path())).await;
        assert!(page.contains("question c") && !page.contains("id=\"edit\""), "{page}");
        let (_, alert) = page.split_once("role=\"alert\">").unwrap();
        assert!(alert.contains("is not among these messages"), "{alert}");
    }
}

#[tokio::test]
async fn an_answer_that_was_cut_is_gone_on_with() {
    for (pieces, expected) in [
        (
            vec![Piece::text("one two"), Piece::Incomplete("max_output_tokens")],
            vec!["Count.", "one two"],
        ),
        // What broke off is in nobody's conversation: the model is told of it all the same.
        (
            vec![Piece::text("one two"), Piece::Fail("worker_lost", "No.")],
            vec!["Count.", "one two"],
        ),
    ] {
        let gateway = Gateway::start();
        gateway.answers_by(Script::Says(pieces.clone()));
        let chat = ChatPage::before(&gateway);
        let turn = chat.ask("Count.").await;
        let page = chat.page(&turn.path()).await;
        let button = format!("name=\"go_on\" value=\"{}\"", turn.response);
        assert!(last_answer(&page).contains(&button), "{pieces:?}: {page}");
        gateway.answers_by(Script::Echo);

        let sent = chat.ask_in(&page, &[("go_on", &turn.response)]).await;
        let next = Turn::at(sent.headers()["location"].to_str().unwrap());

        let mut told = told(&gateway);
        assert!(told.pop().is_some_and(|last| last.contains("go on")), "{pieces:?}: {told:?}");
        assert_eq!(told, expected, "{pieces:?}");
        let page = chat.page(&next.path()).await;
        assert_eq!(page.matches("data-author=\"assistant\"").count(), 2, "{page}");
    }
}

#[tokio::test]
async fn what_has_said_nothing_is_asked_again_and_not_gone_on_with() {
    let gateway = Gateway::start();
    gateway.answers_by(Script::Says(vec![Piece::Fail("upstream_error", "No.")]));
    let chat = ChatPage::before(&gateway);
    let turn = chat.ask("Count.").await;

    let page = chat.page(&turn.path()).await;

    let answer = last_answer(&page);
    assert!(answer.contains("Interrupted: ") && !answer.contains("name=\"go_on\""), "{answer}");
    assert!(answer.contains(&format!("name=\"again\" value=\"{}\"", turn.response)), "{answer}");
    gateway.answers_by(Script::Echo);
    assert_eq!(chat.ask_in(&page, &[("again", &turn.response)]).await.status(), 303);
    assert_eq!(told(&gateway), ["Count."]);
}

#[tokio::test]
async fn while_an_answer_is_written_nothing_else_is_asked_in_its_conversation() {
    let gateway = Gateway::that_waits();
    let chat = ChatPage::before(&gateway);
    let turn = chat.ask("a").await;
    let page = chat.with_script().page(&turn.path()).await;

    let refused = chat.ask_in(&page, &[("prompt", "And?")]).await;

    assert_eq!(refused.status(), 409);
    let refused = chat.with_script().request("GET", &turn.path());
    let page = refused.send().await.unwrap().text().await.unwrap();
    assert!(page.contains("data-live="), "the answer goes on: {page}");
    gateway.next_answer().await.complete();
    assert_eq!(chat.ask_in(&page, &[("prompt", "And?")]).await.status(), 303);
}

#[tokio::test]
async fn what_was_not_sent_stands_in_the_page_of_its_branch() {
    let (chat, [first, second, _]) = three().await;
    let again = chat.ask_after(&first, "question d").await;
    let page = chat.page(&second.path()).await;
    chat.gateway.refuse_next("POST /v1/responses", crate::gateway::Refused::new(503, "x", "No."));

    let back = chat.ask_in(&page, &[("prompt", "And?")]).await.text().await.unwrap();

    assert!(back.contains("question b") && !back.contains("question d"), "{again:?}: {back}");
    assert_eq!(field(&back, "after"), field(&page, "after"));
}

#[tokio::test]
async fn a_long_conversation_is_shown_page_by_page() {
    let chat = ChatPage::open();
    let mut turns = vec![chat.ask("question 0 of many").await];
    for number in 1..75 {
        let text = format!("question {number} of many");
        turns.push(chat.ask_after(&turns[number - 1], &text).await);
    }

    let mut path = format!("/c/{}", turns[0].conversation);
    let mut seen = Vec::new();
    loop {
        let page = chat.page(&path).await;
        assert_eq!(field(&page, "after"), turns[74].response, "{path}");
        let shown = (0..75).filter(|number| {
            page.contains(&format!("class=\"body\" dir=\"auto\">question {number} of many<"))
        });
        let mut shown: Vec<_> = shown.collect();
        shown.append(&mut seen);
        seen = shown;
        let Some((before, _)) = page.split_once("\">Earlier messages") else { break };
        path = before.rsplit_once("href=\"").unwrap().1.replace("&amp;", "&");
    }
    assert_eq!(seen, (0..75).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_answer_that_is_kept_no_longer_is_said_to_be_gone() {
    let (chat, [first, second, third]) = three().await;
    let delete = format!("http://{}/v1/responses/{}", chat.gateway.address(), second.response);
    let owner = chat.gateway.answers()[1].owner().to_owned();
    let delete = chat.browser.delete(delete).header("chappe-on-behalf-of", owner);
    assert_eq!(delete.send().await.unwrap().status(), 200);

    let page = chat.page(&third.path()).await;

    assert!(page.contains("not kept any longer"), "{page}");
    assert!(page.contains("question a") && page.contains("question c"), "{page}");
    assert_eq!(field(&page, "after"), third.response, "{first:?}");
}
