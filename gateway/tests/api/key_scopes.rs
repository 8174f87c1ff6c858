//! Which route needs what of a key.

use contract::keys::Endpoint;
use reqwest::Method;
use serde_json::json;

use crate::keys::{described, filled, with_keys};
use crate::support::{Keyring, Stage, read};

/// Whose route that is; `None`: an operator's.
fn endpoint_of(path: &str) -> Option<Endpoint> {
    let below = |base: &str| path == base || path.starts_with(&format!("{base}/"));
    let of = [
        ("/v1/chat/completions", Endpoint::ChatCompletions),
        ("/v1/embeddings", Endpoint::Embeddings),
        ("/v1/responses", Endpoint::Responses),
        ("/v1/conversations", Endpoint::Conversations),
        ("/v1/models", Endpoint::Models),
    ];
    let found = of.into_iter().find(|(base, _endpoint)| below(base));
    assert!(found.is_some() || below("/v1/admin"), "whose is {path}?");
    found.map(|(_base, endpoint)| endpoint)
}

/// The paths of all routes, with whether a key of these scopes may call each.
async fn opens(stage: &Stage, keyring: &Keyring, scopes: serde_json::Value) -> Vec<(String, bool)> {
    let key = keyring.hands_out(stage, json!({ "scopes": scopes })).await;
    let id = format!("{:032x}", 7);
    let mut opened = Vec::new();
    for (method, path) in described(stage).await {
        let address = filled(&path, &format!("resp_{id}"), &format!("conv_{id}"), "msg_1");
        // Understood by none that would have to wait for somebody.
        let body = (method == Method::POST).then_some("{}");
        let answer = stage.sends_as(&key, method, &address, body).await;
        let (status, text) = (answer.status, answer.text().await);
        let is_refused = status == 403;
        assert_eq!(is_refused, text.contains("insufficient_permissions"), "{path}: {text}");
        assert_ne!(status, 401, "{path}");
        opened.push((path, !is_refused));
    }
    opened
}

#[tokio::test]
async fn a_key_of_one_endpoint_opens_its_routes_and_no_others() {
    let stage = with_keys().await;
    let keyring = Keyring::of(&stage).await;
    for endpoint in Endpoint::ALL {
        let scopes = json!({"endpoints": [endpoint], "on_behalf_of": true});
        let mut own = 0;
        for (path, opened) in opens(&stage, &keyring, scopes).await {
            let is_own = endpoint_of(&path) == Some(endpoint);
            assert_eq!(opened, is_own, "{path} with a key of {endpoint}");
            own += usize::from(is_own);
        }
        assert!(own > 0, "{endpoint} has no routes");
    }
}

#[tokio::test]
async fn keys_are_managed_by_operators_alone_whatever_else_they_may() {
    let stage = with_keys().await;
    let keyring = Keyring::of(&stage).await;
    let everything_else = json!({"endpoints": Endpoint::ALL, "on_behalf_of": true});
    for (path, opened) in opens(&stage, &keyring, everything_else).await {
        assert_eq!(opened, endpoint_of(&path).is_some(), "{path} with all endpoints");
    }
    let operator = json!({"endpoints": [], "operator": true});
    for (path, opened) in opens(&stage, &keyring, operator).await {
        assert_eq!(opened, endpoint_of(&path).is_none(), "{path} as an operator");
    }
}

#[tokio::test]
async fn a_conversation_takes_responses_along_for_those_who_may_delete_them() {
    let stage = with_keys().await;
    let keyring = Keyring::of(&stage).await;
    let both = keyring.makes(json!({})).await;
    let scopes = json!({"endpoints": ["conversations"]});
    let alone = keyring.hands_out(&stage, json!({ "scopes": scopes })).await;
    let path = "/v1/conversations";
    let made = read(stage.sends_as(&both, Method::POST, path, Some("{}")).await).await;
    let path = format!("{path}/{}", made["id"].as_str().unwrap());
    let with_responses = format!("{path}?responses=true");

    let refused = stage.sends_as(&alone, Method::DELETE, &with_responses, None).await;

    assert_eq!(refused.error().await, (403, "insufficient_permissions".to_owned()));
    assert_eq!(stage.sends_as(&alone, Method::GET, &path, None).await.status, 200);
    assert_eq!(stage.sends_as(&both, Method::DELETE, &with_responses, None).await.status, 200);
    assert_eq!(stage.sends_as(&alone, Method::DELETE, &path, None).await.status, 404, "gone");
}
