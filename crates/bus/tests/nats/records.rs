//! Records: changed by whoever knows how they stand.

use bus::{Record, RecordError};
use bytes::Bytes;
use contract::{ConversationId, Owner, streams, subjects};

use crate::support::{connect, declared, records};

fn value(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

#[tokio::test]
async fn a_change_names_the_revision_that_it_follows_or_is_refused() {
    let (_nats, bus) = declared().await;
    let records = records(&bus).await;

    let first = records.create("a.1", value("one")).await.unwrap();
    let twice = records.create("a.1", value("another")).await;
    let second = records.update("a.1", value("two"), first).await.unwrap();
    let late = records.update("a.1", value("late"), first).await;
    let of_none = records.update("a.2", value("late"), second).await;

    for refused in [twice, late, of_none] {
        assert!(matches!(refused, Err(RecordError::Conflict)), "{refused:?}");
    }
    let kept = Record { value: value("two"), revision: second };
    assert_eq!(records.get("a.1").await.unwrap(), Some(kept.clone()));
    assert_eq!(records.get("a.2").await.unwrap(), None);
    assert!(!format!("{kept:?}").contains("two"), "a log line shows no record");
    let put = records.put("a.1", value("three")).await.unwrap();
    assert!(put > second);
}

#[tokio::test]
async fn of_two_that_change_a_record_at_once_one_succeeds() {
    let (_nats, bus) = declared().await;
    let records = records(&bus).await;
    for _round in 0..20 {
        let key = subjects::conversation_key(&Owner::local(), ConversationId::fresh());
        let revision = records.create(&key, value("old")).await.unwrap();
        let (one, other) = tokio::join!(
            records.update(&key, value("one"), revision),
            records.update(&key, value("other"), revision),
        );
        assert!(one.is_ok() != other.is_ok(), "{one:?} {other:?}");
    }
}

#[tokio::test]
async fn what_is_removed_is_gone_and_may_be_created_anew() {
    let (_nats, bus) = declared().await;
    let records = records(&bus).await;
    let revision = records.create("a.1", value("one")).await.unwrap();

    records.erase("a.1").await.unwrap();
    records.erase("a.1").await.unwrap();

    assert_eq!(records.get("a.1").await.unwrap(), None);
    assert_eq!(records.list("a.*").await.unwrap(), Vec::<String>::new());
    let late = records.update("a.1", value("late"), revision).await;
    assert!(matches!(late, Err(RecordError::Conflict)), "{late:?}");
    records.create("a.1", value("anew")).await.unwrap();
}

#[tokio::test]
async fn the_keys_of_one_owner_are_listed_in_order() {
    let (_nats, bus) = declared().await;
    let records = records(&bus).await;
    for key in ["a.2", "b.3", "a.1", "ab.1", "a.3"] {
        records.create(key, value("x")).await.unwrap();
    }

    assert_eq!(records.list("a.*").await.unwrap(), ["a.1", "a.2", "a.3"]);
    assert_eq!(records.list("c.*").await.unwrap(), Vec::<String>::new());
}

#[tokio::test]
async fn a_bucket_that_is_missing_is_named_with_the_remedy() {
    let nats = test_support::TestNats::start().await;
    let bus = connect(&nats).await;

    let missing = bus.records(streams::CONVERSATIONS).await.unwrap_err().to_string();

    assert!(missing.contains("CONVERSATIONS") && missing.contains("nats-init"), "{missing}");
}

#[tokio::test]
async fn a_record_is_removed_only_as_it_was_read_and_may_be_created_anew() {
    let (_nats, bus) = declared().await;
    let records = records(&bus).await;
    let first = records.create("a.1", value("one")).await.unwrap();
    let second = records.update("a.1", value("two"), first).await.unwrap();

    let late = records.delete_at("a.1", first).await;
    let kept = records.get("a.1").await.unwrap();
    records.delete_at("a.1", second).await.unwrap();

    assert!(matches!(late, Err(RecordError::Conflict)), "{late:?}");
    assert_eq!(kept, Some(Record { value: value("two"), revision: second }));
    assert_eq!(records.get("a.1").await.unwrap(), None);
    records.create("a.1", value("three")).await.unwrap();
}
