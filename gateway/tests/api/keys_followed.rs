//! Keys as a gateway follows them, whatever becomes of their store.

use bus::Bus;
use contract::keys::ApiKey;
use contract::permissions::Service;
use contract::{QueueName, streams};
use reqwest::Method;
use serde_json::json;

use crate::keys::with_keys;
use crate::support::{Keyring, Stage, until};

const MODELS: &str = "/v1/models";

impl Stage {
    async fn answers(&self, key: &ApiKey, status: u16) {
        until(&format!("a {status}"), async || {
            self.sends_as(key, Method::GET, MODELS, None).await.status == status
        })
        .await;
    }
}

fn store() -> String {
    streams::bucket_stream(streams::KEYS)
}

#[tokio::test]
async fn a_store_that_was_made_anew_is_noticed() {
    let stage = with_keys().await;
    let keyring = Keyring::of(&stage).await;
    let gone = keyring.makes(json!({})).await;
    keyring.hands_out(&stage, json!({})).await;

    stage.jetstream().await.delete_stream(store()).await.unwrap();
    let init = Bus::connect("nats-init", &stage.nats.settings(Service::NatsInit)).await.unwrap();
    bus::declare(&init, &[QueueName::default_queue()], 1).await.unwrap();
    // Its changes are numbered from 1 again.
    let new = keyring.makes(json!({})).await;

    stage.answers(&gone, 401).await;
    stage.answers(&new, 200).await;
    stage.gateway.log.says(&["WARN", "all keys are read anew"]).await;
    let told = format!("key {} of tenant local was removed", gone.id());
    stage.gateway.log.says(&["WARN", &told]).await;
    keyring.revokes(new.id()).await;
    stage.answers(&new, 401).await;
}

#[tokio::test]
async fn keys_that_were_erased_without_a_trace_are_noticed() {
    let stage = with_keys().await;
    let keyring = Keyring::of(&stage).await;
    let one = keyring.hands_out(&stage, json!({})).await;
    let stays = keyring.hands_out(&stage, json!({})).await;

    stage.bus.records(streams::KEYS).await.unwrap().erase(one.id().as_str()).await.unwrap();
    stage.answers(&one, 401).await;
    assert_eq!(stage.sends_as(&stays, Method::GET, MODELS, None).await.status, 200);

    let all = stage.jetstream().await.get_stream(store()).await.unwrap();
    all.purge().await.unwrap();
    stage.answers(&stays, 401).await;
}

#[tokio::test]
async fn a_key_that_was_removed_and_one_that_cannot_be_read_open_nothing_and_are_told_apart() {
    let stage = with_keys().await;
    let keyring = Keyring::of(&stage).await;
    let removed = keyring.hands_out(&stage, json!({})).await;
    let unreadable = keyring.hands_out(&stage, json!({})).await;
    let records = stage.bus.records(streams::KEYS).await.unwrap();

    records.delete(removed.id().as_str()).await.unwrap();
    records.put(unreadable.id().as_str(), "{}".into()).await.unwrap();

    stage.answers(&removed, 401).await;
    stage.answers(&unreadable, 401).await;
    for (key, act) in [(&removed, "removed"), (&unreadable, "made unreadable")] {
        let told = format!("key {} of tenant local was {act} by", key.id());
        stage.gateway.log.says(&["WARN", &told]).await;
    }
}

#[tokio::test]
async fn over_a_lost_connection_keys_count_and_what_was_used_up_stays_so() {
    let mut stage = with_keys().await;
    let keyring = Keyring::of(&stage).await;
    let limits = json!({"limits": {"requests_per_minute": 2}});
    let spent = keyring.makes(limits).await;
    let key = keyring.hands_out(&stage, json!({})).await;
    for status in [200, 200, 429] {
        assert_eq!(stage.sends_as(&spent, Method::GET, MODELS, None).await.status, status);
    }
    let erased = keyring.hands_out(&stage, json!({})).await;

    stage.nats.kill().await;
    stage.gateway.log.says(&["WARN", "changes of API keys are not heard"]).await;
    let (_status, report) = stage.gateway.health("/readyz").await;
    assert!(report.contains("changes of API keys are not heard"), "{report}");
    assert_eq!(stage.sends_as(&key, Method::GET, MODELS, None).await.status, 200);
    stage.nats.restart().await;
    stage.gateway.log.says(&["INFO", "changes of API keys are heard again"]).await;
    stage.gateway.readiness_is(200).await;
    let (_status, report) = stage.gateway.health("/readyz").await;
    assert!(!report.contains("not heard"), "{report}");

    until("a connection", async || stage.bus.barrier().await.is_ok()).await;
    keyring.revokes(key.id()).await;
    stage.answers(&key, 401).await;
    // All were read anew, the spent one included.
    stage.bus.records(streams::KEYS).await.unwrap().erase(erased.id().as_str()).await.unwrap();
    stage.answers(&erased, 401).await;
    assert_eq!(stage.sends_as(&spent, Method::GET, MODELS, None).await.status, 429);
}
