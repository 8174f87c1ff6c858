//! Every route.

use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::middleware;
use axum::routing::{any, get, post};
use service_runtime::AllowedHosts;

use super::refusal::Refusal;
use super::{Api, completions, conversations, door, models, observe, reference, responses};

/// Chat completions.
pub(super) const CHAT_COMPLETIONS: &str = "/v1/chat/completions";
/// Embeddings.
pub(super) const EMBEDDINGS: &str = "/v1/embeddings";
/// Responses.
pub(super) const RESPONSES: &str = "/v1/responses";
/// One response.
pub(super) const RESPONSE: &str = "/v1/responses/{response_id}";
/// Stops one that nobody waits for.
pub(super) const CANCEL_RESPONSE: &str = "/v1/responses/{response_id}/cancel";
/// What one answers.
pub(super) const INPUT_ITEMS: &str = "/v1/responses/{response_id}/input_items";
/// Conversations.
pub(super) const CONVERSATIONS: &str = "/v1/conversations";
/// One conversation.
pub(super) const CONVERSATION: &str = "/v1/conversations/{conversation_id}";
/// What was said in one.
pub(super) const CONVERSATION_ITEMS: &str = "/v1/conversations/{conversation_id}/items";
/// One of its items.
pub(super) const CONVERSATION_ITEM: &str = "/v1/conversations/{conversation_id}/items/{item_id}";
/// Endpoints of the API that are not built, and would be taken for the name of a response.
const NO_RESPONSES: [&str; 2] = ["/v1/responses/input_tokens", "/v1/responses/compact"];
/// The list of models.
pub(super) const MODELS: &str = "/v1/models";
/// One model. Names of models hold slashes.
pub(super) const MODEL: &str = "/v1/models/{*model}";
/// The description for programs.
pub(super) const OPENAPI: &str = "/openapi.json";
/// The description for people.
pub(super) const DOCS: &str = "/docs";

/// The API, for requests to these hosts.
pub(crate) fn router(api: Api, hosts: AllowedHosts) -> Router {
    let observer = observe::Observer::new(api.measures());
    let unbuilt = |router: Router<Api>, path| router.route(path, any(unknown_url));
    NO_RESPONSES
        .into_iter()
        .fold(Router::new(), unbuilt)
        .route(CHAT_COMPLETIONS, post(completions::chat))
        .route(EMBEDDINGS, post(completions::embeddings))
        .route(RESPONSES, post(responses::create))
        .route(RESPONSE, get(responses::show).delete(responses::delete))
        .route(CANCEL_RESPONSE, post(responses::cancel))
        .route(INPUT_ITEMS, get(responses::list_input_items))
        .route(CONVERSATIONS, get(conversations::list).post(conversations::create))
        .route(
            CONVERSATION,
            get(conversations::show).post(conversations::update).delete(conversations::delete),
        )
        .route(CONVERSATION_ITEMS, get(conversations::list_items).post(conversations::add_items))
        .route(CONVERSATION_ITEM, get(conversations::show_item).delete(conversations::delete_item))
        .route(MODELS, get(models::list))
        .route(MODEL, get(models::show))
        .route(OPENAPI, get(reference::openapi))
        .route(DOCS, get(reference::docs))
        .fallback(unknown_url)
        .method_not_allowed_fallback(method_not_allowed)
        .layer(middleware::from_fn_with_state(hosts, door::guard))
        .layer(middleware::from_fn_with_state(observer, observe::request))
        .with_state(api)
}

async fn unknown_url(request: Request) -> Refusal {
    Refusal::unknown_url(request.method().as_str(), request.uri().path())
}

/// axum adds the `allow` header.
async fn method_not_allowed(method: Method) -> Refusal {
    Refusal::method_not_allowed(method.as_str())
}
