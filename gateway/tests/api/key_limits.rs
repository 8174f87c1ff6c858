//! How much a key may be used, and what its holder is told of it.

use gateway::Auth;
use reqwest::Method;
use serde_json::json;

use crate::support::{DONE, Keyring, Stage, chat, chunk, until};

const MODELS: &str = "/v1/models";

async fn with_keys() -> Stage {
    Stage::with(|settings| settings.auth = Auth::Keys).await
}

#[tokio::test]
async fn requests_in_a_minute_are_counted_down_then_refused_with_when_to_come_again() {
    let stage = with_keys().await;
    let keyring = Keyring::of(&stage).await;
    // What asks whether it is known has used some of it.
    let unlimited = keyring.hands_out(&stage, json!({})).await;
    let limited = keyring.makes(json!({"limits": {"requests_per_minute": 3}})).await;
    let last = keyring.hands_out(&stage, json!({})).await;

    for left in ["2", "1", "0"] {
        let answer = stage.sends_as(&limited, Method::GET, MODELS, None).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-ratelimit-limit-requests"), Some("3"));
        assert_eq!(answer.header("x-ratelimit-remaining-requests"), Some(left));
        assert!(answer.header("x-ratelimit-reset-requests").unwrap().ends_with('s'));
    }
    let refused = stage.sends_as(&limited, Method::GET, MODELS, None).await;
    assert_eq!(refused.header("x-ratelimit-remaining-requests"), Some("0"));
    let after: u64 = refused.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=20).contains(&after), "{after}");
    assert_eq!(refused.header("x-should-retry"), None, "it helps to come again");
    assert_eq!(refused.error().await, (429, "rate_limit_exceeded".to_owned()));

    for key in [&unlimited, &last] {
        let answer = stage.sends_as(key, Method::GET, MODELS, None).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-ratelimit-limit-requests"), None);
    }
}

#[tokio::test]
async fn a_whole_answer_says_how_long_it_is_with_keys_as_without() {
    let stage = with_keys().await;
    let keyring = Keyring::of(&stage).await;
    let key = keyring.hands_out(&stage, json!({"limits": {"requests_per_minute": 100}})).await;

    let answer = stage.sends_as(&key, Method::GET, MODELS, None).await;

    assert_eq!(answer.header("transfer-encoding"), None);
    let length: usize = answer.header("content-length").unwrap().parse().unwrap();
    assert_eq!(answer.text().await.len(), length);
}

#[tokio::test]
async fn a_place_is_held_to_the_end_of_an_answer_or_until_its_caller_has_left() {
    let mut stage = with_keys().await;
    let keyring = Keyring::of(&stage).await;
    let limits = json!({"limits": {"concurrent_requests": 1}});
    let key = keyring.hands_out(&stage, limits).await;
    let asks = |stage: &Stage| {
        let request = stage.request_as(&key, Method::POST, "/v1/chat/completions");
        stage.caller.sends(request.body(chat(true)))
    };
    let status = async |stage: &Stage| stage.sends_as(&key, Method::GET, MODELS, None).await.status;

    let call = asks(&stage);
    let mut held = stage.worker.takes().await;
    held.says_chunk(&chunk("one")).await;
    let mut answer = call.answered().await;
    assert!(answer.frame().await.unwrap().contains("one"));
    let refused = stage.sends_as(&key, Method::GET, MODELS, None).await;
    assert_eq!(refused.error().await, (429, "rate_limit_exceeded".to_owned()));
    held.is_done().await;
    assert_eq!(answer.frame().await.as_deref(), Some(DONE));
    drop(answer);
    until("a free place", async || status(&stage).await == 200).await;

    let call = asks(&stage);
    let _held = stage.worker.takes().await;
    until("a taken place", async || status(&stage).await == 429).await;
    drop(call);
    until("a free place", async || status(&stage).await == 200).await;
}
