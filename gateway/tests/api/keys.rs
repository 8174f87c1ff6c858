//! Who is let in: on every route, with every kind of key.

use std::time::Duration;

use contract::Lane;
use contract::keys::ApiKey;
use gateway::Auth;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{Caller, Keyring, LookUps, Stage, is_known, response, until};

const MODELS: &str = "/v1/models";
/// How often a gateway looks whether a key has changed.
const LOOKS_EVERY: Duration = Duration::from_millis(250);
/// How often it compares the state of the store.
const COMPARES_EVERY: Duration = Duration::from_secs(3);

pub(crate) async fn with_keys() -> Stage {
    Stage::with(|settings| settings.auth = Auth::Keys).await
}

/// Every method and path that is described, which another test compares with the routes.
pub(crate) async fn described(stage: &Stage) -> Vec<(Method, String)> {
    let text = stage.caller.gets("/openapi.json").await.text().await;
    let document: Value = serde_json::from_str(&text).unwrap();
    let mut all = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            all.push((method.to_uppercase().parse().unwrap(), path.clone()));
        }
    }
    assert!(all.len() > 20, "{all:?}");
    all
}

/// A path with these ids in it.
pub(crate) fn filled(path: &str, response: &str, conversation: &str, item: &str) -> String {
    path.replace("{response_id}", response)
        .replace("{conversation_id}", conversation)
        .replace("{item_id}", item)
        .replace("{model}", "public")
        .replace("{key_id}", "aaaaaaaaaaaaaaaa")
        .replace("{dead_letter_id}", "7")
}

/// A body that the route understands.
fn body_for(path: &str) -> &'static str {
    match path {
        "/v1/chat/completions" => {
            r#"{"model":"public","messages":[{"role":"user","content":"x"}]}"#
        }
        "/v1/embeddings" => r#"{"model":"public","input":"x"}"#,
        "/v1/responses" => r#"{"model":"public","input":"x"}"#,
        "/v1/conversations/{conversation_id}" => r#"{"metadata":{"a":"b"}}"#,
        "/v1/conversations/{conversation_id}/items" => {
            r#"{"items":[{"type":"message","role":"user","content":"theirs"}]}"#
        }
        "/v1/conversations/{conversation_id}/turns/{response_id}/feedback" => r#"{"rating":"up"}"#,
        "/v1/admin/keys" => r#"{"name":"x"}"#,
        _ => "{}",
    }
}

#[tokio::test]
async fn every_route_asks_for_a_key_that_counts_and_may() {
    let stage = with_keys().await;
    let keyring = Keyring::of(&stage).await;
    let unknown = ApiKey::fresh();
    let revoked = keyring.makes(json!({})).await;
    keyring.revokes(revoked.id()).await;
    let expired = keyring.makes(json!({"expires_at": 2})).await;
    let nothing = keyring.makes(json!({"scopes": {"endpoints": []}})).await;
    let guessed = ApiKey::of_id(nothing.id().clone());
    let guessed_too = ApiKey::of_id(revoked.id().clone());
    is_known(&stage, &nothing).await;

    for (method, path) in described(&stage).await {
        let id = format!("{:032x}", 7);
        let address = filled(&path, &format!("resp_{id}"), &format!("conv_{id}"), "msg_1");
        let body = (method == Method::POST).then(|| body_for(&path));
        let without = stage.caller.request(method.clone(), &address).body(body.unwrap_or_default());
        let without = stage.caller.sends(without).answered().await;
        assert_eq!(without.header("www-authenticate"), Some("Bearer"), "{method} {path}");
        assert_eq!(without.header("x-should-retry"), Some("false"), "{method} {path}");
        assert_eq!(without.error().await, (401, "missing_api_key".to_owned()), "{method} {path}");

        for (key, code) in [
            (&unknown, "invalid_api_key"),
            (&guessed, "invalid_api_key"),
            (&guessed_too, "invalid_api_key"),
            (&revoked, "api_key_revoked"),
            (&expired, "api_key_expired"),
        ] {
            let answer = stage.sends_as(key, method.clone(), &address, body).await;
            assert_eq!(answer.status, 401, "{method} {path}: {code}");
            let text = answer.text().await;
            assert!(text.contains(&format!(r#""code":"{code}""#)), "{method} {path}: {text}");
            assert!(!text.contains(key.reveal().rsplit('-').next().unwrap()), "{method} {path}");
        }
        let answer = stage.sends_as(&nothing, method.clone(), &address, body).await;
        let expected = (403, "insufficient_permissions".to_owned());
        assert_eq!(answer.error().await, expected, "{method} {path}");
    }
    assert_eq!(stage.jobs_queued().await, 0);
    // What is told to everybody.
    for path in ["/openapi.json", "/docs"] {
        assert_eq!(stage.caller.gets(path).await.status, 200, "{path}");
    }
    assert_eq!(stage.caller.gets("/v1/nowhere").await.error().await.0, 404);
}

#[tokio::test]
async fn what_others_own_is_not_there_on_any_route() {
    let stage = with_keys().await;
    let keyring = Keyring::of(&stage).await;
    let mine = keyring.makes(json!({"tenant": "a", "owner": "x"})).await;
    let of_my_tenant = keyring.makes(json!({"tenant": "a", "owner": "y"})).await;
    let of_another = keyring.makes(json!({"tenant": "b", "owner": "x"})).await;
    let operator = json!({"tenant": "c", "scopes": {"operator": true, "on_behalf_of": true}});
    let operator = keyring.hands_out(&stage, operator).await;

    let conversation = made(
        &stage,
        &mine,
        "/v1/conversations",
        r#"{"items":[{"type":"message","role":"user","content":"mine"}]}"#,
    )
    .await;
    let queued = made(&stage, &mine, "/v1/responses", &response(r#""background":true"#)).await;
    let items = format!("/v1/conversations/{conversation}/items");
    let listed = stage.sends_as(&mine, Method::GET, &items, None).await.text().await;
    let listed: Value = serde_json::from_str(&listed).unwrap();
    let item = listed["data"][0]["id"].as_str().unwrap();
    let seen = async |path: &str| stage.sends_as(&mine, Method::GET, path, None).await.text().await;
    let all = [
        format!("/v1/responses/{queued}"),
        format!("/v1/conversations/{conversation}"),
        items.clone(),
    ];
    let mut before = Vec::new();
    for path in &all {
        before.push(seen(path).await);
    }

    let mut looked = 0;
    for (method, path) in described(&stage).await {
        if !path.contains("{response_id}") && !path.contains("{conversation_id}") {
            continue;
        }
        let address = filled(&path, &queued, &conversation, item);
        let body = (method == Method::POST).then(|| body_for(&path));
        for key in [&of_my_tenant, &of_another, &operator] {
            let answer = stage.sends_as(key, method.clone(), &address, body).await;
            let (status, code) = answer.error().await;
            assert_eq!(status, 404, "{method} {path}");
            // A turn is looked for in its conversation.
            let in_one = path.contains("{conversation_id}");
            let of = if in_one { "conversation" } else { "response" };
            assert_eq!(code, format!("{of}_not_found"), "{method} {path}");
            looked += 1;
        }
    }
    assert!(looked >= 30, "{looked}");
    for key in [&of_my_tenant, &of_another] {
        let chained = response(&format!(r#""previous_response_id":"{queued}""#));
        let answer = stage.sends_as(key, Method::POST, "/v1/responses", Some(&chained)).await;
        assert_eq!(answer.error().await, (400, "previous_response_not_found".to_owned()));
        let turn = response(&format!(r#""conversation":"{conversation}""#));
        let answer = stage.sends_as(key, Method::POST, "/v1/responses", Some(&turn)).await;
        assert_eq!(answer.error().await, (404, "conversation_not_found".to_owned()));
        let list = stage.sends_as(key, Method::GET, "/v1/conversations", None).await.text().await;
        assert!(!list.contains(&conversation), "{list}");
    }
    // Nothing of it has changed.
    for (path, before) in all.iter().zip(before) {
        assert_eq!(seen(path).await, before, "{path}");
    }
}

/// The id of what a POST has made.
async fn made(stage: &Stage, key: &ApiKey, path: &str, body: &str) -> String {
    let text = stage.sends_as(key, Method::POST, path, Some(body)).await.text().await;
    let object: Value = serde_json::from_str(&text).unwrap();
    object["id"].as_str().unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[tokio::test]
async fn one_idempotency_key_of_two_owners_is_two() {
    let stage = with_keys().await;
    let keyring = Keyring::of(&stage).await;
    let one = keyring.makes(json!({"owner": "x"})).await;
    let other = keyring.hands_out(&stage, json!({"owner": "y"})).await;
    let make = async |key: &ApiKey| {
        let request = stage.request_as(key, Method::POST, "/v1/conversations");
        let request = request.header("idempotency-key", "the-same").body("{}");
        let text = stage.caller.sends(request).answered().await.text().await;
        serde_json::from_str::<Value>(&text).unwrap()["id"].clone()
    };

    assert_eq!(make(&one).await, make(&one).await);
    assert_ne!(make(&one).await, make(&other).await);
}

#[tokio::test]
async fn a_revoked_key_is_refused_by_every_gateway_within_a_second() {
    let stage = with_keys().await;
    let (_other, elsewhere) =
        stage.another_gateway_with(|settings| settings.auth = Auth::Keys).await;
    let keyring = Keyring::of(&stage).await;
    let status = async |caller: &Caller, key: &ApiKey| {
        let request = caller.request(Method::GET, MODELS).bearer_auth(key.reveal());
        caller.sends(request).answered().await.status
    };

    let mut took = Vec::new();
    for _time in 0..5 {
        let key = keyring.hands_out(&stage, json!({})).await;
        let known = async || status(&elsewhere, &key).await == 200;
        until("a key that is known elsewhere", known).await;
        let began = Instant::now();
        keyring.revokes(key.id()).await;
        until("a refused key", async || status(&stage.caller, &key).await == 401).await;
        until("a key refused elsewhere", async || status(&elsewhere, &key).await == 401).await;
        took.push(began.elapsed());
    }

    // The machine that tests may be busy, but not all the time.
    assert!(took.iter().min() < Some(&Duration::from_secs(1)), "{took:?}");
}

#[tokio::test]
async fn to_know_a_key_nobody_is_asked() {
    let mut stage = with_keys().await;
    let key = Keyring::of(&stage).await.hands_out(&stage, json!({})).await;

    stage.nats.kill().await;

    for _request in 0..10 {
        assert_eq!(stage.sends_as(&key, Method::GET, MODELS, None).await.status, 200);
    }
    assert_eq!(stage.sends_as(&ApiKey::fresh(), Method::GET, MODELS, None).await.status, 401);
}

#[tokio::test]
async fn keys_are_looked_up_as_often_however_many_calls_there_are() {
    const CALLS: u32 = 400;
    let stage = with_keys().await;
    let keyring = Keyring::of(&stage).await;
    let keys = [keyring.makes(json!({})).await, keyring.hands_out(&stage, json!({})).await];

    let began = Instant::now();
    let mut look_ups = LookUps::of(&stage).await;
    for call in 0..CALLS {
        let key = &keys[call as usize % keys.len()];
        assert_eq!(stage.sends_as(key, Method::GET, MODELS, None).await.status, 200);
        assert_eq!(stage.sends_as(&ApiKey::fresh(), Method::GET, MODELS, None).await.status, 401);
    }
    let seen = look_ups.so_far().await;
    let took = began.elapsed();

    // One behind the key that was learnt last, one before the first wait, and one behind each; two
    // for a comparison.
    let looks = took.as_millis() / LOOKS_EVERY.as_millis();
    let at_most = 2 + looks + 2 * (1 + took.as_millis() / COMPARES_EVERY.as_millis());
    assert!(seen as u128 <= at_most, "{seen} look-ups during {CALLS} calls in {took:?}");
    // A busy machine may be late, but not for good.
    assert!(seen as u128 >= looks / 4, "{seen} look-ups during {CALLS} calls in {took:?}");
    // If there were any, they were seen.
    look_ups.comes().await;
}

#[tokio::test]
async fn a_header_that_is_not_understood_is_refused_and_not_repeated() {
    let stage = with_keys().await;
    let key = Keyring::of(&stage).await.hands_out(&stage, json!({})).await;
    let key = key.reveal();
    for (value, status) in [
        (format!("Bearer {key}"), 200),
        (format!("bearer   {key} "), 200),
        (key.to_owned(), 401),
        (format!("Basic {key}"), 401),
        ("Bearer".to_owned(), 401),
        ("Bearer ".to_owned(), 401),
        (format!("Bearer {key},{key}"), 401),
        (format!("Bearer {key}x"), 401),
        (format!("Bearer {}", "k".repeat(10_000)), 401),
        ("Bearer \u{fc}".to_owned(), 401),
    ] {
        let value = reqwest::header::HeaderValue::from_bytes(value.as_bytes()).unwrap();
        let request = stage.caller.request(Method::GET, MODELS).header("authorization", &value);
        let answer = stage.caller.sends(request).answered().await;
        assert_eq!(answer.status, status, "{value:?}");
        let text = answer.text().await;
        assert!(!text.contains("sk-chappe"), "{value:?}: {text}");
    }
    let twice = stage.caller.request(Method::GET, MODELS).bearer_auth(key).bearer_auth(key);
    let answer = stage.caller.sends(twice).answered().await;
    assert_eq!(answer.error().await, (401, "invalid_api_key".to_owned()));
}

#[tokio::test]
async fn whoever_may_says_for_whom_it_calls() {
    let stage = with_keys().await;
    let keyring = Keyring::of(&stage).await;
    let web = keyring.makes(json!({"scopes": {"on_behalf_of": true}})).await;
    let plain = keyring.hands_out(&stage, json!({})).await;
    let on_behalf = async |key: &ApiKey, owner: &str, method: Method, path: &str| {
        let request = stage.request_as(key, method, path).header("chappe-on-behalf-of", owner);
        stage.caller.sends(request.body("{}")).answered().await
    };

    let made = on_behalf(&web, "ann", Method::POST, "/v1/conversations").await;
    let made: Value = serde_json::from_str(&made.text().await).unwrap();
    let path = format!("/v1/conversations/{}", made["id"].as_str().unwrap());

    assert_eq!(on_behalf(&web, "ann", Method::GET, &path).await.status, 200);
    assert_eq!(on_behalf(&web, "bob", Method::GET, &path).await.status, 404);
    assert_eq!(stage.sends_as(&web, Method::GET, &path, None).await.status, 404);
    let refused = on_behalf(&plain, "ann", Method::GET, &path).await.error().await;
    assert_eq!(refused, (403, "on_behalf_of_not_allowed".to_owned()));
    for owner in ["", &"x".repeat(129), web.reveal()] {
        let refused = on_behalf(&web, owner, Method::GET, &path).await.error().await;
        assert_eq!(refused, (400, "invalid_owner".to_owned()), "{owner}");
    }
}

#[tokio::test]
async fn a_key_opens_the_models_and_lanes_of_its_scopes() {
    let stage = with_keys().await;
    let keyring = Keyring::of(&stage).await;
    let _scribe = stage.scribe(Lane::Background).await;
    let lanes = keyring.makes(json!({"scopes": {"lanes": ["background"]}})).await;
    let models = keyring.hands_out(&stage, json!({"scopes": {"models": ["other"]}})).await;
    let responses = "/v1/responses";
    let forbidden = (403, "insufficient_permissions".to_owned());
    let unknown = (404, "model_not_found".to_owned());

    let live = stage.sends_as(&lanes, Method::POST, responses, Some(&response(""))).await;
    assert_eq!(live.error().await, forbidden);
    let background = response(r#""background":true"#);
    let queued = stage.sends_as(&lanes, Method::POST, responses, Some(&background)).await;
    assert_eq!(queued.status, 200);
    let chat = body_for("/v1/chat/completions");
    let chat_path = "/v1/chat/completions";
    let unstored = stage.sends_as(&lanes, Method::POST, chat_path, Some(chat)).await;
    assert_eq!(unstored.error().await, forbidden);
    let keyed = stage.request_as(&lanes, Method::POST, chat_path).header("idempotency-key", "k");
    let keyed = stage.caller.sends(keyed.body(chat)).answered().await;
    assert_eq!(keyed.error().await, forbidden, "with a key it is a live job");

    let asked = stage.sends_as(&models, Method::POST, responses, Some(&background)).await;
    assert_eq!(asked.error().await, unknown);
    let asked = stage.sends_as(&models, Method::POST, chat_path, Some(chat)).await;
    assert_eq!(asked.error().await, unknown);
    let shown = stage.sends_as(&models, Method::GET, "/v1/models/public", None).await;
    assert_eq!(shown.error().await, unknown);
    let list = stage.sends_as(&models, Method::GET, MODELS, None).await.text().await;
    assert!(!list.contains("public"), "{list}");
}
