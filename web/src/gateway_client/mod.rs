//! The only module that speaks to the gateway, and the only one that sends requests at all.
//!
//! Limits: 5 s to connect, [`SILENCE`] without a byte, [`LARGEST_EVENT`] for one event of a stream,
//! [`MOST_LIST_BYTES`] for the list of models. A request ends when what it gave is dropped.

mod error;
mod event;
mod following;
mod key;
mod models;
mod operator;
mod stored;
mod turns;
mod waiting;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use http::HeaderMap;
use http::header::{AUTHORIZATION, HeaderName, HeaderValue, RETRY_AFTER};
use opentelemetry::KeyValue;
use opentelemetry::metrics::Histogram;
use secrecy::ExposeSecret as _;
use telemetry::names::{http as names, span};
use telemetry::{ServiceTelemetry, propagation};
use tokio::time::Instant;
use tracing::{Instrument as _, Span};
use url::Url;

pub(crate) use error::Refused;
pub(crate) use following::{Following, Interrupted};
pub(crate) use key::KeyTrouble;
pub(crate) use models::Models;
pub(crate) use operator::{ApiKey, AsOperator};
pub(crate) use stored::{Once, Wanted};

use crate::Settings;
use crate::session::Owner;

/// A connection is not used again after it was idle for so long. A gateway closes it after 10 s: a
/// question sent at that moment would be lost.
const KEPT_IDLE_FOR: Duration = Duration::from_secs(5);

/// Longest time without a byte. The gateway sends comments while a model thinks.
const SILENCE: Duration = Duration::from_secs(120);
/// Largest event of a stream.
const LARGEST_EVENT: usize = 16 * 1024 * 1024;
/// Longest list of models that is read.
const MOST_LIST_BYTES: usize = 1024 * 1024;
/// Longest wait for the list of models: a page waits for it.
const LIST_TIME: Duration = Duration::from_secs(3);

/// Tells the gateway for whom we call. One that knows no owners passes over it.
const ON_BEHALF_OF: HeaderName = HeaderName::from_static("chappe-on-behalf-of");

/// A client of one gateway, which asks nothing itself: every call is on somebody's behalf. Cheap to
/// clone.
#[derive(Debug, Clone)]
pub(crate) struct GatewayClient(Arc<Inner>);

/// The calls on behalf of one owner. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct OnBehalf {
    gateway: Arc<Inner>,
    owner: Owner,
}

#[derive(Debug)]
struct Inner {
    http: reqwest::Client,
    /// Knows no key: operators bring their own.
    keyless: reqwest::Client,
    /// Ends in `/v1/`.
    api_url: Url,
    admin_url: Url,
    duration: Histogram<f64>,
    /// The same for all owners: what is listed depends on our key.
    known: Mutex<models::Known>,
    key: key::KeyWatch,
}

impl GatewayClient {
    pub(crate) fn new(settings: &Settings, telemetry: &ServiceTelemetry) -> anyhow::Result<Self> {
        // Harmless when it is done already; without it a client cannot be made.
        service_runtime::install_tls_provider();
        let mut headers = HeaderMap::new();
        if let Some(key) = &settings.api_key {
            let bearer = format!("Bearer {}", key.expose_secret());
            let mut bearer = HeaderValue::from_str(&bearer).context("WEB_API_KEY")?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        let http = connecting(settings)?.default_headers(headers).build()?;
        let keyless = connecting(settings)?.build()?;
        let url = |path: &str| {
            let base = settings.gateway_url.as_str().trim_end_matches('/');
            Url::parse(&format!("{base}{path}"))
        };
        Ok(Self(Arc::new(Inner {
            http,
            keyless,
            api_url: url("/v1/")?,
            admin_url: url("/v1/admin/")?,
            duration: names::CLIENT_REQUEST_DURATION.histogram(telemetry.meter()),
            known: Mutex::default(),
            key: key::KeyWatch::default(),
        })))
    }

    /// The calls of one owner.
    pub(crate) fn on_behalf_of(&self, owner: Owner) -> OnBehalf {
        OnBehalf { gateway: self.0.clone(), owner }
    }

    /// The calls of an operator, with a key of their own or without any.
    pub(crate) fn as_operator(&self, key: Option<ApiKey>) -> AsOperator {
        AsOperator::new(self.0.clone(), key)
    }
}

impl OnBehalf {
    /// On whose behalf.
    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// The models that chat: from memory when they were asked for a moment ago.
    pub(crate) async fn models(&self) -> Models {
        if let Some(models) = self.known().fresh() {
            return models;
        }
        match tokio::time::timeout(LIST_TIME, self.list_models()).await {
            Ok(Ok(models)) => self.known().learn(models),
            Ok(Err(refused)) => self.known().without(refused),
            Err(_elapsed) => self.known().without(Refused::Silent),
        }
    }

    async fn list_models(&self) -> Result<Vec<String>, Refused> {
        let url = self.gateway.url("models")?;
        let request = self.gateway.http.get(url.clone());
        let (response, _span) = self.send("GET", &url, request).await?;
        if !response.status().is_success() {
            return Err(self.refusal(&url, response).await);
        }
        self.gateway.key.accepted(url.path());
        let body = read_up_to(response, MOST_LIST_BYTES).await.ok_or(Refused::Unreachable)?;
        models::that_chat(&body).ok_or(Refused::Unreachable)
    }

    async fn refusal(&self, url: &Url, response: reqwest::Response) -> Refused {
        let status = response.status().as_u16();
        let wait = retry_after(response.headers());
        let body = read_up_to(response, error::MOST_BYTES).await.unwrap_or_default();
        let refused = Refused::from_answer(status, wait, &body);
        if let Refused::Key(trouble) = refused {
            self.gateway.key.refused(trouble, url.path());
        }
        refused
    }

    fn known(&self) -> std::sync::MutexGuard<'_, models::Known> {
        // Plain values: a panic elsewhere cannot have left them half-written.
        self.gateway.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends on behalf of the owner.
    async fn send(
        &self,
        method: &'static str,
        url: &Url,
        request: reqwest::RequestBuilder,
    ) -> Result<(reqwest::Response, Span), Refused> {
        // Letters, digits and a dash: this cannot fail. Without it we would ask as somebody else.
        let owner = HeaderValue::from_str(self.owner.as_str());
        let mut owner = owner.map_err(|_invalid| Refused::Unreachable)?;
        owner.set_sensitive(true);
        self.gateway.send(method, url, request.header(ON_BEHALF_OF, owner)).await
    }
}

impl Inner {
    /// An address below `/v1/`. Paths are made of names that were checked: this cannot fail.
    fn url(&self, path: &str) -> Result<Url, Refused> {
        self.api_url.join(path).map_err(|_invalid| Refused::Unreachable)
    }

    /// Sends within a span of its own, which is to live until the body ends.
    async fn send(
        &self,
        method: &'static str,
        url: &Url,
        request: reqwest::RequestBuilder,
    ) -> Result<(reqwest::Response, Span), Refused> {
        let span = span_of(method, url);
        let mut headers = HeaderMap::new();
        propagation::inject_headers(&span, &mut headers);
        let started = Instant::now();
        let sent = request.headers(headers).send().instrument(span.clone()).await;
        let mut labels = vec![KeyValue::new(names::REQUEST_METHOD, method)];
        let result = match sent {
            Ok(response) => {
                let status = response.status();
                span.record(names::RESPONSE_STATUS_CODE, i64::from(status.as_u16()));
                labels.push(KeyValue::new(names::RESPONSE_STATUS_CODE, i64::from(status.as_u16())));
                if status.is_client_error() || status.is_server_error() {
                    span.record(span::STATUS_CODE, span::ERROR);
                    span.record(span::ERROR_TYPE, status.as_str());
                }
                Ok((response, span))
            }
            Err(error) => {
                let refused = Refused::from_transport(&error);
                span.record(span::STATUS_CODE, span::ERROR);
                span.record(span::ERROR_TYPE, refused.word());
                labels.push(KeyValue::new(span::ERROR_TYPE, refused.word()));
                Err(refused)
            }
        };
        self.duration.record(started.elapsed().as_secs_f64(), &labels);
        result
    }
}

/// What every connection to the gateway has.
fn connecting(settings: &Settings) -> anyhow::Result<reqwest::ClientBuilder> {
    let mut builder = reqwest::Client::builder();
    if let Some(authorities) = &settings.gateway_ca {
        let certificates = reqwest::Certificate::from_pem_bundle(authorities.pem());
        builder = builder.tls_certs_only(certificates.context("WEB_GATEWAY_CA_FILE")?);
    }
    Ok(builder
        .connect_timeout(Duration::from_secs(5))
        .read_timeout(SILENCE)
        .redirect(reqwest::redirect::Policy::none())
        .tcp_nodelay(true)
        .pool_idle_timeout(KEPT_IDLE_FOR)
        // The gateway is ours and near; a proxy for the outside world is none for it.
        .no_proxy())
}

fn span_of(method: &'static str, url: &Url) -> Span {
    if Span::current().is_none() {
        // Looking after the gateway belongs to no request: it would be a trace every few seconds.
        return Span::none();
    }
    // What stands behind the path may be what somebody looks for.
    let mut shown = url.clone();
    shown.set_query(None);
    tracing::info_span!(
        "call",
        { span::NAME } = method,
        { span::KIND } = span::CLIENT,
        { span::STATUS_CODE } = tracing::field::Empty,
        { span::ERROR_TYPE } = tracing::field::Empty,
        { names::REQUEST_METHOD } = method,
        { names::URL_FULL } = %shown,
        { span::SERVER_ADDRESS } = url.host_str(),
        { span::SERVER_PORT } = url.port_or_known_default().map(i64::from),
        { names::RESPONSE_STATUS_CODE } = tracing::field::Empty,
    )
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// The whole body, if it is within the limit.
async fn read_up_to(mut response: reqwest::Response, limit: usize) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    while let Some(bytes) = response.chunk().await.ok()? {
        if body.len() + bytes.len() > limit {
            return None;
        }
        body.extend_from_slice(&bytes);
    }
    Some(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_is_given_up_well_before_a_gateway_closes_it() {
        let closed_after = service_runtime::HttpLimits::default().header_time;
        assert!(KEPT_IDLE_FOR * 2 <= closed_after);
    }
}
