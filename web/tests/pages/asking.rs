//! Questions and answers, on a page and as events.

use serde_json::{Value, json};

use crate::support::{ChatPage, field};

#[tokio::test]
async fn the_page_offers_models_that_chat_and_says_that_a_simulator_answers() {
    let chat = ChatPage::open();

    let page = chat.get("/").await.text().await.unwrap();

    assert!(page.contains("<option value=\"simulator\" selected>"), "{page}");
    assert!(!page.contains("simulator-embeddings"));
    assert!(page.contains("not a model") && page.contains("--model-url"));
}

#[tokio::test]
async fn an_answer_is_a_page_with_a_form_that_carries_everything() {
    let chat = ChatPage::open();

    let first = chat.ask("One\ntwo <script>").await;
    assert_eq!(first.status(), 200);
    let first = first.text().await.unwrap();

    assert!(first.contains("One\ntwo &lt;script&gt;"), "{first}");
    assert!(!first.contains("<script>"), "{first}");
    let conversation = field(&first, "conversation");
    let second = chat.ask_in(&conversation, "simulator: echo\nAnd?").await.text().await.unwrap();
    let turns: Vec<Value> = serde_json::from_str(&field(&second, "conversation")).unwrap();
    let roles: Vec<_> = turns.iter().map(|turn| turn["role"].as_str().unwrap()).collect();
    assert_eq!(roles, ["user", "assistant", "user", "assistant"]);
    assert_eq!(turns[0]["content"], "One\ntwo <script>");
    let echo: Value = serde_json::from_str(turns[3]["content"].as_str().unwrap()).unwrap();
    assert_eq!(echo["body"]["messages"].as_array().unwrap().len(), 3);
    assert_eq!(echo["body"]["messages"][0]["content"], "One\ntwo <script>");
    assert_eq!(echo["body"]["temperature"], json!(0.0));
    assert_eq!(echo["headers"]["authorization"], "Bearer key-of-the-page");
}

#[tokio::test]
async fn events_add_up_to_the_same_answer_as_the_page() {
    let chat = ChatPage::open();

    let page = chat.ask("simulator: markdown").await.text().await.unwrap();
    let response = chat.ask_for_events("simulator: markdown").await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let events = events_of(&response.text().await.unwrap());

    let text: String = events.iter().filter_map(|event| event["text"].as_str()).collect();
    let turns: Vec<Value> = serde_json::from_str(&field(&page, "conversation")).unwrap();
    assert_eq!(turns[1]["content"], text);
    let added = events.iter().flat_map(|event| event["add"].as_array().into_iter().flatten());
    let blocks: Vec<_> = added.filter(|piece| piece[0] == "block").collect();
    assert!(!blocks.is_empty());
    for block in blocks {
        for element in block[1].as_str().unwrap().lines().filter(|line| line.starts_with("<h")) {
            assert!(page.contains(element), "{element} is not in {page}");
        }
    }
    assert_eq!(events.last().unwrap()["end"], json!({"kept": true}));
}

#[tokio::test]
async fn thoughts_stand_apart_and_are_not_carried() {
    let chat = ChatPage::open();

    let page = chat.ask("simulator: reasoning").await.text().await.unwrap();

    let (_, after) = page.split_once("<div class=\"thought\"").unwrap();
    let (thoughts, _) = after.split_once("</details>").unwrap();
    let words: String = thoughts.chars().skip_while(|c| *c != '>').skip(1).take(20).collect();
    assert!(!words.trim().is_empty(), "{page}");
    assert!(!field(&page, "conversation").contains(&words), "{page}");
    let events = chat.ask_for_events("simulator: reasoning").await.text().await.unwrap();
    assert!(events_of(&events).iter().any(|event| event["thoughts"].is_string()), "{events}");
}

#[tokio::test]
async fn a_tool_that_is_asked_for_is_shown() {
    let chat = ChatPage::open();

    let page = chat.ask("simulator: {\"script\": \"tool_call\"}").await.text().await.unwrap();

    assert!(page.contains("asks for the tool") || page.contains("role=\"alert\""), "{page}");
}

#[tokio::test]
async fn nothing_is_asked_when_nothing_is_written() {
    let chat = ChatPage::open();

    let page = chat.ask("  \n ").await;

    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("id=\"welcome\""));
    assert_eq!(chat.journal.counts().started, 0);
}

fn events_of(stream: &str) -> Vec<Value> {
    let frames = stream.split("\n\n").filter_map(|frame| frame.strip_prefix("data: "));
    frames.map(|json| serde_json::from_str(json).unwrap()).collect()
}
