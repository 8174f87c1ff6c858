//! What a gateway has counted lately, for the picture that any of them gives of all.
//!
//! No prompt, no answer, and nobody's name is in it: models are those of the catalogue, or `other`.

mod histogram;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use self::histogram::Histogram;
use crate::{GatewayId, JobId, Lane};

/// The form of [`GatewayFigures`]. Another number: they cannot be read here.
pub const FIGURES_FORM: u32 = 1;
/// Most bytes of an [`ToldFigures`].
pub const MOST_FIGURES_BYTES: usize = 256 * 1024;
/// Seconds that a step of the history lasts. Steps begin at whole multiples of it since 1970, by the
/// clock of NATS: those of several gateways are the same.
pub const STEP_SECONDS: u64 = 10;

/// What a gateway answers when it is asked for its figures.
#[derive(Debug, Serialize, Deserialize)]
pub struct ToldFigures<'a> {
    /// Of what is in `figures`: [`FIGURES_FORM`].
    pub form: u32,
    /// Who.
    pub gateway: GatewayId,
    /// Which version of it.
    pub version: String,
    /// The JSON of [`GatewayFigures`], if that is the form.
    #[serde(borrow)]
    pub figures: &'a RawValue,
}

/// What one gateway has counted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GatewayFigures {
    /// Since when, milliseconds since 1970.
    pub since_ms: u64,
    /// Since then.
    pub jobs: JobCounts,
    /// In the window.
    pub redelivered: u64,
    /// In the window, by model.
    pub models: Vec<ModelFigures>,
    /// The slowest in the window.
    pub slow: Vec<SlowAnswer>,
    /// Step by step, the oldest first; those in which nothing happened may be left out.
    pub steps: Vec<StepFigures>,
}

/// What became of jobs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCounts {
    /// Taken on.
    pub accepted: u64,
    /// To their end.
    pub completed: u64,
    /// Ended with an error.
    pub failed: u64,
    /// Their callers left.
    pub client_gone: u64,
    /// They never came into a queue.
    pub not_queued: u64,
    /// Their answers are fetched later.
    #[serde(default)]
    pub handed_over: u64,
    /// Somebody stopped them.
    #[serde(default)]
    pub cancelled: u64,
    /// Ended otherwise.
    #[serde(default)]
    pub otherwise: u64,
    /// Tokens that models read.
    pub input_tokens: u64,
    /// Tokens that models said.
    pub output_tokens: u64,
}

impl JobCounts {
    /// Those that have not ended.
    pub fn open(&self) -> u64 {
        let ended = [
            self.completed,
            self.failed,
            self.client_gone,
            self.not_queued,
            self.handed_over,
            self.cancelled,
            self.otherwise,
        ];
        ended.into_iter().fold(self.accepted, u64::saturating_sub)
    }

    /// Adds those of another gateway.
    pub fn add(&mut self, other: &Self) {
        for (count, more) in [
            (&mut self.accepted, other.accepted),
            (&mut self.completed, other.completed),
            (&mut self.failed, other.failed),
            (&mut self.client_gone, other.client_gone),
            (&mut self.not_queued, other.not_queued),
            (&mut self.handed_over, other.handed_over),
            (&mut self.cancelled, other.cancelled),
            (&mut self.otherwise, other.otherwise),
            (&mut self.input_tokens, other.input_tokens),
            (&mut self.output_tokens, other.output_tokens),
        ] {
            *count = count.saturating_add(more);
        }
    }
}

/// The answers of one model.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ModelFigures {
    /// Its name in the catalogue, or `other`.
    pub model: String,
    /// How many.
    pub requests: u64,
    /// How many of them ended with an error.
    pub failed: u64,
    /// Tokens that it read.
    pub input_tokens: u64,
    /// Tokens that it said.
    pub output_tokens: u64,
    /// From the request to the first word, of streams.
    pub to_first_token: Histogram,
    /// From one word to the next, of streams.
    pub per_token: Histogram,
}

impl ModelFigures {
    /// Adds what another gateway, or another time, has counted of the same.
    pub fn merge(&mut self, other: &Self) {
        self.requests = self.requests.saturating_add(other.requests);
        self.failed = self.failed.saturating_add(other.failed);
        self.input_tokens = self.input_tokens.saturating_add(other.input_tokens);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.to_first_token.merge(&other.to_first_token);
        self.per_token.merge(&other.per_token);
    }
}

/// One answer that took long, and where its time went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SlowAnswer {
    /// When it ended, milliseconds since 1970.
    pub at_ms: u64,
    /// As its caller knows it, and logs.
    pub request: String,
    /// Its job, if it has one.
    pub job: Option<JobId>,
    /// Its trace, if there is one.
    #[serde(default)]
    pub trace: Option<String>,
    /// A name of the catalogue, or `other`.
    pub model: String,
    /// The lane of its job.
    pub lane: Option<Lane>,
    /// How it ended: a few fixed words.
    pub outcome: String,
    /// All of it.
    pub duration_ms: f64,
    /// In the queue.
    #[serde(default)]
    pub queue_wait_ms: Option<f64>,
    /// Until the model said its first word to the worker.
    #[serde(default)]
    pub model_first_token_ms: Option<f64>,
    /// Until the caller had it.
    #[serde(default)]
    pub first_token_ms: Option<f64>,
    /// How much was said.
    #[serde(default)]
    pub output_tokens: Option<u64>,
}

/// One step of the history.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepFigures {
    /// When it began, seconds since 1970: a multiple of [`STEP_SECONDS`].
    pub at: u64,
    /// Jobs that were taken on.
    pub accepted: u64,
    /// Jobs that ended with an error or did not come into a queue.
    pub failed: u64,
    /// Tokens that models said, counted when their answers ended.
    pub output_tokens: u64,
    /// The most jobs that were seen to wait in all queues together; none when nobody looked.
    pub waiting: Option<u64>,
    /// The longest time that one of them was seen to have waited.
    pub oldest_wait_ms: Option<u64>,
    /// From the request to the first word, of streams.
    pub to_first_token: Histogram,
}

impl StepFigures {
    /// Adds what another gateway has counted meanwhile. Of the queues all are told the same, so the
    /// larger counts.
    pub fn merge(&mut self, other: &Self) {
        self.accepted = self.accepted.saturating_add(other.accepted);
        self.failed = self.failed.saturating_add(other.failed);
        self.output_tokens = self.output_tokens.saturating_add(other.output_tokens);
        self.waiting = self.waiting.max(other.waiting);
        self.oldest_wait_ms = self.oldest_wait_ms.max(other.oldest_wait_ms);
        self.to_first_token.merge(&other.to_first_token);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_on_has_ended_or_is_open() {
        let counts = JobCounts {
            accepted: 20,
            completed: 3,
            failed: 2,
            client_gone: 1,
            not_queued: 1,
            handed_over: 4,
            cancelled: 1,
            otherwise: 1,
            ..JobCounts::default()
        };
        assert_eq!(counts.open(), 7);

        let mut both = counts;
        both.add(&counts);
        assert_eq!((both.accepted, both.completed, both.otherwise, both.open()), (40, 6, 2, 14));
    }

    #[test]
    fn of_the_queues_all_gateways_are_told_the_same() {
        let seen = |waiting, accepted| StepFigures { waiting, accepted, ..StepFigures::default() };
        let mut step = seen(None, 1);
        for (other, expected) in [(Some(3), Some(3)), (Some(2), Some(3)), (None, Some(3))] {
            step.merge(&seen(other, 1));
            assert_eq!(step.waiting, expected);
        }
        assert_eq!(step.accepted, 4);
    }
}
