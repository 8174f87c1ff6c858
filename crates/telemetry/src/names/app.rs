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
/// What somebody thought of an answer: `up` or `down`. A label.
pub const RATING: &str = "app.rating";
/// The upstream that served a call. A label.
pub const UPSTREAM: &str = "app.upstream";
/// A stream of NATS, by its name there. A label.
pub const STREAM: &str = "app.stream";
/// `traces`, `metrics` or `logs`. A label.
pub const SIGNAL: &str = "app.signal";
/// The job. Never a label.
pub const JOB_ID: &str = "app.job.id";
/// The request, as in `x-request-id`. Never a label.
pub const REQUEST_ID: &str = "app.request.id";
/// The id of the API key of a request. Never a label.
pub const KEY_ID: &str = "app.key.id";
/// How long a delivery waited in the queue, in seconds. Never a label.
pub const QUEUE_WAITED: &str = "app.queue.waited";
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
/// Value of [`OUTCOME`] of a request: no job came of it, and the caller was told why.
pub const REFUSED: &str = "refused";
/// Value of [`OUTCOME`] of a job: it never came into the queue, and the caller was told.
pub const NOT_QUEUED: &str = "not_queued";
/// Value of [`OUTCOME`]: the caller left. Of a job also that its caller read too slowly.
pub const CLIENT_GONE: &str = "client_gone";
/// Value of [`OUTCOME`] of a stream: the caller read too slowly and was cut off.
pub const READ_TOO_SLOWLY: &str = "read_too_slowly";

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
pub const QUEUE_OLDEST_WAITING: Instrument = Instrument::gauge_of(
    "app.queue.oldest_waiting",
    "s",
    "Time that the oldest job in the queue has waited for a worker.",
);
/// Jobs that no worker has had yet. Labels: queue, lane. Gateway; absent while NATS cannot be asked.
pub const QUEUE_WAITING: Instrument =
    Instrument::gauge_of("app.queue.waiting", "{job}", "Number of jobs that wait for a worker.");
/// Jobs delivered and not settled: in work, or lost by a worker that died. Labels: queue, lane.
/// Gateway; absent while NATS cannot be asked.
pub const QUEUE_DELIVERED: Instrument = Instrument::gauge_of(
    "app.queue.delivered",
    "{job}",
    "Number of jobs that were delivered to a worker and not settled yet.",
);
/// Jobs of a queue that are with a worker again, after one before fell silent or handed them back.
/// Labels: queue, lane. Gateway; absent while NATS cannot be asked.
pub const QUEUE_REDELIVERED: Instrument = Instrument::gauge_of(
    "app.queue.redelivered",
    "{job}",
    "Number of unsettled jobs that were delivered more than once.",
);
/// Workers of a queue that were heard within 5 s. Label: queue. Gateway.
pub const QUEUE_WORKERS: Instrument = Instrument::gauge_of(
    "app.queue.workers",
    "{worker}",
    "Number of workers of the queue that were heard lately.",
);
/// Jobs being worked on. Label: queue. Worker.
pub const JOBS_INFLIGHT: Instrument =
    Instrument::up_down_of("app.jobs.inflight", "{job}", "Number of jobs being worked on.");
/// Jobs that can be worked on at once; 0 when it drains. Label: queue, each of those that share the
/// slots. Worker.
pub const WORKER_SLOTS: Instrument =
    Instrument::gauge_of("app.worker.slots", "{slot}", "Number of jobs that can run at once.");
/// Slots that no job has; 0 when it drains. Label: queue, each of those that share the slots. Worker.
pub const WORKER_FREE_SLOTS: Instrument =
    Instrument::gauge_of("app.worker.free_slots", "{slot}", "Number of jobs that could begin now.");
/// Jobs taken on. Equals those settled plus those in flight. Label: lane. Gateway.
pub const JOBS_ACCEPTED: Instrument =
    Instrument::counter_of("app.jobs.accepted", "{job}", "Number of jobs accepted.");
/// Jobs that ended. Labels: lane, outcome. Gateway.
pub const JOBS_SETTLED: Instrument =
    Instrument::counter_of("app.jobs.settled", "{job}", "Number of jobs that ended.");
/// Jobs taken on that have not ended for this gateway, counted where they are held and not from the
/// two above. Label: lane. Gateway.
pub const JOBS_OPEN: Instrument =
    Instrument::gauge_of("app.jobs.open", "{job}", "Number of jobs accepted and not ended.");
/// Stored jobs that their queue had lost, and that were put back. Label: lane. Gateway.
pub const JOBS_REPUBLISHED: Instrument = Instrument::counter_of(
    "app.jobs.republished",
    "{job}",
    "Number of open stored jobs that were put back into their queue.",
);
/// Thumbs of readers, up or down, each change once. Labels: model, rating. Gateway.
pub const ANSWERS_RATED: Instrument = Instrument::counter_of(
    "app.answers.rated",
    "{rating}",
    "Number of thumbs that readers gave to answers.",
);
/// Answers that a chat page has asked for and follows no longer than somebody reads them, since too
/// many are followed. Web.
pub const ANSWERS_LET_GO: Instrument = Instrument::counter_of(
    "app.answers.let_go",
    "{answer}",
    "Number of answers that a chat page follows no longer than somebody reads them.",
);
/// Requests to read an answer for which there was no place. Web.
pub const ANSWERS_REFUSED: Instrument = Instrument::counter_of(
    "app.answers.refused",
    "{request}",
    "Number of requests to read an answer that were refused for want of a place.",
);
/// Logs that were to be sealed. Label: outcome. Gateway.
pub const LOGS_SEALED: Instrument =
    Instrument::counter_of("app.logs.sealed", "{log}", "Number of logs that were to be sealed.");
/// Deliveries after the first, whatever the reason. Label: lane. Worker.
///
/// Those that are not in [`JOBS_HANDED_BACK`] came again because their worker fell silent: whoever
/// receives a job again is not told why, and who falls silent does not say so.
pub const JOBS_REDELIVERED: Instrument =
    Instrument::counter_of("app.jobs.redelivered", "{job}", "Number of jobs delivered again.");
/// Jobs that a worker gave back to their queue, to come again. Labels: lane, reason. Worker.
pub const JOBS_HANDED_BACK: Instrument = Instrument::counter_of(
    "app.jobs.handed_back",
    "{job}",
    "Number of jobs that a worker gave back to their queue.",
);
/// Jobs that cannot succeed. Label: reason. Worker.
pub const JOBS_DEAD: Instrument =
    Instrument::counter_of("app.jobs.dead", "{job}", "Number of jobs given up.");
/// Tokens. Labels: model, [`super::gen_ai::TOKEN_TYPE`]. Worker.
pub const TOKENS: Instrument =
    Instrument::counter_of("app.tokens", "{token}", "Number of tokens read and written.");
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
pub const GEN_AI_COST: Instrument = Instrument::counter_of(
    "app.gen_ai.cost",
    "{microUSD}",
    "Price of tokens, in millionths of a USD.",
);
/// Being told to stop to having nothing left to do. Every service.
pub const DRAIN_DURATION: Instrument = Instrument::histogram_of(
    "app.drain.duration",
    "s",
    buckets::DRAIN_SECONDS,
    "Time that a service took to finish its work before it ended.",
);
/// Pieces of work cut off because the grace period was over. Gateway and worker.
pub const DRAIN_ABORTED: Instrument =
    Instrument::counter_of("app.drain.aborted", "{job}", "Number of jobs cut off by a shutdown.");
/// Always 1; its label is the version. Every service, made by this crate.
pub const BUILD_INFO: Instrument =
    Instrument::gauge_of("app.build.info", "", "What is running, as labels.");
/// Trace contexts that could not be used. Label: reason. First service of a process; this crate.
pub const PROPAGATION_FAILURES: Instrument = Instrument::counter_of(
    "app.telemetry.propagation.failures",
    "{context}",
    "Number of trace contexts that could not be used.",
);
/// Subjects that NATS did not permit. First service of a process; this crate.
pub const NATS_REFUSALS: Instrument = Instrument::counter_of(
    "app.nats.refusals",
    "{refusal}",
    "Number of subjects that NATS did not permit to publish on or subscribe to.",
);

/// Whether every connection of the process to NATS stands. First service of a process that has
/// one; this crate.
pub const NATS_CONNECTED: Instrument = Instrument::gauge_of(
    "app.nats.connected",
    "",
    "Whether every connection to NATS stands: 1 or 0.",
);
/// Connections to NATS that were lost and made again. First service of a process that has one;
/// this crate.
pub const NATS_RECONNECTS: Instrument = Instrument::counter_of(
    "app.nats.reconnects",
    "{connection}",
    "Number of connections to NATS that were made again.",
);
/// A question to NATS and its answer, the last time. Gateway; absent while it does not answer.
pub const NATS_ROUND_TRIP: Instrument =
    Instrument::gauge_of("app.nats.round_trip", "s", "Time of a round trip to NATS.");
/// What a stream holds. Label: stream. Gateway; absent while NATS cannot be asked.
pub const NATS_STREAM_MESSAGES: Instrument = Instrument::gauge_of(
    "app.nats.stream.messages",
    "{message}",
    "Number of messages in the stream.",
);
/// The same in bytes. Label: stream. Gateway; absent while NATS cannot be asked.
pub const NATS_STREAM_BYTES: Instrument =
    Instrument::gauge_of("app.nats.stream.bytes", "By", "Size of what the stream holds.");
/// What a stream may hold. Label: stream. Gateway; absent while NATS cannot be asked.
pub const NATS_STREAM_BYTES_LIMIT: Instrument =
    Instrument::gauge_of("app.nats.stream.bytes.limit", "By", "Size that the stream may have.");
/// Dead letters in their stream. Gateway; absent while NATS cannot be asked.
pub const DEAD_LETTERS_KEPT: Instrument =
    Instrument::gauge_of("app.dead_letters.kept", "{letter}", "Number of dead letters kept.");
/// Whoever reads stored answers as they come. Gateway.
pub const GATEWAY_READERS: Instrument =
    Instrument::gauge_of("app.gateway.readers", "{reader}", "Number of readers of stored answers.");
/// Spans, log records and exports of metrics that the collector took. Label: signal. First service
/// of a process; this crate.
pub const TELEMETRY_EXPORTED: Instrument = Instrument::counter_of(
    "app.telemetry.exported",
    "{item}",
    "Number of spans, log records and exports of metrics that were sent.",
);
/// Those that did not reach it. Labels: signal, reason (`queue_full`, `export_failed`,
/// `already_shutdown`). First service of a process; this crate.
pub const TELEMETRY_DROPPED: Instrument = Instrument::counter_of(
    "app.telemetry.dropped",
    "{item}",
    "Number of spans, log records and exports of metrics that were lost.",
);

/// How far the clock of NATS is ahead of this machine's. First service of a process; this crate.
pub const CLOCK_OFFSET: Instrument =
    Instrument::gauge_of("app.clock.offset", "ms", "Clock of NATS less that of this machine.");

/// Calls that went to another upstream after one failed. Labels: model, `error.type`. Worker.
pub const UPSTREAM_FALLBACKS: Instrument = Instrument::counter_of(
    "app.upstream.fallbacks",
    "{call}",
    "Number of calls that another upstream answered or was asked for.",
);
/// 1 while an upstream is left alone after failures, else 0. Label: upstream. Worker.
pub const UPSTREAM_OPEN: Instrument =
    Instrument::gauge_of("app.upstream.open", "", "Whether the circuit of an upstream is open.");
