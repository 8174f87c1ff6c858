//! The picture, as it is shown.

use serde::Serialize;

use super::dead_letters::Letter;

/// Everything at a glance.
#[derive(Debug, Serialize)]
pub(crate) struct Overview {
    pub(super) object: &'static str,
    pub(super) at: f64,
    pub(super) window_seconds: u64,
    pub(super) gateways: Vec<GatewayShown>,
    pub(super) workers: Vec<WorkerShown>,
    pub(super) queues: Vec<QueueShown>,
    pub(super) models: Vec<ModelShown>,
    pub(super) answers: AnswersShown,
    pub(super) redeliveries: u64,
    pub(super) dead_letters: DeadShown,
    pub(super) slow_answers: Vec<SlowShown>,
    pub(super) history: HistoryShown,
    pub(super) incomplete: Vec<String>,
}

#[derive(Debug, Serialize)]
pub(super) struct GatewayShown {
    pub(super) id: String,
    pub(super) version: String,
    pub(super) draining: bool,
    pub(super) requests: u64,
    pub(super) seen_seconds_ago: f64,
    pub(super) this: bool,
}

#[derive(Debug, Serialize)]
pub(super) struct WorkerShown {
    pub(super) id: String,
    pub(super) version: String,
    pub(super) queues: Vec<String>,
    pub(super) slots: u32,
    pub(super) busy: u32,
    pub(super) draining: bool,
    pub(super) catalogue: String,
    pub(super) seen_seconds_ago: f64,
}

/// Figures are null while NATS cannot be asked.
#[derive(Debug, Serialize)]
pub(super) struct QueueShown {
    pub(super) queue: String,
    pub(super) lane: &'static str,
    pub(super) waiting: Option<u64>,
    pub(super) oldest_wait_seconds: Option<f64>,
    pub(super) delivered: Option<u64>,
    pub(super) redelivered: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct ModelShown {
    pub(super) model: String,
    /// None of what is no model of the catalogue.
    pub(super) queue: Option<String>,
    pub(super) requests: u64,
    pub(super) failed: u64,
    pub(super) input_tokens_per_second: f64,
    pub(super) output_tokens_per_second: f64,
    pub(super) time_to_first_token_seconds: Option<Quantiles>,
    pub(super) time_per_output_token_seconds: Option<Quantiles>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct Quantiles {
    pub(super) p50: f64,
    pub(super) p95: f64,
    pub(super) p99: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(super) struct AnswersShown {
    pub(super) accepted: u64,
    pub(super) completed: u64,
    pub(super) failed: u64,
    pub(super) client_gone: u64,
    pub(super) not_queued: u64,
    pub(super) handed_over: u64,
    pub(super) cancelled: u64,
    pub(super) open: u64,
    pub(super) input_tokens: u64,
    pub(super) output_tokens: u64,
    pub(super) since: f64,
}

#[derive(Debug, Serialize)]
pub(super) struct DeadShown {
    /// Null while NATS cannot be asked.
    pub(super) kept: Option<u64>,
    pub(super) recent: Vec<Letter>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct SlowShown {
    pub(super) at: f64,
    pub(super) request_id: String,
    pub(super) job_id: Option<String>,
    pub(super) trace_id: Option<String>,
    pub(super) model: String,
    pub(super) queue: Option<String>,
    pub(super) lane: Option<&'static str>,
    pub(super) outcome: String,
    pub(super) duration_seconds: f64,
    pub(super) queue_wait_seconds: Option<f64>,
    pub(super) model_first_token_seconds: Option<f64>,
    pub(super) time_to_first_token_seconds: Option<f64>,
    pub(super) output_tokens: Option<u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct HistoryShown {
    pub(super) step_seconds: u64,
    pub(super) points: Vec<PointShown>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct PointShown {
    pub(super) at: u64,
    pub(super) accepted: u64,
    pub(super) failed: u64,
    pub(super) output_tokens: u64,
    pub(super) waiting: Option<u64>,
    pub(super) oldest_wait_seconds: Option<f64>,
    pub(super) time_to_first_token_p95_seconds: Option<f64>,
}
