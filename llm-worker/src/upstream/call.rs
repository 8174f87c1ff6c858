//! One call to one upstream, up to the first word of its answer.

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use opentelemetry::KeyValue;
use outbound::{Post, Response};
use telemetry::names::{http as names, span};
use telemetry::propagation;
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use super::dialect::{self, Event, Identity, Learnt};
use super::endpoint::Place;
use super::failure;
use super::stream::Events;
use crate::completion::{Ask, ModelFailure};
use crate::measures::Measures;

/// Largest whole answer: embeddings of many inputs are large.
const LARGEST_BODY: usize = 64 * 1024 * 1024;
/// Largest error that is read.
const LARGEST_ERROR: usize = 256 * 1024;
/// How long an error may take to be read.
const ERROR_WITHIN: Duration = Duration::from_secs(5);

/// An answer that has begun.
pub(super) enum Begun {
    /// It is here.
    Whole(Bytes, Learnt),
    /// The first chunks, and the rest to come.
    Stream(Vec<Bytes>, Box<Events>),
}

/// Calls the upstream and waits for the first word.
pub(super) async fn call(
    place: &Place,
    ask: &Ask<'_>,
    chat: &Span,
    measures: &Measures,
) -> Result<Begun, ModelFailure> {
    let began = Instant::now();
    let limits = place.endpoint().limits();
    let head_timeout =
        if ask.stream { limits.first_token_timeout() } else { limits.total_timeout() };
    let response = send(place, ask, head_timeout, chat, measures).await?;
    let status = response.status();
    if !(200..300).contains(&status) {
        let retry_after = response.retry_after();
        let body = tokio::time::timeout(ERROR_WITHIN, response.whole(LARGEST_ERROR, ERROR_WITHIN));
        // What cannot be read says no more than its status.
        let body = body.await.ok().and_then(Result::ok).unwrap_or_default();
        return Err(failure::of_status(status, retry_after, &body));
    }
    let identity = Identity::of(ask);
    if ask.stream && response.is_event_stream() {
        let mut events = Events::new(response, identity, limits, began);
        return match events.first(limits.first_token_timeout(), began).await? {
            Some(first) => Ok(Begun::Stream(first, Box::new(events))),
            None => Err(failure::cut_short()),
        };
    }
    whole(response, ask, &identity, began, limits.total_timeout()).await
}

/// Reads an answer that comes all at once.
async fn whole(
    response: Response,
    ask: &Ask<'_>,
    identity: &Identity,
    began: Instant,
    total: Duration,
) -> Result<Begun, ModelFailure> {
    let body = tokio::time::timeout_at(began + total, response.whole(LARGEST_BODY, total)).await;
    let body = body.map_err(|_elapsed| failure::took_too_long(total))?;
    let body = body.map_err(|error| failure::of_call(&error))?;
    let mut learnt = Learnt::default();
    match identity.whole(&body, &mut learnt) {
        Some(Event::Error(error)) => Err(failure::said_by_model(&error)),
        Some(Event::Chunk(_)) if ask.stream && !ask.whole_will_do => {
            Err(failure::garbled("The model server answered a streaming request without a stream."))
        }
        Some(Event::Chunk(body)) => Ok(Begun::Whole(body, learnt)),
        Some(Event::Done | Event::Garbled) | None => {
            Err(failure::garbled("The model server's answer is no JSON object."))
        }
    }
}

/// Sends the request, under a span that ends with the head of the response.
async fn send(
    place: &Place,
    ask: &Ask<'_>,
    head_timeout: Duration,
    chat: &Span,
    measures: &Measures,
) -> Result<Response, ModelFailure> {
    let endpoint = place.endpoint();
    let url = endpoint.url(ask.operation);
    let call = tracing::info_span!(
        parent: chat,
        "POST",
        { span::KIND } = span::CLIENT,
        { span::STATUS_CODE } = tracing::field::Empty,
        { span::ERROR_TYPE } = tracing::field::Empty,
        { names::REQUEST_METHOD } = "POST",
        { names::URL_FULL } = url.as_str(),
        { names::RESPONSE_STATUS_CODE } = tracing::field::Empty,
    );
    let mut headers = HeaderMap::new();
    propagation::inject_headers(&call, &mut headers);
    let post = Post {
        url: &url,
        key: endpoint.key(),
        headers,
        stream: ask.stream,
        json: dialect::request(ask, endpoint.name_json(), endpoint.continues()),
        head_timeout,
    };
    let began = Instant::now();
    let sent = endpoint.client().post(post).instrument(call.clone()).await;
    let sent = sent.map_err(|error| failure::of_call(&error));
    let result = match &sent {
        Ok(response) => {
            let status = response.status();
            call.record(names::RESPONSE_STATUS_CODE, i64::from(status));
            if status >= 400 {
                call.record(span::STATUS_CODE, span::ERROR);
            }
            KeyValue::new(names::RESPONSE_STATUS_CODE, i64::from(status))
        }
        Err(failure) => {
            let trouble = failure.trouble.as_str();
            call.record(span::STATUS_CODE, span::ERROR);
            call.record(span::ERROR_TYPE, trouble);
            KeyValue::new(span::ERROR_TYPE, trouble)
        }
    };
    measures.http_called(endpoint.base_url(), result, began.elapsed());
    sent
}
