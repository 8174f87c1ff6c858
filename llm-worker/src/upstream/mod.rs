//! Model calls: which upstream, one call, its dialect. The only room that speaks HTTP.
//!
//! * [`order`], [`endpoint`], [`breaker`]: which upstream, and whether it may be called.
//! * [`call`], [`stream`]: one call, from request to last chunk.
//! * [`dialect`], [`failure`]: what is changed in passing, and what failures mean.
//! * [`account`]: the span and the figures of a call.

mod account;
mod breaker;
mod call;
mod dialect;
mod endpoint;
mod failure;
mod order;
mod stream;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use contract::{Catalogue, Model, ModelName};
use outbound::{CallError, Client};
use secrecy::SecretString;
use telemetry::names::app;
use tokio::sync::Notify;
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use self::account::Account;
use self::call::Begun;
use self::endpoint::{Endpoint, Entry, Place};
use self::stream::UpstreamStream;
use crate::completion::{Answer, Ask, ModelFailure, Models, Trouble};
use crate::measures::Measures;

/// Everyone who serves a model of the catalogue.
#[derive(Debug)]
pub(crate) struct Upstreams {
    by_model: HashMap<ModelName, Pool>,
    measures: Arc<Measures>,
}

/// Everyone who serves one model.
#[derive(Debug)]
struct Pool {
    endpoints: Vec<Arc<Endpoint>>,
    freed: Arc<Notify>,
    /// How long a job waits for a free place: as long as for a first token.
    patience: Duration,
}

/// What came of trying each upstream once.
enum Tried {
    Answered(Place, Begun),
    Failed(ModelFailure),
    /// Nobody could be tried, and a place will come free.
    AllFull,
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
        measures: &Arc<Measures>,
    ) -> Result<Self, CallError> {
        // Upstreams share a client, and so its certificates, unless their patience differs.
        let mut clients = BTreeMap::new();
        for model in catalogue.models() {
            for upstream in &model.upstreams {
                let patience = upstream.limits.connect_timeout();
                if let std::collections::btree_map::Entry::Vacant(vacant) = clients.entry(patience)
                {
                    vacant.insert(Client::to_configured(patience)?);
                }
            }
        }
        let pool = |model: &Model| {
            let freed = Arc::new(Notify::new());
            let endpoint = |upstream: &contract::Upstream| {
                let client = clients.get(&upstream.limits.connect_timeout())?.clone();
                let (freed, measures) = (Arc::clone(&freed), Arc::clone(measures));
                Some(Arc::new(Endpoint::new(model, upstream, keys, client, freed, measures)))
            };
            let endpoints = model.upstreams.iter().filter_map(endpoint).collect();
            let patience = model.upstreams.iter().map(|one| one.limits.first_token_timeout());
            let patience = patience.max().unwrap_or_default();
            Pool { endpoints, freed, patience }
        };
        let by_model = catalogue.models().map(|model| (model.name.clone(), pool(model))).collect();
        Ok(Self { by_model, measures: Arc::clone(measures) })
    }

    /// Whether everyone who serves a model can go on behind the beginning of an answer: who
    /// will answer is not known before.
    pub(crate) fn continue_answers(&self, model: &ModelName) -> bool {
        let endpoints = self.by_model.get(model).map_or(&[][..], |pool| &pool.endpoints);
        !endpoints.is_empty() && endpoints.iter().all(|endpoint| endpoint.continues().is_some())
    }

    /// An answer that has begun. Waits for a free place where there is none.
    async fn first_that_answers(
        &self,
        ask: &Ask<'_>,
        chat: &Span,
    ) -> Result<(Place, Begun), ModelFailure> {
        let Some(pool) = self.by_model.get(ask.model) else {
            return Err(failure::not_served(ask.model));
        };
        let patient_until = Instant::now() + pool.patience;
        loop {
            // Before looking: a place that comes free in between counts.
            let freed = pool.freed.notified();
            match self.try_each(pool, ask, chat).await {
                Tried::Answered(place, begun) => return Ok((place, begun)),
                Tried::Failed(failure) => return Err(failure),
                Tried::AllFull => {
                    if tokio::time::timeout_at(patient_until, freed).await.is_err() {
                        return Err(failure::nobody_free(ask.model, None));
                    }
                }
            }
        }
    }

    /// Tries the upstreams of the model, each once, until one begins to answer.
    async fn try_each(&self, pool: &Pool, ask: &Ask<'_>, chat: &Span) -> Tried {
        let mut last: Option<ModelFailure> = None;
        let mut full = false;
        for index in order::by_weight(pool.endpoints.iter().map(|endpoint| endpoint.weight())) {
            let endpoint = &pool.endpoints[index];
            let mut place = match Arc::clone(endpoint).enter(Instant::now()) {
                Entry::Admitted(place) => place,
                Entry::Full => {
                    full = true;
                    continue;
                }
                Entry::LeftAlone => continue,
            };
            if let Some(failed) = &last {
                self.measures.fell_back(ask.model, failed.trouble);
            }
            match call::call(&place, ask, chat, &self.measures).await {
                Ok(begun) => {
                    place.succeeded();
                    chat.record(app::UPSTREAM, endpoint.base_url());
                    return Tried::Answered(place, begun);
                }
                Err(mut failure) => {
                    place.failed(&failure, Instant::now());
                    endpoint.conceal_key(&mut failure);
                    report(ask, endpoint, &failure);
                    failure.cause = format!("upstream {}: {}", endpoint.base_url(), failure.cause);
                    if !failure.trouble.worth_another_upstream() {
                        return Tried::Failed(failure);
                    }
                    last = Some(failure);
                }
            }
        }
        match last {
            Some(failure) => Tried::Failed(failure),
            None if full => Tried::AllFull,
            None => {
                let now = Instant::now();
                let pauses = pool.endpoints.iter().filter_map(|endpoint| endpoint.pause(now));
                Tried::Failed(failure::nobody_free(ask.model, pauses.min()))
            }
        }
    }
}

fn report(ask: &Ask<'_>, endpoint: &Endpoint, failure: &ModelFailure) {
    let (trouble, cause) = (failure.trouble.as_str(), failure.cause.as_str());
    let upstream = endpoint.base_url();
    if failure.trouble == Trouble::Refused {
        // The caller's business: whoever asks for nonsense does not fill the log with it.
        tracing::debug!(app.upstream = upstream, app.job.id = %ask.job, "refused: {cause}");
        return;
    }
    // Another try may succeed; if none does, that is a warning, once.
    tracing::info!(
        error.r#type = trouble,
        app.upstream = upstream,
        app.model = %ask.model,
        app.job.id = %ask.job,
        "upstream {upstream} failed before its first word: {cause}"
    );
}

impl Models for Upstreams {
    type Pieces = UpstreamStream;

    async fn ask(&self, ask: &Ask<'_>) -> Result<Answer<UpstreamStream>, ModelFailure> {
        let mut account = Account::open(ask, &self.measures);
        let chat = account.chat().clone();
        match self.first_that_answers(ask, &chat).instrument(chat.clone()).await {
            Ok((place, Begun::Whole(body, learnt))) => {
                account.learnt(learnt);
                account.ended_well();
                Ok(Answer::Whole(body, account.answered(place.endpoint().name(), learnt)))
            }
            Ok((place, Begun::Stream(first, events))) => {
                account.first_chunk();
                let stream = UpstreamStream::new(*events, place, account, first.len());
                Ok(Answer::Streamed(first, stream))
            }
            Err(failure) => {
                account.failed(&failure);
                Err(failure)
            }
        }
    }
}
