//! One upstream: its address, its limits, and whether it may be called now.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use contract::{Continues, Model, ModelName, Operation, Upstream, UpstreamLimits};
use outbound::Client;
use secrecy::{ExposeSecret as _, SecretString};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::breaker::{Admission, Breaker, Weight};
use crate::completion::{ModelFailure, Trouble};
use crate::measures::Measures;

/// An upstream of one model.
#[derive(Debug)]
pub(super) struct Endpoint {
    model: ModelName,
    upstream: Upstream,
    key: Option<SecretString>,
    /// The upstream's name for the model, as JSON, if it differs from the public one.
    name_json: Option<String>,
    client: Client,
    places: Arc<Semaphore>,
    breaker: Mutex<Breaker>,
    /// Told whenever a place comes free; shared by the upstreams of a model.
    freed: Arc<Notify>,
    measures: Arc<Measures>,
}

/// Whether a call can be made now.
#[derive(Debug)]
pub(super) enum Entry {
    /// It can.
    Admitted(Place),
    /// All places are taken; one comes free.
    Full,
    /// It is left alone, after failures or by its own wish.
    LeftAlone,
}

impl Endpoint {
    pub(super) fn new(
        model: &Model,
        upstream: &Upstream,
        keys: &BTreeMap<String, SecretString>,
        client: Client,
        freed: Arc<Notify>,
        measures: Arc<Measures>,
    ) -> Self {
        let differs = upstream.name.as_ref().filter(|name| name.as_str() != model.name.as_str());
        let key = upstream.api_key_env.as_ref().and_then(|name| keys.get(name)).cloned();
        measures.breaker(&model.name, &upstream.base_url, false);
        Self {
            model: model.name.clone(),
            name_json: differs.map(|name| serde_json::Value::from(name.as_str()).to_string()),
            client,
            places: Arc::new(Semaphore::new(upstream.limits.max_concurrency)),
            breaker: Mutex::default(),
            upstream: upstream.clone(),
            key,
            freed,
            measures,
        }
    }

    pub(super) fn base_url(&self) -> &str {
        &self.upstream.base_url
    }

    /// What the model is called there.
    pub(super) fn name(&self) -> &str {
        self.upstream.name.as_deref().unwrap_or(self.model.as_str())
    }

    pub(super) fn weight(&self) -> u32 {
        self.upstream.weight
    }

    pub(super) fn continues(&self) -> Option<Continues> {
        self.upstream.continues
    }

    pub(super) fn limits(&self) -> &UpstreamLimits {
        &self.upstream.limits
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn key(&self) -> Option<&SecretString> {
        self.key.as_ref()
    }

    /// Takes our key out of a failure in the server's own words: the caller reads those.
    pub(super) fn conceal_key(&self, failure: &mut ModelFailure) {
        let key = self.key.as_ref().map(|key| key.expose_secret()).filter(|key| !key.is_empty());
        if let Some(key) = key
            && failure.tell.body.contains(key)
        {
            failure.tell.body = failure.tell.body.replace(key, "…");
        }
    }

    pub(super) fn name_json(&self) -> Option<&str> {
        self.name_json.as_deref()
    }

    pub(super) fn url(&self, operation: Operation) -> String {
        format!("{}{}", self.upstream.base_url, operation.path())
    }

    /// A place for one call, if there is one and it may be called.
    pub(super) fn enter(self: Arc<Self>, now: Instant) -> Entry {
        let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() else { return Entry::Full };
        let admitted = self.breaker().admit(now);
        match admitted {
            None => Entry::LeftAlone,
            Some(admission) => {
                let permit = Some(permit);
                Entry::Admitted(Place { endpoint: self, permit, admission, judged: false })
            }
        }
    }

    /// How long it is left alone from now on, if it is.
    pub(super) fn pause(&self, now: Instant) -> Option<Duration> {
        self.breaker().pause(now)
    }

    fn is_back(&self) {
        let upstream = self.base_url();
        self.measures.breaker(&self.model, upstream, false);
        tracing::info!(app.upstream = upstream, "upstream {upstream} answers again");
    }

    fn breaker(&self) -> MutexGuard<'_, Breaker> {
        // A few numbers: a panic elsewhere cannot have left them half-written.
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call's place at an upstream. Dropping it gives the place back.
#[derive(Debug)]
pub(super) struct Place {
    endpoint: Arc<Endpoint>,
    permit: Option<OwnedSemaphorePermit>,
    admission: Admission,
    judged: bool,
}

impl Place {
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// It answers.
    pub(super) fn succeeded(&mut self) {
        self.judged = true;
        let was_open = self.endpoint.breaker().succeeded();
        if was_open {
            self.endpoint.is_back();
        }
    }

    /// It does not.
    pub(super) fn failed(&mut self, failure: &ModelFailure, now: Instant) {
        match failure.trouble {
            // It works, and refuses this request.
            Trouble::Refused => self.succeeded(),
            Trouble::Overloaded => {
                self.judged = true;
                let wish = failure.retry_after.unwrap_or_default();
                let was_open = self.endpoint.breaker().not_before(now, wish);
                if was_open {
                    self.endpoint.is_back();
                }
            }
            // The fault is in our settings: a pause mends nothing, and would hide the reason.
            Trouble::Misconfigured => {}
            Trouble::Faulted | Trouble::Garbled => self.weighs(Weight::Faulted, now),
            Trouble::Unavailable | Trouble::TimedOut => self.weighs(Weight::Unreachable, now),
        }
    }

    fn weighs(&mut self, weight: Weight, now: Instant) {
        self.judged = true;
        let pause = self.endpoint.breaker().failed(now, self.admission, weight);
        if let Some(pause) = pause {
            let upstream = self.endpoint.base_url();
            self.endpoint.measures.breaker(&self.endpoint.model, upstream, true);
            tracing::warn!(
                app.upstream = upstream,
                "upstream {upstream} keeps failing and is left alone for {pause:?}"
            );
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if !self.judged {
            // A call whose caller left says nothing about the upstream, and blocks no other probe.
            self.endpoint.breaker().no_verdict(self.admission);
        }
        drop(self.permit.take());
        self.endpoint.freed.notify_one();
    }
}
