//! Acts on keys are told, whoever does them and however.

use contract::keys::ApiKey;
use reqwest::Method;
use serde_json::json;

use crate::keys::with_keys;
use crate::support::{Keyring, Stage, until};

const KEYS: &str = "/v1/admin/keys";

async fn operator(stage: &Stage, keyring: &Keyring) -> ApiKey {
    keyring.hands_out(stage, json!({"scopes": {"operator": true}})).await
}

/// NATS while it does nothing, as SIGSTOP makes it, until this is dropped.
#[cfg(unix)]
struct HeldUp(String);

#[cfg(unix)]
impl HeldUp {
    fn nats_of(stage: &Stage) -> Self {
        let held_up = Self(stage.nats.pid().to_string());
        held_up.signal("-STOP");
        held_up
    }

    fn signal(&self, signal: &str) {
        let sent = std::process::Command::new("kill").args([signal, &self.0]).status();
        assert!(sent.unwrap().success());
    }
}

#[cfg(unix)]
impl Drop for HeldUp {
    fn drop(&mut self) {
        self.signal("-CONT");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn an_act_is_done_and_told_though_its_caller_has_left() {
    let stage = with_keys().await;
    let keyring = Keyring::of(&stage).await;
    let operator = operator(&stage, &keyring).await;
    let key = keyring.hands_out(&stage, json!({})).await;
    let answering = async |count: u32| {
        let active = || stage.gateway.sum("http_server_active_requests");
        until(&format!("{count} requests"), async || active() == f64::from(count)).await;
    };
    answering(0).await;

    let held_up = HeldUp::nats_of(&stage);
    let mut caller = stage.caller.connects().await;
    let head = format!("DELETE {KEYS}/{} HTTP/1.1\r\nhost: localhost\r\n", key.id());
    caller.writes(&format!("{head}authorization: Bearer {}\r\n\r\n", operator.reveal())).await;
    answering(1).await;
    drop(caller);
    answering(0).await;
    drop(held_up);

    let told = format!("audit: key {} of tenant local was revoked by key", key.id());
    stage.gateway.log.says(&["WARN", &told, "from 127.0.0.1", operator.id().as_str()]).await;
}

#[cfg(unix)]
#[tokio::test]
async fn an_act_that_is_not_known_to_be_done_is_told_as_such_and_not_to_be_repeated() {
    let stage = with_keys().await;
    let keyring = Keyring::of(&stage).await;
    let operator = operator(&stage, &keyring).await;
    let key = keyring.hands_out(&stage, json!({})).await;

    let held_up = HeldUp::nats_of(&stage);
    let rotate = format!("{KEYS}/{}/rotate", key.id());
    let answer = stage.sends_as(&operator, Method::POST, &rotate, Some("{}")).await;
    drop(held_up);

    assert_eq!(answer.header("x-should-retry"), Some("false"));
    assert_eq!(answer.error().await, (503, "store_unavailable".to_owned()));
    let told = format!("audit: it is not known whether key {} was rotated by key", key.id());
    stage.gateway.log.says(&["WARN", &told, operator.id().as_str(), "from 127.0.0.1"]).await;
}

#[tokio::test]
async fn what_changes_nothing_is_no_act() {
    let stage = with_keys().await;
    let keyring = Keyring::of(&stage).await;
    let one = operator(&stage, &keyring).await;
    let other = operator(&stage, &keyring).await;
    let key = keyring.hands_out(&stage, json!({})).await;
    let path = format!("{KEYS}/{}", key.id());

    for operator in [&one, &other] {
        assert_eq!(stage.sends_as(operator, Method::DELETE, &path, None).await.status, 200);
    }
    // What comes after has been told: so would have been what came before.
    let last = format!("{KEYS}/{}", one.id());
    assert_eq!(stage.sends_as(&other, Method::DELETE, &last, None).await.status, 200);

    let log = &stage.gateway.log;
    log.says(&["WARN", &format!("key {} of tenant local was revoked", one.id())]).await;
    let revoked = format!("key {} of tenant local was revoked", key.id());
    let told = log.lines(&["WARN", &revoked]);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains(one.id().as_str()), "{told:?}");
}

#[tokio::test]
async fn every_gateway_tells_of_what_it_hears() {
    let stage = with_keys().await;
    let keys = |settings: &mut gateway::Settings| settings.auth = gateway::Auth::Keys;
    let (elsewhere, _caller) = stage.another_gateway_with(keys).await;
    let keyring = Keyring::of(&stage).await;
    let operator = operator(&stage, &keyring).await;
    let key = keyring.makes(json!({})).await;

    let heard = format!("key {} of tenant local was created by test", key.id());
    for gateway in [&stage.gateway, &elsewhere] {
        gateway.log.says(&["WARN", "audit: change", &heard]).await;
    }
    let path = format!("{KEYS}/{}", key.id());
    assert_eq!(stage.sends_as(&operator, Method::DELETE, &path, None).await.status, 200);
    let heard = format!("key {} of tenant local was revoked by key {}", key.id(), operator.id());
    for gateway in [&stage.gateway, &elsewhere] {
        gateway.log.says(&["INFO", "audit: change", &heard]).await;
    }
    assert_eq!(stage.gateway.log.lines(&["WARN", &heard]).len(), 1, "as it was done");
    assert!(elsewhere.log.lines(&["WARN", &heard]).is_empty());
}
