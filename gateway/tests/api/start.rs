//! What a gateway needs before it answers, and how it says what is missing.

use std::time::Duration;

use bus::Bus;
use contract::Catalogue;
use contract::permissions::Service;
use gateway::{BuildError, Gateway, Settings};
use telemetry::ServiceTelemetry;
use test_support::TestNats;

use crate::support::{Stage, Worker, settings, until};

async fn refusal(settings: Settings) -> String {
    let error = Gateway::build(settings, ServiceTelemetry::detached()).await.unwrap_err();
    match &error {
        BuildError::Port(_) | BuildError::Bus(_) => error.to_string(),
    }
}

#[tokio::test]
async fn a_nats_without_our_streams_is_refused_with_the_remedy() {
    let nats = TestNats::start().await;

    let refusal = refusal(settings(&nats)).await;

    assert!(refusal.contains("JOBS_CHAT") && refusal.contains("nats-init"), "{refusal}");
}

#[tokio::test]
async fn a_nats_without_the_store_for_bodies_is_refused_with_the_remedy() {
    let nats = TestNats::start().await;
    let settings = settings(&nats);
    let bus = Bus::connect("nats-init", &nats.settings(Service::NatsInit)).await.unwrap();
    bus::declare(&bus, &settings.catalogue.queues(), 1).await.unwrap();
    let client = async_nats::connect(nats.url()).await.unwrap();
    async_nats::jetstream::new(client).delete_object_store("BLOBS").await.unwrap();

    let refusal = refusal(settings).await;

    assert!(refusal.contains("BLOBS") && refusal.contains("nats-init"), "{refusal}");
}

#[tokio::test]
async fn a_nats_without_the_bucket_of_responses_is_refused_with_the_remedy() {
    let nats = TestNats::start().await;
    let settings = settings(&nats);
    let bus = Bus::connect("nats-init", &nats.settings(Service::NatsInit)).await.unwrap();
    bus::declare(&bus, &settings.catalogue.queues(), 1).await.unwrap();
    let client = async_nats::connect(nats.url()).await.unwrap();
    async_nats::jetstream::new(client).delete_key_value("RESPONSES").await.unwrap();

    let refusal = refusal(settings).await;

    assert!(refusal.contains("RESPONSES") && refusal.contains("nats-init"), "{refusal}");
}

#[tokio::test]
async fn without_the_role_nobody_is_answered() {
    let stage = Stage::with(|settings| settings.roles.api = false).await;

    stage.gateway.readiness_is(200).await;

    assert!(stage.caller.is_refused().await);
}

#[tokio::test]
async fn a_nats_that_is_not_there_is_named_with_its_setting() {
    let mut nats = TestNats::start().await;
    let mut settings = settings(&nats);
    settings.nats.connect_timeout = Duration::from_millis(100);
    nats.kill().await;

    let refusal = refusal(settings).await;

    assert!(refusal.contains(&nats.url()) && refusal.contains("NATS_URL"), "{refusal}");
}

#[tokio::test]
async fn a_busy_port_is_named_with_its_setting() {
    let stage = Stage::set().await;
    let settings = settings(&stage.nats);
    let busy = stage.gateway.address;

    let api = refusal(Settings { listen: busy, ..settings.clone() }).await;
    let health = refusal(Settings { health_listen: busy, ..settings }).await;

    let port = format!("port {}", busy.port());
    assert!(api.contains(&port) && api.contains("GATEWAY_LISTEN"), "{api}");
    assert!(health.contains(&port) && health.contains("GATEWAY_HEALTH_LISTEN"), "{health}");
}

#[tokio::test]
async fn a_started_gateway_is_ready_and_a_worker_with_another_catalogue_only_a_warning() {
    let mut stage = Stage::set().await;
    stage.gateway.readiness_is(200).await;
    assert_eq!(stage.gateway.health("/startupz").await.0, 200);

    let other = Catalogue::parse("[[models]]\nname = \"other\"").unwrap();
    stage.worker.falls_silent().await;
    let _worker = Worker::start(&stage.bus, &other).await;

    let hash = other.hash().to_string();
    until("a warning", async || {
        let (status, report) = stage.gateway.health("/readyz").await;
        assert_eq!(status, 200, "{report}");
        report.contains("warning") && report.contains(&hash)
    })
    .await;
}
