//! A job arrives, is settled once, and comes again until it is.

use std::time::Duration;

use bus::{Pulled, QueueState, StreamState};
use bytes::Bytes;
use contract::{DeadLetter, JobId, Lane, QueueName, TenantName, streams};
use tokio::time::Instant;
use tracing::Span;

use crate::support::{declared, jobs, next, publish, queue};

#[tokio::test]
async fn a_job_arrives_as_it_was_published_and_leaves_when_it_is_acknowledged() {
    let (_nats, bus) = declared().await;
    let mut source = jobs(&bus).await;
    let job = JobId::fresh();

    publish(&bus, job, r#"{"a": 1.50}"#).await.unwrap();
    let delivery = next(&mut source).await;

    assert_eq!(delivery.payload().as_ref(), br#"{"a": 1.50}"#);
    assert_eq!(delivery.deliveries(), 1);
    assert!(delivery.subject().ends_with(&job.to_string()));
    assert!(delivery.age() < Duration::from_secs(5));
    delivery.ack().await.unwrap();
    publish(&bus, JobId::fresh(), "second").await.unwrap();
    assert_eq!(next(&mut source).await.payload().as_ref(), b"second");
}

#[tokio::test]
async fn a_job_published_twice_is_stored_once() {
    let (_nats, bus) = declared().await;
    let mut source = jobs(&bus).await;
    let job = JobId::fresh();

    publish(&bus, job, "once").await.unwrap();
    publish(&bus, job, "once").await.unwrap();
    publish(&bus, JobId::fresh(), "other").await.unwrap();

    assert_eq!(next(&mut source).await.payload().as_ref(), b"once");
    assert_eq!(next(&mut source).await.payload().as_ref(), b"other");
}

#[tokio::test]
async fn a_job_is_queued_until_it_is_acknowledged() {
    let (_nats, bus) = declared().await;
    let mut source = jobs(&bus).await;
    let job = JobId::fresh();
    let is_queued =
        async || bus.is_queued(Lane::Chat, &queue(), &TenantName::local(), job).await.unwrap();
    assert!(!is_queued().await);

    publish(&bus, job, "one").await.unwrap();
    assert!(is_queued().await);
    let delivery = next(&mut source).await;
    assert!(is_queued().await, "it is worked on");

    delivery.ack().await.unwrap();
    let leaves = async { while is_queued().await {} };
    tokio::time::timeout(Duration::from_secs(30), leaves).await.expect("it leaves its queue");
}

#[tokio::test]
async fn a_job_that_is_handed_back_comes_again_after_the_delay() {
    let (_nats, bus) = declared().await;
    let mut source = jobs(&bus).await;
    publish(&bus, JobId::fresh(), "again").await.unwrap();

    let first = next(&mut source).await;
    let handed_back = Instant::now();
    first.retry_after(Duration::from_millis(300)).await.unwrap();
    let second = next(&mut source).await;

    assert_eq!(second.deliveries(), 2);
    assert!(handed_back.elapsed() >= Duration::from_millis(290), "not before the delay");
}

#[tokio::test]
async fn progress_keeps_a_delivery_and_silence_gives_it_away() {
    let (_nats, bus) = declared().await;
    let mut source = jobs(&bus).await;
    publish(&bus, JobId::fresh(), "slow").await.unwrap();
    let rules = contract::streams::delivery_rules(Lane::Chat);

    let first = next(&mut source).await;
    source.request(1).await.unwrap();
    let began = Instant::now();
    let mut progress = tokio::time::interval(rules.progress_every);
    // Twice the wait with progress: nothing comes.
    while began.elapsed() < rules.ack_wait * 2 {
        tokio::select! {
            _ = progress.tick() => first.in_progress().await.unwrap(),
            early = source.next(), if began.elapsed() < rules.ack_wait * 2 => match early {
                Pulled::Expired => source.request(1).await.unwrap(),
                early => panic!("it came again while it was worked on: {early:?}"),
            },
        }
    }
    let silent_since = Instant::now();
    let second = next(&mut source).await;

    assert_eq!(second.deliveries(), 2);
    assert!(
        silent_since.elapsed() < rules.ack_wait * 2,
        "it came after {:?}",
        silent_since.elapsed()
    );
}

#[tokio::test]
async fn a_job_that_is_given_up_is_kept_with_its_reason() {
    let (_nats, bus) = declared().await;
    let mut source = jobs(&bus).await;
    publish(&bus, JobId::fresh(), "not json").await.unwrap();
    let delivery = next(&mut source).await;

    let letter = DeadLetter {
        reason: "unreadable".to_owned(),
        message: "expected value".to_owned(),
        deliveries: delivery.deliveries(),
        subject: delivery.subject().to_owned(),
    };
    bus.bury(Lane::Chat, &queue(), "job", &letter, delivery.payload().clone()).await.unwrap();
    delivery.terminate().await.unwrap();

    publish(&bus, JobId::fresh(), "next").await.unwrap();
    assert_eq!(next(&mut source).await.payload().as_ref(), b"next", "the first one is gone");
    let kept = bus.dead_letter(1).await.unwrap().unwrap();
    assert_eq!((kept.letter, kept.job.as_ref()), (letter, b"not json".as_slice()));
    assert_eq!(kept.place, (Lane::Chat, queue(), "job".to_owned()));
}

#[tokio::test]
async fn a_dead_letter_is_removed_by_its_number_and_the_others_stay() {
    let (_nats, bus) = declared().await;
    let letter = DeadLetter {
        reason: "unreadable".to_owned(),
        message: String::new(),
        deliveries: 1,
        subject: String::new(),
    };
    for job in ["one", "one", "two", "three"] {
        bus.bury(Lane::Chat, &queue(), job, &letter, "x".into()).await.unwrap();
    }

    assert!(bus.remove_dead_letter(1).await.unwrap());
    assert!(bus.remove_dead_letter(3).await.unwrap());
    assert!(!bus.remove_dead_letter(3).await.unwrap(), "it is gone");

    let kept = bus.dead_letters().await.unwrap();
    assert_eq!(kept.newest_first(None).collect::<Vec<_>>(), [4, 2]);
    assert_eq!((kept.kept, bus.dead_letter(3).await.unwrap()), (2, None));
}

#[tokio::test]
async fn what_is_over_the_limit_of_a_message_is_refused_before_it_is_sent() {
    let (_nats, bus) = declared().await;
    let huge = "x".repeat(bus.max_payload() + 1);

    let error = publish(&bus, JobId::fresh(), &huge).await.unwrap_err();

    assert!(matches!(error, bus::BusError::TooLarge { .. }), "{error}");
}

#[tokio::test]
async fn a_body_travels_by_name() {
    let (_nats, bus) = declared().await;
    let blobs = bus.blobs().await.unwrap();
    let body = vec![7_u8; 20 * 1024 * 1024];

    blobs.put("bodies/one", &body).await.unwrap();

    assert_eq!(blobs.get("bodies/one", usize::MAX).await.unwrap().unwrap(), body);
    assert!(blobs.get("bodies/one", 1024).await.is_err(), "over the reader's limit");
    blobs.delete("bodies/one").await;
    assert!(blobs.get("bodies/one", usize::MAX).await.unwrap().is_none());
}

#[tokio::test]
async fn who_waits_is_asked_of_the_leader_and_not_counted_among_other_queues() {
    let (nats, bus) = declared().await;
    let gpu: QueueName = "gpu".parse().unwrap();
    bus::declare(&bus, &[queue(), gpu.clone()], 1).await.unwrap();
    let none = bus.queue_state(Lane::Chat, &queue()).await.unwrap();
    assert_eq!(none, QueueState::default());

    for name in [&gpu, &queue(), &gpu, &queue()] {
        let (job, tenant) = (JobId::fresh(), TenantName::local());
        bus.publish_job(Lane::Chat, name, &tenant, job, Bytes::new(), &Span::none()).await.unwrap();
    }
    let two = bus.queue_state(Lane::Chat, &queue()).await.unwrap();
    assert_eq!((two.waiting, two.delivered), (2, 0));
    assert!(two.oldest > Duration::ZERO);

    let mut source = jobs(&bus).await;
    let first = next(&mut source).await;
    let one = bus.queue_state(Lane::Chat, &queue()).await.unwrap();
    assert_eq!((one.waiting, one.delivered), (1, 1));
    assert!(one.oldest > Duration::ZERO);
    let second = next(&mut source).await;
    let taken = bus.queue_state(Lane::Chat, &queue()).await.unwrap();
    let delivered = QueueState { delivered: 2, delivered_up_to: 4, ..QueueState::default() };
    assert_eq!(taken, delivered);

    second.retry_after(Duration::ZERO).await.unwrap();
    let again = next(&mut source).await;
    assert_eq!(again.deliveries(), 2);
    let again_one = bus.queue_state(Lane::Chat, &queue()).await.unwrap();
    assert_eq!(again_one, QueueState { redelivered: 1, ..delivered });

    for delivery in [first, again] {
        delivery.ack().await.unwrap();
    }
    let done = QueueState { delivered_up_to: 4, ..none };
    let settled = async || bus.queue_state(Lane::Chat, &queue()).await.unwrap() == done;
    while !settled().await {}
    drop(nats);
}

#[tokio::test]
async fn what_a_stream_holds_and_may_hold_is_told() {
    let (_nats, bus) = declared().await;
    let stream = streams::jobs_stream(Lane::Chat);
    let before = bus.stream_state(stream).await.unwrap();
    let limit = streams::all().into_iter().find(|spec| spec.name == stream).unwrap().max_bytes;
    let empty = StreamState { messages: 0, bytes: 0, limit: u64::try_from(limit).ok() };
    assert_eq!(before, empty);

    let (job, tenant) = (JobId::fresh(), TenantName::local());
    let body = Bytes::from(vec![b'x'; 1000]);
    bus.publish_job(Lane::Chat, &queue(), &tenant, job, body, &Span::none()).await.unwrap();

    let after = bus.stream_state(stream).await.unwrap();
    assert_eq!(after.messages, 1);
    assert!((1000..3000).contains(&after.bytes), "{after:?}");
    assert!(bus.stream_state("NONE").await.is_err());
    assert!(bus.round_trip().await.unwrap() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_body_that_the_asked_server_does_not_have_yet_is_waited_for() {
    let (_nats, bus) = declared().await;
    let blobs = bus.blobs().await.unwrap();
    assert_eq!(blobs.get("other", 100).await.unwrap(), None, "what never comes is given up");

    let (read, stored) = tokio::join!(blobs.get("late", 100), async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        blobs.put("late", b"body").await
    });

    stored.unwrap();
    assert_eq!(read.unwrap(), Some(Bytes::from_static(b"body")));
}
