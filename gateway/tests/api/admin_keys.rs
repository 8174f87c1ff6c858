//! `/v1/admin/keys`: from making a key to its end.

use contract::keys::ApiKey;
use gateway::Auth;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Keyring, Stage, until};

const KEYS: &str = "/v1/admin/keys";
const MODELS: &str = "/v1/models";

struct Operator {
    stage: Stage,
    key: ApiKey,
}

impl Operator {
    async fn at_work() -> Self {
        let stage = Stage::with(|settings| settings.auth = Auth::Keys).await;
        let keyring = Keyring::of(&stage).await;
        let key = keyring.hands_out(&stage, json!({"scopes": {"operator": true}})).await;
        Self { stage, key }
    }

    async fn sends(&self, method: Method, path: &str, body: Option<&str>) -> (u16, Value) {
        let answer = self.stage.sends_as(&self.key, method, path, body).await;
        let status = answer.status;
        let text = answer.text().await;
        (status, serde_json::from_str(&text).unwrap_or_else(|_no_json| panic!("{text}")))
    }

    /// Waits until a key is answered so.
    async fn is_answered(&self, key: &str, status: u16) {
        until(&format!("a {status}"), async || {
            let request = self.stage.caller.request(Method::GET, MODELS).bearer_auth(key);
            self.stage.caller.sends(request).answered().await.status == status
        })
        .await;
    }
}

#[tokio::test]
async fn keys_are_listed_page_by_page_and_each_is_seen_once() {
    let operator = Operator::at_work().await;
    let mut made = vec![operator.key.id().to_string()];
    for _key in 0..4 {
        let (_status, key) = operator.sends(Method::POST, KEYS, Some(r#"{"name":"app"}"#)).await;
        made.push(key["id"].as_str().unwrap().to_owned());
    }
    for order in ["asc", "desc"] {
        let (mut seen, mut after) = (Vec::new(), String::new());
        loop {
            let path = format!("{KEYS}?limit=2&order={order}{after}");
            let (_status, page) = operator.sends(Method::GET, &path, None).await;
            let ids = page["data"].as_array().unwrap();
            seen.extend(ids.iter().map(|key| key["id"].as_str().unwrap().to_owned()));
            if page["has_more"] == false {
                break;
            }
            after = format!("&after={}", page["last_id"].as_str().unwrap());
        }
        seen.sort();
        made.sort();
        assert_eq!(seen, made, "{order}");
    }
    for (query, param) in [("limit=0", "limit"), ("order=up", "order"), ("after=x", "after")] {
        let (status, error) = operator.sends(Method::GET, &format!("{KEYS}?{query}"), None).await;
        assert_eq!((status, &error["error"]["param"]), (400, &json!(param)), "{query}");
    }
}

#[tokio::test]
async fn a_key_is_made_shown_once_listed_rotated_and_revoked() {
    let operator = Operator::at_work().await;
    let wanted = r#"{"name":"app","tenant":"a","owner":"x","limits":{"requests_per_minute":1000}}"#;

    let (status, made) = operator.sends(Method::POST, KEYS, Some(wanted)).await;
    assert_eq!((status, &made["name"], &made["tenant"]), (201, &json!("app"), &json!("a")));
    let (id, first) = (made["id"].as_str().unwrap(), made["key"].as_str().unwrap());
    operator.is_answered(first, 200).await;
    let path = format!("{KEYS}/{id}");
    let (_status, shown) = operator.sends(Method::GET, &path, None).await;
    assert_eq!(shown["created_by"], json!(format!("key {}", operator.key.id())));
    let (_status, list) = operator.sends(Method::GET, KEYS, None).await;
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    for told in [&shown, &list] {
        assert!(!told.to_string().contains(&first[30..]), "shown once");
        assert!(!told.to_string().contains("hash"));
    }

    let rotate = format!("{path}/rotate");
    let (status, rotated) =
        operator.sends(Method::POST, &rotate, Some(r#"{"grace_seconds":0}"#)).await;
    assert_eq!((status, &rotated["id"]), (200, &made["id"]));
    let second = rotated["key"].as_str().unwrap();
    assert_ne!(first, second);
    operator.is_answered(second, 200).await;
    operator.is_answered(first, 401).await;
    let (_status, again) = operator.sends(Method::POST, &rotate, None).await;
    let third = again["key"].as_str().unwrap();
    operator.is_answered(third, 200).await;
    operator.is_answered(second, 200).await;
    // Whoever asks again because an answer was lost ends no secret that is in use.
    let (status, refused) = operator.sends(Method::POST, &rotate, None).await;
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("key_in_rotation")));
    operator.is_answered(second, 200).await;
    let forced = r#"{"grace_seconds":60,"force":true}"#;
    let (status, forced) = operator.sends(Method::POST, &rotate, Some(forced)).await;
    assert_eq!(status, 200);
    operator.is_answered(second, 401).await;
    operator.is_answered(third, 200).await;
    let third = forced["key"].as_str().unwrap();
    operator.is_answered(third, 200).await;

    let (status, revoked) = operator.sends(Method::DELETE, &path, None).await;
    assert_eq!(status, 200);
    assert!(revoked["revoked_at"].is_u64(), "{revoked}");
    operator.is_answered(third, 401).await;
    let (status, twice) = operator.sends(Method::DELETE, &path, None).await;
    assert_eq!((status, &twice["revoked_at"]), (200, &revoked["revoked_at"]));
    let (status, refused) = operator.sends(Method::POST, &rotate, None).await;
    assert_eq!((status, &refused["error"]["code"]), (409, &json!("key_not_good")));
}

#[tokio::test]
async fn what_is_asked_of_a_key_is_understood_whole_or_refused() {
    let operator = Operator::at_work().await;
    for (body, code) in [
        ("", "invalid_value"),
        ("{}", "invalid_value"),
        (r#"{"name":""}"#, "invalid_value"),
        (r#"{"name":"x","scope":{}}"#, "invalid_value"),
        (r#"{"name":"x","scopes":{"lanes":["express"]}}"#, "invalid_value"),
        (r#"{"name":"x","scopes":{"endpoints":["chat"]}}"#, "invalid_value"),
        (r#"{"name":"x","expires_at":1}"#, "invalid_value"),
        (r#"{"name":"x","limits":{"requests_per_minute":-1}}"#, "invalid_value"),
        (r#"{"name":"x","limits":{"requests_per_minute":0}}"#, "invalid_value"),
        (r#"{"name":"x","limits":{"concurrent_requests":0}}"#, "invalid_value"),
    ] {
        let (status, refused) = operator.sends(Method::POST, KEYS, Some(body)).await;
        assert_eq!((status, &refused["error"]["code"]), (400, &json!(code)), "{body}");
    }
    let (_status, list) = operator.sends(Method::GET, KEYS, None).await;
    assert_eq!(list["data"].as_array().unwrap().len(), 1, "nothing was half made");

    let rotate = format!("{KEYS}/{}/rotate", operator.key.id());
    for body in [r#"{"grace_seconds":7776001}"#, r#"{"grace_seconds":-1}"#, r#"{"grace":1}"#] {
        let (status, refused) = operator.sends(Method::POST, &rotate, Some(body)).await;
        assert_eq!((status, &refused["error"]["code"]), (400, &json!("invalid_value")), "{body}");
    }
    for id in ["x", "%ff", "aaaaaaaaaaaaaaaa", operator.key.reveal()] {
        for (method, path) in [
            (Method::GET, format!("{KEYS}/{id}")),
            (Method::DELETE, format!("{KEYS}/{id}")),
            (Method::POST, format!("{KEYS}/{id}/rotate")),
        ] {
            let (status, refused) = operator.sends(method, &path, None).await;
            let expected = if id == "%ff" { 400 } else { 404 };
            assert_eq!(status, expected, "{path}");
            assert!(!refused.to_string().contains("sk-chappe"), "{refused}");
            assert!(!refused.to_string().contains("response"), "{refused}");
        }
    }
}

#[tokio::test]
async fn while_nobody_needs_a_key_they_can_be_made_beforehand() {
    let stage = Stage::set().await;
    let answer = stage.caller.posts(KEYS, r#"{"name":"first"}"#).answered().await;
    assert_eq!(answer.status, 201);
    let made: Value = serde_json::from_str(&answer.text().await).unwrap();

    let keys = |settings: &mut gateway::Settings| settings.auth = Auth::Keys;
    let (_gateway, caller) = stage.another_gateway_with(keys).await;

    let request = caller.request(Method::GET, MODELS).bearer_auth(made["key"].as_str().unwrap());
    assert_eq!(caller.sends(request).answered().await.status, 200, "known from the start");
    assert_eq!(caller.gets(MODELS).await.status, 401);
}
