//! Questions and answers: as a page, as events, and as the gateway is asked.

use serde_json::json;

use crate::gateway::{Gateway, Piece, Script};
use crate::reader::Turn;
use crate::screen::{Screen, last_answer, text_of};
use crate::support::{ChatPage, field, read_until};

#[tokio::test]
async fn the_page_offers_models_that_chat_and_says_that_a_simulator_answers() {
    let chat = ChatPage::open();

    let page = chat.page("/").await;

    assert!(page.contains("<option value=\"simulator\" selected>"), "{page}");
    assert!(!page.contains("simulator-embeddings"));
    assert!(page.contains("not a model") && page.contains("--model-url"));
}

#[tokio::test]
async fn the_model_that_is_picked_answers_and_stays_picked() {
    let gateway = Gateway::start();
    gateway.lists(&[("small", "chat"), ("large", "chat"), ("reads", "embeddings")]);
    let chat = ChatPage::before(&gateway);

    for (picked, expected) in [("large", "large"), ("", "small")] {
        let to = chat.go("/chat", &[("model", picked), ("prompt", "Why?")]).await;
        assert_eq!(gateway.answers().last().unwrap().request()["model"], expected);
        let page = chat.page(&Turn::at(&to).path()).await;
        assert!(page.contains(&format!("<option value=\"{expected}\" selected>")), "{page}");
        assert!(page.contains(&format!("The assistant said, {expected}</h2>")), "{page}");
    }
}

#[tokio::test]
async fn a_question_leads_to_a_page_of_its_own_with_its_answer() {
    let chat = ChatPage::open();

    let turn = chat.ask("One\ntwo <script>").await;
    let page = chat.page(&turn.path()).await;

    assert!(page.contains("One\ntwo &lt;script&gt;</div>"), "{page}");
    assert!(!page.contains("<script>") && page.ends_with("</html>\n"), "{page}");
    assert!(text_of(last_answer(&page)).starts_with("You said: One\ntwo &lt;script&gt;"), "{page}");
    assert_eq!(field(&page, "conversation"), turn.conversation);
    assert_eq!(field(&page, "after"), turn.response);
    // The address of the conversation alone shows the same.
    let page = chat.page(&format!("/c/{}", turn.conversation)).await;
    assert_eq!(field(&page, "after"), turn.response);
}

#[tokio::test]
async fn parameters_are_asked_with_and_stay_set() {
    let chat = ChatPage::open();
    let home = chat.page("/").await;
    assert!(home.contains("<details class=\"more\"><summary>Parameters"), "{home}");
    let set = [("temperature", "0.3"), ("longest", "50"), ("effort", "low"), ("prompt", "Why?")];

    let sent = chat.ask_in(&home, &set).await;

    let asked = chat.gateway.answers().pop().unwrap().request().clone();
    assert_eq!(asked["temperature"], json!(0.3));
    assert_eq!(asked["max_output_tokens"], 50);
    assert_eq!(asked["reasoning"], json!({"effort": "low"}));
    let turn = Turn::at(sent.headers()["location"].to_str().unwrap());
    let page = chat.page(&turn.path()).await;
    assert_eq!([field(&page, "temperature"), field(&page, "longest")], ["0.3", "50"]);
    assert!(page.contains("<option value=\"low\" selected>"), "{page}");
    assert!(page.contains("<details class=\"more\" open><summary>Parameters"), "{page}");
    // The question written anew is asked with them as well.
    let editing = chat.page(&format!("{}&edit={}", turn.path(), turn.response)).await;
    let (_, form) = editing.split_once("id=\"edit\"").unwrap();
    let (form, _) = form.split_once("</form>").unwrap();
    assert_eq!([field(form, "temperature"), field(form, "effort")], ["0.3", "low"]);

    // What makes no sense is as good as nothing.
    let nonsense = [("temperature", "hot"), ("longest", "-5"), ("effort", "all"), ("prompt", "x")];
    chat.ask_in(&home, &nonsense).await;
    let asked = chat.gateway.answers().pop().unwrap().request().clone();
    assert_eq!(asked["temperature"], json!(0.7));
    assert_eq!(asked.get("max_output_tokens").or(asked.get("reasoning")), None);
}

#[tokio::test]
async fn what_is_asked_next_goes_behind_what_was_answered_with_what_was_picked() {
    let chat = ChatPage::open();
    let home = chat.page("/").await;
    let first = chat.ask_in(&home, &[("prompt", "Why?")]).await;
    let turn = Turn::at(first.headers()["location"].to_str().unwrap());
    let page = chat.page(&turn.path()).await;

    let picked = [("preset", "accurate"), ("instructions", " Be\nbrief. "), ("prompt", "And?")];
    let next = chat.ask_in(&page, &picked).await;

    let next = Turn::at(next.headers()["location"].to_str().unwrap());
    let answer = chat.gateway.answers().pop().unwrap();
    let said = |role: &str, text: &str| (role.to_owned(), text.to_owned());
    assert_eq!(
        answer.told(),
        [
            said("system", "Be\nbrief."),
            said("user", "Why?"),
            said("assistant", "You said: Why?"),
            said("user", "And?")
        ]
    );
    let asked = answer.request();
    assert_eq!(asked["temperature"], json!(0.0));
    assert_eq!((&asked["background"], &asked["store"]), (&json!(true), &json!(true)));
    assert_eq!(asked["chappe"], json!({ "after": turn.response }));
    assert_eq!(asked["model"], "simulator");
    let calls = chat.gateway.calls_of("POST /v1/responses");
    assert_eq!(calls[1].header("authorization"), "Bearer key-of-the-page");
    assert_ne!(calls[0].header("idempotency-key"), calls[1].header("idempotency-key"));
    let page = chat.page(&next.path()).await;
    assert!(page.contains("value=\"accurate\" checked"), "it stays picked: {page}");
    assert!(page.contains("Be\nbrief.</textarea>"), "{page}");
}

#[tokio::test]
async fn a_form_that_is_sent_twice_is_asked_once() {
    let chat = ChatPage::open();
    let home = chat.page("/").await;

    let first = chat.ask_in(&home, &[("prompt", "Why?")]).await;
    let second = chat.ask_in(&home, &[("prompt", "Why?")]).await;

    assert_eq!(first.headers()["location"], second.headers()["location"]);
    assert_eq!(chat.gateway.answers().len(), 1);
    chat.ask_in(&home, &[("prompt", "Something else?")]).await;
    assert_eq!(chat.gateway.answers().len(), 2, "other words are another question");
}

#[tokio::test]
async fn a_page_without_a_script_and_the_events_of_one_with_it_come_to_the_same_answer() {
    let gateway = Gateway::that_waits();
    let chat = ChatPage::before(&gateway);
    let turn = chat.ask("Go on.").await;
    let mut page = chat.get(&turn.path()).await;
    let mut events = chat.follow(&turn, "").await;

    let answer = gateway.next_answer().await;
    answer.begin();
    for word in MARKDOWN.split_inclusive(' ') {
        answer.say(word);
    }
    answer.complete();

    let mut screen = Screen::default();
    screen.reads(&mut events).await;
    let after = chat.page(&turn.path()).await;
    assert_eq!(screen.over(), last_answer(&after));
    let streamed = read_until(&mut page, "</html>").await;
    for line in last_answer(&after).lines().filter(|line| line.starts_with("<h")) {
        assert!(streamed.contains(line), "{line} is not in {streamed}");
    }
    assert!(streamed.contains(&format!("value=\"{}\"", turn.response)), "{streamed}");
}

const MARKDOWN: &str = "# Bees\n\nThey *hum*.\n\n## Eyes\n\n- two\n- and three\n\n```rust\nfn eyes() \
                        -> u8 {\n    5\n}\n```\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nThe end.";

#[tokio::test]
async fn thoughts_stand_apart_and_no_model_is_told() {
    let gateway = Gateway::start();
    let pieces = vec![Piece::Thought("Hm, a <b>.".into()), Piece::text("So."), Piece::Complete];
    gateway.answers_by(Script::Says(pieces));
    let chat = ChatPage::before(&gateway);

    let turn = chat.ask("Why?").await;
    let page = chat.page(&turn.path()).await;

    let (_, after) = page.split_once("<div class=\"thought\"").unwrap();
    let (thoughts, answer) = after.split_once("</details>").unwrap();
    assert!(thoughts.contains("Hm, a &lt;b&gt;.") && answer.contains("So."), "{page}");
    chat.ask_after(&turn, "And?").await;
    let told = format!("{:?}", gateway.answers()[1].told());
    assert!(told.contains("So.") && !told.contains("Hm"), "{told}");
}

#[tokio::test]
async fn a_tool_that_is_asked_for_is_shown() {
    let gateway = Gateway::start();
    let call = Piece::Call("find".into(), "{\"a\": \"<i>\"}".into());
    gateway.answers_by(Script::Says(vec![call, Piece::Complete]));
    let chat = ChatPage::before(&gateway);

    let page = chat.page(&chat.ask("Find it.").await.path()).await;

    let answer = last_answer(&page);
    assert!(answer.contains("asks for the tool") && answer.contains("find"), "{answer}");
    assert!(answer.contains("&lt;i&gt;") && !answer.contains("<i>"), "{answer}");
}

#[tokio::test]
async fn nothing_is_asked_when_nothing_is_written() {
    let chat = ChatPage::open();

    let page = chat.send("/chat", &[("model", "simulator"), ("prompt", "  \n ")]).await;

    assert_eq!(page.status(), 400);
    let page = page.text().await.unwrap();
    assert!(page.contains("id=\"welcome\"") && page.contains("Nothing was written"), "{page}");
    assert_eq!(chat.gateway.calls().iter().filter(|call| call.method == "POST").count(), 0);
}

#[tokio::test]
async fn a_very_long_question_is_asked_and_shown_whole() {
    let gateway = Gateway::start();
    gateway.answers_by(Script::Says(vec![Piece::text("So."), Piece::Complete]));
    let chat = ChatPage::before(&gateway);
    let long = "line <of> many\n".repeat(70_000);
    assert!(long.len() > 1024 * 1024);

    let turn = chat.ask(&long).await;

    assert_eq!(chat.gateway.answers()[0].told()[0].1, long);
    let page = chat.page(&turn.path()).await;
    assert!(page.contains(&long.replace('<', "&lt;").replace('>', "&gt;")));
}

#[tokio::test]
async fn an_end_that_needs_words_has_them() {
    for (pieces, words) in [
        (vec![Piece::text("a"), Piece::Incomplete("max_output_tokens")], "longest length"),
        (vec![Piece::text("a"), Piece::Incomplete("content_filter")], "filter"),
        (vec![Piece::Refusal("No.".into()), Piece::Complete], "declined"),
        (vec![Piece::Complete], "without a word"),
        (vec![Piece::text("a"), Piece::Fail("worker_lost", "No.")], "Interrupted: "),
    ] {
        let gateway = Gateway::start();
        gateway.answers_by(Script::Says(pieces.clone()));
        let chat = ChatPage::before(&gateway);
        let turn = chat.ask("Why?").await;

        let page = chat.page(&turn.path()).await;
        let mut screen = Screen::default();
        screen.reads(&mut chat.follow(&turn, "").await).await;

        assert!(last_answer(&page).contains(words), "{pieces:?}: {page}");
        assert_eq!(screen.over(), last_answer(&page), "{pieces:?}");
    }
}
