//! Every route, in one list, and the small ones themselves.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, Path, Query, State};
use axum::http::{StatusCode, header::CONTENT_TYPE};
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use openai_api::{Model, ModelList};
use serde::{Deserialize, Serialize};
use service_runtime::{HttpObserver, Shutdown, observe_http};
use telemetry::{PROMETHEUS_CONTENT_TYPE, ServiceTelemetry};

use crate::error::ApiError;
use crate::fault::FaultTimes;
use crate::observe;
use crate::{Counts, Journal, Record, Settings, chat, embeddings};

/// Largest request body: 64 MiB.
const BODY_LIMIT_BYTES: usize = 64 * 1024 * 1024;
/// Longest wait for the journal to get where it is wanted.
const LONGEST_WAIT_MS: u64 = 60_000;
/// When the models came to be: 2026-01-01.
const CREATED: u64 = 1_767_225_600;

/// What handlers may reach.
#[derive(Debug)]
pub(crate) struct Served {
    pub(crate) settings: Settings,
    pub(crate) journal: Journal,
    pub(crate) fault_times: FaultTimes,
    pub(crate) stopping: Shutdown,
}

impl Served {
    pub(crate) fn new(settings: Settings, journal: Journal, stopping: Shutdown) -> Self {
        Self { settings, journal, fault_times: FaultTimes::default(), stopping }
    }
}

pub(crate) fn router(served: Arc<Served>, telemetry: &ServiceTelemetry) -> Router {
    Router::new()
        .route("/v1/chat/completions", post(chat::create))
        .route("/v1/embeddings", post(embeddings::create))
        .route("/v1/models", get(list_models))
        .route("/v1/models/{*id}", get(show_model))
        .route("/simulator/journal", get(show_journal).delete(empty_journal))
        .with_state(served)
        .layer(from_fn_with_state(HttpObserver::new(telemetry, observe::span_of), observe_http))
        .route("/health", get(async || Json(Healthy { status: "ok" })))
        .route("/livez", get(async || "ok\n"))
        .route("/readyz", get(async || "ready\n"))
        .route("/metrics", get(metrics).with_state(telemetry.clone()))
        .fallback(async || ApiError::new(StatusCode::NOT_FOUND, "unknown_url", "No such URL."))
        .method_not_allowed_fallback(async || {
            let message = "This URL does not answer this method.";
            ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
        })
        .layer(DefaultBodyLimit::max(BODY_LIMIT_BYTES))
}

#[derive(Serialize)]
struct Healthy {
    status: &'static str,
}

fn models() -> Vec<Model> {
    let model = |id: &str, capability: &str| Model {
        id: id.to_owned(),
        object: "model".to_owned(),
        created: CREATED,
        owned_by: "chappe".to_owned(),
        capabilities: vec![capability.to_owned()],
    };
    vec![model("simulator", "chat"), model("simulator-embeddings", "embeddings")]
}

/// `GET /v1/models`
async fn list_models() -> Json<ModelList> {
    Json(ModelList::of(models()))
}

/// `GET /v1/models/{id}`
async fn show_model(Path(id): Path<String>) -> Result<Json<Model>, ApiError> {
    models().into_iter().find(|model| model.id == id).map(Json).ok_or_else(|| {
        let message = format!("The model '{id}' does not exist.");
        let mut error = ApiError::new(StatusCode::NOT_FOUND, "model_not_found", message);
        error.body = error.body.about("model");
        error
    })
}

async fn metrics(State(telemetry): State<ServiceTelemetry>) -> impl IntoResponse {
    ([(CONTENT_TYPE, PROMETHEUS_CONTENT_TYPE)], telemetry.prometheus_text())
}

/// How far the journal should be before it is shown: at least so many of each.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wanted {
    started: u64,
    finished: u64,
    complete: u64,
    client_gone: u64,
    fault: u64,
    /// Milliseconds to wait for that; then the journal is shown as it is.
    wait_ms: u64,
}

impl Wanted {
    fn reached(&self, counts: &Counts) -> bool {
        counts.started >= self.started
            && counts.finished >= self.finished
            && counts.complete >= self.complete
            && counts.client_gone >= self.client_gone
            && counts.fault >= self.fault
    }
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    counts: Counts,
    requests: Vec<Record>,
}

/// `GET /simulator/journal`
async fn show_journal(
    State(served): State<Arc<Served>>,
    Query(wanted): Query<Wanted>,
) -> Json<Shown> {
    let limit = Duration::from_millis(wanted.wait_ms.min(LONGEST_WAIT_MS));
    let reached = served.journal.wait_until(|counts| wanted.reached(counts));
    // After the wait it is shown as it is: the caller sees what is missing.
    let _reached_or_not = tokio::time::timeout(limit, reached).await;
    Json(Shown { counts: served.journal.counts(), requests: served.journal.records() })
}

/// `DELETE /simulator/journal`
async fn empty_journal(State(served): State<Arc<Served>>) -> StatusCode {
    served.journal.reset();
    served.fault_times.reset();
    StatusCode::NO_CONTENT
}
