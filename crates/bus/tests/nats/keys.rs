//! Keys as they are kept: every change is seen, in order, by whoever follows.

use bus::{KeyState, RecordError};
use contract::keys::KeyRecord;
use contract::{KeyName, streams};

use crate::support::{declare, declared, jetstream, keys, new_key as record};

fn names(records: &[KeyRecord]) -> Vec<&str> {
    records.iter().map(|record| record.name.as_str()).collect()
}

#[tokio::test]
async fn a_key_is_entered_once_and_read_back() {
    let (_nats, bus) = declared().await;
    let (keys, one) = (keys(&bus).await, record("one"));

    keys.add(&one).await.unwrap();

    assert!(matches!(keys.add(&one).await, Err(RecordError::Conflict)));
    assert_eq!(keys.read(&one.id).await.unwrap(), Some(one));
    assert_eq!(keys.read(&record("other").id).await.unwrap(), None);
}

#[tokio::test]
async fn whoever_follows_sees_every_key_as_it_stands_and_then_each_change() {
    let (_nats, bus) = declared().await;
    let (keys, one, other) = (keys(&bus).await, record("one"), record("other"));
    assert!(keys.next(0).await.unwrap().is_none());
    keys.add(&one).await.unwrap();
    keys.add(&other).await.unwrap();
    assert_eq!(names(&keys.list().await.unwrap()), ["one", "other"]);
    assert!(keys.change(&one.id, |record| record.revoke("test", 7)).await.unwrap().unwrap().1);

    let first = keys.next(0).await.unwrap().unwrap();
    let second = keys.next(first.sequence).await.unwrap().unwrap();

    assert_eq!(first.state, KeyState::Record(Box::new(other)));
    let KeyState::Record(revoked) = second.state else { panic!("{second:?}") };
    assert_eq!((revoked.id, revoked.revoked.map(|revoked| revoked.at)), (one.id.clone(), Some(7)));
    assert!(keys.next(second.sequence).await.unwrap().is_none());

    let records = bus.records(streams::KEYS).await.unwrap();
    records.delete(one.id.as_str()).await.unwrap();
    let removed = keys.next(second.sequence).await.unwrap().unwrap();
    assert_eq!((removed.id.as_str(), removed.state), (one.id.as_str(), KeyState::Removed));
    assert_eq!(names(&keys.list().await.unwrap()), ["other"]);
}

#[tokio::test]
async fn changes_that_come_at_once_are_all_made() {
    let (_nats, bus) = declared().await;
    let (keys, one) = (keys(&bus).await, record("-"));
    keys.add(&one).await.unwrap();
    let change = |letter: char| {
        let keys = &keys;
        let id = &one.id;
        async move {
            let longer = |name: &KeyName| format!("{name}{letter}").parse().unwrap();
            let changed = keys.change(id, |record| record.name = longer(&record.name)).await;
            changed.unwrap().unwrap()
        }
    };

    let _all = tokio::join!(change('a'), change('b'), change('c'), change('d'));

    let mut letters: Vec<char> =
        keys.read(&one.id).await.unwrap().unwrap().name.as_str().chars().collect();
    letters.sort_unstable();
    assert_eq!(letters, ['-', 'a', 'b', 'c', 'd']);
    assert!(keys.change(&record("none").id, |_record| ()).await.unwrap().is_none());
}

#[tokio::test]
async fn what_changes_nothing_is_not_stored() {
    let (_nats, bus) = declared().await;
    let (keys, one) = (keys(&bus).await, record("one"));
    keys.add(&one).await.unwrap();
    let revokes = |by| keys.change(&one.id, move |record: &mut KeyRecord| record.revoke(by, 7));

    let (_first, is_first) = revokes("ann").await.unwrap().unwrap();
    let sequence = keys.state().await.unwrap().last_sequence;
    let (record, is_second) = revokes("bob").await.unwrap().unwrap();

    assert!(is_first && !is_second);
    assert_eq!(record.revoked.unwrap().by, "ann");
    assert_eq!(keys.state().await.unwrap().last_sequence, sequence);
}

#[tokio::test]
async fn what_leaves_no_trace_shows_in_the_state_of_the_store() {
    let (nats, bus) = declared().await;
    let (keys, records) = (keys(&bus).await, bus.records(streams::KEYS).await.unwrap());
    let empty = keys.state().await.unwrap();
    assert_eq!((empty.ids, empty.last_sequence), (0, 0));
    let (one, other) = (record("one"), record("other"));
    keys.add(&one).await.unwrap();
    keys.add(&other).await.unwrap();
    keys.change(&one.id, |record| record.revoke("test", 7)).await.unwrap().unwrap();
    let three_changes = keys.state().await.unwrap();
    assert_eq!((three_changes.ids, three_changes.last_sequence), (2, 3));

    records.erase(other.id.as_str()).await.unwrap();
    let erased = keys.state().await.unwrap();
    assert_eq!((erased.ids, erased.last_sequence), (1, 3));
    assert_eq!(erased.created, empty.created);

    jetstream(&nats).await.delete_stream(streams::bucket_stream(streams::KEYS)).await.unwrap();
    assert!(keys.state().await.is_err());
    declare(&nats).await;
    assert_ne!(keys.state().await.unwrap().created, empty.created);
}

#[tokio::test]
async fn a_record_under_another_id_is_of_no_key() {
    let (_nats, bus) = declared().await;
    let (keys, one) = (keys(&bus).await, record("one"));
    let records = bus.records(streams::KEYS).await.unwrap();
    let elsewhere = record("elsewhere").id;
    records.put(elsewhere.as_str(), serde_json::to_vec(&one).unwrap().into()).await.unwrap();

    let found = keys.next(0).await.unwrap().unwrap();

    assert_eq!((found.id.as_str(), found.state), (elsewhere.as_str(), KeyState::Unreadable));
    assert!(keys.list().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_record_that_cannot_be_read_is_passed_over_and_said() {
    let (_nats, bus) = declared().await;
    let (keys, one) = (keys(&bus).await, record("one"));
    let records = bus.records(streams::KEYS).await.unwrap();
    records.put("broken", "{}".into()).await.unwrap();
    keys.add(&one).await.unwrap();

    assert_eq!(names(&keys.list().await.unwrap()), ["one"]);
    let id = "aaaaaaaaaaaaaaaa";
    records.put(id, "{\"secret\":1}".into()).await.unwrap();
    let error = keys.read(&id.parse().unwrap()).await.unwrap_err().to_string();
    assert!(error.contains("cannot be read") && !error.contains("secret"), "{error}");
}
