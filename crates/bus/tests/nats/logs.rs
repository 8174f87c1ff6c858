//! Logs: what is appended is stored once, in order, or refused.

use std::time::Duration;

use async_nats::jetstream::stream::{DiscardPolicy, RetentionPolicy, StorageType};
use bus::{AppendError, BusError, Entry};
use bytes::Bytes;
use contract::log::LogId;
use contract::{Body, JobId, Lane, Operation, Owner, StoredJob, WorkerId, log, streams, subjects};
use serde_json::value::RawValue;
use test_support::TestNats;

use crate::support::{
    append, assert_records, change_logs, connect, declared, fresh_log, jetstream, logs_config,
    next, queue, record, walk_to_the_end,
};

#[tokio::test]
async fn an_append_follows_the_record_that_it_names_or_is_refused() {
    let (_nats, bus) = declared().await;
    let (log, other) = (fresh_log(), fresh_log());

    let first = bus.append(&log, 0, record(0)).await.unwrap();
    bus.append(&other, 0, Bytes::from_static(b"of another log")).await.unwrap();
    let second = bus.append(&log, first, record(1)).await.unwrap();

    for after in [0, first, second + 1, second + 1_000] {
        let refused = bus.append(&log, after, record(2)).await.unwrap_err();
        assert!(matches!(refused, AppendError::Conflict), "after {after}: {refused}");
    }
    assert_records(&bus.fetch_log(&log, 0).await.unwrap(), 2);
    let last = bus.last_entry(&log).await.unwrap().unwrap();
    assert_eq!((last.sequence, last.message), (second, record(1)));
    assert!(bus.fetch_log(&log, second).await.unwrap().is_empty());
    assert_eq!(bus.fetch_log(&log, first).await.unwrap()[0].sequence, second);
}

#[tokio::test]
async fn what_is_appended_is_what_is_read() {
    let (_nats, bus) = declared().await;
    let log = fresh_log();
    let started =
        log::Started { attempt: 1, writer: WorkerId::fresh(), continues_at: None, at_ms: 7 };
    let message = log::write::<&[u8]>(&log::Record::Started(started), &[]);

    bus.append(&log, 0, message.clone().into()).await.unwrap();

    let fetched = bus.fetch_log(&log, 0).await.unwrap();
    assert_eq!(fetched[0].message, message);
    assert_eq!(bus.last_entry(&log).await.unwrap(), fetched.first().cloned());
    assert!(!format!("{fetched:?}").contains("started"), "a log line shows no answer");
}

#[tokio::test]
async fn of_two_that_append_at_once_one_succeeds() {
    let (_nats, bus) = declared().await;
    for _round in 0..20 {
        let log = fresh_log();
        let (one, other) = tokio::join!(
            bus.append(&log, 0, Bytes::from_static(b"one")),
            bus.append(&log, 0, Bytes::from_static(b"other")),
        );
        assert_eq!(usize::from(one.is_ok()) + usize::from(other.is_ok()), 1);
        assert_eq!(bus.fetch_log(&log, 0).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_log_of_12_000_records_is_fetched_whole_and_in_order() {
    const RECORDS: usize = 12_000;
    let (nats, bus) = declared().await;
    let (log, other) = (fresh_log(), fresh_log());
    let jetstream = jetstream(&nats).await;
    let mut acks = Vec::new();
    for number in 0..RECORDS {
        acks.push(jetstream.publish(subjects::log(&log), record(number)).await.unwrap());
        if number % 3 == 0 {
            acks.push(jetstream.publish(subjects::log(&other), record(number)).await.unwrap());
        }
        if acks.len() > 1_000 {
            for ack in acks.drain(..) {
                ack.await.unwrap();
            }
        }
    }
    for ack in acks {
        ack.await.unwrap();
    }

    let whole = bus.fetch_log(&log, 0).await.unwrap();
    let rest = bus.fetch_log(&log, whole[RECORDS - 2].sequence).await.unwrap();

    assert_records(&whole, RECORDS);
    assert_eq!(rest, whole[RECORDS - 1..]);
}

#[tokio::test]
async fn records_as_large_as_messages_may_be_are_fetched_too_and_larger_ones_refused() {
    let (_nats, bus) = declared().await;
    let log = fresh_log();
    let large = |byte: u8| Bytes::from(vec![byte; bus.max_payload()]);

    let mut last = 0;
    for byte in 0..4 {
        last = bus.append(&log, last, large(byte)).await.unwrap();
    }
    let over = vec![7; bus.max_payload() + 1];
    let refused = bus.append(&log, last, over.into()).await.unwrap_err();

    assert!(matches!(refused, AppendError::Refused(BusError::TooLarge { .. })), "{refused}");
    let entries = bus.fetch_log(&log, 0).await.unwrap();
    assert_eq!(entries.len(), 4);
    assert!(entries.iter().zip(0..).all(|(entry, byte)| entry.message == large(byte)));
}

#[tokio::test]
async fn a_log_that_is_not_there_is_empty_and_a_stream_that_is_not_is_an_error() {
    let (nats, bus) = declared().await;
    let log = fresh_log();
    assert!(bus.fetch_log(&log, 0).await.unwrap().is_empty());
    assert!(bus.last_entry(&log).await.unwrap().is_none());

    jetstream(&nats).await.delete_stream(streams::LOGS).await.unwrap();

    let fetched = bus.fetch_log(&log, 0).await.unwrap_err();
    assert!(fetched.to_string().contains("LOGS"), "{fetched}");
    assert!(bus.last_entry(&log).await.is_err());
    assert!(bus.read_log(log.clone()).await.is_err());
    let appended = bus.append(&log, 0, record(0)).await.unwrap_err();
    assert!(matches!(appended, AppendError::Unknown(_)), "{appended}");
}

#[tokio::test]
async fn an_erased_log_is_empty_and_others_are_as_they_were() {
    let (_nats, bus) = declared().await;
    let (log, other) = (fresh_log(), fresh_log());
    for number in 0..3 {
        for log in [&log, &other] {
            let last = bus.last_entry(log).await.unwrap().map_or(0, |entry| entry.sequence);
            bus.append(log, last, record(number)).await.unwrap();
        }
    }

    bus.erase_log(&log).await.unwrap();
    bus.erase_log(&log).await.unwrap();

    assert!(bus.fetch_log(&log, 0).await.unwrap().is_empty());
    assert!(bus.last_entry(&log).await.unwrap().is_none());
    assert_records(&bus.fetch_log(&other, 0).await.unwrap(), 3);
}

#[tokio::test]
async fn full_logs_refuse_and_forget_nothing_that_was_accepted() {
    let (nats, bus) = declared().await;
    let (log, other) = (fresh_log(), fresh_log());
    change_logs(&nats, |config| config.max_messages = 2).await;

    let first = bus.append(&log, 0, record(0)).await.unwrap();
    let second = bus.append(&log, first, record(1)).await.unwrap();

    for (log, after) in [(&log, second), (&other, 0)] {
        let refused = bus.append(log, after, record(2)).await.unwrap_err();
        let full = matches!(refused, AppendError::Refused(BusError::Full(streams::LOGS)));
        assert!(full, "{refused}");
    }
    assert_records(&bus.fetch_log(&log, 0).await.unwrap(), 2);
}

#[tokio::test]
async fn logs_are_kept_in_a_file_refuse_when_full_and_are_repeated() {
    let nats = TestNats::start().await;
    let bus = connect(&nats).await;

    bus::declare_in("memory".parse().unwrap(), &bus, &[queue()], 1).await.unwrap();

    let config = logs_config(&nats).await;
    assert_eq!(config.retention, RetentionPolicy::Limits);
    assert_eq!(config.discard, DiscardPolicy::New);
    let republish = config.republish.unwrap();
    assert_eq!((republish.source.as_str(), republish.destination.as_str()), ("log.>", "live.>"));
    let jetstream = jetstream(&nats).await;
    for lane in [Lane::Live, Lane::Background] {
        let name = streams::jobs_stream(lane);
        let stream = jetstream.get_stream(name).await.unwrap();
        assert_eq!(stream.cached_info().config.storage, StorageType::File, "{name}");
        assert!(bus.jobs(lane, &queue()).await.is_ok(), "{name}");
    }
    assert_eq!(config.storage, StorageType::File);
}

#[tokio::test]
async fn a_stored_job_published_twice_arrives_once_in_its_own_lane() {
    let (_nats, bus) = declared().await;
    let body = RawValue::from_string(r#"{"messages": [ ]}"#.to_owned()).unwrap();
    let job = |id| StoredJob {
        id,
        operation: Operation::ChatCompletions,
        model: "simulator".parse().unwrap(),
        owner: Owner::local(),
        background: true,
        accepted_at_ms: 5,
        body: Body::Inline(&body),
    };
    let (live, background) = (JobId::fresh(), JobId::fresh());

    for (lane, id) in [(Lane::Live, live), (Lane::Live, live), (Lane::Background, background)] {
        bus.publish_stored(lane, &queue(), &job(id)).await.unwrap();
    }
    bus.publish_stored(Lane::Live, &queue(), &job(JobId::fresh())).await.unwrap();

    for (lane, id) in [(Lane::Live, live), (Lane::Background, background)] {
        let mut source = bus.jobs(lane, &queue()).await.unwrap();
        let delivery = next(&mut source).await;
        let read: StoredJob<'_> = serde_json::from_slice(delivery.payload()).unwrap();
        assert_eq!(read.id, id);
        let Body::Inline(inline) = read.body else { panic!("not inline") };
        assert_eq!(inline.get(), body.get());
        delivery.ack().await.unwrap();
        if lane == Lane::Live {
            let delivery = next(&mut source).await;
            let other: StoredJob<'_> = serde_json::from_slice(delivery.payload()).unwrap();
            assert_ne!(other.id, id, "it was stored once");
        }
    }
}

#[tokio::test]
async fn a_walk_comes_by_every_record_once_and_goes_on_where_it_stopped() {
    let (mut nats, bus) = declared().await;
    let (one, other) = (fresh_log(), fresh_log());
    let mut walk = bus.walk_logs().await.unwrap();
    assert_eq!(walk.next().await.unwrap(), None);

    // More than a page of records, and of bytes.
    append(&bus, &one, 0..300).await;
    let large = Bytes::from(vec![b'x'; 300 * 1024]);
    let last = bus.append(&other, 0, large.clone()).await.unwrap();
    bus.append(&other, last, large).await.unwrap();
    append(&bus, &one, 300..310).await;

    let mut walked = walk_to_the_end(&mut walk).await;
    assert!(walked.is_sorted_by(|(_, one), (_, next)| one.sequence < next.sequence));
    let of_one = |(log, entry): &(LogId, Entry)| (*log == one).then(|| entry.clone());
    assert_records(&walked.iter().filter_map(of_one).collect::<Vec<_>>(), 310);
    assert_eq!(walked.iter().filter(|(log, _entry)| *log == other).count(), 2);
    assert_eq!(walk.next().await.unwrap(), None);

    append(&bus, &one, 310..311).await;
    walked = walk_to_the_end(&mut walk).await;
    assert_eq!((walked.len(), &walked[0].1.message), (1, &record(310)));

    nats.kill().await;
    walk.next().await.unwrap_err();
    nats.restart().await;
    append(&bus, &one, 311..312).await;
    let again = loop {
        if let Ok(Some(next)) = walk.next().await {
            break next;
        }
    };
    assert_eq!(again.1.message, record(311));
}

#[tokio::test]
async fn a_job_is_put_back_once_and_only_into_a_queue_that_has_lost_it() {
    let (_nats, bus) = declared().await;
    let body = RawValue::from_string("{}".to_owned()).unwrap();
    let job = StoredJob {
        id: JobId::fresh(),
        operation: Operation::ChatCompletions,
        model: "simulator".parse().unwrap(),
        owner: Owner::local(),
        background: true,
        accepted_at_ms: 7,
        body: Body::Inline(&body),
    };
    let (lane, queue) = (Lane::Background, queue());
    let again = async |at| bus.publish_again(lane, &queue, &job, at).await.unwrap();
    let mut source = bus.jobs(lane, &queue).await.unwrap();

    let both = tokio::join!(again(None), again(None));
    assert!(both.0 != both.1, "{both:?}");
    let delivery = next(&mut source).await;
    assert!(!again(None).await && !again(Some(7)).await, "it is at work");

    delivery.ack().await.unwrap();
    let is_queued = async || bus.is_queued(lane, &queue, &job.owner.tenant, job.id).await.unwrap();
    let leaves = async { while is_queued().await {} };
    tokio::time::timeout(Duration::from_secs(30), leaves).await.expect("it leaves its queue");
    assert!(!again(None).await, "the same was done a moment ago");
    assert!(again(Some(7)).await);
    assert!(is_queued().await);
}
