//! Who did what with dead letters, told in the log as acts with keys are.

use std::fmt;

use contract::JobId;
use telemetry::names::http;

use super::dead_letters::Letter;
use crate::keys::Actor;

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// It was asked again, as this response.
    Redriven(JobId),
    Deleted,
}

impl Act {
    fn as_str(self) -> &'static str {
        match self {
            Self::Redriven(_) => "redriven",
            Self::Deleted => "deleted",
        }
    }
}

/// Tells what this gateway did for somebody.
pub(super) fn did(actor: &Actor, act: Act, letter: &Letter) {
    let (by, from, word) = (actor.as_str(), actor.from(), act.as_str());
    let Letter { id, lane, queue, reason, .. } = letter;
    let now = match act {
        Act::Redriven(job) => format!(" as {}", job.as_response()),
        Act::Deleted => String::new(),
    };
    tracing::warn!(
        audit.act = word,
        audit.by = by,
        audit.dead_letter = %id,
        { http::CLIENT_ADDRESS } = %from,
        "audit: dead letter {id} ({reason}) of {lane}.{queue} was {word}{now} by {by} from {from}"
    );
}

/// Tells what this gateway may have done for somebody: NATS has not said.
pub(super) fn may_have_done(actor: &Actor, act: Act, id: &str, why: &dyn fmt::Display) {
    let (by, from, word) = (actor.as_str(), actor.from(), act.as_str());
    tracing::warn!(
        audit.act = word,
        audit.by = by,
        audit.dead_letter = %id,
        audit.in_doubt = true,
        { http::CLIENT_ADDRESS } = %from,
        "audit: it is not known whether dead letter {id} was {word} by {by} from {from}: {why}"
    );
}
