//! `/v1/responses`: create, read, follow, cancel, delete; and why nothing is said yet.

mod answering;
mod input_items;
mod query;
mod refusals;
mod stream;

use axum::Json;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Extension, Path, Query, Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use contract::{JobId, Operation};
use openai_api::responses::CreateResponse;
use serde_json::json;
use service_runtime::Connection;
use telemetry::names::app;

use super::Api;
use super::account::Account;
use super::bodies::Fate;
use super::completions::{describe, label_of};
use super::idempotency::{self, Key};
use super::identity::may_ask;
use super::observe::Seen;
use super::refusal::Refusal;
use super::router::{RESPONSE, RESPONSES};

pub(super) use self::input_items::list as list_of_items;
pub(super) use self::query::{Page, Pair, invalid, pairs, value};
use crate::idempotency::Told;
use crate::keys::Caller;
use crate::responses::{self, Asked, Created, ResponseError, Waiting};

/// What stands behind the `?` of an address.
pub(super) type Pairs = Result<Query<Vec<(String, String)>>, QueryRejection>;
/// The id in an address.
type Id = Result<Path<String>, PathRejection>;

pub(super) async fn create(
    State(api): State<Api>,
    Extension(seen): Extension<Seen>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Response {
    let connection = request.extensions().get().cloned();
    let mut account = Account::open(api.measures(), &seen, RESPONSES, Operation::ChatCompletions);
    account.comes_over(connection);
    match begin(&api, &seen, &caller, request, &mut account).await {
        Ok((created, way, told)) => {
            let response = answering::respond(created, way, api.head_wait(), account).await;
            idempotency::told(response, told)
        }
        Err(refusal) => super::answering::refuse(refusal, &mut account),
    }
}

async fn begin(
    api: &Api,
    seen: &Seen,
    caller: &Caller,
    request: Request,
    account: &mut Account,
) -> Result<(Created, answering::Way, Told), Refusal> {
    let key = Key::of(&request)?;
    let body = api.bodies().read(caller, Fate::Stored, request.into_body()).await?;
    api.measures().body_read(RESPONSES, body.len());
    let asked = CreateResponse::parse(&body)?;
    let (catalogue, stream) = (api.chats().catalogue(), asked.stream());
    describe(&seen.span, Operation::ChatCompletions, asked.model(), stream, catalogue);
    account.asks(label_of(catalogue, asked.model()), stream);

    let lane = responses::lane_of(&asked);
    account.goes_into(lane);
    may_ask(caller, asked.model(), lane)?;

    let way = answering::Way::of(&asked);
    let repeatable = key.repeatable(caller.owner(), &body)?;
    let request = responses::Request { asked: Asked::Response(Box::new(asked)), body, repeatable };
    let (created, told) = api.responses().create(caller.owner(), request).await?;
    if told == Told::Again {
        account.repeats();
    }
    let job = match &created {
        Created::Queued { job, .. } => *job,
        Created::Answering(following) => following.job(),
    };
    account.started(job);
    Ok((created, way, told))
}

pub(super) async fn show(
    State(api): State<Api>,
    Extension(seen): Extension<Seen>,
    Extension(caller): Extension<Caller>,
    connection: Option<Extension<Connection>>,
    id: Id,
    pairs: Pairs,
    headers: HeaderMap,
) -> Result<Response, Refusal> {
    let id = id_of(id, &seen)?;
    let query = query::Show::read(&query::pairs(pairs)?, &headers)?;
    if !query.stream {
        let fold = api.responses().show(caller.owner(), &id).await?;
        return Ok(super::answering::whole(fold.response().into()));
    }
    let mut account = Account::of_reader(api.measures(), &seen, RESPONSE);
    account.comes_over(connection.map(|Extension(connection)| connection));
    match api.responses().follow(caller.owner(), &id, query.after).await {
        Ok(following) => {
            account.started(following.job());
            Ok(answering::read_on(following, account))
        }
        Err(error) => Ok(super::answering::refuse(error.into(), &mut account)),
    }
}

pub(super) async fn cancel(
    State(api): State<Api>,
    Extension(seen): Extension<Seen>,
    Extension(caller): Extension<Caller>,
    id: Id,
    request: Request,
) -> Result<Response, Refusal> {
    let key = Key::of(&request)?;
    let id = id_of(id, &seen)?;
    if key.is_given() {
        let body = api.bodies().read(&caller, Fate::Passed, request.into_body()).await?;
        let repeatable = key.repeatable(caller.owner(), &body)?;
        api.ledger().note(repeatable.as_ref()).await?;
    }
    // Twice is once.
    let fold = api.responses().cancel(caller.owner(), &id).await?;
    Ok(super::answering::whole(fold.response().into()))
}

pub(super) async fn delete(
    State(api): State<Api>,
    Extension(seen): Extension<Seen>,
    Extension(caller): Extension<Caller>,
    id: Id,
) -> Result<Response, Refusal> {
    let id = id_of(id, &seen)?;
    api.responses().delete(caller.owner(), &id).await?;
    Ok(Json(json!({"id": id, "object": "response.deleted", "deleted": true})).into_response())
}

pub(super) async fn waiting(
    State(api): State<Api>,
    Extension(seen): Extension<Seen>,
    Extension(caller): Extension<Caller>,
    id: Id,
) -> Result<Json<Waiting>, Refusal> {
    let id = id_of(id, &seen)?;
    Ok(Json(api.responses().waiting(caller.owner(), &id).await?))
}

pub(super) async fn list_input_items(
    State(api): State<Api>,
    Extension(seen): Extension<Seen>,
    Extension(caller): Extension<Caller>,
    id: Id,
    pairs: Pairs,
) -> Result<Response, Refusal> {
    let id = id_of(id, &seen)?;
    let page = query::Page::read(&query::pairs(pairs)?)?;
    let fold = api.responses().show(caller.owner(), &id).await?;
    let items = fold.input_items().ok_or(ResponseError::NotFound(id))?;
    Ok(super::answering::whole(input_items::list(&items, &page)?.into()))
}

/// The id in an address.
fn id_of(id: Id, seen: &Seen) -> Result<String, Refusal> {
    let Path(id) = id.map_err(|_rejection| Refusal::id_not_utf8("response", "response_id"))?;
    if let Ok(job) = JobId::of_response(&id) {
        seen.span.record(app::JOB_ID, tracing::field::display(job));
    }
    Ok(id)
}
