//! The last quarter of an hour, step by step. Pure: whoever calls says what time it is.

use std::collections::VecDeque;
use std::time::Duration;

use contract::Lane;
use contract::figures::{
    GatewayFigures, JobCounts, ModelFigures, STEP_SECONDS, SlowAnswer, StepFigures,
};
use telemetry::names::app;

use super::step::{Step, keep_slowest};
use crate::measures::AnswerFigures;
use crate::responses::{CANCELLED, HANDED_OVER};

/// Seconds that quantiles, rates and slow answers are about.
pub(super) const WINDOW_SECONDS: u64 = 300;
/// Steps of the window.
const WINDOW: u64 = WINDOW_SECONDS / STEP_SECONDS;
/// Steps of the history, without the one that is not over yet.
pub(super) const HISTORY: u64 = 90;
/// Most models that are told by their names; those asked least are told together.
const MOST_MODELS: usize = 48;

/// What was counted. Bounded by the models of the catalogue, whatever callers ask for.
#[derive(Debug)]
pub(super) struct Ring {
    since_ms: u64,
    jobs: JobCounts,
    /// The oldest first.
    steps: VecDeque<Step>,
}

impl Ring {
    pub(super) fn new(now_ms: u64) -> Self {
        Self { since_ms: now_ms, jobs: JobCounts::default(), steps: VecDeque::new() }
    }

    /// A job is taken on.
    pub(super) fn accepted(&mut self, now_ms: u64) {
        self.jobs.accepted += 1;
        self.step(now_ms).sums.accepted += 1;
    }

    /// A job has ended.
    pub(super) fn settled(&mut self, outcome: &str, now_ms: u64) {
        let jobs = &mut self.jobs;
        let count = match outcome {
            app::COMPLETED => &mut jobs.completed,
            app::FAILED => &mut jobs.failed,
            app::CLIENT_GONE => &mut jobs.client_gone,
            app::NOT_QUEUED => &mut jobs.not_queued,
            HANDED_OVER => &mut jobs.handed_over,
            CANCELLED => &mut jobs.cancelled,
            _ => &mut jobs.otherwise,
        };
        *count += 1;
        if matches!(outcome, app::FAILED | app::NOT_QUEUED) {
            self.step(now_ms).sums.failed += 1;
        }
    }

    /// A job has come to a worker once more.
    pub(super) fn redelivered(&mut self, now_ms: u64) {
        self.step(now_ms).redelivered += 1;
    }

    /// The queues were looked at.
    pub(super) fn queues_seen(&mut self, waiting: u64, oldest: Duration, now_ms: u64) {
        let oldest_ms = u64::try_from(oldest.as_millis()).unwrap_or(u64::MAX);
        let sums = &mut self.step(now_ms).sums;
        sums.waiting = sums.waiting.max(Some(waiting));
        sums.oldest_wait_ms = sums.oldest_wait_ms.max(Some(oldest_ms));
    }

    /// An answer has ended.
    pub(super) fn answered(&mut self, answer: &AnswerFigures<'_>, work: Work, now_ms: u64) {
        // What was only read, or refused before anything was done for it, is no work of a model.
        if answer.operation.is_none() || (answer.job.is_none() && answer.callers_mistake) {
            return;
        }
        let (read, said) = (work.input_tokens.unwrap_or(0), work.output_tokens.unwrap_or(0));
        self.jobs.input_tokens += read;
        self.jobs.output_tokens += said;

        let step = self.step(now_ms);
        step.sums.output_tokens += said;
        // Those of unstored jobs are counted as they come.
        if answer.lane != Some(Lane::Chat) && work.attempt.is_some_and(|attempt| attempt > 1) {
            step.redelivered += 1;
        }
        let model = step.model(answer.model);
        model.requests += 1;
        model.failed += u64::from(matches!(answer.outcome, app::FAILED | app::REFUSED));
        model.input_tokens += read;
        model.output_tokens += said;
        let (speaking, chunks) = answer.speaking;
        if answer.stream && chunks > 0 {
            model.per_token.record(speaking.as_secs_f64() / f64::from(chunks));
        }
        if let (true, Some(waited)) = (answer.stream, answer.to_first_token) {
            model.to_first_token.record(waited.as_secs_f64());
            step.sums.to_first_token.record(waited.as_secs_f64());
        }
        if step.is_slow(ms(answer.duration)) {
            step.add_slow(slow(answer, work, now_ms));
        }
    }

    /// All of it.
    pub(super) fn figures(&mut self, now_ms: u64) -> GatewayFigures {
        let now = self.step(now_ms).number;
        let window = || self.steps.iter().filter(|step| step.number + WINDOW > now);
        let mut models: Vec<ModelFigures> = Vec::new();
        for counted in window().flat_map(|step| step.models.values()) {
            match models.iter_mut().find(|model| model.model == counted.model) {
                Some(model) => model.merge(counted),
                None => models.push(counted.clone()),
            }
        }
        let mut slow: Vec<SlowAnswer> =
            window().flat_map(|step| step.slow.iter().cloned()).collect();
        keep_slowest(&mut slow);
        GatewayFigures {
            since_ms: self.since_ms,
            jobs: self.jobs,
            redelivered: window().map(|step| step.redelivered).sum(),
            models: those_asked_most(models),
            slow,
            steps: self
                .steps
                .iter()
                .filter(|step| step.number < now && !step.is_quiet())
                .map(|step| step.sums.clone())
                .collect(),
        }
    }

    /// The step that it is now. Clocks are set back: then it is the newest there is.
    fn step(&mut self, now_ms: u64) -> &mut Step {
        let number = number_of(now_ms);
        if self.steps.back().is_none_or(|newest| newest.number < number) {
            let sums = StepFigures { at: number * STEP_SECONDS, ..StepFigures::default() };
            self.steps.push_back(Step { number, sums, ..Step::default() });
            self.steps.retain(|step| step.number + HISTORY >= number);
            let left = self.steps.iter_mut().filter(|step| step.number + WINDOW <= number);
            left.for_each(Step::leaves_the_window);
        }
        let newest = self.steps.len() - 1;
        &mut self.steps[newest]
    }
}

/// What the worker has measured of an answer, and its trace.
#[derive(Debug, Clone, Default)]
pub(super) struct Work {
    pub(super) queue_wait_ms: Option<f64>,
    pub(super) first_token_ms: Option<f64>,
    pub(super) attempt: Option<u32>,
    pub(super) input_tokens: Option<u64>,
    pub(super) output_tokens: Option<u64>,
    pub(super) trace_id: Option<String>,
}

impl Work {
    pub(super) fn of(answer: &AnswerFigures<'_>) -> Self {
        let trace_id = answer.trace_id.map(str::to_owned);
        let Some(work) = answer.work else { return Self { trace_id, ..Self::default() } };
        Self {
            queue_wait_ms: Some(work.queue_wait_ms),
            first_token_ms: work.first_token_ms,
            attempt: Some(work.attempt),
            input_tokens: work.input_tokens,
            output_tokens: work.output_tokens,
            trace_id,
        }
    }
}

fn slow(answer: &AnswerFigures<'_>, work: Work, now_ms: u64) -> SlowAnswer {
    SlowAnswer {
        at_ms: now_ms,
        request: answer.request_id.to_owned(),
        job: answer.job,
        trace: work.trace_id,
        model: answer.model.to_owned(),
        lane: answer.lane,
        outcome: answer.outcome.to_owned(),
        duration_ms: ms(answer.duration),
        queue_wait_ms: work.queue_wait_ms,
        model_first_token_ms: work.first_token_ms,
        first_token_ms: answer.to_first_token.map(ms),
        output_tokens: work.output_tokens,
    }
}

/// Those asked least become one that is called `other`.
fn those_asked_most(mut models: Vec<ModelFigures>) -> Vec<ModelFigures> {
    models.sort_by(|one, other| {
        other.requests.cmp(&one.requests).then_with(|| one.model.cmp(&other.model))
    });
    if models.len() > MOST_MODELS {
        let mut rest = ModelFigures { model: app::OTHER.to_owned(), ..ModelFigures::default() };
        models.split_off(MOST_MODELS - 1).iter().for_each(|model| rest.merge(model));
        match models.iter_mut().find(|model| model.model == app::OTHER) {
            Some(other) => other.merge(&rest),
            None => models.push(rest),
        }
    }
    models
}

fn number_of(now_ms: u64) -> u64 {
    now_ms / 1000 / STEP_SECONDS
}

/// To a thousandth: what is beyond it says nothing.
fn ms(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests;
