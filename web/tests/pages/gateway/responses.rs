//! `/v1/responses`.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, HeaderValue};
use openai_api::responses::{CreateResponse, Status, first_user_words};
use serde_json::{Value, json};

use super::World;
use super::answering::{Answering, Question};
use super::conversations::no_such_turn;
use super::refusal::Refusal;
use super::routes::{Key, Owner, whole};
use super::store::{Once, Store, now_s};
use super::stream;

type Answer = Result<Response, Refusal>;

pub(super) async fn create(
    State(world): State<Arc<World>>,
    Owner(owner): Owner,
    key: Key,
    body: Bytes,
) -> Answer {
    let asked = CreateResponse::parse(&body)?;
    let once = Once { owner: &owner, key: key.key.as_deref(), path: &key.path, body: &body };
    let mut store = world.store.lock().unwrap();
    if let Some(made) = store.made_for(&once)? {
        let answer = store.response(&owner, &made)?;
        drop(store);
        let mut response = told(&world, asked.stream(), answer);
        response.headers_mut().insert("idempotent-replayed", HeaderValue::from_static("true"));
        return Ok(response);
    }
    let (script, receipt) = {
        let rules = world.rules.lock().unwrap();
        if !rules.models.iter().any(|(name, _)| name == asked.model()) {
            let message = format!("The model '{}' does not exist.", asked.model());
            return Err(Refusal::of(404, "model_not_found", &message).about("model"));
        }
        (rules.script.clone(), rules.receipt.clone())
    };
    assert!(asked.background() && asked.store(), "whoever leaves must not stop it");
    let id = store.fresh("resp");
    let stream = asked.stream();
    let context = claim(&mut store, &owner, &asked, &id, &body)?;
    let created_at = now_s();
    let answer = Answering::accept(Question {
        id: id.clone(),
        owner: &owner,
        asked,
        body: &body,
        context: &context,
        receipt,
        created_at,
    });
    store.responses.insert(id.clone(), answer.clone());
    store.remember(&once, &id);
    drop(store);
    let response = told(&world, stream, answer.clone());
    script.play(&answer);
    world.answers.send_modify(|answers| answers.push(answer));
    Ok(response)
}

/// As a stream from its first event, or as it stands.
fn told(world: &World, stream: bool, answer: Answering) -> Response {
    if stream {
        return stream::of(world, answer, 0);
    }
    whole(answer.response().unwrap_or_default())
}

/// Takes the turn of a response in its conversation, and gives what stands before it.
fn claim(
    store: &mut Store,
    owner: &str,
    asked: &CreateResponse,
    turn: &str,
    body: &[u8],
) -> Result<String, Refusal> {
    let request: Value = serde_json::from_slice(body).unwrap_or_default();
    let ours = &request["chappe"];
    let Some(conversation) = asked.conversation() else {
        assert!(ours.is_null(), "only a turn of a conversation is behind another");
        return Ok("[]".to_owned());
    };
    store.conversation(owner, conversation).map_err(|refusal| refusal.about("conversation"))?;
    let tree = &store.conversations[conversation].turns;
    let is_open = |turn: &str| {
        let answer = store.responses.get(turn);
        answer.is_some_and(|answer| !answer.status().is_terminal())
    };
    if tree.all().any(is_open) {
        let message = format!(
            "Another response is being made in conversation '{conversation}'. Wait for its end, \
             or cancel it."
        );
        return Err(Refusal::of(400, "conversation_locked", &message).about("conversation"));
    }
    let after = match ours.as_object() {
        None if ours.is_null() => tree.newest().map(str::to_owned),
        Some(members) if members.keys().all(|name| name == "after") => match &ours["after"] {
            Value::Null if members.is_empty() => tree.newest().map(str::to_owned),
            Value::Null => None,
            Value::String(after) if tree.has(after) => Some(after.clone()),
            Value::String(after) => {
                return Err(no_such_turn(conversation, after).about("chappe.after"));
            }
            _ => return Err(Refusal::invalid("chappe.after")),
        },
        _ => return Err(Refusal::invalid("chappe")),
    };
    let items = json!(store.items(&tree.path_to(after.as_deref()))).to_string();
    let said = first_user_words(&asked.input_items(""));
    let conversation = store.conversation(owner, conversation)?;
    conversation.turns.hang(turn, after);
    conversation.first_said = conversation.first_said.take().or(said);
    Ok(items)
}

pub(super) async fn show(
    State(world): State<Arc<World>>,
    Owner(owner): Owner,
    Path(id): Path<String>,
    Query(pairs): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Answer {
    let answer = world.store.lock().unwrap().response(&owner, &id)?;
    if pairs.get("stream").is_none_or(|stream| stream != "true") {
        return Ok(whole(answer.response().unwrap_or_default()));
    }
    let number = |text: Option<&str>| -> Result<Option<usize>, Refusal> {
        let parsed = text.map(str::parse).transpose();
        parsed.map_err(|_number| Refusal::invalid("starting_after"))
    };
    let asked = number(pairs.get("starting_after").map(String::as_str))?;
    let seen = number(headers.get("last-event-id").and_then(|id| id.to_str().ok()))?;
    let from = asked.max(seen).map_or(0, |after| after + 1);
    let (_frames, events, over) = answer.frames_from(usize::MAX);
    if over && from > events.saturating_sub(1) && from > 0 {
        return Err(Refusal::invalid("starting_after"));
    }
    Ok(stream::of(&world, answer, from))
}

pub(super) async fn waiting(
    State(world): State<Arc<World>>,
    Owner(owner): Owner,
    Path(id): Path<String>,
) -> Answer {
    let answer = world.store.lock().unwrap().response(&owner, &id)?;
    let reason = (answer.status() == Status::InProgress).then_some("starting");
    let waiting = answer.is_silent();
    let told = json!({
        "id": id, "object": "response.waiting", "status": answer.status().as_str(),
        "waiting": waiting, "ahead": null, "reason": reason.filter(|_| waiting), "workers": null,
        "free_slots": null,
    });
    Ok(Json(told).into_response())
}

pub(super) async fn cancel(
    State(world): State<Arc<World>>,
    Owner(owner): Owner,
    Path(id): Path<String>,
) -> Answer {
    let answer = world.store.lock().unwrap().response(&owner, &id)?;
    if !answer.is_background() {
        let message = "Only responses that were created with `background` can be cancelled.";
        return Err(Refusal::of(400, "response_not_background", message));
    }
    answer.cancel();
    Ok(whole(answer.response().unwrap_or_default()))
}

pub(super) async fn delete(
    State(world): State<Arc<World>>,
    Owner(owner): Owner,
    Path(id): Path<String>,
) -> Answer {
    let answer = world.store.lock().unwrap().response(&owner, &id)?;
    answer.delete();
    let deleted = json!({"id": id, "object": "response.deleted", "deleted": true});
    Ok(Json(deleted).into_response())
}
