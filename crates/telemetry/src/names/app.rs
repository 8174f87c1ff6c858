//! What is ours alone.

use super::{Instrument, buckets};

/// Queue of the catalogue. A label.
pub const QUEUE: &str = "app.queue";
/// Lane: chat, live, background or batch. A label.
pub const LANE: &str = "app.lane";
/// Model of the catalogue, or [`OTHER`]. A label.
pub const MODEL: &str = "app.model";
/// How something ended: a few fixed words. A label.
pub const OUTCOME: &str = "app.outcome";
/// Why: a few fixed words. A label.
pub const REASON: &str = "app.reason";
/// The upstream that served a call. A label.
pub const UPSTREAM: &str = "app.upstream";
/// The job. Never a label.
pub const JOB_ID: &str = "app.job.id";
/// The request, as in `x-request-id`. Never a label.
pub const REQUEST_ID: &str = "app.request.id";
/// The id of the API key of a request. Never a label.
pub const KEY_ID: &str = "app.key.id";
/// How long a delivery waited in the queue, in seconds. Never a label.
pub const QUEUE_WAITED: &str = "app.queue.waited";
/// Which try at a job, from 1. Never a label.
pub const ATTEMPT: &str = "app.attempt";
/// Chunks in a stream. Never a label.
pub const STREAM_CHUNKS: &str = "app.stream.chunks";
/// The longest silence within a stream, in seconds. Never a label.
pub const STREAM_LONGEST_GAP: &str = "app.stream.longest_gap";

/// Value of [`MODEL`] for a name that the catalogue does not have.
pub const OTHER: &str = "other";
/// Value of [`OUTCOME`]: to its end.
pub const COMPLETED: &str = "completed";
/// Value of [`OUTCOME`]: ended with an error that the caller was told.
pub const FAILED: &str = "failed";
/// Value of [`OUTCOME`] of a job: it never came into the queue, and the caller was told.
pub const NOT_QUEUED: &str = "not_queued";
/// Value of [`OUTCOME`]: the caller left. Of a job also that its caller read too slowly.
pub const CLIENT_GONE: &str = "client_gone";
/// Value of [`OUTCOME`] of a stream: the caller read too slowly and was cut off.
pub const READ_TOO_SLOWLY: &str = "read_too_slowly";
/// Value of [`OUTCOME`] of a stream: we broke it off.
pub const SERVER_ABORT: &str = "server_abort";

/// A streamed response from request to end of body. Labels: route, outcome. Gateway.
pub const HTTP_STREAM_DURATION: Instrument = Instrument::histogram_of(
    "app.http.stream.duration",
    "s",
    buckets::GEN_AI_SECONDS,
    "Duration of streamed responses, to the end of the body.",
);
/// Publishing to pulling. Labels: queue, lane. Worker.
pub const QUEUE_WAIT: Instrument = Instrument::histogram_of(
    "app.queue.wait",
    "s",
    buckets::QUEUE_SECONDS,
    "Time that jobs waited in the queue.",
);
/// Publishing to now, of the job that waits longest for its first worker; 0 when none waits.
/// Labels: queue, lane. Gateway; absent while NATS cannot be asked.
pub const QUEUE_OLDEST_WAITING: Instrument = Instrument::number(
    "app.queue.oldest_waiting",
    "s",
    "Time that the oldest job in the queue has waited for a worker.",
);
/// Jobs that no worker has had yet. Labels: queue, lane. Gateway; absent while NATS cannot be asked.
pub const QUEUE_WAITING: Instrument =
    Instrument::number("app.queue.waiting", "{job}", "Number of jobs that wait for a worker.");
/// Jobs delivered and not settled: in work, or lost by a worker that died. Labels: queue, lane.
/// Gateway; absent while NATS cannot be asked.
pub const QUEUE_DELIVERED: Instrument = Instrument::number(
    "app.queue.delivered",
    "{job}",
    "Number of jobs that were delivered to a worker and not settled yet.",
);
/// Jobs being worked on. Label: queue. Worker.
pub const JOBS_INFLIGHT: Instrument =
    Instrument::number("app.jobs.inflight", "{job}", "Number of jobs being worked on.");
/// Jobs that can be worked on at once; 0 when it drains. Label: queue, each of those that share the
/// slots. Worker.
pub const WORKER_SLOTS: Instrument =
    Instrument::number("app.worker.slots", "{slot}", "Number of jobs that can run at once.");
/// Slots that no job has; 0 when it drains. Label: queue, each of those that share the slots. Worker.
pub const WORKER_FREE_SLOTS: Instrument =
    Instrument::number("app.worker.free_slots", "{slot}", "Number of jobs that could begin now.");
/// Jobs taken on. Equals those settled plus those in flight. Label: lane. Gateway.
pub const JOBS_ACCEPTED: Instrument =
    Instrument::number("app.jobs.accepted", "{job}", "Number of jobs accepted.");
/// Jobs that ended. Labels: lane, outcome. Gateway.
pub const JOBS_SETTLED: Instrument =
    Instrument::number("app.jobs.settled", "{job}", "Number of jobs that ended.");
/// Stored jobs that their queue had lost, and that were put back. Label: lane. Gateway.
pub const JOBS_REPUBLISHED: Instrument = Instrument::number(
    "app.jobs.republished",
    "{job}",
    "Number of open stored jobs that were put back into their queue.",
);
/// Logs that were to be sealed. Label: outcome. Gateway.
pub const LOGS_SEALED: Instrument =
    Instrument::number("app.logs.sealed", "{log}", "Number of logs that were to be sealed.");
/// Deliveries after the first. Label: reason. Worker.
pub const JOBS_REDELIVERED: Instrument =
    Instrument::number("app.jobs.redelivered", "{job}", "Number of jobs delivered again.");
/// Jobs that cannot succeed. Label: reason. Worker.
pub const JOBS_DEAD: Instrument =
    Instrument::number("app.jobs.dead", "{job}", "Number of jobs given up.");
/// Tokens. Labels: model, [`super::gen_ai::TOKEN_TYPE`]. Worker.
pub const TOKENS: Instrument =
    Instrument::number("app.tokens", "{token}", "Number of tokens read and written.");
/// The longest silence within each stream. Label: model. Gateway.
pub const STREAM_STALL: Instrument = Instrument::histogram_of(
    "app.stream.stall",
    "s",
    buckets::STALL_SECONDS,
    "Longest silence within each stream.",
);
/// First byte at the edge, less the model's first chunk, less the wait in the queue. Gateway.
pub const PLATFORM_OVERHEAD: Instrument = Instrument::histogram_of(
    "app.platform.overhead",
    "s",
    buckets::OVERHEAD_SECONDS,
    "Time that the platform adds to the first token.",
);
/// Price of tokens from the price table. Label: model. Worker.
pub const GEN_AI_COST: Instrument =
    Instrument::number("app.gen_ai.cost", "{microUSD}", "Price of tokens, in millionths of a USD.");
/// Being told to stop to having nothing left to do. Every service.
pub const DRAIN_DURATION: Instrument = Instrument::histogram_of(
    "app.drain.duration",
    "s",
    buckets::DRAIN_SECONDS,
    "Time that a service took to finish its work before it ended.",
);
/// Pieces of work cut off because the grace period was over. Every service.
pub const DRAIN_ABORTED: Instrument =
    Instrument::number("app.drain.aborted", "{job}", "Number of jobs cut off by a shutdown.");
/// Always 1; its label is the version. Every service, made by this crate.
pub const BUILD_INFO: Instrument =
    Instrument::number("app.build.info", "", "What is running, as labels.");
/// Trace contexts that could not be used. Label: reason. First service of a process; this crate.
pub const PROPAGATION_FAILURES: Instrument = Instrument::number(
    "app.telemetry.propagation.failures",
    "{context}",
    "Number of trace contexts that could not be used.",
);
/// Subjects that NATS did not permit. First service of a process; this crate.
pub const NATS_REFUSALS: Instrument = Instrument::number(
    "app.nats.refusals",
    "{refusal}",
    "Number of subjects that NATS did not permit to publish on or subscribe to.",
);

/// How far the clock of NATS is ahead of this machine's. First service of a process; this crate.
pub const CLOCK_OFFSET: Instrument =
    Instrument::number("app.clock.offset", "ms", "Clock of NATS less that of this machine.");

/// Calls that went to another upstream after one failed. Labels: model, `error.type`. Worker.
pub const UPSTREAM_FALLBACKS: Instrument = Instrument::number(
    "app.upstream.fallbacks",
    "{call}",
    "Number of calls that another upstream answered or was asked for.",
);
/// 1 while an upstream is left alone after failures, else 0. Label: upstream. Worker.
pub const UPSTREAM_OPEN: Instrument =
    Instrument::number("app.upstream.open", "", "Whether the circuit of an upstream is open.");
