//! A request becomes a log and a job: first the promise is stored, then the work is queued.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use bus::{AppendError, BusError, Entry};
use bytes::Bytes;
use contract::log::{self, LogId, Record};
use contract::{Body, JobId, Model, Operation, Owner, StoredJob};
use openai_api::responses::{CreateResponse, Status, first_user_words, one_line};
use serde_json::value::RawValue;
use telemetry::names::span;
use telemetry::propagation;
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use super::error::ResponseError;
use super::fold::Fold;
use super::hold::Hold;
use super::logs::{self, Doubt};
use super::repeats::{self, Finding};
use super::request::{Asked, Request};
use super::service::Inner;
use crate::chat::{ENVELOPE_BYTES, publish_span};
use crate::clock::now_ms;
use crate::{conversations, idempotency};

/// Longest time until a response is stored and queued.
pub(super) const ACCEPT_WITHIN: Duration = Duration::from_secs(10);

/// What becomes of a request.
pub(super) enum Accepted {
    /// It is new.
    Now(Box<Promised>),
    /// This was made for it before.
    Before(LogId, Vec<Entry>),
}

/// A response that is promised: stored and queued.
pub(super) struct Promised {
    pub(super) log: LogId,
    pub(super) first: Entry,
    pub(super) hold: Hold,
}

/// Accepts a request. If that fails half-way, or the caller leaves meanwhile, the log that was begun
/// ends as failed, and its idempotency key is free again behind that end: nobody was promised
/// anything.
pub(super) async fn accept(
    inner: &Arc<Inner>,
    owner: &Owner,
    request: &Request,
) -> Result<Accepted, ResponseError> {
    let asked = &request.asked;
    let model = inner.chats.model_for(asked.model(), Operation::ChatCompletions);
    let model = model.and_then(|model| inner.chats.can_queue(model).map(|()| model));
    let log = LogId { owner: owner.clone(), job: JobId::fresh() };
    let mut key = None;
    if let Some(repeatable) = &request.repeatable {
        // What was made is told even if nothing can be made now.
        let conversation = asked.conversation();
        let may_begin = model.is_ok();
        match repeats::find(inner, &log, repeatable, conversation, may_begin).await? {
            Finding::New(claim) => key = Some(claim),
            Finding::Made(log, entries) => return Ok(Accepted::Before(log, entries)),
            Finding::Nothing => {}
        }
    }
    let model = model?;
    let began = key.as_ref().map_or_else(Instant::now, |claim| claim.begun_at());
    let deadline = began + ACCEPT_WITHIN;

    let (context, turn) = in_time(deadline, before(inner, &log, asked)).await?;
    let promised = promise(inner, log, model, &context, request, key, deadline).await;
    match (turn, &promised) {
        (Some(turn), Ok(_)) => turn.keep(),
        (Some(turn), Err(_)) => turn.give_back().await,
        (None, _) => {}
    }
    Ok(Accepted::Now(Box::new(promised?)))
}

/// Stores it, then queues it.
async fn promise(
    inner: &Arc<Inner>,
    log: LogId,
    model: &Model,
    context: &str,
    request: &Request,
    key: Option<idempotency::Claim>,
    deadline: Instant,
) -> Result<Promised, ResponseError> {
    let Request { asked, body, repeatable } = request;
    let asks_model = asked.chat_body(context, body)?;
    let (lane, accepted_at_ms) = (asked.lane(), now_ms());
    let message = first_record(&log, model, accepted_at_ms, context, request)?;
    let limit = inner.bus.max_payload();
    if message.len() > limit {
        return Err(ResponseError::TooLarge { size: message.len(), limit });
    }

    // Whoever asks again reads the log.
    let kept = asked.store() || repeatable.is_some();
    let mut hold = Hold::begin(inner, &log, lane, kept, key);
    let stored = async {
        let appended = inner.bus.append(&log, 0, message.clone()).await;
        if let Err(AppendError::Refused(_)) = appended {
            hold.is_refused();
        }
        appended.map_err(not_stored)
    };
    let sequence = in_time(deadline, stored).await?;
    let queued = queue(inner, asked, &log, model, accepted_at_ms, &asks_model, &mut hold);
    in_time(deadline, queued).await?;
    hold.is_queued(asked.background());
    Ok(Promised { log, first: Entry { sequence, message }, hold })
}

async fn in_time<T, E: Into<ResponseError>>(
    deadline: Instant,
    step: impl Future<Output = Result<T, E>>,
) -> Result<T, ResponseError> {
    match tokio::time::timeout_at(deadline, step).await {
        Ok(done) => done.map_err(Into::into),
        Err(_elapsed) => Err(ResponseError::Unavailable(None)),
    }
}

/// The items before the input. Those of a conversation come with the claim of a turn in it.
async fn before(
    inner: &Inner,
    log: &LogId,
    asked: &Asked,
) -> Result<(String, Option<conversations::Claim>), ResponseError> {
    let LogId { owner, job } = log;
    let Asked::Response(asked) = asked else { return Ok(("[]".to_owned(), None)) };
    let Some(id) = asked.conversation() else {
        return Ok((context(inner, owner, asked).await?, None));
    };
    let said = first_user_words(&asked.input_items(""));
    let (claim, items) =
        inner.conversations.claim(owner, id, *job, asked.after(), said.as_deref()).await?;
    Ok((items, Some(claim)))
}

/// The items before the input: what the previous response answered, and its answer.
async fn context(
    inner: &Inner,
    owner: &Owner,
    asked: &CreateResponse,
) -> Result<String, ResponseError> {
    let Some(id) = asked.previous_response_id() else { return Ok("[]".to_owned()) };
    let not_found = || ResponseError::PreviousNotFound(id.to_owned());
    let job = JobId::of_response(id).map_err(|_invalid| not_found())?;
    let log = LogId { owner: owner.clone(), job };
    let entries = logs::read(&inner.bus, &log, 0, Doubt::Refused).await?;
    let previous = Fold::of(&log, &entries).map_err(|_none| not_found())?;
    if !previous.is_kept() {
        return Err(not_found());
    }
    match previous.status() {
        Status::Queued | Status::InProgress => Err(ResponseError::PreviousNotReady(id.to_owned())),
        Status::Completed | Status::Incomplete => previous.next_context().ok_or_else(not_found),
        status @ (Status::Failed | Status::Cancelled) => {
            let (id, status) = (id.to_owned(), status.as_str());
            Err(ResponseError::PreviousNotCompleted { id, status })
        }
    }
}

fn first_record(
    log: &LogId,
    model: &Model,
    accepted_at_ms: u64,
    context: &str,
    request: &Request,
) -> Result<Bytes, ResponseError> {
    let unreadable = |error: serde_json::Error| BusError::NotReady(error.to_string());
    let Request { asked, body, repeatable } = request;
    let body = std::str::from_utf8(body).map_err(|error| BusError::NotReady(error.to_string()))?;
    // A record is one line.
    let (context, request) = (one_line(context), one_line(body));
    let accepted = log::Accepted {
        job: log.job,
        owner: log.owner.clone(),
        api: asked.api(),
        lane: asked.lane(),
        model: model.name.clone(),
        accepted_at_ms,
        key: repeatable.as_ref().map(|repeatable| repeatable.record().to_owned()),
        // Within the span of the request.
        trace_id: propagation::trace_id(&Span::current()),
        context: serde_json::from_str(&context).map_err(unreadable)?,
        request: serde_json::from_str(&request).map_err(unreadable)?,
    };
    Ok(log::write::<&[u8]>(&Record::Accepted(accepted), &[]).into())
}

fn not_stored(error: AppendError) -> ResponseError {
    match error {
        AppendError::Refused(error) => error.into(),
        AppendError::Unknown(why) => BusError::Unavailable(why).into(),
        // Nobody else knows of a fresh log: an append that seemed lost was stored after all.
        AppendError::Conflict => BusError::Unavailable("a new log is not empty".to_owned()).into(),
    }
}

async fn queue(
    inner: &Inner,
    asked: &Asked,
    log: &LogId,
    model: &Model,
    accepted_at_ms: u64,
    asks_model: &[u8],
    hold: &mut Hold,
) -> Result<(), BusError> {
    let lane = asked.lane();
    let body = body(inner, log, asks_model, |name| hold.has_stored_body(name)).await?;
    let job = StoredJob {
        id: log.job,
        operation: Operation::ChatCompletions,
        model: model.name.clone(),
        owner: log.owner.clone(),
        background: asked.background(),
        accepted_at_ms,
        body,
    };
    let publish = publish_span(lane, log.job, &model.queue, asks_model.len());
    let began = Instant::now();
    let stored = inner.bus.publish_stored(lane, &model.queue, &job);
    let stored = stored.instrument(publish.clone()).await;
    inner.measures.published(began.elapsed(), stored.is_ok());
    if stored.is_err() {
        publish.record(span::STATUS_CODE, span::ERROR);
    }
    stored
}

/// What the model is asked, in the job or beside it. `put` is told the name before it is beside.
pub(super) async fn body<'a>(
    inner: &Inner,
    log: &LogId,
    asks_model: &'a [u8],
    put: impl FnOnce(String),
) -> Result<Body<'a>, BusError> {
    if asks_model.len() + ENVELOPE_BYTES > inner.bus.max_payload() {
        let name = format!("requests/{}", log.job);
        put(name.clone());
        inner.blobs.put(&name, asks_model).await?;
        return Ok(Body::Stored(name));
    }
    let json: &RawValue = serde_json::from_slice(asks_model)
        .map_err(|error| BusError::NotReady(error.to_string()))?;
    Ok(Body::Inline(json))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_is_laid_out_over_lines_is_one_line_of_its_record() {
        let catalogue = contract::Catalogue::parse("[[models]]\nname = \"m\"").unwrap();
        let model = catalogue.models().next().unwrap();
        let log = LogId { owner: Owner::local(), job: JobId::fresh() };
        let body = Bytes::from_static(b"{\r\n  \"input\": \"a\\nb\",\n  \"model\": \"m\"\n}");
        let asked = CreateResponse::parse(&body).unwrap();
        let request = Request { asked: Asked::Response(Box::new(asked)), body, repeatable: None };

        let message = first_record(&log, model, 7, "[\n]", &request).unwrap();

        let (record, mut chunks) = log::read(&message).unwrap();
        let Record::Accepted(accepted) = record else { panic!("{record:?}") };
        assert_eq!(accepted.request.get(), r#"{    "input": "a\nb",   "model": "m" }"#);
        assert_eq!(chunks.next(), None);
    }
}
