//! What one run of the load generator found.

use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::client::Failure;
use super::reading::{Answer, micros};
use super::{Load, Window};
use crate::figures::Percentiles;
use crate::tokens::Faults;

/// What was found. Rates and times are of the measured window, counts of the whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// Requests at once.
    pub clients: u32,
    /// Good answers that ended in the window, per second.
    pub requests_per_s: f64,
    /// Tokens of good answers that came in the window, per second.
    pub tokens_per_s: f64,
    /// Good answers.
    pub answers: u64,
    /// Their tokens.
    pub tokens: u64,
    /// Requests without a good answer.
    pub errors: u64,
    /// The first of them.
    pub first_error: Option<String>,
    /// Tokens that did not come in answers that began to come.
    pub lost: u64,
    /// Tokens that came again.
    pub doubled: u64,
    /// Tokens that came after a later one.
    pub swapped: u64,
    /// Pieces of text that were no tokens of their answer.
    pub foreign: u64,
    /// From asking to the end of the answer.
    pub latency: Option<Percentiles>,
    /// From asking to the first token.
    pub first_token: Option<Percentiles>,
    /// From token to token.
    pub gap: Option<Percentiles>,
    /// Processor time of the load generator itself.
    pub cpu_s: f64,
}

impl Report {
    /// Whether every answer was good, to the last token.
    pub fn is_clean(&self) -> bool {
        self.errors == 0 && self.answers > 0
    }
}

/// Counts while it runs.
#[derive(Debug, Default)]
pub(super) struct Tally {
    answers: u64,
    tokens: u64,
    ended_in_window: u64,
    tokens_in_window: u64,
    errors: u64,
    first_error: Option<String>,
    faults: Faults,
    latency: Vec<u32>,
    first_token: Vec<u32>,
    gaps: Vec<u32>,
}

impl Tally {
    pub(super) fn answered(
        &mut self,
        answer: &Answer,
        began: Instant,
        ended: Instant,
        window: Window,
    ) {
        self.answers += 1;
        self.tokens += u64::from(answer.tokens);
        self.tokens_in_window += u64::from(answer.tokens_in_window);
        self.ended_in_window += u64::from(window.holds(ended));
        if began >= window.from {
            self.latency.push(micros(began, ended));
            self.first_token.extend(answer.first.map(|first| micros(began, first)));
            self.gaps.extend_from_slice(&answer.gaps);
        }
    }

    pub(super) fn failed(&mut self, failure: Failure) {
        self.errors += 1;
        self.faults.lost += failure.faults.lost;
        self.faults.doubled += failure.faults.doubled;
        self.faults.swapped += failure.faults.swapped;
        self.faults.foreign += failure.faults.foreign;
        self.first_error.get_or_insert(failure.reason);
    }

    pub(super) fn report(mut self, load: &Load) -> Report {
        let seconds = load.measured.as_secs_f64();
        Report {
            clients: load.clients,
            requests_per_s: self.ended_in_window as f64 / seconds,
            tokens_per_s: self.tokens_in_window as f64 / seconds,
            answers: self.answers,
            tokens: self.tokens,
            errors: self.errors,
            first_error: self.first_error,
            lost: self.faults.lost,
            doubled: self.faults.doubled,
            swapped: self.faults.swapped,
            foreign: self.faults.foreign,
            latency: Percentiles::of(&mut self.latency),
            first_token: Percentiles::of(&mut self.first_token),
            gap: Percentiles::of(&mut self.gaps),
            cpu_s: 0.0,
        }
    }
}
