//! Subjects: the only file that spells one.
//!
//! ```text
//! job.<lane>.<queue>.<tenant>.<job>   a job, for whoever serves that queue     stored
//! dead.<lane>.<queue>.<job>           a job that was given up                  stored
//! log.<tenant>.<owner>.<job>          what happened to a stored job            stored
//! live.<tenant>.<owner>.<job>         the same, as soon as it is stored        not stored
//! chore.<kind>.<tenant>.<owner>.<job> what is left to do about a job           stored
//! $KV.<bucket>.<tenant>.<owner>.<id>  a record of a bucket                     stored
//! $KV.KEYS.<key>                      an API key                               stored
//! reader.<tenant>.<owner>.<job>       does anybody read it? (request, reply)   not stored
//! gw.<gateway>.claim                  may I answer? (request, reply)           not stored
//! gw.<gateway>.events                 packed events                            not stored
//! worker.<worker>.cancel              stop a job                               not stored
//! worker.<worker>.credit              so much of a stream was read             not stored
//! worker.<worker>.read.<gateway>.<n>  so much of all that was sent was read    not stored
//! figures.ask                         what have you counted? (request, replies) not stored
//! beat.gw.<gateway>                   a gateway is alive                       not stored
//! beat.worker.<worker>                a worker is alive                        not stored
//! ```
//!
//! Who may say and hear what: [`crate::permissions`].

use crate::log::LogId;
use crate::{
    Chore, ConversationId, GatewayId, JobId, Lane, Owner, QueueName, TenantName, WorkerId, streams,
    token,
};

/// Every gateway's beat.
pub const ALL_GATEWAY_BEATS: &str = "beat.gw.*";
/// Every worker's beat.
pub const ALL_WORKER_BEATS: &str = "beat.worker.*";
/// What a gateway asks all of them: what they have counted.
pub const ASK_FIGURES: &str = "figures.ask";
/// Every dead letter.
pub const ALL_DEAD: &str = "dead.>";
/// What workers ask every gateway.
pub const ALL_CLAIMS: &str = "gw.*.claim";
/// What workers tell every gateway.
pub const ALL_EVENTS: &str = "gw.*.events";
/// Everything meant for any gateway.
pub const ALL_GATEWAY_MAIL: &str = "gw.*.>";
/// Everything meant for any worker.
pub const ALL_WORKER_MAIL: &str = "worker.*.>";
/// Whether anybody reads any log.
pub const ALL_READERS: &str = "reader.>";

/// Where a job goes.
pub fn job(lane: Lane, queue: &QueueName, tenant: &TenantName, job: JobId) -> String {
    let (lane, queue, tenant) =
        (lane.token(), token::of(queue.as_str()), token::of(tenant.as_str()));
    format!("job.{lane}.{queue}.{tenant}.{job}")
}

/// The subject of a lane's jobs as telemetry names it: without ids.
pub fn job_template(lane: Lane) -> &'static str {
    match lane {
        Lane::Chat => "job.chat.{queue}",
        Lane::Live => "job.live.{queue}",
        Lane::Background => "job.background.{queue}",
    }
}

/// Every log.
pub const ALL_LOGS: &str = "log.>";
/// Where the server repeats what it has stored of `log.>`: the same tokens behind the first.
pub const ALL_LIVE: &str = "live.>";

/// Where the records of a stored job are kept.
pub fn log(log: &LogId) -> String {
    format!("log.{}", key(log))
}

/// The log whose records are kept on a subject.
pub fn read_log(subject: &str) -> Option<LogId> {
    read_key(subject.strip_prefix("log.")?)
}

/// The tokens that name a log.
fn key(log: &LogId) -> String {
    format!("{}.{}", log.owner.tokens(), log.job)
}

fn read_key(key: &str) -> Option<LogId> {
    let mut tokens = key.split('.');
    let owner = Owner::of_tokens(tokens.next()?, tokens.next()?)?;
    let job = tokens.next()?.parse().ok()?;
    tokens.next().is_none().then_some(LogId { owner, job })
}

/// Where the records of a stored job can be heard once they are stored.
pub fn live(log: &LogId) -> String {
    format!("live.{}", key(log))
}

/// Where whoever reads a log answers that somebody does.
pub fn reader(log: &LogId) -> String {
    format!("reader.{}", key(log))
}

/// Everything that is stored of one owner: streams, and the subjects in each of them.
pub fn of_owner(owner: &Owner) -> Vec<(String, String)> {
    let owners = format!("{}.>", owner.tokens());
    // Logs first: whoever writes one is out, and its job leaves its queue.
    let logs = (streams::LOGS.to_owned(), format!("log.{owners}"));
    let chores = (streams::CHORES.to_owned(), format!("chore.*.{owners}"));
    let records = [streams::CONVERSATIONS, streams::RESPONSES, streams::IDEMPOTENCY]
        .map(|bucket| (streams::bucket_stream(bucket), record(bucket, &owners)));
    [logs, chores].into_iter().chain(records).collect()
}

/// Where a record of a bucket is kept; with wildcards in `key`, where several are.
pub fn record(bucket: &str, key: &str) -> String {
    format!("$KV.{bucket}.{key}")
}

/// Where an object store keeps its objects and what it says of them.
pub fn objects(store: &str) -> String {
    format!("$O.{store}.>")
}

/// The key of a conversation in its bucket.
pub fn conversation_key(owner: &Owner, id: ConversationId) -> String {
    format!("{}.{id}", owner.tokens())
}

/// Matches the keys of all conversations of one owner.
pub fn conversation_keys(owner: &Owner) -> String {
    format!("{}.*", owner.tokens())
}

/// The conversation whose key this is.
pub fn read_conversation_key(key: &str) -> Option<ConversationId> {
    let mut tokens = key.split('.');
    let _owner = Owner::of_tokens(tokens.next()?, tokens.next()?)?;
    let id = tokens.next()?.parse().ok()?;
    tokens.next().is_none().then_some(id)
}

/// The key of what was asked under an idempotency key, of which this is a digest: an idempotency key
/// holds what no subject may.
pub fn idempotency_key(owner: &Owner, digest: &str) -> String {
    format!("{}.{digest}", owner.tokens())
}

/// Every chore.
pub const ALL_CHORES: &str = "chore.>";

/// Where a chore about a log goes.
pub fn chore(chore: Chore, log: &LogId) -> String {
    format!("chore.{}.{}", chore.token(), key(log))
}

/// Matches every chore of a kind.
pub fn chores_of(chore: Chore) -> String {
    format!("chore.{}.>", chore.token())
}

/// The log that a chore is about.
pub fn read_chore(subject: &str) -> Option<LogId> {
    let (_kind, key) = subject.strip_prefix("chore.")?.split_once('.')?;
    read_key(key)
}

/// The key of what is kept about a log.
pub fn response_key(log: &LogId) -> String {
    key(log)
}

/// Matches every job of a lane.
pub fn all_jobs(lane: Lane) -> String {
    format!("job.{}.>", lane.token())
}

/// Matches every job of one queue in a lane.
pub fn jobs_of_queue(lane: Lane, queue: &QueueName) -> String {
    format!("job.{}.{}.>", lane.token(), token::of(queue.as_str()))
}

/// The token of a queue, as it stands in consumer names too.
pub fn queue_token(queue: &QueueName) -> String {
    token::of(queue.as_str())
}

/// The queue and the tenant that a job's subject names.
pub fn read_job(subject: &str) -> Option<(QueueName, TenantName)> {
    let mut tokens = subject.split('.').skip(2);
    let queue = token::read(tokens.next()?)?.parse().ok()?;
    let tenant = token::read(tokens.next()?)?.parse().ok()?;
    Some((queue, tenant))
}

/// Where a given-up job goes.
pub fn dead(lane: Lane, queue: &QueueName, job: &str) -> String {
    format!("dead.{}.{}.{}", lane.token(), token::of(queue.as_str()), token::of(job))
}

/// The lane, the queue and the job that a dead letter's subject names. The job is a text: what is
/// not readable has no id.
pub fn read_dead(subject: &str) -> Option<(Lane, QueueName, String)> {
    let mut tokens = subject.strip_prefix("dead.")?.split('.');
    let lane = tokens.next()?;
    let lane = streams::LANES.iter().copied().find(|known| known.token() == lane)?;
    let queue = token::read(tokens.next()?)?.parse().ok()?;
    let job = token::read(tokens.next()?)?;
    tokens.next().is_none().then_some((lane, queue, job))
}

/// Everything meant for one gateway.
pub fn gateway_inbox(gateway: GatewayId) -> String {
    format!("gw.{gateway}.>")
}

/// Where workers ask a gateway whether they may answer.
pub fn gateway_claim(gateway: GatewayId) -> String {
    format!("gw.{gateway}.claim")
}

/// Where workers tell a gateway what they have to say.
pub fn gateway_events(gateway: GatewayId) -> String {
    format!("gw.{gateway}.events")
}

/// What arrived in a gateway's inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GatewayMail {
    /// A [`crate::ClaimRequest`].
    Claim,
    /// Packed events.
    Events,
}

/// Reads the last token of a subject in a gateway's inbox.
pub fn read_gateway_mail(subject: &str) -> Option<GatewayMail> {
    match subject.rsplit('.').next() {
        Some("claim") => Some(GatewayMail::Claim),
        Some("events") => Some(GatewayMail::Events),
        _ => None,
    }
}

/// Everything meant for one worker.
pub fn worker_inbox(worker: WorkerId) -> String {
    format!("worker.{worker}.>")
}

/// Where a worker is told to stop a job.
pub fn worker_cancel(worker: WorkerId) -> String {
    format!("worker.{worker}.cancel")
}

/// Where a worker is told how much of a stream was read.
pub fn worker_credit(worker: WorkerId) -> String {
    format!("worker.{worker}.credit")
}

/// Where a worker is told that `gateway` has read everything up to `position`. It goes along with
/// a message as the subject of its reply.
pub fn worker_receipt(worker: WorkerId, gateway: GatewayId, position: u64) -> String {
    format!("worker.{worker}.read.{gateway}.{position}")
}

/// What arrived in a worker's inbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkerMail {
    /// A [`crate::CancelJob`].
    Cancel,
    /// A [`crate::window::Credit`].
    Credit,
    /// A gateway has read everything up to a position. No payload.
    Receipt(GatewayId, u64),
}

/// Reads the tokens behind the worker's of a subject in its inbox.
pub fn read_worker_mail(subject: &str) -> Option<WorkerMail> {
    let mut tokens = subject.split('.').skip(2);
    match (tokens.next()?, tokens.next(), tokens.next()) {
        ("cancel", None, None) => Some(WorkerMail::Cancel),
        ("credit", None, None) => Some(WorkerMail::Credit),
        ("read", Some(gateway), Some(position)) => {
            Some(WorkerMail::Receipt(gateway.parse().ok()?, position.parse().ok()?))
        }
        _ => None,
    }
}

/// Where a gateway beats.
pub fn gateway_beat(gateway: GatewayId) -> String {
    format!("beat.gw.{gateway}")
}

/// Where a worker beats.
pub fn worker_beat(worker: WorkerId) -> String {
    format!("beat.worker.{worker}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unicorn() -> Owner {
        Owner { tenant: "Ünï.corn".parse().unwrap(), name: "a.b *".parse().unwrap() }
    }

    #[test]
    fn a_job_subject_has_five_levels_whatever_the_names() {
        let queue: QueueName = "gpu.large *>".parse().unwrap();
        let tenant: TenantName = "Ünï.corn".parse().unwrap();

        let subject = job(Lane::Chat, &queue, &tenant, JobId::fresh());

        assert_eq!(subject.split('.').count(), 5);
        assert!(subject.starts_with(jobs_of_queue(Lane::Chat, &queue).trim_end_matches('>')));
        assert_eq!(read_job(&subject), Some((queue, tenant)));
    }

    #[test]
    fn the_key_of_a_conversation_has_three_levels_whoever_owns_it() {
        let (owner, id) = (unicorn(), ConversationId::fresh());

        let key = conversation_key(&owner, id);

        assert_eq!(key.split('.').count(), 3);
        assert!(key.starts_with(conversation_keys(&owner).trim_end_matches('*')));
        assert_eq!(read_conversation_key(&key), Some(id));
        assert_eq!(record("B", &key), format!("$KV.B.{key}"));
    }

    #[test]
    fn a_log_is_read_from_its_subject() {
        let id = LogId { owner: unicorn(), job: JobId::fresh() };
        assert_eq!(read_log(&log(&id)), Some(id.clone()));
        assert_eq!(read_chore(&chore(Chore::Seal, &id)), Some(id.clone()));
        for other in ["log.x", "log", &live(&id), &format!("{}.x", log(&id))] {
            assert_eq!(read_log(other), None, "{other}");
        }
    }

    #[test]
    fn a_dead_letter_is_read_from_its_subject() {
        let queue: QueueName = "gpu.large *>".parse().unwrap();
        for lane in streams::LANES {
            let subject = dead(*lane, &queue, "a.b");
            let read = Some((*lane, queue.clone(), "a.b".to_owned()));
            assert_eq!(read_dead(&subject), read, "{subject}");
        }
        for other in ["dead.chat.q", "dead.nowhere.q.j", "dead.chat.q.j.more", "job.chat.q.j"] {
            assert_eq!(read_dead(other), None, "{other}");
        }
    }

    #[test]
    fn mail_is_told_apart_by_its_subject() {
        let gateway = GatewayId::fresh();
        assert_eq!(read_gateway_mail(&gateway_claim(gateway)), Some(GatewayMail::Claim));
        assert_eq!(read_gateway_mail(&gateway_events(gateway)), Some(GatewayMail::Events));
        assert_eq!(read_gateway_mail("gw.x.other"), None);

        let worker = WorkerId::fresh();
        assert_eq!(read_worker_mail(&worker_cancel(worker)), Some(WorkerMail::Cancel));
        assert_eq!(read_worker_mail(&worker_credit(worker)), Some(WorkerMail::Credit));
        let receipt = worker_receipt(worker, gateway, 7);
        assert_eq!(read_worker_mail(&receipt), Some(WorkerMail::Receipt(gateway, 7)));
        assert_eq!(read_worker_mail("worker.x.read.y.z"), None);
        assert_eq!(read_worker_mail("worker.x.other"), None);
    }
}
