//! Each subject has those who need it, and nobody else.

use super::*;
use crate::{Chore, GatewayId, JobId, Lane, Owner, QueueName, TenantName, WorkerId, log::LogId};

fn log() -> LogId {
    LogId { owner: Owner::local(), job: JobId::fresh() }
}

fn job(lane: Lane) -> String {
    subjects::job(lane, &QueueName::default_queue(), &TenantName::local(), JobId::fresh())
}

/// Those who may publish everything on a subject.
fn publishers(subject: &str) -> Vec<Service> {
    let may = |service: &Service| service.permissions().may_publish(subject);
    Service::ALL.iter().copied().filter(may).collect()
}

fn subscribers(subject: &str) -> Vec<Service> {
    let may = |service: &Service| service.permissions().may_subscribe(subject);
    Service::ALL.iter().copied().filter(may).collect()
}

#[test]
fn every_subject_of_a_stream_has_somebody_who_stores_there() {
    use Service::{Gateway, LlmWorker};
    for spec in streams::all() {
        for subject in &spec.subjects {
            let expected: &[Service] = match spec.name {
                streams::LOGS | streams::CHORES => &[Gateway, LlmWorker],
                streams::DEAD => &[LlmWorker],
                // A new stream is a lane's, or it is named above.
                _ => &[Gateway],
            };
            assert_eq!(publishers(subject), expected, "{subject}");
        }
    }
    for bucket in streams::buckets() {
        let expected: &[Service] =
            if bucket.name == streams::KEYS { &[Gateway, Service::Operator] } else { &[Gateway] };
        assert_eq!(publishers(&subjects::record(bucket.name, ">")), expected, "{}", bucket.name);
    }
}

#[test]
fn each_message_has_its_senders_and_its_readers() {
    use Service::{Gateway, LlmWorker};
    let (gateway, worker) = (GatewayId::fresh(), WorkerId::fresh());
    for (subject, says, hears) in [
        (subjects::gateway_claim(gateway), LlmWorker, Gateway),
        (subjects::gateway_events(gateway), LlmWorker, Gateway),
        (subjects::worker_cancel(worker), Gateway, LlmWorker),
        (subjects::worker_credit(worker), Gateway, LlmWorker),
        (subjects::worker_receipt(worker, gateway, 7), Gateway, LlmWorker),
        (subjects::worker_beat(worker), LlmWorker, Gateway),
        (subjects::reader(&log()), LlmWorker, Gateway),
    ] {
        assert_eq!(publishers(&subject), [says], "{subject}");
        assert_eq!(subscribers(&subject), [hears], "{subject}");
    }
    let beat = subjects::gateway_beat(gateway);
    assert_eq!((publishers(&beat), subscribers(&beat)), (vec![Gateway], vec![Gateway, LlmWorker]));
    let ask = subjects::ASK_FIGURES;
    assert_eq!((publishers(ask), subscribers(ask)), (vec![Gateway], vec![Gateway]));
    assert_eq!(subscribers(&subjects::live(&log())), [Gateway]);
    assert!(publishers(&subjects::live(&log())).is_empty(), "the server alone repeats records");
}

#[test]
fn what_is_stored_is_heard_by_nobody_as_it_is_published() {
    let stored = [job(Lane::Chat), job(Lane::Live), job(Lane::Background)];
    let stored = stored.into_iter().chain([
        subjects::log(&log()),
        subjects::chore(Chore::Seal, &log()),
        subjects::dead(Lane::Chat, &QueueName::default_queue(), "x"),
        subjects::record(streams::CONVERSATIONS, "x"),
    ]);
    for subject in stored {
        assert!(subscribers(&subject).is_empty(), "{subject}");
    }
}

#[test]
fn an_inbox_is_its_owners() {
    for owner in Service::ALL {
        let inbox = format!("{}.x.1", owner.inbox_prefix());
        assert_eq!(subscribers(&inbox), [*owner]);
        assert_eq!(publishers(&inbox), [*owner]);
    }
    assert!(subscribers("_INBOX.x").is_empty());
}

#[test]
fn a_connection_is_known_by_what_its_name_begins_with() {
    for service in Service::ALL {
        assert_eq!(Service::of_connection(service.name()), Some(*service));
        assert_eq!(Service::of_connection(&format!("{}.more", service.name())), Some(*service));
    }
    for nobody in ["", "test", "gateway-logs", "more.gateway"] {
        assert_eq!(Service::of_connection(nobody), None, "{nobody}");
    }
}

#[test]
fn nobody_may_remove_a_stream_and_only_nats_init_makes_one() {
    for stream in streams::names() {
        assert!(publishers(&format!("$JS.API.STREAM.DELETE.{stream}")).is_empty());
        // A dead letter that an operator has done with.
        let removers: &[Service] = if stream == streams::DEAD { &[Service::Gateway] } else { &[] };
        assert_eq!(publishers(&api::message_delete(&stream)), removers, "{stream}");
        for subject in [api::stream_create(&stream), api::stream_update(&stream)] {
            assert_eq!(publishers(&subject), [Service::NatsInit], "{subject}");
        }
    }
}

#[test]
fn nobody_may_purge_the_keys() {
    let keys = streams::bucket_stream(streams::KEYS);
    assert!(publishers(&api::purge(&keys)).is_empty());
    let others = streams::bucket_stream(streams::RESPONSES);
    assert_eq!(publishers(&api::purge(&others)), [Service::Gateway, Service::Operator]);
}

#[test]
fn no_permission_spans_streams_that_are_not_named() {
    for service in Service::ALL {
        let Permissions { publish, subscribe, .. } = service.permissions();
        for pattern in publish.iter().chain(&subscribe) {
            let first = pattern.split('.').next().unwrap();
            assert!(!first.contains(['*', '>']), "{pattern}");
            let sweeping =
                ["$JS.>", "$JS.API.>", "$JS.API.STREAM.>", "$JS.API.CONSUMER.>", "$KV.>"];
            assert!(!sweeping.iter().any(|all| covers(pattern, all)), "{pattern}");
        }
    }
}

/// Who may do any of these, as the page has it.
fn who(subjects: &[String]) -> String {
    let may = |service: &Service| {
        let may = service.permissions();
        subjects.iter().any(|subject| may.may_publish(subject))
    };
    let names: Vec<_> = Service::ALL.iter().copied().filter(may).map(Service::name).collect();
    if names.is_empty() { "\u{2013}".to_owned() } else { names.join(", ") }
}

#[test]
fn the_operations_page_says_who_may_do_what() {
    let page = include_str!("../../../../docs/OPERATIONS.md");
    let plain = streams::all().into_iter().map(|one| (one.name.to_owned(), one.subjects));
    let buckets = streams::buckets()
        .into_iter()
        .map(|one| (streams::bucket_stream(one.name), vec![subjects::record(one.name, ">")]));
    let bodies = vec![subjects::objects(streams::BLOBS)];
    let objects = [(streams::object_stream(streams::BLOBS), bodies)];
    for (stream, stored) in plain.chain(buckets).chain(objects) {
        let mut read = vec![api::message_get(&stream), api::direct_get_batch(&stream)];
        read.extend(stored.iter().map(|subjects| api::direct_get(&stream, subjects)));
        let line = format!(
            "| `{stream}` | {} | {} | {} | {} |",
            who(&stored),
            who(&read),
            who(&[api::consumer_next(&stream)]),
            who(&[api::purge(&stream), api::message_delete(&stream)]),
        );
        assert!(page.contains(&line), "docs/OPERATIONS.md does not say\n{line}");
    }
}
