//! Jobs that were given up: operators see why, ask them again, and remove them.

use bytes::Bytes;
use contract::keys::ApiKey;
use contract::{DeadLetter, Failure, JobId, Lane, QueueName, streams};
use futures::{FutureExt as _, StreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};

use crate::keys::with_keys;
use crate::operator::overview;
use crate::support::{Answer, Keyring, Scribe, Stage, Written, chat, response, within};

const DEAD_LETTERS: &str = "/v1/admin/dead_letters";

/// Gives a job up, as a worker does.
async fn buries(stage: &Stage, lane: Lane, job: &str, reason: &str, payload: Bytes) {
    let letter = DeadLetter {
        reason: reason.to_owned(),
        message: "the words `hello` are quoted".to_owned(),
        deliveries: 5,
        subject: "job.x".to_owned(),
    };
    let queue = QueueName::default_queue();
    stage.bus.bury(lane, &queue, job, &letter, payload).await.unwrap();
}

/// A stored job whose log has failed, and which is given up.
async fn gives_up(stage: &Stage, mut job: Written, lane: Lane) -> JobId {
    let body = r#"{"error":{"message":"no","type":"server_error","param":null,"code":"attempts_exhausted"}}"#;
    let failure =
        Failure { status: 500, body: body.to_owned(), retry_after_ms: None, should_retry: false };
    job.fails(&failure).await;
    let (id, payload) = (job.log.job, job.delivery.payload().clone());
    buries(stage, lane, &id.to_string(), "attempts_exhausted", payload).await;
    id
}

async fn json_of(answer: Answer) -> Value {
    assert_eq!(answer.status, 200);
    serde_json::from_str(&answer.text().await).unwrap()
}

async fn listed(stage: &Stage, query: &str) -> Value {
    json_of(stage.caller.gets(&format!("{DEAD_LETTERS}{query}")).await).await
}

async fn sends(stage: &Stage, method: Method, path: &str) -> Answer {
    stage.caller.sends(stage.caller.request(method, path)).answered().await
}

/// Takes the next job of a response in the background that is asked for here.
async fn asked(stage: &Stage, scribe: &mut Scribe, more: &str) -> Written {
    let body = response(&format!(r#""background":true{more}"#));
    let queued = stage.caller.posts("/v1/responses", &body).answered().await;
    assert_eq!(queued.status, 200);
    scribe.takes().await
}

#[tokio::test]
async fn they_are_listed_with_their_reasons_and_without_their_words() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(false));
    let held = stage.worker.takes().await;
    let payload = held.delivery.payload().clone();
    buries(&stage, Lane::Chat, &held.id.to_string(), "attempts_exhausted", payload).await;
    drop(call);
    buries(&stage, Lane::Live, "unknown", "hello?", Bytes::from_static(b"hello")).await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let job = asked(&stage, &mut scribe, "").await;
    let given_up = gives_up(&stage, job, Lane::Background).await;

    let list = listed(&stage, "").await;

    let created: Vec<_> = (0..3).map(|at| list["data"][at]["created_at"].clone()).collect();
    assert!(created.iter().all(|at| at.as_u64().unwrap() > 1_700_000_000), "{created:?}");
    let expected = json!({
        "object": "list", "first_id": "3", "last_id": "1", "has_more": false, "data": [
            {"object": "dead_letter", "id": "3", "created_at": created[0], "lane": "background",
             "queue": "default", "model": "public", "job_id": given_up.to_string(),
             "reason": "attempts_exhausted", "attempts": 5, "can_redrive": true, "why_not": null},
            {"object": "dead_letter", "id": "2", "created_at": created[1], "lane": "live",
             "queue": "default", "model": null, "job_id": null, "reason": "other", "attempts": 5,
             "can_redrive": false, "why_not": "What was queued cannot be read."},
            {"object": "dead_letter", "id": "1", "created_at": created[2], "lane": "chat",
             "queue": "default", "model": "public", "job_id": held.id.to_string(),
             "reason": "attempts_exhausted", "attempts": 5, "can_redrive": false,
             "why_not": "Its caller waited for it, was told, and is gone."},
        ],
    });
    assert_eq!(list, expected);
    let shown = overview(&stage.caller).await;
    assert_eq!(shown["dead_letters"], json!({"kept": 3, "recent": list["data"]}));
    assert!(!shown.to_string().contains("hello"), "{shown}");

    let page = listed(&stage, "?limit=2").await;
    let told = json!([page["first_id"], page["last_id"], page["has_more"]]);
    assert_eq!(told, json!(["3", "2", true]));
    let page = listed(&stage, "?limit=2&after=2").await;
    let told = json!([page["first_id"], page["last_id"], page["has_more"]]);
    assert_eq!(told, json!(["1", "1", false]));
    for query in ["?after=x", "?limit=0", "?order=asc"] {
        let refused = stage.caller.gets(&format!("{DEAD_LETTERS}{query}")).await;
        assert_eq!(refused.error().await, (400, "invalid_value".to_owned()), "{query}");
    }
}

#[tokio::test]
async fn one_that_was_deleted_is_gone_and_the_others_stay() {
    let stage = Stage::set().await;
    for job in ["a", "b", "c"] {
        buries(&stage, Lane::Chat, job, "unreadable", Bytes::new()).await;
    }
    let path = format!("{DEAD_LETTERS}/2");

    let deleted = json_of(sends(&stage, Method::DELETE, &path).await).await;

    assert_eq!(deleted, json!({"object": "dead_letter.deleted", "id": "2", "deleted": true}));
    let list = listed(&stage, "").await;
    let ids: Vec<_> = list["data"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, ["3", "1"]);
    assert_eq!(stage.messages_in(streams::DEAD).await, 2);
    let not_found = (404, "dead_letter_not_found".to_owned());
    let others = ["99", "x", "0", "01", "+1"].map(|id| format!("{DEAD_LETTERS}/{id}"));
    for path in [path].into_iter().chain(others) {
        assert_eq!(sends(&stage, Method::DELETE, &path).await.error().await, not_found, "{path}");
        let redrive = format!("{path}/redrive");
        let refused = sends(&stage, Method::POST, &redrive).await;
        assert_eq!(refused.error().await, not_found, "{redrive}");
    }
    let told = stage.gateway.log.lines(&["WARN", "audit: dead letter"]);
    assert_eq!(told.len(), 1, "{told:?}");
    let line = "dead letter 2 (unreadable) of chat.default was deleted by anybody";
    assert!(told[0].contains(line), "{told:?}");
}

#[tokio::test]
async fn one_that_is_redriven_is_a_new_response_of_the_same_owner_with_the_same_input() {
    let stage = with_keys().await;
    let keyring = Keyring::of(&stage).await;
    let scopes = json!({"operator": true, "endpoints": []});
    let operator = keyring.makes(json!({"tenant": "ops", "scopes": scopes})).await;
    let owner = keyring.hands_out(&stage, json!({"tenant": "a", "owner": "x"})).await;
    let mut live = stage.scribe(Lane::Live).await;
    let mut background = stage.scribe(Lane::Background).await;
    // Its caller has left by the time.
    let body = response(r#""stream":true,"temperature":0.25"#);
    let request = stage.request_as(&owner, Method::POST, "/v1/responses").body(body);
    let call = stage.caller.sends(request);
    let job = live.takes().await;
    let (asks_model, of) = (job.chat(), job.log.owner.clone());
    gives_up(&stage, job, Lane::Live).await;
    drop(call);
    let as_operator = async |key: &ApiKey, method: Method, path: &str| {
        stage.sends_as(key, method, path, None).await
    };

    let redrive = format!("{DEAD_LETTERS}/1/redrive");
    let redriven = json_of(as_operator(&operator, Method::POST, &redrive).await).await;

    let id = redriven["response_id"].as_str().unwrap().to_owned();
    assert_eq!(redriven["object"], "dead_letter.redriven");
    let mut again = background.takes().await;
    assert_eq!((again.response_id(), &again.log.owner), (id.clone(), &of));
    assert_eq!(again.chat(), asks_model);
    again.says("at last").await;
    again.completes().await;
    let path = format!("/v1/responses/{id}");
    let answer = json_of(stage.sends_as(&owner, Method::GET, &path, None).await).await;
    assert_eq!((&answer["status"], &answer["background"]), (&json!("completed"), &json!(true)));
    assert!(answer.to_string().contains("at last"), "{answer}");
    assert_eq!(as_operator(&operator, Method::GET, &path).await.status, 403, "it is not theirs");

    assert_eq!(stage.messages_in(streams::DEAD).await, 0);
    let refused = as_operator(&operator, Method::POST, &redrive).await.error().await;
    assert_eq!(refused, (404, "dead_letter_not_found".to_owned()));
    let told = format!("was redriven as {id} by key {} from 127.0.0.1", operator.id());
    let parts = ["WARN", "audit: dead letter 1 (attempts_exhausted) of live.default", &told];
    assert_eq!(stage.gateway.log.lines(&parts).len(), 1);
}

#[tokio::test]
async fn one_whose_letter_could_not_be_removed_is_the_same_response_when_it_is_redriven_again() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let job = asked(&stage, &mut scribe, "").await;
    let payload = job.delivery.payload().clone();
    let id = gives_up(&stage, job, Lane::Background).await;
    // As if it had stayed.
    buries(&stage, Lane::Background, &id.to_string(), "attempts_exhausted", payload).await;

    let redrive = async |number: u8| {
        let path = format!("{DEAD_LETTERS}/{number}/redrive");
        json_of(sends(&stage, Method::POST, &path).await).await["response_id"].clone()
    };

    assert_eq!(redrive(1).await, redrive(2).await);
    assert_eq!(stage.ever_in(streams::jobs_stream(Lane::Background)).await, 2);
}

#[tokio::test]
async fn what_cannot_be_asked_again_says_why() {
    let mut stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let bury = async |job: &Written| {
        let (id, payload) = (job.log.job.to_string(), job.delivery.payload().clone());
        buries(&stage, Lane::Background, &id, "attempts_exhausted", payload).await;
    };
    let mut answered = asked(&stage, &mut scribe, "").await;
    answered.completes().await;
    bury(&answered).await;
    let open = asked(&stage, &mut scribe, "").await;
    bury(&open).await;
    let deleted = asked(&stage, &mut scribe, "").await;
    bury(&deleted).await;
    let path = format!("/v1/responses/{}", deleted.response_id());
    assert_eq!(sends(&stage, Method::DELETE, &path).await.status, 200);
    let call = stage.caller.asks(&chat(false));
    let held = stage.worker.takes().await;
    let payload = held.delivery.payload().clone();
    buries(&stage, Lane::Chat, &held.id.to_string(), "attempts_exhausted", payload).await;
    drop(call);

    let list = listed(&stage, "").await;

    for (number, why) in [
        (1, "It was answered after all."),
        (2, "It has no end yet"),
        (3, "Its owner has deleted it"),
        (4, "Its caller waited for it, was told, and is gone."),
    ] {
        let letter = &list["data"][4 - number];
        assert_eq!(
            (&letter["id"], &letter["can_redrive"]),
            (&json!(number.to_string()), &json!(false))
        );
        assert!(letter["why_not"].as_str().unwrap().contains(why), "{letter}");
        let path = format!("{DEAD_LETTERS}/{number}/redrive");
        let refused = sends(&stage, Method::POST, &path).await;
        assert_eq!(refused.header("x-should-retry"), Some("false"));
        let text = refused.text().await;
        assert!(text.contains("dead_letter_not_redriven") && text.contains(why), "{text}");
    }
    assert_eq!(stage.messages_in(streams::DEAD).await, 4, "they stay");
    assert!(stage.gateway.log.lines(&["audit:"]).is_empty(), "nothing was done");
}

#[tokio::test]
async fn what_its_owner_has_asked_again_under_its_key_is_not_asked_once_more() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let body = response(r#""background":true"#);
    let asks = async || stage.caller.posts_as("once", "/v1/responses", &body).answered().await;
    assert_eq!(asks().await.status, 200);
    let mut first = scribe.takes().await;
    let error = r#"{"error":{"message":"no","type":"server_error","param":null,"code":"attempts_exhausted"}}"#;
    let failure =
        Failure { status: 500, body: error.to_owned(), retry_after_ms: None, should_retry: true };
    first.fails(&failure).await;
    let (id, payload) = (first.log.job.to_string(), first.delivery.payload().clone());
    buries(&stage, Lane::Background, &id, "attempts_exhausted", payload).await;

    assert_eq!(asks().await.status, 200);
    let second = scribe.takes().await;
    assert_ne!(second.log.job, first.log.job, "it was made anew");
    let refused = sends(&stage, Method::POST, &format!("{DEAD_LETTERS}/1/redrive")).await;

    assert_eq!(refused.status, 409);
    assert!(refused.text().await.contains("Its owner has asked it again"));
    assert_eq!(stage.ever_in(streams::jobs_stream(Lane::Background)).await, 2);
}

#[tokio::test]
async fn to_list_them_their_logs_are_not_read_whole() {
    const LONG: usize = 300 * 1024;
    // Nobody else reads logs here.
    let stage = Stage::with(|settings| settings.roles.chores = false).await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let mut job = asked(&stage, &mut scribe, "").await;
    for _record in 0..4 {
        job.says(&"x".repeat(LONG)).await;
    }
    gives_up(&stage, job, Lane::Background).await;
    let client = async_nats::connect(stage.nats.url()).await.unwrap();
    let mut pages = client.subscribe("$JS.API.DIRECT.GET.LOGS").await.unwrap();
    let mut marks = client.subscribe("test.mark").await.unwrap();
    // What the server has sent before a mark comes back has arrived.
    let mut mark = async || {
        client.publish("test.mark", "".into()).await.unwrap();
        within("a mark", marks.next()).await.unwrap();
    };
    mark().await;

    let list = listed(&stage, "").await;

    assert_eq!(list["data"][0]["can_redrive"], true, "{list}");
    mark().await;
    let asked = std::iter::from_fn(|| pages.next().now_or_never().flatten()).count();
    assert_eq!(asked, 1, "pages of a log");
}
