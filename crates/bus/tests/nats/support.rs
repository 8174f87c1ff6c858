//! What the tests start with.

use std::ops::Range;
use std::path::Path;
use std::time::Duration;

use async_nats::jetstream::{self, stream};
use bus::{Bus, Delivery, Entry, JobSource, Keys, LogReader, LogWalk, Pulled, Records, Settings};
use bytes::Bytes;
use contract::keys::{KeyRecord, NewKey};
use contract::log::LogId;
use contract::permissions::Service;
use contract::{JobId, Lane, Owner, QueueName, TenantName, streams, subjects};
use nats_server::{Config, NatsServer, Places, Port};
use test_support::TestNats;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tracing::Span;

/// A declared bus over a server of its own.
pub(crate) async fn declared() -> (TestNats, Bus) {
    let nats = TestNats::start().await;
    let bus = connect(&nats).await;
    declare(&nats).await;
    (nats, bus)
}

/// Makes whatever is missing.
pub(crate) async fn declare(nats: &TestNats) {
    let init = Bus::connect("nats-init", &nats.settings(Service::NatsInit)).await.unwrap();
    bus::declare(&init, &[queue()], 1).await.unwrap();
}

pub(crate) async fn connect(nats: &TestNats) -> Bus {
    Bus::connect("test", &Settings::bare(nats.url())).await.unwrap()
}

/// A server that has `more` in its configuration, with its data in `folder`.
pub(crate) async fn server(folder: &Path, more: String) -> NatsServer {
    #[expect(clippy::disallowed_methods, reason = "tests have no settings of their own")]
    let places = Places::from_lookup(|name| std::env::var(name).ok());
    let binary = nats_server::find_or_fetch(&places, &|_step: &str| {}).await.unwrap();
    let config = Config { port: Port::Free, more, ..Config::new(binary, folder.join("nats")) };
    NatsServer::start(config).await.unwrap()
}

pub(crate) fn queue() -> QueueName {
    QueueName::default_queue()
}

pub(crate) async fn jobs(bus: &Bus) -> JobSource {
    bus.jobs(Lane::Chat, &queue()).await.unwrap()
}

pub(crate) async fn publish(bus: &Bus, job: JobId, payload: &str) -> Result<(), bus::BusError> {
    let payload = Bytes::from(payload.to_owned());
    bus.publish_job(Lane::Chat, &queue(), &TenantName::local(), job, payload, &Span::none()).await
}

/// The next delivery, asked for again whenever the request was lost.
pub(crate) async fn next(source: &mut JobSource) -> Delivery {
    let limit = Duration::from_secs(60);
    let job = async {
        loop {
            if source.outstanding() == 0 {
                source.request(1).await.unwrap();
            }
            if let Pulled::Job(delivery) = source.next().await {
                return delivery;
            }
        }
    };
    tokio::time::timeout(limit, job).await.expect("a job within a minute")
}

fn unicorn() -> Owner {
    Owner { tenant: "Ünï.corn".parse().unwrap(), name: "her.self".parse().unwrap() }
}

/// A log that nobody has written yet.
pub(crate) fn fresh_log() -> LogId {
    LogId { owner: unicorn(), job: JobId::fresh() }
}

/// The text of the record with that number.
pub(crate) fn record(number: usize) -> Bytes {
    format!("record {number}").into()
}

/// Asserts that these are the records 0, 1, 2, … up to `count`, in order.
pub(crate) fn assert_records(entries: &[Entry], count: usize) {
    assert_eq!(entries.len(), count);
    for (number, entry) in entries.iter().enumerate() {
        assert_eq!(entry.message, record(number));
    }
    assert!(entries.is_sorted_by(|one, next| one.sequence < next.sequence));
}

/// Appends the records with these numbers.
pub(crate) async fn append(bus: &Bus, log: &LogId, numbers: Range<usize>) {
    let last = bus.last_entry(log).await.unwrap().map_or(0, |entry| entry.sequence);
    let mut writer = bus.log_writer(log.clone(), last);
    for number in numbers {
        writer.append(record(number)).await.unwrap();
    }
}

/// Stores so many records as fast as they are taken.
pub(crate) async fn store(nats: &TestNats, log: &LogId, records: usize) {
    let jetstream = jetstream(nats).await;
    let mut acks = Vec::new();
    for number in 0..records {
        acks.push(jetstream.publish(subjects::log(log), record(number)).await.unwrap());
        if acks.len() > 1_000 {
            for ack in acks.drain(..) {
                ack.await.unwrap();
            }
        }
    }
    for ack in acks {
        ack.await.unwrap();
    }
}

/// The next `count` records of a reader.
pub(crate) async fn read(reader: &mut LogReader, count: usize) -> Vec<Entry> {
    let mut entries = Vec::new();
    while entries.len() < count {
        let entry = tokio::time::timeout(Duration::from_secs(60), reader.next()).await;
        entries.push(entry.expect("a record within a minute").expect("a connection"));
    }
    entries
}

/// A bucket of records.
pub(crate) async fn records(bus: &Bus) -> Records {
    bus.records(streams::CONVERSATIONS).await.unwrap()
}

/// What a walk over all logs comes by next.
pub(crate) async fn walk_to_the_end(walk: &mut LogWalk) -> Vec<(LogId, Entry)> {
    let mut walked = Vec::new();
    while let Some(next) = walk.next().await.unwrap() {
        walked.push(next);
    }
    walked
}

/// JetStream over a connection of its own, as somebody else has it.
pub(crate) async fn jetstream(nats: &TestNats) -> jetstream::Context {
    jetstream::new(async_nats::connect(nats.url()).await.unwrap())
}

/// Changes how logs are kept.
pub(crate) async fn change_logs(nats: &TestNats, change: impl FnOnce(&mut stream::Config)) {
    let jetstream = jetstream(nats).await;
    let mut config = logs_config(nats).await;
    change(&mut config);
    jetstream.update_stream(config).await.unwrap();
}

/// How logs are kept.
pub(crate) async fn logs_config(nats: &TestNats) -> stream::Config {
    let stream = jetstream(nats).await.get_stream(streams::LOGS).await.unwrap();
    stream.cached_info().config.clone()
}

/// Greets as a nats-server of that kind does, and answers pings.
pub(crate) async fn greeting_with(info: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("nats://{}", listener.local_addr().unwrap());
    let info = format!(
        "INFO {{\"server_id\":\"x\",\"server_name\":\"x\",\"host\":\"127.0.0.1\",\"port\":1,\
         \"headers\":true,\"max_payload\":1048576,\"proto\":1,{info}}}\r\n"
    );
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(async move {
        let (mut stream, _peer) = listener.accept().await.unwrap();
        stream.write_all(info.as_bytes()).await.unwrap();
        let mut buffer = [0_u8; 4096];
        while let Ok(read @ 1..) = stream.read(&mut buffer).await {
            if buffer[..read].windows(4).any(|window| window == b"PING") {
                stream.write_all(b"PONG\r\n").await.unwrap();
            }
        }
    });
    url
}

/// Where API keys are kept.
pub(crate) async fn keys(bus: &Bus) -> Keys {
    bus.keys().await.unwrap()
}

/// The record of a new API key.
pub(crate) fn new_key(name: &str) -> KeyRecord {
    let wanted: NewKey = serde_json::from_value(serde_json::json!({ "name": name })).unwrap();
    wanted.make("test", 1).1
}
