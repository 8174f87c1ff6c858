//! What is counted of answers for which there is no place.

use opentelemetry::metrics::{Counter, Meter};
use telemetry::names::app;

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    let_go: Counter<u64>,
    refused: Counter<u64>,
}

impl Counts {
    /// Both are told from the beginning: what is not there yet cannot be seen to grow.
    pub(super) fn new(meter: &Meter) -> Self {
        let counts = Self {
            let_go: app::ANSWERS_LET_GO.counter(meter),
            refused: app::ANSWERS_REFUSED.counter(meter),
        };
        counts.let_go.add(0, &[]);
        counts.refused.add(0, &[]);
        counts
    }

    /// An answer that was asked for here is followed no longer than somebody reads it.
    pub(super) fn let_go(&self) {
        self.let_go.add(1, &[]);
    }

    /// A reader has to come again.
    pub(super) fn refused(&self) {
        self.refused.add(1, &[]);
    }
}
