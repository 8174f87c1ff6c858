//! `/v1/conversations`: make, show, change, list, search, delete; and the items and turns of one.

mod object;
mod query;
mod refusals;
mod turns;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Extension, Path, Request, State};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use contract::keys::Endpoint;
use openai_api::responses::{Feedback, NewConversation, NewItems, new_metadata};
use serde_json::json;

pub(super) use self::refusals::of_a_turn;
use super::Api;
use super::answering::whole;
use super::bodies::Fate;
use super::completions::label_of;
use super::idempotency::{self, Key};
use super::refusal::Refusal;
use super::responses::{Page, Pairs, list_of_items, pairs};
use super::router::{CONVERSATION, CONVERSATION_ITEMS, CONVERSATIONS, TURN_FEEDBACK};
use crate::conversations::{Conversation, ConversationError};
use crate::idempotency::Repeatable;
use crate::keys::Caller;
use crate::responses::ResponseError;

/// The id in an address.
type Id = Result<Path<String>, PathRejection>;
/// The ids of a conversation and of an item.
type Ids = Result<Path<(String, String)>, PathRejection>;

pub(super) async fn create(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, Refusal> {
    let (body, repeatable) = body_of(&api, &caller, CONVERSATIONS, request).await?;
    let new = NewConversation::parse(&body)?;
    let created = api.conversations().create(caller.owner(), &new, repeatable.as_ref()).await?;
    let (conversation, told) = created;
    Ok(idempotency::told(shown(&conversation), told))
}

pub(super) async fn show(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    id: Id,
) -> Result<Response, Refusal> {
    Ok(shown(&api.conversations().show(caller.owner(), &id_of(id)?).await?))
}

pub(super) async fn update(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    id: Id,
    request: Request,
) -> Result<Response, Refusal> {
    let (body, repeatable) = body_of(&api, &caller, CONVERSATION, request).await?;
    let metadata = new_metadata(&body)?;
    api.ledger().note(repeatable.as_ref()).await?;
    Ok(shown(&api.conversations().set_metadata(caller.owner(), &id_of(id)?, &metadata).await?))
}

pub(super) async fn delete(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    id: Id,
    query: Pairs,
) -> Result<Response, Refusal> {
    let (id, owner) = (id_of(id)?, caller.owner());
    if query::with_responses(&pairs(query)?)? {
        caller.may_call(Endpoint::Responses)?;
        match api.responses().delete_conversation(owner, &id).await {
            Err(ResponseError::Conversation(error)) => return Err(error.into()),
            deleted => deleted?,
        }
    } else {
        api.conversations().delete(owner, &id).await?;
    }
    Ok(Json(json!({"id": id, "object": "conversation.deleted", "deleted": true})).into_response())
}

pub(super) async fn list(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    query: Pairs,
) -> Result<Response, Refusal> {
    let query::List { limit, after, search } = query::List::read(&pairs(query)?)?;
    let (conversations, owner) = (api.conversations(), caller.owner());
    Ok(whole(match search {
        None => object::list(&conversations.list(owner, limit, after).await?, None),
        Some(text) => {
            let found = conversations.search(owner, &text, limit, after).await?;
            object::list(&found.listed, Some(found.complete))
        }
    }))
}

pub(super) async fn add_items(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    id: Id,
    query: Pairs,
    request: Request,
) -> Result<Response, Refusal> {
    let _includes_nothing_that_changes_the_answer = pairs(query)?;
    let (body, repeatable) = body_of(&api, &caller, CONVERSATION_ITEMS, request).await?;
    let new = NewItems::parse(&body)?;
    let (conversations, id) = (api.conversations(), id_of(id)?);
    let (added, told) =
        conversations.add_items(caller.owner(), &id, &new, repeatable.as_ref()).await?;
    let added = whole(list_of_items(&added, &Page::whole())?.into());
    Ok(idempotency::told(added, told))
}

pub(super) async fn list_items(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    id: Id,
    query: Pairs,
) -> Result<Response, Refusal> {
    let page = Page::read(&pairs(query)?)?;
    let items = api.conversations().items(caller.owner(), &id_of(id)?).await?;
    Ok(whole(list_of_items(&items, &page)?.into()))
}

pub(super) async fn show_item(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    ids: Ids,
    query: Pairs,
) -> Result<Response, Refusal> {
    let _includes_nothing_that_changes_the_answer = pairs(query)?;
    let (id, item) = ids_of(ids)?;
    Ok(whole(api.conversations().item(caller.owner(), &id, &item).await?.into()))
}

pub(super) async fn delete_item(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    ids: Ids,
) -> Result<Response, Refusal> {
    let (id, item) = ids_of(ids)?;
    Ok(shown(&api.conversations().remove_item(caller.owner(), &id, &item).await?))
}

pub(super) async fn list_turns(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    id: Id,
    query: Pairs,
) -> Result<Response, Refusal> {
    let wanted = query::turns(&pairs(query)?)?;
    let history = api.conversations().history(caller.owner(), &id_of(id)?, &wanted).await?;
    Ok(whole(turns::list(&history)))
}

pub(super) async fn rate(
    State(api): State<Api>,
    Extension(caller): Extension<Caller>,
    ids: Ids,
    request: Request,
) -> Result<Response, Refusal> {
    let (body, repeatable) = body_of(&api, &caller, TURN_FEEDBACK, request).await?;
    let feedback = Feedback::parse(&body)?;
    let (id, turn) = ids_of(ids)?;
    api.ledger().note(repeatable.as_ref()).await?;
    let rated = api.conversations().rate(caller.owner(), &id, &turn, feedback.as_ref()).await?;
    if let (Some(feedback), true) = (&feedback, rated.anew) {
        let model = label_of(api.chats().catalogue(), rated.model.as_deref().unwrap_or_default());
        api.measures().rated(model, feedback.rating());
    }
    Ok(whole(turns::rated(rated.turn, feedback.as_ref())))
}

/// The body of a request, and what it is if it comes again.
async fn body_of(
    api: &Api,
    caller: &Caller,
    route: &'static str,
    request: Request,
) -> Result<(Bytes, Option<Repeatable>), Refusal> {
    let key = Key::of(&request)?;
    let body = api.bodies().read(caller, Fate::Stored, request.into_body()).await?;
    api.measures().body_read(route, body.len());
    let repeatable = key.repeatable(caller.owner(), &body)?;
    Ok((body, repeatable))
}

fn shown(conversation: &Conversation) -> Response {
    whole(object::of(conversation))
}

/// The id in an address. What is no text names no conversation either.
fn id_of(id: Id) -> Result<String, Refusal> {
    let Path(id) = id.map_err(|_rejection| ConversationError::NotFound(String::new()))?;
    Ok(id)
}

fn ids_of(ids: Ids) -> Result<(String, String), Refusal> {
    let Path(ids) = ids.map_err(|_rejection| ConversationError::NotFound(String::new()))?;
    Ok(ids)
}
