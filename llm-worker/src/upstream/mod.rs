//! Model calls: which upstream, one call, its dialect. The only room that speaks HTTP.

mod breaker;
mod call;
mod dialect;
mod endpoint;
mod failure;
mod order;
mod stream;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use contract::{Catalogue, ModelName};
use opentelemetry::KeyValue;
use outbound::CallError;
use secrecy::SecretString;
use telemetry::names::{app, gen_ai, span};
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

pub(crate) use self::dialect::Usage;
pub(crate) use self::endpoint::Endpoint;
pub(crate) use self::stream::UpstreamStream;
use crate::completion::{Answer, Ask, ModelFailure, Models};
use crate::measures::Measures;

/// Everyone who serves a model of the catalogue.
#[derive(Debug)]
pub(crate) struct Upstreams {
    by_model: HashMap<ModelName, Vec<Arc<Endpoint>>>,
    measures: Arc<Measures>,
}

impl Upstreams {
    /// The upstreams of `catalogue`, with the keys that it names.
    ///
    /// # Errors
    ///
    /// When the certificates of the system cannot be read.
    pub(crate) fn new(
        catalogue: &Catalogue,
        keys: &BTreeMap<String, SecretString>,
        measures: Arc<Measures>,
    ) -> Result<Self, CallError> {
        let mut by_model = HashMap::new();
        for model in catalogue.models() {
            let endpoints: Result<Vec<_>, _> = model
                .upstreams
                .iter()
                .map(|upstream| Endpoint::new(model, upstream, keys).map(Arc::new))
                .collect();
            by_model.insert(model.name.clone(), endpoints?);
        }
        Ok(Self { by_model, measures })
    }

    /// Tries the upstreams of the model, each once, until one begins to answer.
    async fn first_that_answers(
        &self,
        ask: &Ask<'_>,
        chat: &Span,
    ) -> Result<Answer<UpstreamStream>, ModelFailure> {
        let endpoints = self.by_model.get(ask.model).map(Vec::as_slice).unwrap_or_default();
        let mut last = None;
        for index in order::by_weight(endpoints.iter().map(|endpoint| endpoint.weight())) {
            let endpoint = &endpoints[index];
            let Some(place) = Arc::clone(endpoint).enter(Instant::now()) else { continue };
            if let Some(failed) = &last {
                let ModelFailure { trouble, .. } = failed;
                self.measures.fell_back(ask.model, *trouble);
            }
            let began = Instant::now();
            match call::call(&place, ask, began, chat, &self.measures).await {
                Ok(begun) => {
                    place.succeeded();
                    chat.record(app::UPSTREAM, endpoint.base_url());
                    return Ok(begun.into_answer(place, began, chat.clone(), &self.measures, ask));
                }
                Err(failure) => {
                    place.failed(&failure, Instant::now());
                    self.measures.breaker(endpoint, Instant::now());
                    let trouble = failure.trouble.as_str();
                    let upstream = endpoint.base_url();
                    tracing::warn!(
                        error.r#type = trouble,
                        app.upstream = upstream,
                        app.model = %ask.model,
                        "upstream {upstream} failed before its first word: {trouble}"
                    );
                    if !failure.trouble.worth_another_upstream() {
                        return Err(failure);
                    }
                    last = Some(failure);
                }
            }
        }
        Err(last.unwrap_or_else(|| failure::nobody_free(ask.model)))
    }
}

impl Models for Upstreams {
    type Pieces = UpstreamStream;

    async fn ask(&self, ask: &Ask<'_>) -> Result<Answer<UpstreamStream>, ModelFailure> {
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
            { gen_ai::RESPONSE_TIME_TO_FIRST_CHUNK } = tracing::field::Empty,
            { gen_ai::USAGE_INPUT_TOKENS } = tracing::field::Empty,
            { gen_ai::USAGE_OUTPUT_TOKENS } = tracing::field::Empty,
            { app::STREAM_CHUNKS } = tracing::field::Empty,
            { app::UPSTREAM } = tracing::field::Empty,
        );
        let began = Instant::now();
        let answer = self.first_that_answers(ask, &chat).instrument(chat.clone()).await;
        if let Err(failure) = &answer {
            let trouble = failure.trouble.as_str();
            chat.record(span::STATUS_CODE, span::ERROR);
            chat.record(span::ERROR_TYPE, trouble);
            let error = KeyValue::new(span::ERROR_TYPE, trouble);
            self.measures.called(ask.operation, ask.model, began.elapsed(), Some(error));
        }
        answer
    }
}
