//! What is measured of an attempt: when its job came, and who answered.

use std::time::Duration;

use contract::WorkFigures;
use tokio::time::Instant;

/// How a job came to this worker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Arrival {
    /// Which attempt at an answer it is for, from 1.
    pub(crate) attempt: u32,
    /// How long it had been queued.
    pub(crate) queue_wait: Duration,
    /// When it came.
    pub(crate) at: Instant,
}

/// Who answered, and what is known of the answer beside its words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answered {
    /// What the catalogue says that the model is called there.
    pub(crate) by: String,
    /// How long its first words took, of an answer in pieces.
    pub(crate) first_token: Option<Duration>,
    pub(crate) input_tokens: Option<u64>,
    pub(crate) output_tokens: Option<u64>,
}

impl Arrival {
    /// The figures of an answer that ends now.
    pub(super) fn figures(&self, answered: Answered) -> Box<WorkFigures> {
        Box::new(WorkFigures {
            queue_wait_ms: WorkFigures::ms(self.queue_wait),
            first_token_ms: answered.first_token.map(WorkFigures::ms),
            work_ms: WorkFigures::ms(self.at.elapsed()),
            upstream: answered.by,
            attempt: self.attempt,
            input_tokens: answered.input_tokens,
            output_tokens: answered.output_tokens,
        })
    }
}
