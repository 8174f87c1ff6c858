//! Streams and consumers are declared once, and what is missing is named.

use std::time::Duration;

use async_nats::jetstream::stream::StorageType;
use bus::{Bus, Required, Settings};
use contract::{Lane, QueueName};
use service_runtime::{Health, Shutdown, Tasks};
use test_support::TestNats;

use crate::support::{connect, declared, greeting_with, jetstream, publish, queue};

#[tokio::test]
async fn declaring_twice_changes_nothing_and_a_new_queue_is_added() {
    let (_nats, bus) = declared().await;
    let gpu: QueueName = "gpu 80.GB".parse().unwrap();

    bus::declare(&bus, &[queue()], 1).await.unwrap();
    let declared = bus::declare(&bus, std::slice::from_ref(&gpu), 1).await.unwrap().to_string();

    assert!(bus.jobs(Lane::Chat, &gpu).await.is_ok());
    assert!(declared.contains("chat-default of JOBS_CHAT serves no queue"), "{declared}");
}

#[tokio::test]
async fn chat_jobs_are_kept_where_it_is_said_and_dead_letters_in_a_file() {
    let nats = TestNats::start().await;
    let bus = connect(&nats).await;

    bus::declare_in("memory".parse().unwrap(), &bus, &[queue()], 1).await.unwrap();
    let moved = bus::declare_in("file".parse().unwrap(), &bus, &[queue()], 1).await.unwrap_err();

    let client = async_nats::connect(nats.url()).await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    for (stream, storage) in [("JOBS_CHAT", StorageType::Memory), ("DEAD", StorageType::File)] {
        let stream = jetstream.get_stream(stream).await.unwrap();
        assert_eq!(stream.cached_info().config.storage, storage);
    }
    let moved = moved.to_string();
    assert!(moved.contains("NATS_CHAT_STORAGE"), "{moved}");
    assert!(moved.contains("nats stream rm JOBS_CHAT"), "{moved}");
    assert!("disk".parse::<bus::Storage>().is_err());
}

#[tokio::test]
async fn more_copies_than_servers_are_refused_with_the_variable() {
    let (nats, bus) = declared().await;
    let fresh = TestNats::start().await;
    let elsewhere = connect(&fresh).await;

    for bus in [bus, elsewhere] {
        let error = bus::declare(&bus, &[queue()], 3).await.unwrap_err().to_string();
        assert!(error.contains("NATS_REPLICAS"), "{error}");
        assert_eq!(error.matches("replicas > 1").count(), 1, "{error}");
    }
    drop(nats);
}

#[tokio::test]
async fn what_streams_may_hold_is_not_bounded_by_what_is_free_on_the_disk() {
    let (nats, bus) = declared().await;
    let large = async_nats::jetstream::stream::Config {
        name: "LARGE".to_owned(),
        subjects: vec!["large".to_owned()],
        // More than any disk that this runs on has free.
        max_bytes: 1000 * 1024 * 1024 * 1024,
        ..async_nats::jetstream::stream::Config::default()
    };

    let created = jetstream(&nats).await.create_stream(large).await;

    assert!(created.is_ok(), "{created:?}");
    assert!(bus::declare(&bus, &[queue()], 1).await.is_ok());
}

#[tokio::test]
async fn what_is_missing_is_named_with_the_remedy() {
    let nats = TestNats::start().await;
    let bus = connect(&nats).await;

    let stream = bus.require(&required()).await.unwrap_err().to_string();
    let source = bus.jobs(Lane::Chat, &queue()).await.unwrap_err().to_string();
    bus::declare(&bus, &["other".parse().unwrap()], 1).await.unwrap();
    let consumer = bus.require(&required()).await.unwrap_err().to_string();

    for error in [stream, source, consumer] {
        assert!(error.contains("JOBS_CHAT") && error.contains("nats-init"), "{error}");
    }
}

#[tokio::test]
async fn what_is_removed_later_is_noticed_and_what_is_made_again_too() {
    let (nats, bus) = declared().await;
    let (health, until) = (Health::new(), Shutdown::manual());
    health.started();
    let (watcher, watched, end) = (bus.clone(), health.clone(), until.clone());
    let tasks = Tasks::new();
    tasks.spawn_detached(async move {
        watcher.watch_required(&required(), &watched, &end).await;
    });
    let client = async_nats::connect(nats.url()).await.unwrap();
    async_nats::jetstream::new(client).delete_stream("JOBS_CHAT").await.unwrap();

    becomes_ready(&health, false).await;
    bus::declare(&bus, &[queue()], 1).await.unwrap();
    becomes_ready(&health, true).await;

    until.request();
    assert_eq!(tasks.finished(Duration::from_secs(60)).await, Ok(()));
}

fn required() -> Required {
    Required { streams: vec!["JOBS_CHAT".to_owned()], queues: vec![(Lane::Chat, queue())] }
}

async fn becomes_ready(health: &Health, ready: bool) {
    let looks = async {
        while health.is_ready() != ready {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let becomes = tokio::time::timeout(Duration::from_secs(60), looks).await;
    assert!(becomes.is_ok(), "ready: {}, expected {ready}", health.is_ready());
}

#[tokio::test]
async fn a_full_lane_refuses_its_own() {
    let (nats, bus) = declared().await;
    let client = async_nats::connect(nats.url()).await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    let mut config = jetstream.get_stream("JOBS_CHAT").await.unwrap().cached_info().config.clone();
    config.max_messages = 1;
    jetstream.update_stream(config).await.unwrap();

    publish(&bus, contract::JobId::fresh(), "fits").await.unwrap();
    let error = publish(&bus, contract::JobId::fresh(), "over").await.unwrap_err();

    assert!(matches!(error, bus::BusError::Full("JOBS_CHAT")), "{error}");
}

#[tokio::test]
async fn an_old_server_and_one_without_jetstream_are_told_apart() {
    for (info, expected) in [
        (r#""version":"2.9.10","jetstream":true"#, "2.9.10 is too old"),
        (r#""version":"2.15.1","jetstream":false"#, "without JetStream"),
    ] {
        let url = greeting_with(info).await;
        let error = Bus::connect("test", &Settings::bare(url)).await.unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[tokio::test]
async fn no_server_at_all_is_an_error_with_the_address() {
    let settings = Settings {
        connect_timeout: std::time::Duration::from_millis(500),
        ..Settings::bare(format!("nats://127.0.0.1:{}", test_support::free_port()))
    };

    let error = Bus::connect("test", &settings).await.unwrap_err().to_string();

    assert!(error.contains("no NATS server answers at nats://127.0.0.1"), "{error}");
}
