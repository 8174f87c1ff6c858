//! One call to one upstream, up to the first word of its answer.

use bytes::Bytes;
use http::HeaderMap;
use outbound::{Post, Response};
use telemetry::names::{http as names, span};
use telemetry::propagation;
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use super::dialect::{self, Event, Identity, Learnt};
use super::endpoint::Place;
use super::failure;
use super::stream::{Events, UpstreamStream};
use crate::completion::{Answer, Ask, ModelFailure};
use crate::measures::Measures;

/// Largest whole answer: embeddings of many inputs are large.
const LARGEST_BODY: usize = 64 * 1024 * 1024;
/// Largest error that is read.
const LARGEST_ERROR: usize = 256 * 1024;

/// An answer that has begun.
pub(super) enum Begun {
    /// It is here.
    Whole(Bytes, Learnt),
    /// The first chunks, and the rest to come.
    Stream(Vec<Bytes>, Box<Events>),
}

impl Begun {
    /// The answer as the rules see it. A stream keeps its place until it ends.
    pub(super) fn into_answer(
        self,
        place: Place,
        began: Instant,
        chat: Span,
        measures: &std::sync::Arc<Measures>,
        ask: &Ask<'_>,
    ) -> Answer<UpstreamStream> {
        match self {
            Self::Whole(body, learnt) => {
                measures.learnt(ask.model, &chat, learnt.usage);
                measures.called(ask.operation, ask.model, began.elapsed(), None);
                Answer::Whole(body)
            }
            Self::Stream(first, events) => {
                let stream =
                    UpstreamStream::new(*events, place, began, chat, measures, ask.model.clone());
                Answer::Streamed(first, stream)
            }
        }
    }
}

/// Calls the upstream and waits for the first word.
pub(super) async fn call(
    place: &Place,
    ask: &Ask<'_>,
    began: Instant,
    chat: &Span,
    measures: &Measures,
) -> Result<Begun, ModelFailure> {
    let limits = place.endpoint().limits();
    let head_timeout =
        if ask.stream { limits.first_token_timeout() } else { limits.total_timeout() };
    let response = send(place, ask, head_timeout, chat, measures).await?;
    let status = response.status();
    if !(200..300).contains(&status) {
        let retry_after = response.retry_after();
        let body = response.whole(LARGEST_ERROR, limits.idle_timeout()).await.unwrap_or_default();
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
    let body = response.whole(LARGEST_BODY, limits.total_timeout()).await;
    let body = body.map_err(|error| failure::of_call(&error))?;
    let mut learnt = Learnt::default();
    match identity.whole(&body, &mut learnt) {
        Some(Event::Error(error)) => Err(failure::said_by_model(&error)),
        Some(Event::Chunk(_)) if ask.stream => {
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
    head_timeout: std::time::Duration,
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
        json: dialect::request(ask, endpoint.name_json()),
        head_timeout,
    };
    let began = Instant::now();
    let sent = endpoint.client().post(post).instrument(call.clone()).await;
    let status = sent.as_ref().ok().map(Response::status);
    measures.http_called(endpoint.base_url(), status, began.elapsed());
    if let Some(status) = status {
        call.record(names::RESPONSE_STATUS_CODE, status);
    }
    if status.is_none_or(|status| status >= 400) {
        call.record(span::STATUS_CODE, span::ERROR);
    }
    sent.map_err(|error| {
        let failure = failure::of_call(&error);
        call.record(span::ERROR_TYPE, failure.trouble.as_str());
        failure
    })
}
