//! What is left to do about logs, and what is kept of them for longer.

use bus::{BusError, RecordError};
use bytes::Bytes;
use contract::{Chore, streams, subjects};

use crate::support::{declared, fresh_log, jetstream, next};

const KEY: &str = "local.0a";

#[tokio::test]
async fn a_chore_that_is_asked_for_twice_comes_once_and_names_its_log() {
    let (_nats, bus) = declared().await;
    let (log, other) = (fresh_log(), fresh_log());
    let mut source = bus.chores(Chore::Seal).await.unwrap();

    for log in [&log, &log, &other] {
        bus.publish_chore(Chore::Seal, log).await.unwrap();
    }

    for log in [log, other] {
        let delivery = next(&mut source).await;
        assert_eq!(subjects::read_chore(delivery.subject()), Some(log));
        delivery.ack().await.unwrap();
    }
}

#[tokio::test]
async fn chores_that_nobody_does_are_refused_when_there_are_too_many() {
    let (nats, bus) = declared().await;
    let jetstream = jetstream(&nats).await;
    let stream = jetstream.get_stream(streams::CHORES).await.unwrap();
    let mut config = stream.cached_info().config.clone();
    config.max_messages = 1;
    jetstream.update_stream(config).await.unwrap();

    bus.publish_chore(Chore::Seal, &fresh_log()).await.unwrap();
    let refused = bus.publish_chore(Chore::Seal, &fresh_log()).await;

    assert!(matches!(refused, Err(BusError::Full(streams::CHORES))), "{refused:?}");
}

#[tokio::test]
async fn who_thinks_that_there_was_never_a_record_does_not_enter_one_that_was_removed() {
    let (_nats, bus) = declared().await;
    let records = bus.records(streams::RESPONSES).await.unwrap();
    for key in ["local.0a", "local.0b"] {
        if key == "local.0a" {
            records.update(key, Bytes::from_static(b"one"), 0).await.unwrap();
            let twice = records.update(key, Bytes::from_static(b"two"), 0).await;
            assert!(matches!(twice, Err(RecordError::Conflict)), "{twice:?}");
            assert_eq!(records.get(key).await.unwrap().unwrap().value, "one");
        }
        records.delete(key).await.unwrap();

        let late = records.update(key, Bytes::from_static(b"late"), 0).await;

        assert!(matches!(late, Err(RecordError::Conflict)), "{key}: {late:?}");
        assert_eq!(records.get(key).await.unwrap(), None);
        // Who knows that it was removed may.
        records.create(key, Bytes::from_static(b"new")).await.unwrap();
        records.put(key, Bytes::from_static(b"newer")).await.unwrap();
        assert_eq!(records.get(key).await.unwrap().unwrap().value, "newer");
    }
}

#[tokio::test]
async fn a_bucket_that_is_full_refuses_what_is_new_and_what_is_in_it_can_be_removed() {
    let (nats, bus) = declared().await;
    let jetstream = jetstream(&nats).await;
    let records = bus.records(streams::RESPONSES).await.unwrap();
    records.put(KEY, Bytes::from(vec![b'x'; 10_000])).await.unwrap();
    let stream = jetstream.get_stream("KV_RESPONSES").await.unwrap();
    let mut config = stream.get_info().await.unwrap().config;
    config.max_bytes = 10_001;
    jetstream.update_stream(config).await.unwrap();

    let refused = records.update("local.0b", Bytes::from_static(b"new"), 0).await;
    records.delete(KEY).await.unwrap();

    let full = |error: &RecordError| {
        matches!(error, RecordError::Unavailable(BusError::Full(streams::RESPONSES)))
    };
    assert!(refused.as_ref().is_err_and(full), "{refused:?}");
    assert_eq!(records.get(KEY).await.unwrap(), None);
    let late = records.update(KEY, Bytes::from_static(b"late"), 0).await;
    assert!(matches!(late, Err(RecordError::Conflict)), "{late:?}");
}
