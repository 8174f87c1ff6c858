//! Every stream, consumer and bucket, with its limits. Declared here, created by `nats-init`.

use std::time::Duration;

use crate::{Chore, Lane, QueueName, subjects};

/// Copies of a delivery's rules that differ by lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeliveryRules {
    /// A delivery that is neither settled nor reported in progress for this long comes again.
    pub ack_wait: Duration,
    /// How often a worker reports progress.
    pub progress_every: Duration,
}

/// Most deliveries that may be unsettled at once, over all workers of a consumer.
pub const MAX_ACK_PENDING: i64 = 50_000;
/// A publish repeated with the same message id within this time is stored once.
pub const DUPLICATE_WINDOW: Duration = Duration::from_secs(120);

/// One stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamSpec {
    /// Its name.
    pub name: &'static str,
    /// One sentence for whoever lists the streams.
    pub about: &'static str,
    /// The subjects that it stores.
    pub subjects: Vec<String>,
    /// When a message leaves, and what being full means.
    pub retention: Retention,
    /// Oldest message.
    pub max_age: Duration,
    /// Most bytes. What happens beyond them, `retention` says.
    pub max_bytes: i64,
    /// Most messages. What happens beyond them, `retention` says.
    pub max_messages: i64,
    /// Whether it may live in memory when the servers are a cluster.
    pub memory_on_cluster: bool,
    /// What is repeated once it is stored: from which subjects, to which.
    pub republish: Option<(&'static str, &'static str)>,
}

/// When messages leave a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retention {
    /// When a worker acknowledges them; full means refused.
    WorkQueue,
    /// By age; full means refused: nothing that was accepted makes room for something newer.
    Age,
    /// By age and size; full means that the oldest goes.
    Limits,
}

/// The name of the stream that holds a lane's jobs.
pub fn jobs_stream(lane: Lane) -> &'static str {
    match lane {
        Lane::Chat => "JOBS_CHAT",
        Lane::Live => "JOBS_LIVE",
        Lane::Background => "JOBS_BACKGROUND",
    }
}

/// The name of the stream of logs.
pub const LOGS: &str = "LOGS";
/// The name of the stream of dead letters.
pub const DEAD: &str = "DEAD";
/// The object store for bodies over what a message holds.
pub const BLOBS: &str = "BLOBS";
/// Oldest body in [`BLOBS`]: far beyond the longest unstored answer.
pub const BLOBS_MAX_AGE: Duration = Duration::from_secs(60 * 60);
/// Most bytes in [`BLOBS`].
pub const BLOBS_MAX_BYTES: i64 = 2 * 1024 * 1024 * 1024;

/// The name of the stream of chores.
pub const CHORES: &str = "CHORES";
/// The bucket of sealed logs.
pub const RESPONSES: &str = "RESPONSES";
/// The bucket of conversations.
pub const CONVERSATIONS: &str = "CONVERSATIONS";
/// The bucket of idempotency keys.
pub const IDEMPOTENCY: &str = "IDEMPOTENCY";
/// How long a key names what was asked under it.
pub const IDEMPOTENCY_MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// The bucket of API keys.
pub const KEYS: &str = "KEYS";
/// A record of this age is kept all the same.
pub const NEVER: Duration = Duration::ZERO;

/// Records by key, each with the revision that a change of it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BucketSpec {
    /// Its name.
    pub name: &'static str,
    /// One sentence for whoever lists the buckets.
    pub about: &'static str,
    /// Oldest record, counted from its last change; or [`NEVER`].
    pub max_age: Duration,
    /// Most bytes. Full means refused.
    pub max_bytes: i64,
    /// How many revisions of a record are kept.
    pub history: i64,
}

/// Every bucket.
pub fn buckets() -> Vec<BucketSpec> {
    vec![
        BucketSpec {
            name: KEYS,
            about: "API keys, as hashes: who may call, for whom, and how much",
            max_age: NEVER,
            max_bytes: 64 * 1024 * 1024,
            history: 1,
        },
        BucketSpec {
            name: CONVERSATIONS,
            about: "conversations: what was added to them, and the names of their turns",
            max_age: Duration::from_secs(30 * 24 * 60 * 60),
            max_bytes: 512 * 1024 * 1024,
            history: 1,
        },
        BucketSpec {
            name: IDEMPOTENCY,
            about: "which request was made under which idempotency key; not what it said",
            max_age: IDEMPOTENCY_MAX_AGE,
            max_bytes: 256 * 1024 * 1024,
            history: 1,
        },
        BucketSpec {
            name: RESPONSES,
            about: "logs that have ended, each as one record",
            max_age: Duration::from_secs(30 * 24 * 60 * 60),
            max_bytes: 4 * 1024 * 1024 * 1024,
            history: 1,
        },
    ]
}

/// The stream that holds a bucket, as clients of NATS expect it.
pub fn bucket_stream(bucket: &str) -> String {
    format!("KV_{bucket}")
}

/// The stream that holds an object store, as clients of NATS expect it.
pub fn object_stream(store: &str) -> String {
    format!("OBJ_{store}")
}

/// What the server calls every stream of ours, those of buckets and of the object store included.
pub fn names() -> Vec<String> {
    let streams = all().into_iter().map(|stream| stream.name.to_owned());
    let buckets = buckets().into_iter().map(|bucket| bucket_stream(bucket.name));
    streams.chain(buckets).chain([object_stream(BLOBS)]).collect()
}

/// Oldest job of [`Lane::Chat`] in its queue, whether or not it is worked on.
pub const CHAT_JOBS_MAX_AGE: Duration = Duration::from_secs(10 * 60);

/// Every stream.
pub fn all() -> Vec<StreamSpec> {
    vec![
        StreamSpec {
            name: jobs_stream(Lane::Chat),
            about: "chat jobs whose callers wait; not stored beyond their answer",
            subjects: vec![subjects::all_jobs(Lane::Chat)],
            retention: Retention::WorkQueue,
            max_age: CHAT_JOBS_MAX_AGE,
            max_bytes: 1024 * 1024 * 1024,
            max_messages: 100_000,
            memory_on_cluster: true,
            republish: None,
        },
        stored_jobs(Lane::Live, "stored jobs whose callers wait"),
        stored_jobs(Lane::Background, "stored jobs whose answers are fetched later"),
        StreamSpec {
            name: LOGS,
            about: "what happened to stored jobs; their answers are folds of it",
            subjects: vec![subjects::ALL_LOGS.to_owned()],
            retention: Retention::Age,
            max_age: Duration::from_secs(72 * 60 * 60),
            max_bytes: 4 * 1024 * 1024 * 1024,
            max_messages: 50_000_000,
            memory_on_cluster: false,
            republish: Some((subjects::ALL_LOGS, subjects::ALL_LIVE)),
        },
        StreamSpec {
            name: CHORES,
            about: "what is to be done about jobs and nobody waits for",
            subjects: vec![subjects::ALL_CHORES.to_owned()],
            retention: Retention::WorkQueue,
            // What the stream of logs has forgotten cannot be sealed any more.
            max_age: Duration::from_secs(72 * 60 * 60),
            max_bytes: 256 * 1024 * 1024,
            max_messages: 1_000_000,
            memory_on_cluster: false,
            republish: None,
        },
        StreamSpec {
            name: DEAD,
            about: "jobs that were given up, with the reason",
            subjects: vec![subjects::ALL_DEAD.to_owned()],
            retention: Retention::Limits,
            max_age: Duration::from_secs(14 * 24 * 60 * 60),
            max_bytes: 256 * 1024 * 1024,
            max_messages: 100_000,
            memory_on_cluster: false,
            republish: None,
        },
    ]
}

/// What all of it may hold: as much as a server reserves.
pub fn reserved_bytes() -> i64 {
    let streams: i64 = all().iter().map(|stream| stream.max_bytes).sum();
    let buckets: i64 = buckets().iter().map(|bucket| bucket.max_bytes).sum();
    streams + buckets + BLOBS_MAX_BYTES
}

/// The queue of a stored lane: as long as its logs live, a job is not forgotten.
fn stored_jobs(lane: Lane, about: &'static str) -> StreamSpec {
    StreamSpec {
        name: jobs_stream(lane),
        about,
        subjects: vec![subjects::all_jobs(lane)],
        retention: Retention::WorkQueue,
        max_age: Duration::from_secs(72 * 60 * 60),
        max_bytes: 512 * 1024 * 1024,
        max_messages: 100_000,
        memory_on_cluster: false,
        republish: None,
    }
}

/// The lanes that workers pull from.
pub const LANES: &[Lane] = &[Lane::Chat, Lane::Live, Lane::Background];

/// The durable consumer that all workers of a queue share.
pub fn consumer(lane: Lane, queue: &QueueName) -> String {
    format!("{}-{}", lane.token(), subjects::queue_token(queue))
}

/// The durable consumer that all gateways share that do chores of a kind.
pub fn chore_consumer(chore: Chore) -> &'static str {
    chore.token()
}

/// A chore that is neither settled nor given back for this long comes again.
pub const CHORE_ACK_WAIT: Duration = Duration::from_secs(30);

/// How deliveries of a lane are watched over.
pub fn delivery_rules(lane: Lane) -> DeliveryRules {
    match lane {
        Lane::Chat => DeliveryRules {
            ack_wait: Duration::from_secs(5),
            progress_every: Duration::from_millis(1500),
        },
        // A cluster takes some seconds to find another leader: appends wait for it.
        Lane::Live => DeliveryRules {
            ack_wait: Duration::from_secs(15),
            progress_every: Duration::from_secs(5),
        },
        Lane::Background => DeliveryRules {
            ack_wait: Duration::from_secs(30),
            progress_every: Duration::from_secs(10),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_reported_at_least_three_times_within_the_ack_wait() {
        for lane in LANES {
            let rules = delivery_rules(*lane);
            assert!(rules.progress_every * 3 <= rules.ack_wait);
        }
    }

    #[test]
    fn every_stream_is_bounded_in_age_bytes_and_messages() {
        for stream in all() {
            assert!(stream.max_bytes > 0 && stream.max_messages > 0, "{}", stream.name);
            assert!(stream.max_age > Duration::ZERO, "{}", stream.name);
        }
        for bucket in buckets() {
            assert!(bucket.max_bytes > 0 && bucket.history > 0, "{}", bucket.name);
            // Keys end by their own dates, or by whoever takes them back.
            assert!((bucket.max_age == NEVER) == (bucket.name == KEYS), "{}", bucket.name);
        }
    }

    #[test]
    fn a_key_is_forgotten_before_the_log_that_it_names() {
        let logs = all().into_iter().find(|stream| stream.name == LOGS).unwrap();
        assert!(IDEMPOTENCY_MAX_AGE * 2 < logs.max_age);
    }

    #[test]
    fn accepted_work_makes_room_for_nothing() {
        for stream in all().iter().filter(|stream| stream.name != DEAD) {
            assert_ne!(stream.retention, Retention::Limits, "{}", stream.name);
        }
    }

    #[test]
    fn stored_work_is_in_a_file_whatever_is_said_of_chat_jobs() {
        let chat = jobs_stream(Lane::Chat);
        for stream in all().iter().filter(|stream| stream.name != chat) {
            assert!(!stream.memory_on_cluster, "{}", stream.name);
        }
    }

    #[test]
    fn what_is_repeated_is_stored_by_no_stream() {
        // The server does not check it: a stream that stored what it repeats would never end.
        let first = |subject: &str| subject.split('.').next().map(str::to_owned);
        let stored: Vec<_> = all().iter().flat_map(|stream| stream.subjects.clone()).collect();
        let repeated: Vec<_> = all().iter().filter_map(|stream| stream.republish).collect();
        assert!(!repeated.is_empty());
        for (_, destination) in repeated {
            assert!(stored.iter().all(|subject| first(subject) != first(destination)));
        }
    }
}
