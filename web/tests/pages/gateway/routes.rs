//! Which request goes where, and what it meets before it gets there.

use std::convert::Infallible;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{FromRequestParts, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use http::request::Parts;
use openai_api::{Model, ModelList};

use super::World;
use super::calls::Call;
use super::refusal::Refusal;
use super::rules::Verdict;
use super::{conversations, responses};

/// Largest body that it takes, as our gateway.
const MOST_BYTES: usize = 32 * 1024 * 1024;

/// For whom it is asked.
pub(super) struct Owner(pub(super) String);

/// What makes a request the same as an earlier one.
pub(super) struct Key {
    pub(super) key: Option<String>,
    pub(super) path: String,
}

pub(super) fn router(world: Arc<World>) -> Router {
    Router::new()
        .route("/v1/models", get(models))
        .route("/v1/conversations", get(conversations::list).post(conversations::create))
        .route(
            "/v1/conversations/{id}",
            get(conversations::show).post(conversations::update).delete(conversations::delete),
        )
        .route("/v1/conversations/{id}/turns", get(conversations::turns))
        .route("/v1/conversations/{id}/turns/{response}/feedback", post(conversations::rate))
        .route("/v1/responses", post(responses::create))
        .route("/v1/responses/{id}", get(responses::show).delete(responses::delete))
        .route("/v1/responses/{id}/cancel", post(responses::cancel))
        .route("/v1/responses/{id}/waiting", get(responses::waiting))
        .fallback(async || Refusal::of(404, "unknown_url", "Unknown request URL."))
        .layer(from_fn_with_state(Arc::clone(&world), meet))
        .with_state(world)
}

/// Notes a request, and does with it what the test wants.
async fn meet(State(world): State<Arc<World>>, request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, MOST_BYTES).await else {
        return Refusal::of(413, "request_too_large", "The request is too large.").into_response();
    };
    let method = parts.method.as_str();
    let call = Call::new(method, &parts.uri, parts.headers.clone(), body.clone());
    world.calls.send_modify(|calls| calls.push(call.clone()));
    let mut held = world.held.subscribe();
    let is_free = |held: &Vec<String>| !held.iter().any(|request| call.is(request));
    // The sender is in the world: it is there.
    let _free = held.wait_for(is_free).await.is_ok();
    let verdict = world.rules.lock().unwrap().judge(&call);
    let request = Request::from_parts(parts, Body::from(body));
    match verdict {
        Verdict::Says(status, body) => {
            (StatusCode::from_u16(status).unwrap(), body).into_response()
        }
        Verdict::Refuses(refused) => refused.into_response(),
        Verdict::Loses => {
            next.run(request).await;
            let lost = futures::stream::iter([Err::<Bytes, _>(std::io::Error::other("lost"))]);
            Response::new(Body::from_stream(lost))
        }
        Verdict::Answers => next.run(request).await,
    }
}

async fn models(State(world): State<Arc<World>>) -> Json<ModelList> {
    let models = world.rules.lock().unwrap().models.clone();
    let of = |(id, can): (String, String)| Model {
        id,
        object: "model".to_owned(),
        created: 1_700_000_000,
        owned_by: "chappe".to_owned(),
        capabilities: vec![can],
    };
    Json(ModelList::of(models.into_iter().map(of).collect()))
}

/// JSON that is there already.
pub(super) fn whole(json: String) -> Response {
    ([(CONTENT_TYPE, "application/json")], json).into_response()
}

impl<S: Sync> FromRequestParts<S> for Owner {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let owner = parts.headers.get("chappe-on-behalf-of");
        Ok(Self(owner.map(|owner| owner.to_str().unwrap().to_owned()).unwrap_or_default()))
    }
}

impl<S: Sync> FromRequestParts<S> for Key {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        let key = parts.headers.get("idempotency-key");
        let path = parts.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        Ok(Self { key: key.map(|key| key.to_str().unwrap().to_owned()), path })
    }
}
