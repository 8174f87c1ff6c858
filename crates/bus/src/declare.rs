//! Creates every stream, consumer and bucket. Idempotent; called by `nats-init` only.

use std::fmt;
use std::str::FromStr;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::{object_store, stream};
use contract::streams::{self, BucketSpec, Retention, StreamSpec};
use contract::{Chore, Lane, QueueName, subjects};
use futures::TryStreamExt as _;

use crate::patience::Patience;
use crate::{Bus, BusError};

/// Standing requests for jobs at once, over all workers of a consumer.
const MAX_WAITING: i64 = 4_096;
/// The server's refusal of a stream that its disk has no room for.
const NO_STORAGE: &str = "insufficient storage";
/// Of copies where there is one server alone.
const NO_CLUSTER: &str = "non-clustered mode";
/// Of more copies than a cluster has servers.
const NO_PEERS: &str = "no suitable peers";
/// Of another storage for a stream that exists.
const STORAGE_STAYS: &str = "can not change storage type";
/// What a cluster says, or does not, while its servers find each other and choose a leader.
const NOT_YET: &[&str] = &["peer offline", "temporarily unavailable", "timed out", "no responders"];

/// What was declared, one line each.
#[derive(Debug, Default)]
pub struct Declared(Vec<String>);

impl fmt::Display for Declared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

/// Where the streams are kept that may live in memory on a cluster.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Storage {
    /// In a file on one server, which would forget them when it restarts; in memory on a cluster.
    #[default]
    ByReplicas,
    /// In a file.
    File,
    /// In memory.
    Memory,
}

impl Storage {
    fn in_memory(self, replicas: usize) -> bool {
        match self {
            Self::ByReplicas => replicas > 1,
            Self::File => false,
            Self::Memory => true,
        }
    }
}

impl FromStr for Storage {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "file" => Ok(Self::File),
            "memory" => Ok(Self::Memory),
            _ => Err("expected `file` or `memory`".to_owned()),
        }
    }
}

/// Creates or updates everything that `queues` need, kept where it usually is. `replicas` is 1
/// for one server and 3 for a cluster.
///
/// # Errors
///
/// As [`declare_in`].
pub async fn declare(
    bus: &Bus,
    queues: &[QueueName],
    replicas: usize,
) -> Result<Declared, BusError> {
    declare_in(Storage::ByReplicas, bus, queues, replicas).await
}

/// Creates or updates everything that `queues` need.
///
/// Consumers of queues that are no longer in the catalogue are named and left alone: deleting
/// one would strand its jobs.
///
/// A cluster whose servers have just started is asked again for half a minute.
///
/// # Errors
///
/// [`BusError::NotReady`] when something exists and cannot be made what it should be,
/// [`BusError::Unavailable`] when a cluster is not whole in that time.
pub async fn declare_in(
    storage: Storage,
    bus: &Bus,
    queues: &[QueueName],
    replicas: usize,
) -> Result<Declared, BusError> {
    let patience = Patience::begin();
    loop {
        match declare_once(storage, bus, queues, replicas).await {
            Ok(declared) => return Ok(declared),
            Err(error) => patience.after(error).await?,
        }
    }
}

async fn declare_once(
    storage: Storage,
    bus: &Bus,
    queues: &[QueueName],
    replicas: usize,
) -> Result<Declared, BusError> {
    let mut declared = Declared::default();
    for spec in streams::all() {
        let config = stream_config(&spec, storage, replicas);
        let name = spec.name;
        bus.jetstream
            .create_or_update_stream(config)
            .await
            .map_err(|error| refused(name, error))?;
        declared.0.push(format!("stream {name}: {}", spec.about));
    }
    for lane in streams::LANES {
        consumers(bus, *lane, queues, replicas, &mut declared).await?;
    }
    chores(bus, replicas, &mut declared).await?;
    for spec in streams::buckets() {
        let name = spec.name;
        let config = bucket_config(&spec, replicas);
        bus.jetstream
            .create_or_update_stream(config)
            .await
            .map_err(|error| refused(name, error))?;
        declared.0.push(format!("bucket {name}: {}", spec.about));
    }
    blobs(bus, replicas, &mut declared).await?;
    Ok(declared)
}

/// A bucket as other clients of NATS make it too, so that `nats kv` shows it.
fn bucket_config(spec: &BucketSpec, replicas: usize) -> stream::Config {
    stream::Config {
        name: streams::bucket_stream(spec.name),
        description: Some(spec.about.to_owned()),
        subjects: vec![subjects::record(spec.name, ">")],
        // Full means refused: no record makes room for another one.
        discard: stream::DiscardPolicy::New,
        max_age: spec.max_age,
        max_bytes: spec.max_bytes,
        max_messages_per_subject: spec.history,
        storage: stream::StorageType::File,
        num_replicas: replicas,
        duplicate_window: streams::DUPLICATE_WINDOW,
        allow_direct: true,
        allow_rollup: true,
        deny_delete: true,
        ..stream::Config::default()
    }
}

fn stream_config(spec: &StreamSpec, storage: Storage, replicas: usize) -> stream::Config {
    let (retention, discard) = match spec.retention {
        // Full means refused: whoever asks is told, and nothing accepted is lost.
        Retention::WorkQueue => (stream::RetentionPolicy::WorkQueue, stream::DiscardPolicy::New),
        Retention::Age => (stream::RetentionPolicy::Limits, stream::DiscardPolicy::New),
        Retention::Limits => (stream::RetentionPolicy::Limits, stream::DiscardPolicy::Old),
    };
    // A standalone server forgets a memory stream, configuration included, when it restarts.
    let in_memory = spec.memory_on_cluster && storage.in_memory(replicas);
    stream::Config {
        name: spec.name.to_owned(),
        description: Some(spec.about.to_owned()),
        subjects: spec.subjects.clone(),
        retention,
        discard,
        max_age: spec.max_age,
        max_bytes: spec.max_bytes,
        max_messages: spec.max_messages,
        storage: if in_memory { stream::StorageType::Memory } else { stream::StorageType::File },
        num_replicas: replicas,
        duplicate_window: streams::DUPLICATE_WINDOW,
        allow_direct: true,
        republish: spec.republish.map(|(source, destination)| stream::Republish {
            source: source.to_owned(),
            destination: destination.to_owned(),
            headers_only: false,
        }),
        ..stream::Config::default()
    }
}

async fn consumers(
    bus: &Bus,
    lane: Lane,
    queues: &[QueueName],
    replicas: usize,
    declared: &mut Declared,
) -> Result<(), BusError> {
    let name = streams::jobs_stream(lane);
    let stream = bus.jetstream.get_stream(name).await.map_err(|error| refused(name, error))?;
    let wanted: Vec<String> = queues.iter().map(|queue| streams::consumer(lane, queue)).collect();
    for (queue, consumer) in queues.iter().zip(&wanted) {
        let config = pull::Config {
            description: Some(format!("workers of queue `{queue}`")),
            filter_subject: subjects::jobs_of_queue(lane, queue),
            ack_wait: streams::delivery_rules(lane).ack_wait,
            ..shared_consumer(consumer, replicas)
        };
        stream.create_consumer(config).await.map_err(|error| refused(consumer, error))?;
        declared.0.push(format!("consumer {consumer} of {name}"));
    }
    let existing: Vec<String> =
        stream.consumer_names().try_collect().await.map_err(|error| refused(name, error))?;
    for extra in existing.iter().filter(|consumer| !wanted.contains(consumer)) {
        declared
            .0
            .push(format!("consumer {extra} of {name} serves no queue of the catalogue; left"));
    }
    Ok(())
}

/// What all durable consumers have in common: several processes pull from each.
fn shared_consumer(name: &str, replicas: usize) -> pull::Config {
    pull::Config {
        durable_name: Some(name.to_owned()),
        ack_policy: AckPolicy::Explicit,
        // Workers count attempts themselves: a job over the server's count would stay behind.
        max_deliver: -1,
        max_ack_pending: streams::MAX_ACK_PENDING,
        max_waiting: MAX_WAITING,
        num_replicas: replicas,
        ..pull::Config::default()
    }
}

async fn chores(bus: &Bus, replicas: usize, declared: &mut Declared) -> Result<(), BusError> {
    let name = streams::CHORES;
    let stream = bus.jetstream.get_stream(name).await.map_err(|error| refused(name, error))?;
    for chore in Chore::ALL {
        let consumer = streams::chore_consumer(*chore);
        let config = pull::Config {
            description: Some(format!("gateways that do chores of the kind `{consumer}`")),
            filter_subject: subjects::chores_of(*chore),
            ack_wait: streams::CHORE_ACK_WAIT,
            ..shared_consumer(consumer, replicas)
        };
        stream.create_consumer(config).await.map_err(|error| refused(consumer, error))?;
        declared.0.push(format!("consumer {consumer} of {name}"));
    }
    Ok(())
}

async fn blobs(bus: &Bus, replicas: usize, declared: &mut Declared) -> Result<(), BusError> {
    let name = streams::BLOBS;
    if bus.jetstream.get_object_store(name).await.is_err() {
        let config = object_store::Config {
            bucket: name.to_owned(),
            description: Some("bodies over what one message holds".to_owned()),
            max_age: streams::BLOBS_MAX_AGE,
            max_bytes: streams::BLOBS_MAX_BYTES,
            num_replicas: replicas,
            ..object_store::Config::default()
        };
        let created = bus.jetstream.create_object_store(config).await;
        created.map_err(|error| refused(name, error))?;
    }
    declared.0.push(format!("object store {name}"));
    Ok(())
}

fn refused(name: &str, error: impl fmt::Display) -> BusError {
    let error = once(&error.to_string()).to_owned();
    if NOT_YET.iter().any(|said| error.contains(said)) {
        return BusError::Unavailable(format!("`{name}` cannot be declared yet: {error}"));
    }
    let remedy = remedy(name, &error).map(|remedy| format!("; {remedy}")).unwrap_or_default();
    BusError::NotReady(format!("`{name}` cannot be declared: {error}{remedy}"))
}

/// The client library tells what JetStream said as an error of its own and again as its cause.
fn once(text: &str) -> &str {
    let mut parts =
        text.match_indices(": ").map(|(at, colon)| (&text[..at], &text[at + colon.len()..]));
    parts.find(|(said, cause)| said.ends_with(cause)).map_or(text, |(said, _cause)| said)
}

/// What helps against a refusal, where JetStream's own words do not say it.
fn remedy(name: &str, error: &str) -> Option<String> {
    let is = |said: &str| error.contains(said);
    if is(NO_STORAGE) {
        let gib = whole_gib(streams::reserved_bytes());
        return Some(format!(
            "the server reserves what streams may hold, {gib} GiB in all: free some disk (it takes \
             three quarters of what is free), or set its `max_file_store`"
        ));
    }
    if is(NO_CLUSTER) || is(NO_PEERS) {
        let servers =
            if is(NO_CLUSTER) { "this server is alone" } else { "the cluster is smaller" };
        return Some(format!("NATS_REPLICAS asks for that many servers, and {servers}"));
    }
    is(STORAGE_STAYS).then(|| {
        format!(
            "NATS_CHAT_STORAGE says where it is made, and it exists: leave the variable as it was, \
             or stop the gateways, wait until it is empty, remove it (`nats stream rm {name}`) and \
             run this again"
        )
    })
}

/// What has to be there for so many bytes.
fn whole_gib(bytes: i64) -> i64 {
    const GIB: i64 = 1024 * 1024 * 1024;
    (bytes + GIB - 1) / GIB
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_that_is_too_small_is_an_error_that_says_how_much_is_needed() {
        let small = refused("LOGS", "insufficient storage resources available").to_string();
        assert!(small.contains(" GiB in all"), "{small}");
        let other = refused("LOGS", "subjects overlap with an existing stream").to_string();
        assert!(!other.contains("GiB"), "{other}");
    }

    #[test]
    fn a_cluster_whose_servers_find_each_other_is_asked_again_and_a_smaller_one_is_not() {
        let offline = refused("LOGS", "no suitable peers for placement, peer offline");
        assert!(matches!(offline, BusError::Unavailable(_)), "{offline}");
        let smaller = refused("LOGS", "no suitable peers for placement");
        assert!(matches!(smaller, BusError::NotReady(_)), "{smaller}");
    }

    #[test]
    fn the_operations_page_names_the_same_figures() {
        let page = include_str!("../../../docs/OPERATIONS.md");
        let reserved = whole_gib(streams::reserved_bytes());
        // The server takes three quarters of what is free.
        let free = (reserved * 4 + 2) / 3;

        for figure in [format!(": {reserved} GiB in all"), format!("{free} GiB have to be free")] {
            assert!(page.contains(&figure), "docs/OPERATIONS.md does not say `{figure}`");
        }
    }

    #[test]
    fn what_was_said_twice_is_told_once() {
        for (text, told) in [
            (
                "JetStream error: no: 10, a: JetStream error: no: 10, a",
                "JetStream error: no: 10, a",
            ),
            ("jetstream error: no room: no room", "jetstream error: no room"),
            ("timed out", "timed out"),
            ("one: two", "one: two"),
        ] {
            assert_eq!(once(text), told);
        }
    }
}
