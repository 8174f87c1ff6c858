//! Who may say and hear what on NATS: to each service what it does, and nothing else.
//!
//! Made from the same subjects, streams and buckets as everything else, so that a new one needs no
//! second list. What the server cannot tell apart is in `docs/adr/0012-least-privilege-on-nats.md`.

mod jetstream;
mod pattern;

use self::jetstream as api;
pub use self::pattern::covers;
use crate::{streams, subjects};

/// What every inbox of a service begins with.
pub const INBOXES: &str = "_INBOX_";

/// Whoever has credentials of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// Answers the API.
    Gateway,
    /// Works on jobs.
    LlmWorker,
    /// Declares streams and consumers.
    NatsInit,
    /// A person who makes API keys and looks at queues.
    Operator,
}

/// What a service may do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Permissions {
    /// Subjects that it may publish on, with wildcards.
    pub publish: Vec<String>,
    /// Subjects that it may subscribe to, with wildcards.
    pub subscribe: Vec<String>,
    /// Whether it may answer once whoever asks it.
    pub answers: bool,
}

impl Service {
    /// Everyone.
    pub const ALL: &[Self] = &[Self::Gateway, Self::LlmWorker, Self::NatsInit, Self::Operator];

    /// Its name, as its program has it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::LlmWorker => "llm-worker",
            Self::NatsInit => "nats-init",
            Self::Operator => "operator",
        }
    }

    /// Whose connection has this name: a service's own, which may have more behind a dot.
    pub fn of_connection(name: &str) -> Option<Self> {
        let first = name.split('.').next();
        Self::ALL.iter().copied().find(|service| Some(service.name()) == first)
    }

    /// Where it hears the answers to its questions.
    pub fn inbox_prefix(self) -> String {
        format!("{INBOXES}{}", self.name())
    }

    /// What it may do.
    pub fn permissions(self) -> Permissions {
        // It may ask itself: a round trip to the server that needs nobody else.
        let inbox = format!("{}.>", self.inbox_prefix());
        let mut may =
            Permissions { publish: vec![inbox.clone()], subscribe: vec![inbox], answers: false };
        match self {
            Self::Gateway => gateway(&mut may),
            Self::LlmWorker => worker(&mut may),
            Self::NatsInit => init(&mut may),
            Self::Operator => operator(&mut may),
        }
        may
    }
}

impl Permissions {
    /// Whether everything that matches `subject`, which may hold wildcards, may be published on.
    /// Answers aside.
    pub fn may_publish(&self, subject: &str) -> bool {
        self.publish.iter().any(|pattern| covers(pattern, subject))
    }

    /// Whether everything that matches `subject` may be subscribed to.
    pub fn may_subscribe(&self, subject: &str) -> bool {
        self.subscribe.iter().any(|pattern| covers(pattern, subject))
    }

    fn says(&mut self, subjects: impl IntoIterator<Item = impl Into<String>>) {
        self.publish.extend(subjects.into_iter().map(Into::into));
    }

    fn hears(&mut self, subjects: impl IntoIterator<Item = impl Into<String>>) {
        self.subscribe.extend(subjects.into_iter().map(Into::into));
    }
}

/// Where the server is asked about a stream; each service may, of those that it needs.
pub fn stream_info(stream: &str) -> String {
    api::stream_info(stream)
}

fn gateway(may: &mut Permissions) {
    // Claims, and whether anybody reads a log. All else that it replies to is a worker's mail.
    may.answers = true;
    may.says([api::INFO, subjects::ALL_LOGS, subjects::ALL_CHORES]);
    may.says([subjects::ALL_WORKER_MAIL, subjects::ALL_GATEWAY_BEATS]);
    may.hears([subjects::ALL_GATEWAY_MAIL, subjects::ALL_WORKER_BEATS]);
    // Any gateway gives the whole picture.
    may.says([subjects::ASK_FIGURES]);
    may.hears([subjects::ASK_FIGURES, subjects::ALL_GATEWAY_BEATS]);
    // Operators look at dead letters and remove them, each by its number.
    may.says([api::direct_get_batch(streams::DEAD), api::message_delete(streams::DEAD)]);
    may.hears([subjects::ALL_LIVE, subjects::ALL_READERS]);
    for lane in streams::LANES {
        let (stream, jobs) = (streams::jobs_stream(*lane), subjects::all_jobs(*lane));
        may.says([api::stream_info(stream), api::direct_get(stream, &jobs), jobs]);
        // Who waits, and for how long.
        may.says([api::consumer_info(stream), api::direct_get_batch(stream)]);
    }
    logs(may);
    // A response that is deleted.
    may.says([api::purge(streams::LOGS), api::stream_info(streams::CHORES)]);
    // How many dead letters are kept.
    may.says([api::stream_info(streams::DEAD)]);
    deliveries(may, streams::CHORES);
    for bucket in streams::buckets() {
        records(may, bucket.name);
        // Keys are never removed: one that was revoked stays in the list.
        if bucket.name != streams::KEYS {
            may.says([api::purge(&streams::bucket_stream(bucket.name))]);
        }
    }
    bodies(may);
}

fn worker(may: &mut Permissions) {
    may.says([api::INFO, subjects::ALL_LOGS, subjects::ALL_CHORES, subjects::ALL_DEAD]);
    may.says([subjects::ALL_CLAIMS, subjects::ALL_EVENTS, subjects::ALL_READERS]);
    may.says([subjects::ALL_WORKER_BEATS]);
    may.hears([subjects::ALL_WORKER_MAIL, subjects::ALL_GATEWAY_BEATS]);
    for lane in streams::LANES {
        let stream = streams::jobs_stream(*lane);
        may.says([api::stream_info(stream)]);
        deliveries(may, stream);
    }
    logs(may);
    may.says([streams::CHORES, streams::DEAD].map(api::stream_info));
    bodies(may);
}

fn init(may: &mut Permissions) {
    for stream in streams::names() {
        may.says([
            api::stream_info(&stream),
            api::stream_create(&stream),
            api::stream_update(&stream),
            api::consumer_create(&stream),
            api::consumer_names(&stream),
        ]);
    }
}

fn operator(may: &mut Permissions) {
    may.says([api::INFO, api::STREAM_NAMES, api::STREAM_LIST]);
    for stream in streams::names() {
        may.says([api::stream_info(&stream), api::consumer_info(&stream)]);
        may.says([api::consumer_names(&stream), api::consumer_list(&stream)]);
    }
    records(may, streams::KEYS);
    // Somebody wants gone what is kept of them.
    for (stream, _subjects) in subjects::of_owner(&crate::Owner::local()) {
        may.says([api::purge(&stream)]);
    }
}

/// To read logs, by their leader and page by page.
fn logs(may: &mut Permissions) {
    let stream = streams::LOGS;
    may.says([api::stream_info(stream), api::message_get(stream), api::direct_get_batch(stream)]);
}

/// To pull from the consumers of a stream, and settle what comes.
fn deliveries(may: &mut Permissions, stream: &str) {
    may.says([api::consumer_info(stream), api::consumer_next(stream)]);
    may.says(api::acknowledgements(stream));
}

/// To read and write the records of a bucket.
fn records(may: &mut Permissions, bucket: &str) {
    let stream = streams::bucket_stream(bucket);
    may.says([subjects::record(bucket, ">"), api::stream_info(&stream)]);
    may.says([api::message_get(&stream)]);
}

/// To put, get and remove bodies over what one message holds.
fn bodies(may: &mut Permissions) {
    let stream = streams::object_stream(streams::BLOBS);
    let objects = subjects::objects(streams::BLOBS);
    may.says([api::stream_info(&stream), api::purge(&stream)]);
    may.says([api::direct_get(&stream, &objects), objects]);
    // The client library reads by a consumer of its own.
    may.says([api::consumer_create_nameless(&stream)]);
    may.says(api::flow_control(&stream));
}

#[cfg(test)]
mod tests;
