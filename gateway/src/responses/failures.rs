//! Failures of ours, as readers of a response meet them.

use contract::Failure;

use crate::chat::failure;

/// This process stops, and the answer outlasted its patience.
pub(super) fn gateway_stopped() -> Failure {
    failure(
        "gateway_stopped",
        "The gateway was stopped. The response goes on: read it from another one.",
    )
}

/// The connection to NATS was closed for good.
pub(super) fn log_lost() -> Failure {
    failure("queue_unavailable", "The store of responses is unavailable.")
}

/// Nobody wrote anything in time.
pub(super) fn no_answer() -> Failure {
    Failure { status: 504, ..failure("no_answer", "Nobody answered in time.") }
}

/// The log does not begin as logs do.
pub(super) fn unreadable() -> Failure {
    failure("internal_error", "The response cannot be read.")
}

/// It was accepted, and could not be queued.
pub(super) fn not_queued() -> Failure {
    Failure { status: 503, ..failure("queue_unavailable", "The response could not be queued.") }
}
