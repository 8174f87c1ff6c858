//! Failures of ours, as callers read them. Those of the model are handed on as they came.

use contract::Failure;
use openai_api::{ErrorBody, ErrorKind};

/// The worker vanished, or gave way, after it had begun to speak.
pub(super) fn worker_lost() -> Failure {
    failure("worker_lost", "The worker was lost in the middle of the answer.")
}

/// A part of the answer is missing.
pub(super) fn answer_incomplete() -> Failure {
    failure("answer_incomplete", "A part of the answer was lost on its way.")
}

/// This process stops, and the answer outlasted its patience.
pub(super) fn gateway_stopped() -> Failure {
    failure("gateway_stopped", "The gateway was stopped. Send the request again.")
}

/// A worker said something that cannot be read.
pub(super) fn unreadable() -> Failure {
    failure("internal_error", "The request failed.")
}

/// Nobody said anything in time.
pub(super) fn no_answer() -> Failure {
    Failure { status: 504, ..failure("no_answer", "Nobody answered in time.") }
}

/// More waited for the caller than is kept.
pub(crate) fn read_too_slowly() -> Failure {
    failure(
        "read_too_slowly",
        "The stream was cut: too much of the answer waited to be read. Read it faster.",
    )
}

/// Pieces where a whole was asked for.
pub(crate) fn wrong_form() -> Failure {
    failure("internal_error", "The answer came in another form than was asked for.")
}

/// A failure of ours that another try may mend.
pub(crate) fn failure(code: &str, message: &str) -> Failure {
    let body = ErrorBody::new(ErrorKind::Server, code, message);
    Failure {
        status: 502,
        body: String::from_utf8(body.to_json()).unwrap_or_default(),
        retry_after_ms: None,
        should_retry: true,
    }
}
