//! What happened in one step of ten seconds.

use std::collections::HashMap;

use contract::figures::{ModelFigures, SlowAnswer, StepFigures};

/// Most slow answers that are told.
pub(super) const MOST_SLOW: usize = 20;

/// One step, as this gateway has seen it.
#[derive(Debug, Default)]
pub(super) struct Step {
    /// Which one: those since 1970 are counted.
    pub(super) number: u64,
    pub(super) sums: StepFigures,
    pub(super) redelivered: u64,
    /// By name. The names are those of the catalogue, and one for all others.
    pub(super) models: HashMap<String, ModelFigures>,
    /// The slowest first.
    pub(super) slow: Vec<SlowAnswer>,
}

impl Step {
    /// The figures of a model.
    pub(super) fn model(&mut self, name: &str) -> &mut ModelFigures {
        if !self.models.contains_key(name) {
            let model = ModelFigures { model: name.to_owned(), ..ModelFigures::default() };
            self.models.insert(name.to_owned(), model);
        }
        // It has just been put there.
        self.models.entry(name.to_owned()).or_default()
    }

    /// Whether an answer is among the slowest of the step.
    pub(super) fn is_slow(&self, duration_ms: f64) -> bool {
        self.slow.len() < MOST_SLOW
            || self.slow.last().is_some_and(|fastest| fastest.duration_ms < duration_ms)
    }

    pub(super) fn add_slow(&mut self, answer: SlowAnswer) {
        self.slow.push(answer);
        keep_slowest(&mut self.slow);
    }

    /// Only the history is still asked for.
    pub(super) fn leaves_the_window(&mut self) {
        self.models = HashMap::new();
        self.slow = Vec::new();
        self.redelivered = 0;
    }

    /// Whether nothing is to be told of it.
    pub(super) fn is_quiet(&self) -> bool {
        let StepFigures { at, .. } = self.sums;
        self.sums == StepFigures { at, ..StepFigures::default() }
    }
}

/// The slowest first, and no more than are told.
pub(super) fn keep_slowest(answers: &mut Vec<SlowAnswer>) {
    answers.sort_by(|one, other| other.duration_ms.total_cmp(&one.duration_ms));
    answers.truncate(MOST_SLOW);
}
