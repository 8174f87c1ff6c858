//! What all gateways have counted, as one. Pure.

use std::collections::BTreeMap;

use contract::Catalogue;
use contract::figures::{
    GatewayFigures, Histogram, JobCounts, ModelFigures, STEP_SECONDS, SlowAnswer, StepFigures,
};

use super::overview::{AnswersShown, HistoryShown, ModelShown, PointShown, Quantiles, SlowShown};
use super::ring::{HISTORY, WINDOW_SECONDS};
use super::step::keep_slowest;

/// The figures of every gateway that has told them, now.
#[derive(Debug)]
pub(super) struct Picture<'a> {
    pub(super) figures: Vec<GatewayFigures>,
    pub(super) now_ms: u64,
    pub(super) catalogue: &'a Catalogue,
}

impl Picture<'_> {
    /// When the oldest gateway started, milliseconds since 1970.
    fn since_ms(&self) -> u64 {
        let since = self.figures.iter().map(|figures| figures.since_ms).min();
        since.unwrap_or(self.now_ms).min(self.now_ms)
    }

    /// What became of all jobs.
    pub(super) fn answers(&self) -> AnswersShown {
        let mut jobs = JobCounts::default();
        self.figures.iter().for_each(|figures| jobs.add(&figures.jobs));
        AnswersShown {
            accepted: jobs.accepted,
            completed: jobs.completed,
            failed: jobs.failed,
            client_gone: jobs.client_gone,
            not_queued: jobs.not_queued,
            handed_over: jobs.handed_over,
            cancelled: jobs.cancelled,
            open: jobs.open(),
            input_tokens: jobs.input_tokens,
            output_tokens: jobs.output_tokens,
            since: seconds(self.since_ms()),
        }
    }

    /// In the window.
    pub(super) fn redeliveries(&self) -> u64 {
        self.figures.iter().map(|figures| figures.redelivered).sum()
    }

    /// Those of the catalogue, in its order, whether or not somebody asked them; then the others.
    pub(super) fn models(&self) -> Vec<ModelShown> {
        let mut counted: BTreeMap<&str, ModelFigures> = BTreeMap::new();
        for model in self.figures.iter().flat_map(|figures| &figures.models) {
            counted.entry(&model.model).or_default().merge(model);
        }
        let mut shown = Vec::new();
        for model in self.catalogue.models() {
            let name = model.name.as_str();
            let figures = counted.remove(name).unwrap_or_default();
            shown.push(self.model(name, &figures));
        }
        shown.extend(counted.iter().map(|(name, figures)| self.model(name, figures)));
        shown
    }

    fn model(&self, name: &str, figures: &ModelFigures) -> ModelShown {
        ModelShown {
            model: name.to_owned(),
            queue: self.queue_of(name),
            requests: figures.requests,
            failed: figures.failed,
            input_tokens_per_second: self.per_second(figures.input_tokens),
            output_tokens_per_second: self.per_second(figures.output_tokens),
            time_to_first_token_seconds: quantiles(&figures.to_first_token),
            time_per_output_token_seconds: quantiles(&figures.per_token),
        }
    }

    fn queue_of(&self, model: &str) -> Option<String> {
        self.catalogue.model(model).map(|model| model.queue.to_string())
    }

    /// Of the window, or of the time that there has been a gateway if that is shorter.
    #[expect(clippy::cast_precision_loss, reason = "a rate that is read by people")]
    fn per_second(&self, count: u64) -> f64 {
        let lasted = (self.now_ms - self.since_ms()) as f64 / 1e3;
        thousandths(count as f64 / lasted.clamp(1.0, WINDOW_SECONDS as f64))
    }

    /// The slowest first.
    pub(super) fn slow_answers(&self) -> Vec<SlowShown> {
        let answers = self.figures.iter().flat_map(|figures| figures.slow.iter().cloned());
        let mut answers: Vec<SlowAnswer> = answers.collect();
        keep_slowest(&mut answers);
        answers.into_iter().map(|answer| self.slow(answer)).collect()
    }

    fn slow(&self, answer: SlowAnswer) -> SlowShown {
        let of_ms = |ms: f64| micros(ms / 1e3);
        SlowShown {
            at: seconds(answer.at_ms),
            queue: self.queue_of(&answer.model),
            request_id: answer.request,
            job_id: answer.job.map(|job| job.to_string()),
            trace_id: answer.trace,
            model: answer.model,
            lane: answer.lane.map(contract::Lane::token),
            outcome: answer.outcome,
            duration_seconds: of_ms(answer.duration_ms),
            queue_wait_seconds: answer.queue_wait_ms.map(of_ms),
            model_first_token_seconds: answer.model_first_token_ms.map(of_ms),
            time_to_first_token_seconds: answer.first_token_ms.map(of_ms),
            output_tokens: answer.output_tokens,
        }
    }

    /// Every step since the oldest gateway started, without the one that is not over yet.
    pub(super) fn history(&self) -> HistoryShown {
        let step_of = |ms: u64| ms / 1000 / STEP_SECONDS;
        let now = step_of(self.now_ms);
        let first = step_of(self.since_ms()).max(now.saturating_sub(HISTORY));
        let mut steps: BTreeMap<u64, StepFigures> = BTreeMap::new();
        for number in first..now {
            let at = number * STEP_SECONDS;
            steps.insert(at, StepFigures { at, ..StepFigures::default() });
        }
        for told in self.figures.iter().flat_map(|figures| &figures.steps) {
            // What is no step of ours is of a gateway whose clock is far away.
            if let Some(step) = steps.get_mut(&told.at) {
                step.merge(told);
            }
        }
        let points = steps.into_values().map(|step| point(&step)).collect();
        HistoryShown { step_seconds: STEP_SECONDS, points }
    }
}

fn point(step: &StepFigures) -> PointShown {
    PointShown {
        at: step.at,
        accepted: step.accepted,
        failed: step.failed,
        output_tokens: step.output_tokens,
        waiting: step.waiting,
        oldest_wait_seconds: step.oldest_wait_ms.map(seconds),
        time_to_first_token_p95_seconds: step.to_first_token.quantile(0.95).map(micros),
    }
}

fn quantiles(histogram: &Histogram) -> Option<Quantiles> {
    let quantile = |share| histogram.quantile(share).map(micros);
    Some(Quantiles { p50: quantile(0.5)?, p95: quantile(0.95)?, p99: quantile(0.99)? })
}

/// Milliseconds as seconds.
#[expect(clippy::cast_precision_loss, reason = "milliseconds since 1970 are far below 2^53")]
pub(super) fn seconds(ms: u64) -> f64 {
    ms as f64 / 1e3
}

pub(super) fn thousandths(value: f64) -> f64 {
    (value * 1e3).round() / 1e3
}

fn micros(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}

#[cfg(test)]
mod tests;
