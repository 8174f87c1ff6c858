//! Idempotency keys at every endpoint that takes a POST.

use contract::Lane;
use futures::StreamExt as _;
use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, Stage, chat, embeddings, response, within};

const KEY: &str = "k-1";
const CONVERSATIONS: &str = "/v1/conversations";
const HELLO: &str = r#"{"items":[{"role":"user","content":"hello"}]}"#;

async fn json(answer: Answer) -> Value {
    assert_eq!(answer.status, 200);
    serde_json::from_str(&answer.text().await).unwrap()
}

async fn items(stage: &Stage, id: &str) -> Vec<Value> {
    let answer = stage.caller.gets(&format!("{CONVERSATIONS}/{id}/items")).await;
    json(answer).await["data"].as_array().unwrap().clone()
}

/// A new one.
async fn conversation(stage: &Stage) -> String {
    let made = json(stage.caller.posts(CONVERSATIONS, "{}").answered().await).await;
    made["id"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_key_that_is_none_is_refused_wherever_it_comes() {
    let stage = Stage::set().await;
    let id = conversation(&stage).await;
    let before = stage.ever_in("LOGS").await;
    for (path, body) in [
        ("/v1/responses".to_owned(), response("")),
        ("/v1/responses/resp_0/cancel".to_owned(), String::new()),
        ("/v1/chat/completions".to_owned(), chat(true)),
        ("/v1/embeddings".to_owned(), embeddings().to_owned()),
        (CONVERSATIONS.to_owned(), "{}".to_owned()),
        (format!("{CONVERSATIONS}/{id}"), r#"{"metadata":{}}"#.to_owned()),
        (format!("{CONVERSATIONS}/{id}/items"), HELLO.to_owned()),
    ] {
        let long = "k".repeat(256);
        for keys in [vec![""], vec!["a b"], vec!["é"], vec![&long], vec!["a", "a"]] {
            let mut request = stage.caller.request(Method::POST, &path).body(body.clone());
            for key in &keys {
                request = request.header("Idempotency-Key", key.as_bytes());
            }

            let refused = stage.caller.sends(request).answered().await;

            assert_eq!((refused.status, refused.header("x-should-retry")), (400, Some("false")));
            let refused: Value = serde_json::from_str(&refused.text().await).unwrap();
            assert_eq!(refused["error"]["code"], "invalid_value", "{path} {keys:?}");
            assert_eq!(refused["error"]["param"], "Idempotency-Key");
        }
    }
    assert_eq!(stage.messages_in("KV_IDEMPOTENCY").await, 0);
    assert_eq!(stage.ever_in("LOGS").await, before);
}

#[tokio::test]
async fn another_request_under_the_same_key_is_a_conflict_wherever_it_comes() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let id = conversation(&stage).await;
    let body = response(r#""background":true"#);
    json(stage.caller.posts_as(KEY, "/v1/responses", &body).answered().await).await;
    let written = scribe.pulls().await;
    let response_path = format!("/v1/responses/{}/cancel", written.response_id());

    for (path, body) in [
        ("/v1/responses", response(r#""background":true,"metadata":{}"#)),
        ("/v1/responses", format!("{body} ")),
        (&response_path, String::new()),
        ("/v1/chat/completions", chat(true)),
        ("/v1/embeddings", embeddings().to_owned()),
        (CONVERSATIONS, "{}".to_owned()),
        (&format!("{CONVERSATIONS}/{id}"), r#"{"metadata":{"a":"b"}}"#.to_owned()),
        (&format!("{CONVERSATIONS}/{id}/items"), HELLO.to_owned()),
    ] {
        let refused = stage.caller.posts_as(KEY, path, &body).answered().await;

        assert_eq!(refused.header("x-should-retry"), Some("false"), "{path}");
        let (status, code) = refused.error().await;
        assert_eq!((status, code.as_str()), (409, "idempotency_key_reused"), "{path}");
    }
    let shown = stage.caller.gets(&format!("{CONVERSATIONS}/{id}")).await;
    assert_eq!(json(shown).await["metadata"], Value::Object(serde_json::Map::new()));
    assert!(items(&stage, &id).await.is_empty());
    // Nor was it cancelled.
    let shown = json(stage.caller.gets(&format!("/v1/responses/{}", written.response_id())).await);
    assert_eq!(shown.await["status"], "queued");
}

#[tokio::test]
async fn a_conversation_that_is_made_twice_is_one() {
    let stage = Stage::set().await;
    let (_gateway, elsewhere) = stage.another_gateway().await;
    let callers = [&stage.caller, &elsewhere];
    let calls: Vec<_> =
        (0..6).map(|at| callers[at % 2].posts_as(KEY, CONVERSATIONS, HELLO)).collect();

    let (mut ids, mut repeats) = (Vec::new(), 0);
    for call in calls {
        let answer = call.answered().await;
        repeats += u32::from(answer.header("idempotent-replayed").is_some());
        ids.push(json(answer).await["id"].as_str().unwrap().to_owned());
    }

    ids.dedup();
    assert_eq!((ids.len(), repeats), (1, 5));
    let listed = json(stage.caller.gets(CONVERSATIONS).await).await;
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
    assert_eq!(items(&stage, &ids[0]).await.len(), 1);
    let refused = stage.caller.posts_as(KEY, CONVERSATIONS, "{}").answered().await;
    assert_eq!(refused.error().await, (409, "idempotency_key_reused".to_owned()));
}

#[tokio::test]
async fn items_that_are_added_twice_are_there_once() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let (_gateway, elsewhere) = stage.another_gateway().await;
    let id = conversation(&stage).await;
    let path = format!("{CONVERSATIONS}/{id}/items");

    let calls = [&stage.caller, &elsewhere].map(|caller| caller.posts_as(KEY, &path, HELLO));
    let mut told = Vec::new();
    for call in calls {
        told.push(json(call.answered().await).await);
    }
    told.push(json(elsewhere.posts_as(KEY, &path, HELLO).answered().await).await);
    let under_another_key = stage.caller.posts_as("k-2", &path, HELLO).answered().await;

    assert_eq!(told[0], told[1]);
    assert_eq!(told[0], told[2]);
    assert_eq!(under_another_key.status, 200);
    // A list shows no id twice, so what a model is asked is what tells.
    let turn = response(&format!(r#""background":true,"conversation":"{id}""#));
    json(stage.caller.posts("/v1/responses", &turn).answered().await).await;
    let asked = scribe.pulls().await.chat();
    assert_eq!(asked["messages"].as_array().unwrap().len(), 3, "one of each key, and the turn's");
}

#[tokio::test]
async fn items_whose_caller_leaves_while_they_are_added_are_there_once() {
    let stage = Stage::set().await;
    let id = conversation(&stage).await;
    let path = format!("{CONVERSATIONS}/{id}/items");
    let client = async_nats::connect(stage.nats.url()).await.unwrap();
    let subject = format!("$KV.CONVERSATIONS.local.local.{}", id.trim_start_matches("conv_"));
    let mut updates = client.subscribe(subject).await.unwrap();
    client.flush().await.unwrap();

    let call = stage.caller.posts_as(KEY, &path, HELLO);
    within("an update", updates.next()).await.unwrap();
    drop(call);
    let again = stage.caller.posts_as(KEY, &path, HELLO).answered().await;

    let added = json(again).await["data"].clone();
    assert_eq!(Value::from(items(&stage, &id).await), added);
    assert_eq!(added.as_array().unwrap().len(), 1);
    // Whatever its caller knows of it, the key is not free.
    let other = HELLO.replace("hello", "other");
    let refused = stage.caller.posts_as(KEY, &path, &other).answered().await;
    assert_eq!(refused.error().await, (409, "idempotency_key_reused".to_owned()));
}

#[tokio::test]
async fn what_was_deleted_is_not_added_again_nor_told_and_a_conversation_is_made_anew() {
    let stage = Stage::set().await;
    let made = json(stage.caller.posts_as(KEY, CONVERSATIONS, "{}").answered().await).await;
    let path = format!("{CONVERSATIONS}/{}/items", made["id"].as_str().unwrap());
    let two = r#"{"items":[{"role":"user","content":"a"},{"role":"user","content":"b"}]}"#;
    let added = json(stage.caller.posts_as("k-2", &path, two).answered().await).await;
    let deletes = async |path: &str| {
        let request = stage.caller.request(Method::DELETE, path);
        json(stage.caller.sends(request).answered().await).await;
    };
    for left in [1, 0] {
        deletes(&format!("{path}/{}", added["data"][left]["id"].as_str().unwrap())).await;

        let again = stage.caller.posts_as("k-2", &path, two).answered().await;

        assert_eq!(again.header("idempotent-replayed"), Some("true"));
        let told = json(again).await["data"].as_array().unwrap().clone();
        assert_eq!(told, added["data"].as_array().unwrap()[..left]);
        assert_eq!(items(&stage, made["id"].as_str().unwrap()).await, told);
    }

    deletes(path.trim_end_matches("/items")).await;
    let anew = stage.caller.posts_as(KEY, CONVERSATIONS, "{}").answered().await;
    assert_eq!(anew.header("idempotent-replayed"), None);
    assert_eq!(json(anew).await["id"], made["id"]);
}

#[tokio::test]
async fn what_is_refused_leaves_the_key_of_new_items_free() {
    let stage = Stage::set().await;
    let nowhere = format!("{CONVERSATIONS}/conv_{}/items", "0".repeat(32));
    let refused = stage.caller.posts_as(KEY, &nowhere, HELLO).answered().await;
    assert_eq!(refused.error().await, (404, "conversation_not_found".to_owned()));

    let id = conversation(&stage).await;
    let path = format!("{CONVERSATIONS}/{id}/items");
    crate::support::until("a free key", async || {
        stage.caller.posts_as(KEY, &path, HELLO).answered().await.status == 200
    })
    .await;

    assert_eq!(items(&stage, &id).await.len(), 1);
}

#[tokio::test]
async fn a_change_and_a_stop_are_done_again() {
    let stage = Stage::set().await;
    let id = conversation(&stage).await;
    let path = format!("{CONVERSATIONS}/{id}");
    for _time in 0..2 {
        let body = r#"{"metadata":{"a":"b"}}"#;
        let changed = json(stage.caller.posts_as(KEY, &path, body).answered().await).await;
        assert_eq!(changed["metadata"]["a"], "b");
    }
    let body = response(r#""background":true"#);
    let queued = json(stage.caller.posts("/v1/responses", &body).answered().await).await;
    let path = format!("/v1/responses/{}/cancel", queued["id"].as_str().unwrap());
    for _time in 0..2 {
        let stopped = json(stage.caller.posts_as("k-2", &path, "").answered().await).await;
        assert_eq!(stopped["status"], "cancelled");
    }
}
