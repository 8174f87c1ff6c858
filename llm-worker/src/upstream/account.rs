//! What a model call is remembered by: its span and its figures. Told once, however it ends.

use std::sync::Arc;
use std::time::Duration;

use contract::{ModelName, Operation};
use openai_api::object::Members;
use opentelemetry::KeyValue;
use opentelemetry::metrics::BoundHistogram;
use telemetry::names::{app, gen_ai, span};
use tokio::time::Instant;
use tracing::Span;

use super::dialect::Learnt;
use crate::completion::{Answered, Ask, ModelFailure};
use crate::measures::Measures;

/// How a call ended whose caller left.
const CANCELLED: &str = "cancelled";

/// One model call, other upstreams included that were tried before.
#[derive(Debug)]
pub(super) struct Account {
    chat: Span,
    measures: Arc<Measures>,
    operation: Operation,
    model: ModelName,
    began: Instant,
    /// How long the first chunk of a stream took.
    first_token: Option<Duration>,
    learnt: Learnt,
    /// Why it ended without a whole answer. Until anything else is known: its caller left.
    error: Option<&'static str>,
}

impl Account {
    /// A call begins.
    pub(super) fn open(ask: &Ask<'_>, measures: &Arc<Measures>) -> Self {
        let operation = ask.operation.gen_ai_name();
        let chat = tracing::info_span!(
            "chat",
            { span::NAME } = format!("{operation} {}", ask.model),
            { span::KIND } = span::CLIENT,
            { span::STATUS_CODE } = tracing::field::Empty,
            { span::ERROR_TYPE } = tracing::field::Empty,
            { gen_ai::OPERATION_NAME } = operation,
            { gen_ai::PROVIDER_NAME } = gen_ai::PROVIDER_OPENAI,
            { gen_ai::REQUEST_MODEL } = ask.model.as_str(),
            { gen_ai::REQUEST_STREAM } = ask.stream,
            { gen_ai::REQUEST_MAX_TOKENS } = tracing::field::Empty,
            { gen_ai::REQUEST_TEMPERATURE } = tracing::field::Empty,
            { gen_ai::REQUEST_TOP_P } = tracing::field::Empty,
            { gen_ai::REQUEST_SEED } = tracing::field::Empty,
            { gen_ai::REQUEST_CHOICE_COUNT } = tracing::field::Empty,
            { gen_ai::RESPONSE_TIME_TO_FIRST_CHUNK } = tracing::field::Empty,
            { gen_ai::RESPONSE_FINISH_REASONS } = tracing::field::Empty,
            { gen_ai::USAGE_INPUT_TOKENS } = tracing::field::Empty,
            { gen_ai::USAGE_OUTPUT_TOKENS } = tracing::field::Empty,
            { app::STREAM_CHUNKS } = tracing::field::Empty,
            { app::STREAM_LONGEST_GAP } = tracing::field::Empty,
            { app::UPSTREAM } = tracing::field::Empty,
        );
        if !chat.is_disabled() {
            note_parameters(&chat, &ask.body);
        }
        Self {
            chat,
            measures: Arc::clone(measures),
            operation: ask.operation,
            model: ask.model.clone(),
            began: Instant::now(),
            first_token: None,
            learnt: Learnt::default(),
            error: Some(CANCELLED),
        }
    }

    /// The span that wraps the HTTP calls.
    pub(super) fn chat(&self) -> &Span {
        &self.chat
    }

    /// The first chunk of a stream came.
    pub(super) fn first_chunk(&mut self) {
        let took = self.began.elapsed();
        self.first_token = Some(took);
        self.chat.record(gen_ai::RESPONSE_TIME_TO_FIRST_CHUNK, took.as_secs_f64());
        self.measures.first_chunk(&self.model, took);
    }

    /// What is told of an answer `by` an upstream.
    pub(super) fn answered(&self, by: &str, learnt: Learnt) -> Answered {
        Answered {
            by: by.to_owned(),
            first_token: self.first_token,
            input_tokens: learnt.usage.map(|usage| usage.prompt_tokens),
            output_tokens: learnt.usage.map(|usage| usage.completion_tokens),
        }
    }

    /// Where the time between its chunks is counted.
    pub(super) fn between_chunks(&self) -> BoundHistogram<f64> {
        self.measures.between_chunks(&self.model)
    }

    /// What the model said about its answer.
    pub(super) fn learnt(&mut self, learnt: Learnt) {
        self.learnt = learnt;
    }

    /// The stream is over, for whatever reason.
    pub(super) fn stream_ended(&self, chunks: u64, longest_gap: Duration) {
        self.chat.record(app::STREAM_CHUNKS, signed(chunks));
        self.chat.record(app::STREAM_LONGEST_GAP, longest_gap.as_secs_f64());
        self.measures.stalled(&self.model, longest_gap);
    }

    /// The answer is whole.
    pub(super) fn ended_well(&mut self) {
        self.error = None;
    }

    /// There is no answer, or no further one.
    pub(super) fn failed(&mut self, failure: &ModelFailure) {
        self.error = Some(failure.trouble.as_str());
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        if let Some(error) = self.error {
            self.chat.record(span::ERROR_TYPE, error);
            if error != CANCELLED {
                self.chat.record(span::STATUS_CODE, span::ERROR);
            }
        }
        if let Some(reason) = self.learnt.finish_reason {
            self.chat.record(gen_ai::RESPONSE_FINISH_REASONS, reason);
        }
        if let Some(usage) = self.learnt.usage {
            self.chat.record(gen_ai::USAGE_INPUT_TOKENS, signed(usage.prompt_tokens));
            self.chat.record(gen_ai::USAGE_OUTPUT_TOKENS, signed(usage.completion_tokens));
            self.measures.tokens(&self.model, usage.prompt_tokens, usage.completion_tokens);
        }
        let error = self.error.map(|error| KeyValue::new(span::ERROR_TYPE, error));
        self.measures.called(self.operation, &self.model, self.began.elapsed(), error);
    }
}

/// A count as a span has whole numbers; one without a sign would be exported as text.
fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// The parameters that a request is told apart by. Numbers only: no member that could hold a
/// prompt is looked at.
fn note_parameters(chat: &Span, body: &[u8]) {
    let Ok(members) = Members::parse(body) else { return };
    let whole = |name: &str| members.get(name).and_then(|json| json.parse::<i64>().ok());
    let real = |name: &str| members.get(name).and_then(|json| json.parse::<f64>().ok());
    if let Some(limit) = whole("max_completion_tokens").or_else(|| whole("max_tokens")) {
        chat.record(gen_ai::REQUEST_MAX_TOKENS, limit);
    }
    if let Some(temperature) = real("temperature") {
        chat.record(gen_ai::REQUEST_TEMPERATURE, temperature);
    }
    if let Some(top_p) = real("top_p") {
        chat.record(gen_ai::REQUEST_TOP_P, top_p);
    }
    if let Some(seed) = whole("seed") {
        chat.record(gen_ai::REQUEST_SEED, seed);
    }
    if let Some(choices) = whole("n") {
        chat.record(gen_ai::REQUEST_CHOICE_COUNT, choices);
    }
}
