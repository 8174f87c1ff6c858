//! `POST /v1/chat/completions`: read, plan, wait, answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use crate::answer::Answer;
use crate::error::ApiError;
use crate::fault::Fault;
use crate::frames::{Frames, Name};
use crate::journal::{Ended, Entry, Operation, Phase};
use crate::pace::{Deadlines, Pace};
use crate::playback::Playback;
use crate::request::ChatRequest;
use crate::routes::Served;
use crate::{script, whole};

static ANSWERS: AtomicU64 = AtomicU64::new(0);

/// `POST /v1/chat/completions`
pub(crate) async fn create(
    State(served): State<Arc<Served>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let arrived = Instant::now();
    let planned = read_body(body).and_then(|body| Planned::new(&served, &headers, &body, arrived));
    match planned {
        Ok(planned) => planned.answer(&served).await,
        Err(error) => {
            served.journal.start(Operation::Chat, "", Phase::Unary).end(Ended::Refused);
            error.into_response()
        }
    }
}

/// A body within the limit.
pub(crate) fn read_body(body: Result<Bytes, BytesRejection>) -> Result<Bytes, ApiError> {
    body.map_err(|rejection| {
        let status = rejection.status();
        let code = match status {
            StatusCode::PAYLOAD_TOO_LARGE => "request_too_large",
            _ => "unreadable_body",
        };
        ApiError::new(status, code, rejection.body_text())
    })
}

/// Everything that is known of the answer before the first wait.
struct Planned {
    request: ChatRequest,
    answer: Answer,
    deadlines: Deadlines,
    fault: Fault,
}

impl Planned {
    fn new(
        served: &Served,
        headers: &HeaderMap,
        body: &[u8],
        arrived: Instant,
    ) -> Result<Self, ApiError> {
        let mut request = ChatRequest::read(body, headers)?;
        let prompt_tokens = request.prompt_tokens();
        within_context(served.settings.context_tokens, prompt_tokens)?;
        let seed = script::seed(&request);
        let choices = script::choices(&request, seed, || script::echo(body, headers));
        let pace = Pace::new(&served.settings, &request.directives);
        let fault = served.fault_times.due(request.directives.fault.take());
        Ok(Self {
            answer: Answer { choices, prompt_tokens },
            deadlines: pace.from(arrived, seed),
            request,
            fault: fault.unwrap_or_default(),
        })
    }

    async fn answer(self, served: &Served) -> Response {
        let phase = if self.request.stream { Phase::Headers } else { Phase::Unary };
        let mut entry = served.journal.start(Operation::Chat, &self.request.model, phase);
        if let Err(error) = self.fault.before_headers(&served.stopping).await {
            entry.end(Ended::Fault);
            return error.into_response();
        }
        if self.request.stream {
            self.stream(served, entry)
        } else {
            self.whole(served, entry).await
        }
    }

    fn stream(self, served: &Served, mut entry: Entry) -> Response {
        entry.phase(Phase::FirstToken);
        let Self { request, answer, deadlines, fault } = self;
        let kind = match fault.wrong_content_type {
            true => "text/html; charset=utf-8",
            false => "text/event-stream; charset=utf-8",
        };
        let extra = request.directives.extra.as_ref();
        let name = name(request.model.clone());
        let frames = Frames::new(&name, request.include_usage, request.logprobs, extra);
        let stopping = served.stopping.clone();
        let playback = Playback::new(answer, frames, deadlines, fault, stopping, entry)
            .with_role_in_first_token(request.directives.role_with_first_token);
        let headers = [(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")];
        (headers, Body::from_stream(playback)).into_response()
    }

    async fn whole(self, served: &Served, entry: Entry) -> Response {
        let Self { request, answer, deadlines, fault } = self;
        let tokens = answer.longest();
        let due = deadlines.after(tokens);
        if due > Instant::now() {
            tokio::time::sleep_until(due).await;
        }
        let extra = request.directives.extra.as_ref();
        let json = whole::json(&name(request.model), &answer, request.logprobs, extra);
        whole::response(json, tokens, &fault, &served.stopping, entry)
    }
}

/// Refuses a prompt that is longer than the context.
pub(crate) fn within_context(most: u64, tokens: u64) -> Result<(), ApiError> {
    if tokens <= most {
        return Ok(());
    }
    let message = format!(
        "This model's maximum context length is {most} tokens. However, your messages resulted \
         in {tokens} tokens. Please reduce the length of the messages."
    );
    Err(ApiError::invalid_as("context_length_exceeded", "messages", message))
}

fn name(model: String) -> Name {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let number = ANSWERS.fetch_add(1, Ordering::Relaxed);
    // The time keeps ids apart across restarts, the number within one.
    let id = format!("chatcmpl-sim{:x}{number:06x}", since_1970.as_micros());
    Name { id, created: since_1970.as_secs(), model }
}
