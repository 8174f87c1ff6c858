//! Failures of ours, as readers of a response meet them.

use contract::{Failure, JobId};

use crate::chat::failure;

/// This process stops, and the answer outlasted its patience. To ask again would be to ask twice.
pub(super) fn gateway_stopped(job: JobId) -> Failure {
    // As a stream, which counts as a reader: a response that nobody reads does not go on for long.
    let message = format!(
        "The gateway was stopped. The response goes on: read it with \
         GET /v1/responses/{}?stream=true, from another gateway or from this one when it is back.",
        job.as_response()
    );
    Failure { should_retry: false, ..failure("gateway_stopped", &message) }
}

/// The same, of a response that nobody else can read: it ends with its only reader.
pub(super) fn gateway_stopped_for_good() -> Failure {
    failure("gateway_stopped", "The gateway was stopped. Send the request again.")
}

/// The same, of a chat completion, which has no address: its key is what finds it.
pub(super) fn gateway_stopped_under_a_key() -> Failure {
    let message = "The gateway was stopped. The answer goes on: send the request again, with the \
                   same Idempotency-Key, to read it from its beginning.";
    failure("gateway_stopped", message)
}

/// The log was erased under its reader, or the connection to NATS was closed for good.
pub(super) fn log_lost() -> Failure {
    let message = "The answer was deleted, or the store of answers is unavailable.";
    failure("queue_unavailable", message)
}

/// A reader said to have read more than there is in the end.
pub(super) fn beyond_the_end(after: u64, last: u64) -> Failure {
    let message = format!("There is no event {after}: the last one has the number {last}.");
    Failure { status: 400, should_retry: false, ..failure("invalid_value", &message) }
}

/// Nobody wrote anything in time.
pub(super) fn no_answer() -> Failure {
    Failure { status: 504, ..failure("no_answer", "Nobody answered in time.") }
}

/// Nobody read it, as far as its worker knew.
pub(super) fn answer_stopped() -> Failure {
    failure("answer_stopped", "The answer was stopped: nobody read it. Send the request again.")
}

/// What was read of a chat completion will not be gone on with.
pub(super) fn begun_anew() -> Failure {
    let message = "The worker was lost in the middle of the answer, which is begun anew. Send the \
                   request again, with the same Idempotency-Key, to read it from its beginning.";
    failure("worker_lost", message)
}

/// The log does not begin as logs do.
pub(super) fn unreadable() -> Failure {
    failure("internal_error", "The answer cannot be read.")
}

/// It was queued again and again.
pub(super) fn attempts_exhausted() -> Failure {
    failure("attempts_exhausted", "No worker could finish this request.")
}

/// It was accepted, and could not be queued.
pub(super) fn not_queued() -> Failure {
    Failure { status: 503, ..failure("queue_unavailable", "The request could not be queued.") }
}
