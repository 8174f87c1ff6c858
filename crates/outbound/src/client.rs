//! Making a call.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};
use tokio::time::Instant;

use crate::untrusted::CheckedNames;
use crate::{CallError, Phase, Response, Untrusted};

/// Idle connections that are kept warm for each host.
const WARM_CONNECTIONS: usize = 512;
/// A connection that closes this soon after a request was written had been closed before; later,
/// it is the server that failed at it.
const STALE_WITHIN: Duration = Duration::from_millis(250);
/// How long an idle connection is kept; below the 75 s after which common servers close theirs.
const WARM_FOR: Duration = Duration::from_secs(60);

/// An HTTP client with its own pool of warm connections. Cheap to clone; clones share the pool.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    /// The rules for addresses that somebody else wrote down; without, every address is called.
    untrusted: Option<Arc<Untrusted>>,
}

/// One `POST` of JSON.
#[derive(Debug)]
pub struct Post<'a> {
    /// The whole address.
    pub url: &'a str,
    /// Sent as bearer token.
    pub key: Option<&'a SecretString>,
    /// Further headers, such as the trace context.
    pub headers: HeaderMap,
    /// Whether a stream of events is asked for.
    pub stream: bool,
    /// The body.
    pub json: Bytes,
    /// Longest wait for the head of the response.
    pub head_timeout: Duration,
}

impl Client {
    /// A client of addresses that the operator wrote down, wherever they lead. It waits this long
    /// for a connection.
    ///
    /// # Errors
    ///
    /// When the certificates of the system cannot be read.
    pub fn to_configured(connect_timeout: Duration) -> Result<Self, CallError> {
        let http = builder(connect_timeout).build();
        let http = http.map_err(|error| CallError::of(&error))?;
        Ok(Self { http, untrusted: None })
    }

    /// A client of addresses that somebody else wrote down, such as callbacks.
    ///
    /// # Errors
    ///
    /// When the certificates of the system cannot be read.
    pub fn to_untrusted(untrusted: Untrusted) -> Result<Self, CallError> {
        let http = builder(untrusted.connect_timeout)
            .timeout(untrusted.total_timeout)
            .dns_resolver(CheckedNames(untrusted.clone()))
            .build();
        let http = http.map_err(|error| CallError::of(&error))?;
        Ok(Self { http, untrusted: Some(Arc::new(untrusted)) })
    }

    /// Sends the request and waits for the head of the response, whatever its status.
    ///
    /// # Errors
    ///
    /// Every [`CallError`] but `TooLarge`.
    ///
    /// # Cancellation
    ///
    /// Dropping the future closes the connection.
    pub async fn post(&self, post: Post<'_>) -> Result<Response, CallError> {
        if let Some(untrusted) = &self.untrusted {
            untrusted.check(post.url).map_err(|why| CallError::Forbidden(why.to_string()))?;
        }
        let total = self.untrusted.as_ref().map(|untrusted| untrusted.total_timeout);
        match tokio::time::timeout(post.head_timeout, self.send(&post)).await {
            Ok(Ok(response)) => Ok(Response::new(response, total)),
            // The connection has a limit of its own.
            Ok(Err(error)) if error.is_timeout() && error.is_connect() => {
                Err(CallError::Connect("no connection in time".to_owned()))
            }
            Ok(Err(error)) => Err(CallError::within(&error, Phase::Head, total)),
            Err(_elapsed) => {
                Err(CallError::Timeout { phase: Phase::Head, limit: post.head_timeout })
            }
        }
    }

    /// Sends, and sends again over another connection when the one that was used closed before
    /// anything came: servers close idle connections when they like, some after each stream, and
    /// the news of it may cross with a request.
    async fn send(&self, post: &Post<'_>) -> reqwest::Result<reqwest::Response> {
        let began = Instant::now();
        match self.request(post).send().await {
            Err(error) if closed_unused(&error) && began.elapsed() < STALE_WITHIN => {
                self.request(post).send().await
            }
            sent => sent,
        }
    }

    fn request(&self, post: &Post<'_>) -> reqwest::RequestBuilder {
        let accept = if post.stream { "text/event-stream" } else { "application/json" };
        let request = self
            .http
            .post(post.url)
            .headers(post.headers.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .header(ACCEPT, HeaderValue::from_static(accept))
            .body(post.json.clone());
        match post.key {
            Some(key) => request.bearer_auth(key.expose_secret()),
            None => request,
        }
    }
}

/// What holds for every address.
fn builder(connect_timeout: Duration) -> reqwest::ClientBuilder {
    // Harmless when the process has chosen already.
    let _already_chosen = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder()
        .connect_timeout(connect_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .tcp_nodelay(true)
        .tcp_keepalive(Duration::from_secs(30))
        .pool_max_idle_per_host(WARM_CONNECTIONS)
        .pool_idle_timeout(WARM_FOR)
        .user_agent(concat!("chappe/", env!("CARGO_PKG_VERSION")))
}

/// Whether the connection ended before the first byte of a response.
fn closed_unused(error: &reqwest::Error) -> bool {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(error) = error.downcast_ref::<hyper::Error>() {
            return error.is_incomplete_message() || error.is_canceled();
        }
        cause = error.source();
    }
    false
}
