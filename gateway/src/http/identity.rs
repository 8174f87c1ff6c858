//! Who calls, before any handler runs: a route says what it needs, and nothing gets past that.

use std::time::Duration;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use contract::keys::{ApiKey, Endpoint};
use contract::{Lane, OwnerName};
use http_body_util::BodyExt as _;
use openai_api::ErrorKind;
use service_runtime::masked;
use telemetry::names::app;

use super::header_names;
use super::observe::Seen;
use super::refusal::Refusal;
use crate::chat::ChatError;
use crate::clock::now_s;
use crate::keys::{Allowance, Caller, Denied, Forbidden, KeyBook, Spent, Ticket};

/// For whom a caller calls, if not for itself.
const ON_BEHALF_OF: HeaderName = HeaderName::from_static("chappe-on-behalf-of");
/// The beginning of what stands in `authorization`, in any case.
const BEARER: &str = "bearer ";

/// What a route asks of its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Needs {
    /// A key that may call this endpoint.
    Endpoint(Endpoint),
    /// A key with which keys are managed, and everything is looked at.
    Operator,
}

/// Who is let in, and for what.
#[derive(Debug, Clone)]
pub(super) struct Doorman {
    /// None: nobody needs a key.
    pub(super) book: Option<KeyBook>,
    pub(super) needs: Needs,
}

/// Lets a request in with its [`Caller`], or says why not.
pub(super) async fn identify(
    State(doorman): State<Doorman>,
    mut request: Request,
    next: Next,
) -> Response {
    let (caller, ticket) = match doorman.let_in(request.headers()) {
        Ok(entered) => entered,
        Err(refusal) => return refusal,
    };
    if let (Some(key), Some(seen)) = (caller.key(), request.extensions().get::<Seen>()) {
        seen.span.record(app::KEY_ID, key.as_str());
    }
    request.extensions_mut().insert(caller);
    let response = next.run(request).await;
    match ticket {
        Some(ticket) => held(response, ticket),
        None => response,
    }
}

impl Doorman {
    #[expect(clippy::result_large_err, reason = "a response is handed on as it is")]
    fn let_in(&self, headers: &HeaderMap) -> Result<(Caller, Option<Ticket>), Response> {
        let (caller, ticket) = match &self.book {
            None => (Caller::local(), None),
            Some(book) => {
                let key = key_in(headers).map_err(unauthorized)?;
                let holder =
                    book.caller(&key, now_s()).map_err(|denied| unauthorized(denied.into()))?;
                let ticket = holder.enter().map_err(spent)?;
                (holder.caller(), Some(ticket))
            }
        };
        let allowed = match self.needs {
            Needs::Endpoint(endpoint) => caller.may_call(endpoint),
            Needs::Operator => caller.may_operate(),
        };
        allowed.map_err(|forbidden| Refusal::from(forbidden).into_response())?;
        let caller = match on_behalf_of(headers).map_err(Refusal::into_response)? {
            Some(owner) => caller
                .on_behalf_of(owner)
                .map_err(|forbidden| Refusal::from(forbidden).into_response())?,
            None => caller,
        };
        Ok((caller, ticket))
    }
}

/// Why there is no key in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum NoKey {
    Missing,
    /// There is something else, or more than one.
    Malformed,
    Denied(Denied),
}

impl From<Denied> for NoKey {
    fn from(denied: Denied) -> Self {
        Self::Denied(denied)
    }
}

fn key_in(headers: &HeaderMap) -> Result<ApiKey, NoKey> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let value = values.next().ok_or(NoKey::Missing)?;
    if values.next().is_some() {
        return Err(NoKey::Malformed);
    }
    let value = value.to_str().map_err(|_not_ascii| NoKey::Malformed)?;
    let scheme = value.get(..BEARER.len()).ok_or(NoKey::Malformed)?;
    if !scheme.eq_ignore_ascii_case(BEARER) {
        return Err(NoKey::Malformed);
    }
    let key = value.get(BEARER.len()..).unwrap_or_default().trim();
    // What is no key of ours is one that nobody has.
    key.parse().map_err(|_invalid| NoKey::Denied(Denied::Unknown))
}

/// 401, in the words of the API. What was sent is not repeated: it may be somebody's key.
fn unauthorized(why: NoKey) -> Response {
    let (code, message) = match why {
        NoKey::Missing => (
            "missing_api_key",
            "There is no API key in this request. Send one in the header `Authorization: Bearer \
             KEY`; an operator makes them with `chappe keys create`.",
        ),
        NoKey::Malformed => (
            "invalid_api_key",
            "The header `Authorization` is not understood: it has to be `Bearer KEY`, once.",
        ),
        NoKey::Denied(Denied::Unknown) => ("invalid_api_key", "The API key is not known here."),
        // Only who has the whole secret learns this.
        NoKey::Denied(Denied::Revoked) => ("api_key_revoked", "The API key was revoked."),
        NoKey::Denied(Denied::Expired) => ("api_key_expired", "The API key has expired."),
    };
    let refusal =
        Refusal::of(StatusCode::UNAUTHORIZED, ErrorKind::InvalidRequest, code, message.to_owned());
    let mut response = refusal.into_response();
    response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    response
}

fn on_behalf_of(headers: &HeaderMap) -> Result<Option<OwnerName>, Refusal> {
    let mut values = headers.get_all(ON_BEHALF_OF).iter();
    let Some(value) = values.next() else { return Ok(None) };
    let owner = value.to_str().ok().and_then(|owner| owner.parse().ok());
    // Owners are parts of subjects and names of records: a key that was sent as one would be, too.
    let owner = owner.filter(|owner: &OwnerName| masked(owner.as_str()) == owner.as_str());
    match (owner, values.next()) {
        (Some(owner), None) => Ok(Some(owner)),
        _ => Err(Refusal::of(
            StatusCode::BAD_REQUEST,
            ErrorKind::InvalidRequest,
            "invalid_owner",
            "The header `Chappe-On-Behalf-Of` has to be there once, with 1 to 128 characters of \
             ASCII, and without a key in it."
                .to_owned(),
        )),
    }
}

impl From<Forbidden> for Refusal {
    fn from(forbidden: Forbidden) -> Self {
        let (status, kind) = (StatusCode::FORBIDDEN, ErrorKind::InvalidRequest);
        let code = match forbidden {
            Forbidden::NotOnBehalfOf => "on_behalf_of_not_allowed",
            _ => "insufficient_permissions",
        };
        Self::of(status, kind, code, forbidden.to_string())
    }
}

/// Whether a caller may have a model asked in a lane. A model that is not in its scopes is not there.
pub(super) fn may_ask(caller: &Caller, model: &str, lane: Lane) -> Result<(), Refusal> {
    caller.may_use(lane)?;
    if caller.sees_model(model) {
        Ok(())
    } else {
        Err(ChatError::UnknownModel(model.to_owned()).into())
    }
}

/// 429, with when to come again.
fn spent(spent: Spent) -> Response {
    let (message, come_again) = match spent {
        Spent::Rate { limit, come_again } => {
            (format!("This API key may send {limit} requests in a minute, and has."), come_again)
        }
        Spent::Concurrent { limit } => (
            format!("This API key may have {limit} requests answered at once, and has."),
            Duration::from_secs(1),
        ),
    };
    let refusal = Refusal::of(
        StatusCode::TOO_MANY_REQUESTS,
        ErrorKind::RateLimit,
        "rate_limit_exceeded",
        message,
    );
    let mut response = refusal.come_again(come_again).into_response();
    if let Spent::Rate { limit, come_again } = spent {
        tell(response.headers_mut(), Allowance { limit, remaining: 0, reset: come_again });
    }
    response
}

/// The place is held until the last byte of a stream, or until its caller has left. A whole answer is
/// done when it is here: it keeps its body as it is, and with it its `Content-Length`.
fn held(response: Response, ticket: Ticket) -> Response {
    let mut response = response;
    if let Some(allowance) = ticket.allowance {
        tell(response.headers_mut(), allowance);
    }
    if response.body().size_hint().exact().is_some() {
        return response;
    }
    response.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _held = &ticket;
            frame
        }))
    })
}

/// As OpenAI has them.
fn tell(headers: &mut HeaderMap, Allowance { limit, remaining, reset }: Allowance) {
    headers.insert(header_names::RATE_LIMIT, HeaderValue::from(limit));
    headers.insert(header_names::RATE_REMAINING, HeaderValue::from(remaining));
    let millis = reset.as_millis();
    let reset =
        if millis < 1_000 { format!("{millis}ms") } else { format!("{}s", millis.div_ceil(1_000)) };
    if let Ok(reset) = HeaderValue::from_str(&reset) {
        headers.insert(header_names::RATE_RESET, reset);
    }
}
