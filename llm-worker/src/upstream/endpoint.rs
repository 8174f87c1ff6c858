//! One upstream: its address, its limits, and whether it may be called now.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contract::{Model, Operation, Upstream, UpstreamLimits};
use outbound::{CallError, Client};
use secrecy::SecretString;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::breaker::Breaker;
use crate::completion::{ModelFailure, Trouble};

/// An upstream of one model.
#[derive(Debug)]
pub(crate) struct Endpoint {
    upstream: Upstream,
    key: Option<SecretString>,
    /// The upstream's name for the model, as JSON, if it differs from the public one.
    name_json: Option<String>,
    client: Client,
    places: Arc<Semaphore>,
    breaker: Mutex<Breaker>,
}

impl Endpoint {
    pub(super) fn new(
        model: &Model,
        upstream: &Upstream,
        keys: &BTreeMap<String, SecretString>,
    ) -> Result<Self, CallError> {
        let differs = upstream.name.as_ref().filter(|name| name.as_str() != model.name.as_str());
        let key = upstream.api_key_env.as_ref().and_then(|name| keys.get(name)).cloned();
        Ok(Self {
            name_json: differs.map(|name| serde_json::Value::from(name.as_str()).to_string()),
            client: Client::new(upstream.limits.connect_timeout())?,
            places: Arc::new(Semaphore::new(upstream.limits.max_concurrency)),
            breaker: Mutex::default(),
            upstream: upstream.clone(),
            key,
        })
    }

    pub(crate) fn base_url(&self) -> &str {
        &self.upstream.base_url
    }

    pub(super) fn weight(&self) -> u32 {
        self.upstream.weight
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

    pub(super) fn name_json(&self) -> Option<&str> {
        self.name_json.as_deref()
    }

    pub(super) fn url(&self, operation: Operation) -> String {
        format!("{}{}", self.upstream.base_url, operation.path())
    }

    /// Whether it is being left alone after failures.
    pub(crate) fn is_open(&self, now: Instant) -> bool {
        self.breaker().is_open(now)
    }

    /// A place for one call, if there is one and it may be called.
    pub(super) fn enter(self: Arc<Self>, now: Instant) -> Option<Place> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let admitted = self.breaker().admits(now);
        admitted.then_some(Place { endpoint: self, _permit: permit })
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
    _permit: OwnedSemaphorePermit,
}

impl Place {
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// It answers.
    pub(super) fn succeeded(&self) {
        self.endpoint.breaker().succeeded();
    }

    /// It does not.
    pub(super) fn failed(&self, failure: &ModelFailure, now: Instant) {
        let mut breaker = self.endpoint.breaker();
        match failure.trouble {
            // It works, and refuses this request.
            Trouble::Refused => breaker.succeeded(),
            Trouble::Overloaded => {
                let wish = failure.retry_after.unwrap_or_default();
                breaker.not_before(now, wish);
            }
            Trouble::Unavailable
            | Trouble::TimedOut
            | Trouble::Misconfigured
            | Trouble::Garbled => {
                if let Some(pause) = breaker.failed(now) {
                    let upstream = self.endpoint.base_url();
                    tracing::warn!(
                        app.upstream = upstream,
                        "upstream {upstream} keeps failing and is left alone for {pause:?}"
                    );
                }
            }
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A call whose caller left says nothing about the upstream, and blocks no other probe.
        self.endpoint.breaker().no_verdict();
    }
}
