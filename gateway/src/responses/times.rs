//! The receipt of a stored answer: from what its log tells, and nothing else.

use contract::log::{Accepted, Ended, Started};
use contract::{ModelName, WorkFigures};

use crate::receipt::{Receipt, Whole};

/// What a log tells that its receipt needs.
#[derive(Debug)]
pub(super) struct Times {
    model: ModelName,
    trace_id: Option<String>,
    accepted_at_ms: u64,
    /// When the newest attempt began.
    started_at_ms: u64,
}

impl Times {
    pub(super) fn begin(accepted: &Accepted<'_>) -> Self {
        Self {
            model: accepted.model.clone(),
            trace_id: accepted.trace_id.clone(),
            accepted_at_ms: accepted.accepted_at_ms,
            started_at_ms: accepted.accepted_at_ms,
        }
    }

    /// An attempt has begun.
    pub(super) fn started(&mut self, started: &Started) {
        self.started_at_ms = started.at_ms;
    }

    /// The receipt at the end; none when nothing was measured.
    pub(super) fn receipt(&self, ended: &Ended) -> Option<String> {
        let work = ended.work.as_ref()?;
        let until_started = since(self.accepted_at_ms, self.started_at_ms);
        let whole = Whole {
            model: self.model.as_str(),
            trace_id: self.trace_id.as_deref(),
            time_to_first_token_ms: work.first_token_ms.map(|first| rounded(until_started + first)),
            duration_ms: since(self.accepted_at_ms, ended.at_ms),
        };
        Some(Receipt::new(work, whole).json())
    }
}

/// Gateway and worker each have a clock: what seems to be before is at once.
fn since(before_ms: u64, after_ms: u64) -> f64 {
    WorkFigures::ms(std::time::Duration::from_millis(after_ms.saturating_sub(before_ms)))
}

fn rounded(ms: f64) -> f64 {
    (ms * 1e3).round() / 1e3
}
