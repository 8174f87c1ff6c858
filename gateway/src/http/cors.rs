//! Cross-origin requests: pages of the origins that a setting names may call, and read the answers.

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::Request;
use axum::http::header::{ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, RETRY_AFTER};
use axum::http::uri::{Scheme, Uri};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method};
use futures::future::Either;
use tower::{Layer, Service};
use tower_http::cors::{AllowHeaders, AllowOrigin, Cors as Answering, CorsLayer};

use super::header_names::{
    PROCESSING_MS, RATE_LIMIT, RATE_REMAINING, RATE_RESET, REPLAYED, REQUEST_ID, RETRY_AFTER_MS,
    SHOULD_RETRY, TRACE_ID,
};

/// What pages may read of an answer, beside what every page may.
const EXPOSED: [HeaderName; 10] = [
    REQUEST_ID,
    TRACE_ID,
    PROCESSING_MS,
    SHOULD_RETRY,
    REPLAYED,
    RETRY_AFTER,
    RETRY_AFTER_MS,
    RATE_LIMIT,
    RATE_REMAINING,
    RATE_RESET,
];
/// How long a browser need not ask again whether it may: what browsers take at most.
const MAX_AGE: Duration = Duration::from_secs(2 * 60 * 60);

/// The origins whose pages may call.
#[derive(Debug, Clone)]
pub enum CorsOrigins {
    /// All.
    Any,
    /// These, as browsers write them.
    Listed(Arc<[HeaderValue]>),
}

/// A text that is no list of origins.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` cannot be used: expected `*`, or origins such as `https://app.example`, separated by \
     commas"
)]
pub struct InvalidOrigin(String);

impl CorsOrigins {
    /// Reads `*`, or origins that are separated by commas.
    ///
    /// # Errors
    ///
    /// With the first that is none.
    pub fn parse(list: &str) -> Result<Self, InvalidOrigin> {
        if list.trim() == "*" {
            return Ok(Self::Any);
        }
        let origins = list.split(',').map(str::trim);
        let origins = origins.map(|text| origin(text).ok_or_else(|| InvalidOrigin(text.into())));
        Ok(Self::Listed(origins.collect::<Result<_, _>>()?))
    }

    /// Whether a page of one of them sends the request.
    pub(super) fn have_sent(&self, headers: &HeaderMap) -> bool {
        headers.get(ORIGIN).is_some_and(|origin| match self {
            Self::Any => true,
            Self::Listed(listed) => listed.contains(origin),
        })
    }

    /// Answers their preflight requests, and lets them read. Nothing is ever sent along by the
    /// browser itself: a key is in a header that the page writes.
    pub(super) fn layer(&self) -> Cors {
        let origins = match self {
            Self::Any => AllowOrigin::any(),
            Self::Listed(listed) => AllowOrigin::list(listed.iter().cloned()),
        };
        let layer = CorsLayer::new()
            .allow_origin(origins)
            .allow_methods([Method::GET, Method::POST, Method::DELETE])
            // SDKs send headers of their own; a `*` would not allow `authorization`.
            .allow_headers(AllowHeaders::mirror_request())
            .expose_headers(EXPOSED)
            .max_age(MAX_AGE);
        Cors(layer)
    }
}

/// Has preflight requests answered, and answers be readable.
#[derive(Debug, Clone)]
pub(super) struct Cors(CorsLayer);

impl<S: Clone> Layer<S> for Cors {
    type Service = CorsService<S>;

    fn layer(&self, inner: S) -> CorsService<S> {
        CorsService { plain: inner.clone(), cors: self.0.layer(inner) }
    }
}

/// What answers a request.
#[derive(Debug, Clone)]
pub(super) struct CorsService<S> {
    /// An `OPTIONS` that is no preflight request. The layer would take it for one, whatever it asks
    /// for.
    plain: S,
    /// Everything else.
    cors: Answering<S>,
}

impl<S, B> Service<Request> for CorsService<S>
where
    S: Service<Request, Response = axum::http::Response<B>>,
    B: Default,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Either<S::Future, <Answering<S> as Service<Request>>::Future>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        match self.plain.poll_ready(context) {
            Poll::Ready(Ok(())) => self.cors.poll_ready(context),
            other => other,
        }
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let headers = request.headers();
        let preflight =
            headers.contains_key(ORIGIN) && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
        if *request.method() == Method::OPTIONS && !preflight {
            Either::Left(self.plain.call(request))
        } else {
            Either::Right(self.cors.call(request))
        }
    }
}

/// An origin as browsers write it: in small letters, without the port that its scheme has anyway.
fn origin(text: &str) -> Option<HeaderValue> {
    let uri: Uri = text.parse().ok()?;
    let usual_port = match uri.scheme()? {
        scheme if *scheme == Scheme::HTTP => 80,
        scheme if *scheme == Scheme::HTTPS => 443,
        _ => return None,
    };
    let bare = uri.path() == "/" && uri.query().is_none() && !text.contains(['#', '@', '*']);
    let (scheme, host) = (uri.scheme_str()?, uri.host()?.to_ascii_lowercase());
    let origin = match uri.port_u16() {
        Some(port) if port != usual_port => format!("{scheme}://{host}:{port}"),
        _ => format!("{scheme}://{host}"),
    };
    if bare && !host.is_empty() { HeaderValue::from_str(&origin).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn origins_are_taken_as_browsers_write_them() {
        for (list, expected) in [
            ("https://app.example", &["https://app.example"][..]),
            ("HTTPS://App.Example:443/", &["https://app.example"]),
            ("http://a:80, https://b:80", &["http://a", "https://b:80"]),
            ("http://[::1]:3000,http://127.0.0.1", &["http://[::1]:3000", "http://127.0.0.1"]),
        ] {
            let CorsOrigins::Listed(listed) = CorsOrigins::parse(list).unwrap() else {
                panic!("{list} is not everybody");
            };
            assert_eq!(*listed, *expected, "{list}");
        }
        assert!(matches!(CorsOrigins::parse(" * "), Ok(CorsOrigins::Any)));
    }

    #[test]
    fn what_is_no_origin_is_refused() {
        for list in [
            "app.example",
            "https://",
            "https://app.example/chat",
            "https://app.example?x",
            "https://app.example#x",
            "https://me@app.example",
            "https://*.app.example",
            "https://a,*",
            "https://a,,https://b",
            "ftp://app.example",
            "null",
            "/",
        ] {
            assert!(CorsOrigins::parse(list).is_err(), "{list}");
        }
    }

    #[test]
    fn only_pages_of_listed_origins_have_sent_it() {
        let sent = |list: &str, origin: &'static str| {
            let headers = HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static(origin))]);
            CorsOrigins::parse(list).unwrap().have_sent(&headers)
        };
        assert!(sent("https://app.example", "https://app.example"));
        assert!(sent("*", "https://app.example") && sent("*", "null"));
        for origin in ["http://app.example", "https://app.example:1", "https://x.app.example"] {
            assert!(!sent("https://app.example", origin), "{origin}");
        }
        let nobody = CorsOrigins::Any.have_sent(&HeaderMap::new());
        assert!(!nobody, "no page has sent it");
    }
}
