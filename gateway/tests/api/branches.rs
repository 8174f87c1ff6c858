//! A turn goes behind any other: what its model is told, and what becomes of those behind it.

use bytes::Bytes;
use contract::{ConversationId, Owner, streams, subjects};
use serde_json::{Value, json};

use crate::support::{Stage, Talk, read};

#[tokio::test]
async fn behind_any_turn_a_model_is_told_what_was_said_until_then() {
    let stage = Stage::set().await;
    let mut talk = Talk::begin(&stage).await;
    talk.adds("before").await;
    let (one, told) = talk.turn("one", json!(null)).await;
    assert_eq!(told, ["before", "one"]);
    talk.adds("between").await;
    let (two, told) = talk.turn("two", json!(one)).await;
    assert_eq!(told, ["before", "one", "ONE", "between", "two"]);

    // From the middle, twice; then on along the first branch, and from the beginning.
    let (other, told) = talk.turn("other", json!(one)).await;
    assert_eq!(told, ["before", "one", "ONE", "between", "other"]);
    talk.adds("behind the other").await;
    let (_third, told) = talk.turn("third", json!(one)).await;
    assert_eq!(told, ["before", "one", "ONE", "between", "third"]);
    let (_three, told) = talk.turn("three", json!(two)).await;
    assert_eq!(told, ["before", "one", "ONE", "between", "two", "TWO", "three"]);
    let (_on, told) = talk.turn("on", json!(other)).await;
    let heard = ["before", "one", "ONE", "between", "other", "OTHER", "behind the other", "on"];
    assert_eq!(told, heard);
    let (_anew, told) = talk.turn("anew", json!(null)).await;
    assert_eq!(told, ["before", "anew"]);

    // Without a word about it, behind the newest.
    read(talk.asks("next", json!(null)).await).await;
    let (mut written, told) = talk.taken().await;
    written.completes().await;
    assert_eq!(told, ["before", "anew", "ANEW", "next"]);
}

#[tokio::test]
async fn what_came_to_nothing_is_followed_as_it_is_in_the_conversation() {
    let stage = Stage::set().await;
    let mut talk = Talk::begin(&stage).await;
    let (one, _told) = talk.turn("one", json!(null)).await;
    let failed = talk.failed("failed", json!(one)).await;
    let stopped = talk.stopped("stopped", json!(one)).await;

    let (_on, told) = talk.turn("on", json!(failed)).await;
    assert_eq!(told, ["one", "ONE", "on"], "its caller was told, and asks again");
    let (_on, told) = talk.turn("on", json!(stopped)).await;
    assert_eq!(told, ["one", "ONE", "stopped", "on"], "there is no answer to go on from");
}

#[tokio::test]
async fn behind_a_deleted_turn_nothing_goes_and_what_was_behind_it_goes_on() {
    let stage = Stage::set().await;
    let mut talk = Talk::begin(&stage).await;
    let (one, _told) = talk.turn("one", json!(null)).await;
    let (two, _told) = talk.turn("two", json!(one)).await;
    let (other, _told) = talk.turn("other", json!(one)).await;
    let (three, _told) = talk.turn("three", json!(two)).await;

    talk.deletes_response(&two).await;

    let refused = talk.asks("x", json!({"after": two})).await;
    assert_eq!(refused.error().await, (404, "turn_not_found".to_owned()));
    let (_on, told) = talk.turn("on", json!(three)).await;
    assert_eq!(told, ["one", "ONE", "three", "THREE", "on"], "less what was deleted");
    let page = talk.turns(&format!("at={three}")).await;
    assert_eq!(page["data"][1]["id"], three);
    assert_eq!(page["data"][1]["after"], one, "it hangs on what the other followed");
    assert_eq!(page["data"][1]["siblings"], json!([other, three]));
}

#[tokio::test]
async fn what_is_no_turn_of_the_conversation_is_not_followed_and_locks_nothing() {
    let stage = Stage::set().await;
    let mut talk = Talk::begin(&stage).await;
    let (one, _told) = talk.turn("one", json!(null)).await;
    let mut elsewhere = Talk::begin(&stage).await;
    let (foreign, _told) = elsewhere.turn("elsewhere", json!(null)).await;

    for after in [foreign.as_str(), "resp_1", "", &one.replace("resp_", "")] {
        let refused = talk.asks("x", json!({"after": after})).await;
        let body: Value = serde_json::from_str(&refused.text().await).unwrap();
        assert_eq!(body["error"]["code"], "turn_not_found", "{after}");
        assert_eq!(body["error"]["param"], "chappe.after");
        let gets = format!("{}/turns?at={after}", talk.path());
        let refused = stage.caller.gets(&gets).await;
        assert_eq!(refused.error().await, (404, "turn_not_found".to_owned()), "{after}");
    }
    for ours in [json!({"after": 7}), json!({"before": one}), json!("x")] {
        assert_eq!(talk.asks("x", ours.clone()).await.status, 400, "{ours}");
    }
    let alone = json!({"model": "public", "input": "x", "chappe": {"after": one}}).to_string();
    let refused = stage.caller.posts("/v1/responses", &alone).answered().await;
    assert_eq!(refused.error().await, (400, "invalid_value".to_owned()));

    let (_two, told) = talk.turn("two", json!(one)).await;
    assert_eq!(told, ["one", "ONE", "two"]);
}

#[tokio::test]
async fn one_turn_at_a_time_whatever_it_follows() {
    let stage = Stage::set().await;
    let mut talk = Talk::begin(&stage).await;
    let (one, _told) = talk.turn("one", json!(null)).await;
    let (mut written, _told) = talk.running("two", json!(one)).await;

    for after in [json!(null), json!(one), json!(written.response_id())] {
        let refused = talk.asks("x", json!({"after": after})).await;
        assert_eq!(refused.error().await, (400, "conversation_locked".to_owned()), "{after}");
    }

    written.completes().await;
    talk.turn("three", json!(null)).await;
}

#[tokio::test]
async fn the_items_are_those_of_the_branch_of_the_newest_turn() {
    let stage = Stage::set().await;
    let mut talk = Talk::begin(&stage).await;
    let (one, _told) = talk.turn("one", json!(null)).await;
    talk.turn("two", json!(one)).await;
    talk.turn("other", json!(one)).await;
    talk.adds("added").await;

    let items = format!("{}/items?order=asc", talk.path());
    let list = read(stage.caller.gets(&items).await).await;

    let items = list["data"].as_array().unwrap();
    let said: Vec<&Value> = items.iter().map(|item| &item["content"][0]["text"]).collect();
    assert_eq!(said, ["one", "ONE", "other", "OTHER", "added"]);
}

#[tokio::test]
async fn a_repeat_under_a_key_is_the_same_turn_and_leaves_no_second_one() {
    let stage = Stage::set().await;
    let mut talk = Talk::begin(&stage).await;
    let (one, _told) = talk.turn("one", json!(null)).await;
    talk.turn("two", json!(one)).await;
    let body = json!({
        "model": "public", "input": "again", "conversation": talk.id, "background": true,
        "chappe": {"after": one},
    })
    .to_string();

    let ask = async || stage.caller.posts_as("key", "/v1/responses", &body).answered().await;
    let first = read(ask().await).await;
    let repeat = read(ask().await).await;

    assert_eq!(first["id"], repeat["id"]);
    let (mut written, told) = talk.taken().await;
    written.completes().await;
    assert_eq!(told, ["one", "ONE", "again"]);
    assert_eq!(talk.turns("").await["data"][1]["siblings"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_conversation_that_was_stored_as_a_line_is_one_and_can_be_branched() {
    let stage = Stage::set().await;
    let mut talk = Talk::begin(&stage).await;
    let mut turns = Vec::new();
    for input in ["one", "two"] {
        read(talk.asks(input, json!(null)).await).await;
        let (mut written, _told) = talk.taken().await;
        written.completes().await;
        turns.push(written.response_id());
    }
    let records = stage.bus.records(streams::CONVERSATIONS).await.unwrap();
    let id = ConversationId::of_conversation(&talk.id).unwrap();
    let key = subjects::conversation_key(&Owner::local(), id);
    let stored = records.get(&key).await.unwrap().unwrap().value;
    let stored: Value = serde_json::from_slice(&stored).unwrap();
    assert_eq!(stored.get("branches"), None, "as it ever was");

    assert_eq!(talk.path_of("").await, turns);
    let (other, told) = talk.turn("other", json!(turns[0])).await;
    assert_eq!(told, ["one", "other"]);
    assert_eq!(talk.path_of("").await, [turns[0].as_str(), &other]);

    // One that knows no branches has written.
    let current = records.get(&key).await.unwrap().unwrap();
    let mut written: Value = serde_json::from_slice(&current.value).unwrap();
    assert!(written.as_object_mut().unwrap().remove("branches").is_some());
    let written = Bytes::from(written.to_string());
    records.update(&key, written, current.revision).await.unwrap();
    assert_eq!(talk.path_of("").await, [turns[0].as_str(), &turns[1], &other]);
}
