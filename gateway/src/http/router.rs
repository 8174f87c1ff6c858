//! Every route.

use axum::Router;
use axum::extract::Request;
use axum::http::Method;
use axum::middleware;
use axum::routing::{MethodRouter, any, delete, get, post};
use contract::keys::Endpoint;

use super::door::Door;
use super::identity::{Doorman, Needs, identify};
use super::refusal::Refusal;
use super::{
    Api, admin_keys, completions, conversations, door, models, observe, operator, reference,
    responses,
};
use crate::keys::KeyBook;

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
/// Why nothing was said in one yet.
pub(super) const WAITING: &str = "/v1/responses/{response_id}/waiting";
/// Conversations.
pub(super) const CONVERSATIONS: &str = "/v1/conversations";
/// One conversation.
pub(super) const CONVERSATION: &str = "/v1/conversations/{conversation_id}";
/// What was said in one.
pub(super) const CONVERSATION_ITEMS: &str = "/v1/conversations/{conversation_id}/items";
/// One of its items.
pub(super) const CONVERSATION_ITEM: &str = "/v1/conversations/{conversation_id}/items/{item_id}";
/// What its turns asked and answered, along one branch.
pub(super) const CONVERSATION_TURNS: &str = "/v1/conversations/{conversation_id}/turns";
/// What its owner thought of one.
pub(super) const TURN_FEEDBACK: &str =
    "/v1/conversations/{conversation_id}/turns/{response_id}/feedback";
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

/// What every route for operators begins with: none of their posts takes an idempotency key.
#[cfg(test)]
pub(super) const ADMIN: &str = "/v1/admin/";
/// The picture of everything, for operators.
pub(super) const OVERVIEW: &str = "/v1/admin/overview";
/// Jobs that were given up.
pub(super) const DEAD_LETTERS: &str = "/v1/admin/dead_letters";
/// One of them.
pub(super) const DEAD_LETTER: &str = "/v1/admin/dead_letters/{dead_letter_id}";
/// Asks again what it asked.
pub(super) const REDRIVE: &str = "/v1/admin/dead_letters/{dead_letter_id}/redrive";
/// Keys, for operators.
pub(super) const ADMIN_KEYS: &str = "/v1/admin/keys";
/// One key.
pub(super) const ADMIN_KEY: &str = "/v1/admin/keys/{key_id}";
/// Gives one a new secret.
pub(super) const ROTATE_KEY: &str = "/v1/admin/keys/{key_id}/rotate";

/// One route. Without saying what it needs it cannot be entered.
struct Route(&'static str, Needs, MethodRouter<Api>);

/// Every route that answers somebody.
fn routes() -> [Route; 22] {
    let chat = Needs::Endpoint(Endpoint::ChatCompletions);
    let embeddings = Needs::Endpoint(Endpoint::Embeddings);
    let models = Needs::Endpoint(Endpoint::Models);
    let response = Needs::Endpoint(Endpoint::Responses);
    let conversation = Needs::Endpoint(Endpoint::Conversations);
    [
        Route(CHAT_COMPLETIONS, chat, post(completions::chat)),
        Route(EMBEDDINGS, embeddings, post(completions::embeddings)),
        Route(RESPONSES, response, post(responses::create)),
        Route(RESPONSE, response, get(responses::show).delete(responses::delete)),
        Route(CANCEL_RESPONSE, response, post(responses::cancel)),
        Route(INPUT_ITEMS, response, get(responses::list_input_items)),
        Route(WAITING, response, get(responses::waiting)),
        Route(CONVERSATIONS, conversation, get(conversations::list).post(conversations::create)),
        Route(
            CONVERSATION,
            conversation,
            get(conversations::show).post(conversations::update).delete(conversations::delete),
        ),
        Route(
            CONVERSATION_ITEMS,
            conversation,
            get(conversations::list_items).post(conversations::add_items),
        ),
        Route(
            CONVERSATION_ITEM,
            conversation,
            get(conversations::show_item).delete(conversations::delete_item),
        ),
        Route(CONVERSATION_TURNS, conversation, get(conversations::list_turns)),
        Route(TURN_FEEDBACK, conversation, post(conversations::rate)),
        Route(MODELS, models, get(models::list)),
        Route(MODEL, models, get(models::show)),
        Route(ADMIN_KEYS, Needs::Operator, get(admin_keys::list).post(admin_keys::create)),
        Route(ADMIN_KEY, Needs::Operator, get(admin_keys::show).delete(admin_keys::revoke)),
        Route(ROTATE_KEY, Needs::Operator, post(admin_keys::rotate)),
        Route(OVERVIEW, Needs::Operator, get(operator::overview)),
        Route(DEAD_LETTERS, Needs::Operator, get(operator::list_dead_letters)),
        Route(DEAD_LETTER, Needs::Operator, delete(operator::delete_dead_letter)),
        Route(REDRIVE, Needs::Operator, post(operator::redrive)),
    ]
}

/// Where they are.
#[cfg(test)]
pub(super) fn paths() -> Vec<&'static str> {
    routes().iter().map(|Route(path, ..)| *path).collect()
}

/// The API, for whom the door lets in and who has a key in the book; without a book nobody needs
/// one.
pub(crate) fn router(api: Api, door: Door, book: Option<KeyBook>) -> Router {
    let observer = observe::Observer::new(api.measures());
    let unbuilt = |router: Router<Api>, path| router.route(path, any(unknown_url));
    let guarded = |router: Router<Api>, Route(path, needs, handlers): Route| {
        let doorman = Doorman { book: book.clone(), needs };
        router.route(path, handlers.route_layer(middleware::from_fn_with_state(doorman, identify)))
    };
    let router = NO_RESPONSES.into_iter().fold(Router::new(), unbuilt);
    let router = routes()
        .into_iter()
        .fold(router, guarded)
        // What is told to everybody.
        .route(OPENAPI, get(reference::openapi))
        .route(DOCS, get(reference::docs))
        .fallback(unknown_url)
        .method_not_allowed_fallback(method_not_allowed);
    let router = match &door.cors {
        Some(cors) => router.layer(cors.layer()),
        None => router,
    };
    router
        .layer(middleware::from_fn_with_state(door, door::guard))
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
