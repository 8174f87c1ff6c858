//! Conversations: made, shown, changed, listed, searched and deleted; and what is added to them.

use bytes::Bytes;
use contract::{ConversationId, Lane, Owner, streams, subjects};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Stage, response};

const PATH: &str = "/v1/conversations";

async fn read(answer: Answer) -> Value {
    let status = answer.status;
    let text = answer.text().await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

async fn posts(stage: &Stage, path: &str, body: &Value) -> Value {
    read(stage.caller.posts(path, &body.to_string()).answered().await).await
}

async fn deletes(stage: &Stage, path: &str) -> Answer {
    stage.caller.sends(stage.caller.request(Method::DELETE, path)).answered().await
}

async fn gets(stage: &Stage, path: &str) -> Value {
    read(stage.caller.gets(path).await).await
}

fn says(text: &str) -> Value {
    json!({"role": "user", "content": text})
}

fn texts(list: &Value) -> Vec<&str> {
    let items = list["data"].as_array().unwrap();
    items.iter().map(|item| item["content"][0]["text"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn one_is_made_shown_changed_and_deleted() {
    let stage = Stage::set().await;
    let metadata = json!({"topic": "bees"});

    let made = posts(&stage, PATH, &json!({"metadata": metadata, "items": [says("hi")]})).await;
    let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
    let id = made["id"].as_str().unwrap().strip_prefix("conv_").unwrap();
    assert_eq!(id.len(), 32);
    assert_eq!((&made["object"], &made["metadata"]), (&json!("conversation"), &metadata));
    assert!(made["created_at"].as_u64().unwrap() > 1_700_000_000);
    assert_eq!(made["title"], "hi");
    assert_eq!(gets(&stage, &path).await, made);

    let changed = posts(&stage, &path, &json!({"metadata": {"title": "Bees"}})).await;
    assert_eq!(changed["metadata"], json!({"title": "Bees"}));
    assert_eq!((&changed["title"], &changed["id"]), (&json!("Bees"), &made["id"]));

    let deleted = read(deletes(&stage, &path).await).await;
    let gone = json!({"id": made["id"], "object": "conversation.deleted", "deleted": true});
    assert_eq!(deleted, gone);
    let not_found = (404, "conversation_not_found".to_owned());
    assert_eq!(stage.caller.gets(&path).await.error().await, not_found);
    assert_eq!(deletes(&stage, &path).await.error().await, not_found);
    assert_eq!(stage.caller.gets(&format!("{path}/items")).await.error().await, not_found);
}

#[tokio::test]
async fn items_are_added_listed_shown_and_taken_out() {
    let stage = Stage::set().await;
    let made = posts(&stage, PATH, &json!({"items": [says("one")]})).await;
    let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
    let items = format!("{path}/items");

    let added = posts(&stage, &items, &json!({"items": [says("two"), says("three")]})).await;
    assert_eq!((&added["object"], &added["has_more"]), (&json!("list"), &json!(false)));
    assert_eq!(texts(&added), ["two", "three"]);
    assert_eq!(added["last_id"], added["data"][1]["id"]);

    assert_eq!(texts(&gets(&stage, &items).await), ["three", "two", "one"]);
    let first = gets(&stage, &format!("{items}?order=asc&limit=2")).await;
    assert_eq!((texts(&first), &first["has_more"]), (vec!["one", "two"], &json!(true)));
    let last = first["last_id"].as_str().unwrap();
    let rest = gets(&stage, &format!("{items}?order=asc&after={last}")).await;
    assert_eq!((texts(&rest), &rest["has_more"]), (vec!["three"], &json!(false)));

    let two = format!("{items}/{last}?include[]=message.output_text.logprobs");
    assert_eq!(gets(&stage, &two).await, added["data"][0]);
    let left = read(deletes(&stage, &two).await).await;
    assert_eq!(left, made, "what is answered is the conversation");
    assert_eq!(texts(&gets(&stage, &items).await), ["three", "one"]);
    let not_found = (404, "item_not_found".to_owned());
    assert_eq!(deletes(&stage, &two).await.error().await, not_found);
    assert_eq!(stage.caller.gets(&two).await.error().await, not_found);
}

#[tokio::test]
async fn an_item_of_a_turn_that_is_taken_out_is_not_asked_with_any_more() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let made = posts(&stage, PATH, &json!({})).await;
    let id = made["id"].as_str().unwrap();
    let body = response(&format!(r#""conversation":"{id}""#));
    let call = stage.caller.posts("/v1/responses", &body);
    let mut written = scribe.takes().await;
    written.says("wrong").await;
    written.completes().await;
    call.answered().await;
    let items = format!("{PATH}/{id}/items");
    let list = gets(&stage, &items).await;
    assert_eq!(texts(&list), ["wrong", "hello"]);

    let answer = list["first_id"].as_str().unwrap();
    read(deletes(&stage, &format!("{items}/{answer}")).await).await;

    assert_eq!(texts(&gets(&stage, &items).await), ["hello"]);
    let call = stage.caller.posts("/v1/responses", &body);
    let mut written = scribe.takes().await;
    assert_eq!(written.chat()["messages"].as_array().unwrap().len(), 2);
    written.completes().await;
    call.answered().await;
}

#[tokio::test]
async fn what_is_over_a_limit_is_refused_and_changes_nothing() {
    let stage = Stage::set().await;
    let made = posts(&stage, PATH, &json!({})).await;
    let path = format!("{PATH}/{}", made["id"].as_str().unwrap());
    let items = format!("{path}/items");
    let many = vec![says("x"); 21];
    let large = says(&"x".repeat(300 * 1024));
    let half = json!({"items": [says(&"x".repeat(150 * 1024))]});
    posts(&stage, &items, &half).await;
    for (path, body, code) in [
        (PATH, json!({"items": many}), "array_above_max_length"),
        (&items, json!({"items": many}), "array_above_max_length"),
        (PATH, json!({"items": [large]}), "conversation_too_large"),
        (&items, json!({"items": [large]}), "conversation_too_large"),
        (&items, half, "conversation_too_large"),
        (&items, json!({}), "missing_required_parameter"),
        (&path, json!({}), "missing_required_parameter"),
        (&path, json!({"metadata": {"k": "x".repeat(513)}}), "string_above_max_length"),
        (PATH, json!([]), "invalid_json"),
    ] {
        let refused = stage.caller.posts(path, &body.to_string()).answered().await;
        assert_eq!(refused.error().await, (400, code.to_owned()), "{path}");
    }
    assert_eq!(gets(&stage, &items).await["data"].as_array().unwrap().len(), 1);
    for query in ["?limit=101", "?after=conv_1", "?order=asc", "?limit=x"] {
        let refused = stage.caller.gets(&format!("{PATH}{query}")).await;
        assert_eq!(refused.error().await, (400, "invalid_value".to_owned()), "{query}");
    }
}

#[tokio::test]
async fn what_belongs_to_somebody_else_is_not_there() {
    let stage = Stage::set().await;
    let records = stage.bus.records(streams::CONVERSATIONS).await.unwrap();
    let id = ConversationId::fresh();
    let key =
        subjects::conversation_key(&Owner { name: "other".parse().unwrap(), ..Owner::local() }, id);
    let item = json!({"id": "msg_1", "type": "message", "role": "user", "content": "secret"});
    let record = json!({"created_at": 7, "metadata": {}, "entries": [{"item": item}]});
    records.create(&key, Bytes::from(record.to_string())).await.unwrap();
    let path = format!("{PATH}/{}", id.as_conversation());
    let not_found = (404, "conversation_not_found".to_owned());

    for path in [path.clone(), format!("{path}/items"), format!("{path}/items/msg_1")] {
        assert_eq!(stage.caller.gets(&path).await.error().await, not_found, "{path}");
    }
    assert_eq!(deletes(&stage, &path).await.error().await, not_found);
    let answer = stage.caller.posts(&path, r#"{"metadata":{}}"#).answered().await;
    assert_eq!(answer.error().await, not_found);
    for query in ["", "?search=secret"] {
        assert_eq!(gets(&stage, &format!("{PATH}{query}")).await["data"], json!([]));
    }
    assert!(records.get(&key).await.unwrap().is_some());
}

#[tokio::test]
async fn page_by_page_they_are_listed_and_found_the_newest_first() {
    let stage = Stage::set().await;
    let mut ids = Vec::new();
    for number in 0..5 {
        let text = format!("Number {number} {}", if number % 2 == 0 { "EVEN" } else { "odd" });
        let made = posts(&stage, PATH, &json!({"items": [says(&text)]})).await;
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    ids.reverse();
    for (search, expected) in [
        ("", vec![0, 1, 2, 3, 4]),
        ("search=even&", vec![0, 2, 4]),
        ("search=number%203&", vec![1]),
        ("search=nowhere&", vec![]),
    ] {
        let mut seen = Vec::new();
        let mut after = String::new();
        loop {
            let page = gets(&stage, &format!("{PATH}?{search}limit=2{after}")).await;
            let complete = if search.is_empty() { Value::Null } else { json!(true) };
            assert_eq!((&page["object"], &page["search_complete"]), (&json!("list"), &complete));
            let data = page["data"].as_array().unwrap();
            seen.extend(data.iter().map(|one| one["id"].as_str().unwrap().to_owned()));
            assert_eq!(page["first_id"], page["data"][0]["id"]);
            assert!(data.iter().all(|one| one["title"].as_str().unwrap().starts_with("Number")));
            match page["last_id"].as_str().filter(|_| page["has_more"] == true) {
                Some(last) => after = format!("&after={last}"),
                None => break,
            }
        }
        let expected: Vec<&String> = expected.into_iter().map(|at| &ids[at]).collect();
        assert_eq!(seen.iter().collect::<Vec<_>>(), expected, "{search}");
    }
}

#[tokio::test]
async fn a_search_finds_titles_and_what_turns_asked_and_answered_and_no_more() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let made = posts(&stage, PATH, &json!({"metadata": {"title": "Über Bienen"}})).await;
    let id = made["id"].as_str().unwrap();
    let hidden = json!({"items": [{"role": "system", "content": "classified"}]});
    posts(&stage, &format!("{PATH}/{id}/items"), &hidden).await;
    let body = response(&format!(r#""conversation":"{id}""#));
    let call = stage.caller.posts("/v1/responses", &body);
    let mut written = scribe.takes().await;
    written.says("Honey is sweet").await;
    written.completes().await;
    call.answered().await;
    posts(&stage, PATH, &json!({"items": [says("another")]})).await;

    for (text, found) in
        [("über", true), ("HELLO", true), ("honey%20is", true), ("classified", false)]
    {
        let list = gets(&stage, &format!("{PATH}?search={text}")).await;
        let ids: Vec<&Value> =
            list["data"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
        assert_eq!(ids, if found { vec![&made["id"]] } else { vec![] }, "{text}");
    }
}

#[tokio::test]
async fn a_search_looks_through_the_newest_thousand_and_says_so() {
    let stage = Stage::set().await;
    let records = stage.bus.records(streams::CONVERSATIONS).await.unwrap();
    for number in 0..1_001 {
        let id = ConversationId::fresh();
        let key = subjects::conversation_key(&Owner::local(), id);
        let title = if number == 0 { "needle" } else { "hay" };
        let record = json!({"created_at": 7, "metadata": {"title": title}, "entries": []});
        records.create(&key, Bytes::from(record.to_string())).await.unwrap();
    }

    let found = gets(&stage, &format!("{PATH}?search=needle")).await;

    assert_eq!((&found["data"], &found["search_complete"]), (&json!([]), &json!(false)));
    assert_eq!(found["has_more"], false);
    let hay = gets(&stage, &format!("{PATH}?search=hay&limit=100")).await;
    assert_eq!(hay["data"].as_array().unwrap().len(), 100);
}
