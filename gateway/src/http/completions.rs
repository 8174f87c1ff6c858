//! `POST /v1/chat/completions` and `POST /v1/embeddings`.

use axum::extract::{Extension, Request, State};
use axum::response::{IntoResponse as _, Response};
use contract::{Catalogue, JobId, Lane, Operation};
use openai_api::{InvalidRequest, RequestHead};
use telemetry::names::{app, gen_ai};
use tracing::Span;

use super::Api;
use super::account::Account;
use super::answering::{self, Answer, Way};
use super::bodies::Fate;
use super::header_names::RECEIPT;
use super::idempotency::{self, Key};
use super::identity::may_ask;
use super::observe::Seen;
use super::refusal::Refusal;
use super::router::{CHAT_COMPLETIONS, EMBEDDINGS};
use crate::chat;
use crate::idempotency::Told;
use crate::keys::Caller;
use crate::responses::{self, Asked};

/// One endpoint that asks a model.
#[derive(Debug, Clone, Copy)]
struct Endpoint {
    route: &'static str,
    operation: Operation,
    head: fn(&[u8]) -> Result<RequestHead, InvalidRequest>,
}

const CHAT: Endpoint = Endpoint {
    route: CHAT_COMPLETIONS,
    operation: Operation::ChatCompletions,
    head: RequestHead::of_chat,
};
const EMBED: Endpoint = Endpoint {
    route: EMBEDDINGS,
    operation: Operation::Embeddings,
    head: RequestHead::of_embeddings,
};

pub(super) async fn chat(
    State(api): State<Api>,
    Extension(seen): Extension<Seen>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    ask(&CHAT, &api, &seen, &caller, request).await
}

pub(super) async fn embeddings(
    State(api): State<Api>,
    Extension(seen): Extension<Seen>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    ask(&EMBED, &api, &seen, &caller, request).await
}

async fn ask(
    endpoint: &Endpoint,
    api: &Api,
    seen: &Seen,
    caller: &Caller,
    request: Request,
) -> Response {
    let connection = request.extensions().get().cloned();
    let mut account = Account::open(api.measures(), seen, endpoint.route, endpoint.operation);
    account.comes_over(connection);
    match begin(endpoint, api, seen, caller, request, &mut account).await {
        Ok((answer, way, told)) => {
            let response = answering::respond(answer, way, api.head_wait(), account).await;
            idempotency::told(response, told)
        }
        Err(refusal) => {
            account.refused(&refusal);
            refusal.into_response()
        }
    }
}

async fn begin(
    endpoint: &Endpoint,
    api: &Api,
    seen: &Seen,
    caller: &Caller,
    request: Request,
    account: &mut Account,
) -> Result<(Answer, Way, Told), Refusal> {
    let key = Key::of(&request)?;
    if request.headers().get(RECEIPT).is_some_and(|wish| wish == "true") {
        account.wants_receipt();
    }
    let is_stored = key.is_given() && endpoint.operation == Operation::ChatCompletions;
    let fate = if is_stored { Fate::Stored } else { Fate::Passed };
    let body = api.bodies().read(caller, fate, request.into_body()).await?;
    api.measures().body_read(endpoint.route, body.len());
    let RequestHead { model, stream } = (endpoint.head)(&body)?;
    let catalogue = api.chats().catalogue();
    describe(&seen.span, endpoint.operation, &model, stream, catalogue);
    account.asks(label_of(catalogue, &model), stream);

    let way = if stream { Way::Streamed } else { Way::Whole };
    let lane = if is_stored { Lane::Live } else { Lane::Chat };
    account.goes_into(lane);
    may_ask(caller, &model, lane)?;
    let owner = caller.owner();
    let repeatable = key.repeatable(owner, &body)?;
    let (answer, told) = if is_stored {
        let asked = Asked::ChatCompletion { model, stream };
        let request = responses::Request { asked, body, repeatable };
        let (answer, told) = api.responses().complete(owner, request).await?;
        account.started(answer.job());
        (Answer::Stored(Box::new(answer)), told)
    } else {
        // The same texts have the same embeddings: a repeat is computed.
        api.ledger().note(repeatable.as_ref()).await?;
        let (job, operation, tenant) = (JobId::fresh(), endpoint.operation, owner.tenant.clone());
        let request = chat::Request { job, operation, tenant, model, stream, body };
        // A worker may have it before NATS has said here that it is in the queue, and its caller may
        // leave in between.
        account.started(job);
        let answer = api.chats().start(request).await.inspect_err(|_| account.never_started())?;
        (Answer::Unstored(answer), Told::Anew)
    };
    if told == Told::Again {
        account.repeats();
    }
    Ok((answer, way, told))
}

pub(super) fn describe(
    span: &Span,
    operation: Operation,
    model: &str,
    stream: bool,
    catalogue: &Catalogue,
) {
    span.record(gen_ai::OPERATION_NAME, operation.gen_ai_name());
    span.record(gen_ai::REQUEST_MODEL, label_of(catalogue, model));
    span.record(gen_ai::REQUEST_STREAM, stream);
}

/// A model's name as telemetry may show it: what is not in the catalogue may be anything.
pub(super) fn label_of<'a>(catalogue: &Catalogue, model: &'a str) -> &'a str {
    if catalogue.model(model).is_some() { model } else { app::OTHER }
}
