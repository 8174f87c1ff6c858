//! `/v1/conversations`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use openai_api::responses::{Feedback, NewConversation, new_metadata, said_in};
use serde_json::{Value, json};

use super::World;
use super::refusal::Refusal;
use super::routes::{Key, Owner, whole};
use super::store::{Conversation, Once, Store};

type Pairs = Query<HashMap<String, String>>;
type Answer = Result<Response, Refusal>;

pub(super) async fn create(
    State(world): State<Arc<World>>,
    Owner(owner): Owner,
    key: Key,
    body: Bytes,
) -> Answer {
    let new = NewConversation::parse(&body)?;
    let once = Once { owner: &owner, key: key.key.as_deref(), path: &key.path, body: &body };
    let mut store = world.store.lock().unwrap();
    let made = store.made_for(&once)?;
    let again = made.is_some();
    let id = made.unwrap_or_else(|| store.fresh("conv"));
    store.remember(&once, &id);
    let metadata = serde_json::from_str(new.metadata().unwrap_or("{}")).unwrap();
    let conversation = store
        .conversations
        .entry(id.clone())
        .or_insert_with(|| Conversation::new(id, &owner, metadata));
    let mut response = Json(conversation.object()).into_response();
    if again {
        response
            .headers_mut()
            .insert("idempotent-replayed", http::HeaderValue::from_static("true"));
    }
    Ok(response)
}

pub(super) async fn show(
    State(world): State<Arc<World>>,
    Owner(owner): Owner,
    Path(id): Path<String>,
) -> Answer {
    let mut store = world.store.lock().unwrap();
    Ok(Json(store.conversation(&owner, &id)?.object()).into_response())
}

pub(super) async fn update(
    State(world): State<Arc<World>>,
    Owner(owner): Owner,
    Path(id): Path<String>,
    body: Bytes,
) -> Answer {
    let metadata = serde_json::from_str(&new_metadata(&body)?).unwrap();
    let mut store = world.store.lock().unwrap();
    let conversation = store.conversation(&owner, &id)?;
    conversation.metadata = metadata;
    Ok(Json(conversation.object()).into_response())
}

pub(super) async fn delete(
    State(world): State<Arc<World>>,
    Owner(owner): Owner,
    Path(id): Path<String>,
    Query(pairs): Pairs,
) -> Answer {
    let mut store = world.store.lock().unwrap();
    let turns: Vec<String> =
        store.conversation(&owner, &id)?.turns.all().map(str::to_owned).collect();
    if pairs.get("responses").is_some_and(|value| value == "true") {
        for turn in turns {
            if let Some(answer) = store.responses.remove(&turn) {
                answer.delete();
            }
        }
    }
    store.conversations.remove(&id);
    let deleted = json!({"id": id, "object": "conversation.deleted", "deleted": true});
    Ok(Json(deleted).into_response())
}

pub(super) async fn list(
    State(world): State<Arc<World>>,
    Owner(owner): Owner,
    Query(pairs): Pairs,
) -> Answer {
    let limit = limit_of(&pairs)?;
    let search = pairs.get("search").map(|text| text.trim().to_lowercase());
    let search = search.filter(|text| !text.is_empty());
    let store = world.store.lock().unwrap();
    let newest_first = store.conversations.values().rev().filter(|one| one.owner == owner);
    let behind = newest_first.filter(|one| pairs.get("after").is_none_or(|after| one.id < *after));
    let found = behind.filter(|one| search.as_ref().is_none_or(|text| holds(&store, one, text)));
    let mut found: Vec<Value> = found.map(Conversation::object).collect();
    let has_more = found.len() > limit;
    found.truncate(limit);
    let id = |one: Option<&Value>| one.map(|one| one["id"].clone());
    let mut list = json!({"object": "list", "first_id": id(found.first()),
        "last_id": id(found.last()), "has_more": has_more, "data": found});
    if search.is_some() {
        list["search_complete"] = true.into();
    }
    Ok(Json(list).into_response())
}

/// The turns on the way to one and on to the newest behind it.
pub(super) async fn turns(
    State(world): State<Arc<World>>,
    Owner(owner): Owner,
    Path(id): Path<String>,
    Query(pairs): Pairs,
) -> Answer {
    let limit = limit_of(&pairs)?;
    let mut store = world.store.lock().unwrap();
    store.conversation(&owner, &id)?;
    let conversation = &store.conversations[&id];
    let tree = &conversation.turns;
    let end = match pairs.get("at").or(pairs.get("until")) {
        Some(end) if pairs.contains_key("until") && tree.has(end) => Some(end.as_str()),
        Some(at) if !tree.has(at) => return Err(no_such_turn(&id, at)),
        Some(at) => Some(tree.newest_behind(at)),
        None => tree.newest(),
    };
    let mut path = tree.path_to(end);
    if let Some(before) = pairs.get("before") {
        let at = path.iter().position(|turn| turn == before);
        path.truncate(at.ok_or_else(|| Refusal::invalid("before"))?);
    }
    let has_more = path.len() > limit;
    let shown = &path[path.len().saturating_sub(limit)..];
    let of = |turn: &&str| {
        let answer = store.responses.get(*turn);
        let response = answer.and_then(|answer| answer.response());
        // As it is, not as a map would order it.
        let input = match (&response, answer) {
            (Some(_), Some(answer)) => answer.input_items(),
            _ => "[]".to_owned(),
        };
        let (after, siblings) = (json!(tree.after(turn)), json!(tree.siblings(turn)));
        let response = response.unwrap_or_else(|| "null".to_owned());
        let feedback = json!(conversation.feedback.get(*turn));
        format!(
            r#"{{"object":"conversation.turn","id":"{turn}","after":{after},"siblings":{siblings},"feedback":{feedback},"input":{input},"response":{response}}}"#
        )
    };
    let data = shown.iter().map(of).collect::<Vec<_>>().join(",");
    let (first, last) = (json!(shown.first()), json!(shown.last()));
    Ok(whole(format!(
        r#"{{"object":"list","data":[{data}],"first_id":{first},"last_id":{last},"has_more":{has_more}}}"#
    )))
}

/// What its owner thinks of a turn.
pub(super) async fn rate(
    State(world): State<Arc<World>>,
    Owner(owner): Owner,
    Path((id, turn)): Path<(String, String)>,
    body: Bytes,
) -> Answer {
    let feedback = Feedback::parse(&body)?;
    let mut store = world.store.lock().unwrap();
    let conversation = store.conversation(&owner, &id)?;
    if !conversation.turns.has(&turn) {
        return Err(no_such_turn(&id, &turn));
    }
    let kept = feedback.map(|kept| json!({"rating": kept.rating(), "comment": kept.comment}));
    conversation.feedback.insert(turn.clone(), json!(kept));
    let kept = json!({"object": "conversation.turn.feedback", "id": turn, "feedback": kept});
    Ok(Json(kept).into_response())
}

pub(super) fn no_such_turn(conversation: &str, turn: &str) -> Refusal {
    let message = format!("Turn '{turn}' not found in conversation '{conversation}'.");
    Refusal::of(404, "turn_not_found", &message)
}

fn holds(store: &Store, conversation: &Conversation, text: &str) -> bool {
    let holds = |words: &str| words.to_lowercase().contains(text);
    let newest = conversation.turns.path_to(conversation.turns.newest());
    let items = json!(store.items(&newest)).to_string();
    conversation.title().is_some_and(|title| holds(&title))
        || said_in(&items).iter().any(|(_, words)| holds(words))
}

fn limit_of(pairs: &HashMap<String, String>) -> Result<usize, Refusal> {
    let limit = pairs.get("limit").map_or(Ok(20), |limit| limit.parse());
    limit.ok().filter(|limit| (1..=100).contains(limit)).ok_or_else(|| Refusal::invalid("limit"))
}
