//! What a service may not do, and how it is told. That it may do what it needs, every other test
//! shows: services have their own credentials in all of them.

use std::time::Duration;

use async_nats::jetstream;
use async_nats::{ConnectOptions, Event};
use bus::Bus;
use contract::permissions::Service;
use contract::{GatewayId, Lane, QueueName, TenantName, WorkerId, streams, subjects};
use test_support::{Log, TestNats};
use tokio::sync::mpsc;
use tracing::level_filters::LevelFilter;

use crate::support::{connect, fresh_log, publish, queue, server};

/// A connection of a service, and what the server says to it.
struct Intruder {
    client: async_nats::Client,
    said: mpsc::UnboundedReceiver<String>,
}

/// A declared server that expects intruders.
async fn declared() -> (TestNats, Bus) {
    let nats = TestNats::start().await.expecting_refusals();
    let init = Bus::connect("nats-init", &nats.settings(Service::NatsInit)).await.unwrap();
    bus::declare(&init, &[queue()], 1).await.unwrap();
    let bus = connect(&nats).await;
    (nats, bus)
}

impl Intruder {
    /// With the credentials of a service, and whatever client it likes.
    async fn with(nats: &TestNats, service: Service) -> Self {
        let seed = std::fs::read_to_string(nats.nkey_file(service)).unwrap();
        let (tell, said) = mpsc::unbounded_channel();
        let options = ConnectOptions::with_nkey(seed.trim().to_owned())
            .custom_inbox_prefix(service.inbox_prefix())
            .event_callback(move |event| {
                if let Event::ServerError(error) = event {
                    let _nobody_waits = tell.send(error.to_string());
                }
                std::future::ready(())
            });
        Self { client: options.connect(nats.url()).await.unwrap(), said }
    }

    /// Asserts that the next thing that the server says refuses this subject.
    async fn is_refused(&mut self, subject: &str) {
        let said = tokio::time::timeout(Duration::from_secs(30), self.said.recv()).await;
        let said = said.unwrap_or_else(|_elapsed| panic!("`{subject}` was not refused"));
        let said = said.expect("a connection");
        assert!(said.contains("Permissions Violation"), "{said}");
        assert!(said.contains(&format!("\"{subject}\"")), "not about `{subject}`: {said}");
    }

    async fn may_not_publish(&mut self, subject: &str) {
        // Nobody need answer: what counts is that the server does not take it.
        self.client.publish(subject.to_owned(), "x".into()).await.unwrap();
        self.is_refused(subject).await;
    }

    async fn may_not_subscribe(&mut self, subject: &str) {
        let _subscription = self.client.subscribe(subject.to_owned()).await.unwrap();
        self.is_refused(subject).await;
    }
}

fn job() -> String {
    let id = contract::JobId::fresh();
    subjects::job(Lane::Chat, &QueueName::default_queue(), &TenantName::local(), id)
}

/// What nobody but one may publish on, and that one.
fn publishing() -> Vec<(String, &'static [Service])> {
    use Service::{Gateway, LlmWorker, NatsInit, Operator};
    let (gateway, worker) = (GatewayId::fresh(), WorkerId::fresh());
    let consumer = streams::consumer(Lane::Chat, &queue());
    let api = |rest: String| format!("$JS.API.{rest}");
    let bucket = streams::bucket_stream(streams::RESPONSES);
    let table: Vec<(String, &'static [Service])> = vec![
        // Words of others.
        (job(), &[LlmWorker, NatsInit, Operator]),
        (subjects::gateway_events(gateway), &[Gateway, NatsInit, Operator]),
        (subjects::gateway_claim(gateway), &[Gateway, NatsInit, Operator]),
        (subjects::worker_cancel(worker), &[LlmWorker, NatsInit, Operator]),
        (subjects::worker_beat(worker), &[Gateway, NatsInit, Operator]),
        (subjects::gateway_beat(gateway), &[LlmWorker, NatsInit, Operator]),
        (subjects::dead(Lane::Chat, &queue(), "x"), &[Gateway, NatsInit, Operator]),
        (subjects::log(&fresh_log()), &[NatsInit, Operator]),
        (subjects::live(&fresh_log()), &[Gateway, LlmWorker, NatsInit, Operator]),
        (subjects::record(streams::RESPONSES, "x"), &[LlmWorker, NatsInit, Operator]),
        (subjects::record(streams::CONVERSATIONS, "x"), &[LlmWorker, NatsInit, Operator]),
        // Jobs of others.
        (api(format!("CONSUMER.MSG.NEXT.JOBS_CHAT.{consumer}")), &[Gateway, NatsInit, Operator]),
        (format!("$JS.ACK.JOBS_CHAT.{consumer}.1.1.1.1.0"), &[Gateway, NatsInit, Operator]),
        (format!("$JS.ACK._.h.JOBS_CHAT.{consumer}.1.1.1.1.0"), &[Gateway, NatsInit, Operator]),
        (api("CONSUMER.MSG.NEXT.CHORES.seal".to_owned()), &[LlmWorker, NatsInit, Operator]),
        (api("CONSUMER.CREATE.JOBS_CHAT.x".to_owned()), &[Gateway, LlmWorker, Operator]),
        (api("CONSUMER.CREATE.JOBS_CHAT".to_owned()), &[Gateway, LlmWorker, NatsInit, Operator]),
        (
            api(format!("CONSUMER.DELETE.JOBS_CHAT.{consumer}")),
            &[Gateway, LlmWorker, NatsInit, Operator],
        ),
        // What is stored.
        (api("STREAM.MSG.GET.JOBS_CHAT".to_owned()), &[Gateway, LlmWorker, NatsInit, Operator]),
        (api("DIRECT.GET.JOBS_CHAT.job.chat.x".to_owned()), &[LlmWorker, NatsInit, Operator]),
        (api("STREAM.MSG.GET.LOGS".to_owned()), &[NatsInit, Operator]),
        (api("DIRECT.GET.LOGS".to_owned()), &[NatsInit, Operator]),
        (api(format!("STREAM.MSG.GET.{bucket}")), &[LlmWorker, NatsInit, Operator]),
        (api("STREAM.MSG.GET.DEAD".to_owned()), &[Gateway, LlmWorker, NatsInit, Operator]),
        (api("DIRECT.GET.DEAD".to_owned()), &[LlmWorker, NatsInit, Operator]),
        (api("STREAM.MSG.DELETE.DEAD".to_owned()), &[LlmWorker, NatsInit, Operator]),
        (api("STREAM.MSG.DELETE.LOGS".to_owned()), &[Gateway, LlmWorker, NatsInit, Operator]),
        (subjects::ASK_FIGURES.to_owned(), &[LlmWorker, NatsInit, Operator]),
        // Streams themselves.
        (api("STREAM.CREATE.OTHER".to_owned()), &[Gateway, LlmWorker, NatsInit, Operator]),
        (api("STREAM.CREATE.LOGS".to_owned()), &[Gateway, LlmWorker, Operator]),
        (api("STREAM.UPDATE.LOGS".to_owned()), &[Gateway, LlmWorker, Operator]),
        (api("STREAM.DELETE.LOGS".to_owned()), &[Gateway, LlmWorker, NatsInit, Operator]),
        (api(format!("STREAM.DELETE.{bucket}")), &[Gateway, LlmWorker, NatsInit, Operator]),
        (api("STREAM.PURGE.JOBS_CHAT".to_owned()), &[Gateway, LlmWorker, NatsInit, Operator]),
        (api("STREAM.PURGE.LOGS".to_owned()), &[LlmWorker, NatsInit]),
        (api("STREAM.SNAPSHOT.LOGS".to_owned()), &[Gateway, LlmWorker, NatsInit, Operator]),
        ("$SYS.REQ.SERVER.PING".to_owned(), &[Gateway, LlmWorker, NatsInit, Operator]),
        (subjects::record(streams::KEYS, "x"), &[LlmWorker, NatsInit]),
        (api("STREAM.MSG.GET.KV_KEYS".to_owned()), &[LlmWorker, NatsInit]),
        (api("STREAM.PURGE.KV_KEYS".to_owned()), &[Gateway, LlmWorker, NatsInit, Operator]),
    ];
    table
}

/// What cannot be subscribed to, and by whom.
fn subscribing() -> Vec<(String, &'static [Service])> {
    use Service::{Gateway, LlmWorker, NatsInit, Operator};
    let every: &[Service] = Service::ALL;
    let inbox = |service: Service| format!("{}.>", service.inbox_prefix());
    vec![
        (">".to_owned(), every),
        ("_INBOX.>".to_owned(), every),
        ("$JS.>".to_owned(), every),
        ("$SYS.>".to_owned(), every),
        (inbox(Gateway), &[LlmWorker, NatsInit, Operator]),
        (inbox(LlmWorker), &[Gateway, NatsInit, Operator]),
        (inbox(NatsInit), &[Gateway, LlmWorker, Operator]),
        (inbox(Operator), &[Gateway, LlmWorker, NatsInit]),
        (subjects::all_jobs(Lane::Chat), every),
        ("job.>".to_owned(), every),
        (subjects::ALL_LOGS.to_owned(), every),
        (subjects::ALL_LIVE.to_owned(), &[LlmWorker, NatsInit, Operator]),
        (subjects::ALL_GATEWAY_MAIL.to_owned(), &[LlmWorker, NatsInit, Operator]),
        (subjects::ALL_WORKER_MAIL.to_owned(), &[Gateway, NatsInit, Operator]),
        (subjects::ALL_GATEWAY_BEATS.to_owned(), &[NatsInit, Operator]),
        (subjects::ASK_FIGURES.to_owned(), &[LlmWorker, NatsInit, Operator]),
        (subjects::record("KEYS", ">"), every),
    ]
}

#[tokio::test]
async fn what_a_service_need_not_publish_is_refused() {
    let (nats, _bus) = declared().await;
    for service in Service::ALL {
        let mut intruder = Intruder::with(&nats, *service).await;
        for (subject, refused) in publishing() {
            if refused.contains(service) {
                intruder.may_not_publish(&subject).await;
            } else {
                assert!(service.permissions().may_publish(&subject), "{service:?} {subject}");
            }
        }
    }
}

#[tokio::test]
async fn what_a_service_need_not_hear_is_refused() {
    let (nats, _bus) = declared().await;
    for service in Service::ALL {
        let mut intruder = Intruder::with(&nats, *service).await;
        for (subject, refused) in subscribing() {
            if refused.contains(service) {
                intruder.may_not_subscribe(&subject).await;
            } else {
                assert!(service.permissions().may_subscribe(&subject), "{service:?} {subject}");
            }
        }
    }
}

#[tokio::test]
async fn what_is_refused_has_no_effect() {
    let (nats, bus) = declared().await;
    publish(&bus, contract::JobId::fresh(), "{}").await.unwrap();
    let stream = |name: &'static str| {
        let url = nats.url();
        async move {
            let jetstream = jetstream::new(async_nats::connect(url).await.unwrap());
            let info = jetstream.get_stream(name).await.unwrap().get_info().await.unwrap();
            info.state.messages
        }
    };
    for (service, subject) in [
        (Service::LlmWorker, job()),
        (Service::NatsInit, subjects::log(&fresh_log())),
        (Service::Gateway, "$JS.API.STREAM.PURGE.JOBS_CHAT".to_owned()),
        (Service::NatsInit, "$JS.API.STREAM.DELETE.JOBS_CHAT".to_owned()),
    ] {
        Intruder::with(&nats, service).await.may_not_publish(&subject).await;
    }

    assert_eq!((stream("JOBS_CHAT").await, stream("LOGS").await), (1, 0));
}

#[tokio::test]
async fn what_a_server_without_credentials_has_stored_is_there_with_them() {
    let folder = tempfile::TempDir::new().unwrap();
    let start = |more: String| server(folder.path(), more);
    let bare = start(String::new()).await;
    let bus = Bus::connect("nats-init", &bus::Settings::bare(bare.url())).await.unwrap();
    bus::declare(&bus, &[queue()], 1).await.unwrap();
    publish(&bus, contract::JobId::fresh(), "{}").await.unwrap();
    drop(bus);
    bare.stop().await;

    let credentials = bus::Credentials::make(&folder.path().join("credentials")).unwrap();
    let server = start(credentials.server_config(None)).await;
    let known_as = |service: Service| bus::Settings {
        nkey: credentials.key(service).cloned(),
        ..bus::Settings::bare(server.url())
    };

    let init = Bus::connect("nats-init", &known_as(Service::NatsInit)).await.unwrap();
    bus::declare(&init, &[queue()], 1).await.unwrap();
    let worker = Bus::connect("llm-worker", &known_as(Service::LlmWorker)).await.unwrap();
    let mut source = crate::support::jobs(&worker).await;
    assert_eq!(crate::support::next(&mut source).await.payload(), "{}");
}

#[tokio::test]
async fn a_gateway_answers_whoever_asks_it_and_once() {
    let (nats, _bus) = declared().await;
    let mut gateway = Intruder::with(&nats, Service::Gateway).await;
    let worker = Intruder::with(&nats, Service::LlmWorker).await;
    let id = GatewayId::fresh();
    let mut mail = gateway.client.subscribe(subjects::gateway_inbox(id)).await.unwrap();
    gateway.client.flush().await.unwrap();
    // A round trip: the server knows of the subscription.
    let jetstream = jetstream::new(gateway.client.clone());
    jetstream.query_account().await.unwrap();

    let asked = worker.client.request(subjects::gateway_claim(id), "may I".into());
    let answered = async {
        let question = futures::StreamExt::next(&mut mail).await.unwrap();
        let reply = question.reply.unwrap();
        gateway.client.publish(reply.clone(), "go".into()).await.unwrap();
        reply
    };
    let (answer, reply) = tokio::join!(asked, answered);

    assert_eq!(answer.unwrap().payload, "go");
    gateway.may_not_publish(&reply).await;
    gateway.may_not_publish("_INBOX_llm-worker.x").await;
}

#[tokio::test]
async fn a_refusal_is_counted_and_told_with_its_subject() {
    let (nats, _bus) = declared().await;
    let log = Log::default();
    // The connection's task runs on this thread too.
    let _as_long_as_the_test = log.listen(LevelFilter::TRACE);
    let bus = Bus::connect("operator", &nats.settings(Service::Operator)).await.unwrap();
    assert_eq!(bus.refusals(), 0);

    let unanswered = publish(&bus, contract::JobId::fresh(), "a canary").await;

    assert!(unanswered.is_err());
    assert_eq!(bus.refusals(), 1);
    let text = log.text();
    let told: Vec<&str> = text.lines().filter(|line| line.contains("not permit")).collect();
    assert_eq!(told.len(), 1, "{text}");
    assert!(told[0].contains("ERROR") && told[0].contains("job.chat.default.local."), "{text}");
    let seed = std::fs::read_to_string(nats.nkey_file(Service::Operator)).unwrap();
    for secret in ["canary", seed.trim()] {
        assert!(!text.contains(secret), "{text}");
    }
}
