//! The turns of a conversation along one branch, page by page; and a conversation that takes its
//! responses along when it goes.

use bytes::Bytes;
use contract::log::{self, Accepted, Api, Ended, LogId, Outcome, Record};
use contract::{ConversationId, JobId, Lane, Owner, streams, subjects};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{Stage, Talk, ids, read};

#[tokio::test]
async fn a_path_leads_through_a_turn_to_the_newest_behind_it() {
    let stage = Stage::set().await;
    let mut talk = Talk::begin(&stage).await;
    let empty = json!({
        "object": "list", "data": [], "first_id": null, "last_id": null, "has_more": false,
    });
    assert_eq!(talk.turns("").await, empty);
    let (one, _told) = talk.turn("one", json!(null)).await;
    let (two, _told) = talk.turn("two", json!(one)).await;
    let (other, _told) = talk.turn("other", json!(one)).await;
    let (three, _told) = talk.turn("three", json!(two)).await;
    let (anew, _told) = talk.turn("anew", json!(null)).await;

    for (at, path) in [
        ("".to_owned(), vec![&anew]),
        (format!("at={anew}"), vec![&anew]),
        (format!("at={one}"), vec![&one, &two, &three]),
        (format!("at={two}"), vec![&one, &two, &three]),
        (format!("at={three}"), vec![&one, &two, &three]),
        (format!("at={other}"), vec![&one, &other]),
        (format!("until={one}"), vec![&one]),
        (format!("until={two}"), vec![&one, &two]),
        (format!("until={two}&limit=1"), vec![&two]),
        (format!("until={three}&before={two}"), vec![&one]),
    ] {
        assert_eq!(talk.path_of(&at).await.iter().collect::<Vec<_>>(), path, "{at}");
    }

    let page = talk.turns(&format!("at={other}")).await;
    let shown = read(stage.caller.gets(&format!("/v1/responses/{other}")).await).await;
    assert_eq!(page["data"][1]["response"], shown);
    assert_eq!(page["data"][0]["siblings"], json!([one, anew]));
    assert_eq!(page["data"][0]["after"], Value::Null);
    let turn = &page["data"][1];
    assert_eq!((&turn["object"], &turn["after"]), (&json!("conversation.turn"), &json!(one)));
    assert_eq!(turn["siblings"], json!([two, other]));
    assert_eq!(turn["input"][0]["content"], json!([{"type": "input_text", "text": "other"}]));
    assert_eq!(turn["input"].as_array().unwrap().len(), 1, "its own input alone");
    assert_eq!(turn["response"]["output"][0]["content"][0]["text"], "OTHER");
    assert_eq!((&page["first_id"], &page["last_id"]), (&json!(one), &json!(other)));
    assert_eq!(page["has_more"], false);
}

#[tokio::test]
async fn page_by_page_every_turn_of_a_path_is_seen_once() {
    let stage = Stage::set().await;
    let mut talk = Talk::begin(&stage).await;
    let mut path = Vec::new();
    for number in 0..5 {
        let after = path.last().map_or(Value::Null, |last| json!(last));
        path.push(talk.turn(&format!("n{number}"), after).await.0);
    }
    let (other, _told) = talk.turn("other", json!(path[1])).await;

    for through in [format!("at={}&", path[4]), String::new()] {
        let mut query = format!("at={}&limit=2", path[4]);
        let mut seen = Vec::new();
        loop {
            let page = talk.turns(&query).await;
            let ids = ids(&page["data"], "id");
            assert_eq!(page["first_id"].as_str(), ids.first().map(String::as_str));
            seen = [ids, seen].concat();
            if page["has_more"] == false {
                break;
            }
            // What is newest may be elsewhere: what stands before a turn is the same all the same.
            query = format!("{through}limit=2&before={}", page["first_id"].as_str().unwrap());
        }
        assert_eq!(seen, path, "{through}");
    }
    assert_eq!(talk.path_of(&format!("before={}", path[0])).await, Vec::<String>::new());
    for (query, status, code) in [
        (format!("at={other}&before={}", path[2]), 400, "invalid_value"),
        ("before=resp_1".to_owned(), 404, "turn_not_found"),
        ("until=resp_1".to_owned(), 404, "turn_not_found"),
        (format!("until={}&before={}", path[1], path[2]), 400, "invalid_value"),
        (format!("until={other}&at={other}"), 400, "invalid_value"),
        ("limit=0".to_owned(), 400, "invalid_value"),
        ("limit=101".to_owned(), 400, "invalid_value"),
        ("order=desc".to_owned(), 400, "invalid_value"),
        ("after=resp_1".to_owned(), 400, "invalid_value"),
    ] {
        let refused = stage.caller.gets(&format!("{}/turns?{query}", talk.path())).await;
        assert_eq!(refused.error().await, (status, code.to_owned()), "{query}");
    }
}

#[tokio::test]
async fn a_turn_is_there_as_it_stands_from_its_first_moment_and_not_before_it_began() {
    let stage = Stage::set().await;
    let mut talk = Talk::begin(&stage).await;
    let (one, _told) = talk.turn("one", json!(null)).await;
    let queued = read(talk.asks("two", json!({"after": one})).await).await;
    let page = talk.turns("").await;
    assert_eq!(page["data"][1]["response"], queued);
    assert_eq!(page["data"][1]["input"][0]["content"][0]["text"], "two");
    let (mut written, _told) = talk.taken().await;
    written.says("half").await;
    let running = &talk.turns("").await["data"][1]["response"];
    assert_eq!(running["status"], "in_progress");
    assert_eq!(running["output"][0]["content"][0]["text"], "half");
    written.completes().await;
    let refused = talk.failed("refused", json!(one)).await;
    let page = talk.turns(&format!("at={refused}")).await;
    assert_eq!(page["data"][1]["response"]["status"], "failed");
    assert_eq!(page["data"][1]["input"][0]["content"][0]["text"], "refused", "it was asked");

    let records = stage.bus.records(streams::CONVERSATIONS).await.unwrap();
    let key = key_of(&talk.id);
    let stored = records.get(&key).await.unwrap().unwrap();
    let mut record: Value = serde_json::from_slice(&stored.value).unwrap();
    let claimed = JobId::fresh();
    record["entries"].as_array_mut().unwrap().push(json!({"turn": claimed}));
    record["running"] = json!({"turn": claimed, "since_ms": 7});
    let value = Bytes::from(record.to_string());
    records.update(&key, value, stored.revision).await.unwrap();
    assert_eq!(talk.path_of("").await, [one.as_str(), &refused]);
    let gets = format!("{}/turns?at={}", talk.path(), claimed.as_response());
    assert_eq!(stage.caller.gets(&gets).await.error().await.0, 404);
}

#[tokio::test]
async fn a_turn_whose_log_is_gone_stays_on_the_path_and_tells_nothing() {
    let stage = Stage::set().await;
    let mut talk = Talk::begin(&stage).await;
    let (one, _told) = talk.turn("one", json!(null)).await;
    let (two, _told) = talk.turn("two", json!(one)).await;
    let (other, _told) = talk.turn("other", json!(one)).await;
    goes_by_its_age(&stage, &two).await;

    let page = talk.turns(&format!("at={two}")).await;

    assert_eq!(ids(&page["data"], "id"), [one.as_str(), &two]);
    let gone = &page["data"][1];
    assert_eq!((&gone["response"], &gone["input"]), (&Value::Null, &json!([])));
    assert_eq!(gone["siblings"], json!([two, other]));
    let (_on, told) = talk.turn("on", json!(two)).await;
    assert_eq!(told, ["one", "ONE", "on"], "what its own branch still tells, and no other");
}

#[tokio::test]
async fn a_page_is_no_larger_than_it_may_be_and_the_next_ones_have_the_rest() {
    let stage = Stage::set().await;
    let talk = Talk::begin(&stage).await;
    // Each response tells what it was instructed with.
    let large = json!({"instructions": "x".repeat(900 * 1024)});
    let path = tells_turns(&stage, &talk.id, 11, &large).await;

    let newest = talk.turns("limit=100").await;
    assert_eq!(newest["has_more"], true);
    assert!(newest.to_string().len() <= 9 * 1024 * 1024);
    let newest_ids = ids(&newest["data"], "id");
    let older = talk.path_of(&format!("limit=100&before={}", newest_ids[0])).await;
    assert_eq!([older, newest_ids].concat(), path);
}

#[tokio::test]
async fn of_five_hundred_turns_pages_of_a_hundred_are_read_and_all_are_deleted() {
    const TURNS: usize = 500;
    let stage = Stage::set().await;
    let talk = Talk::begin(&stage).await;
    let turns = tells_turns(&stage, &talk.id, TURNS, &json!({})).await;

    let began = Instant::now();
    let page = talk.turns("limit=100").await;
    let took = began.elapsed();

    assert_eq!(ids(&page["data"], "id"), turns[TURNS - 100..]);
    let responses = page["data"].as_array().unwrap().iter().map(|turn| &turn["response"]);
    assert_eq!(ids(&responses.cloned().collect::<Value>(), "status"), ["completed"; 100]);
    assert_eq!(page["has_more"], true);
    // A hundred logs, on a machine that may be busy.
    assert!(took.as_secs() < 10, "{took:?}");
    let first = talk.path_of(&format!("limit=100&before={}", turns[100])).await;
    assert_eq!(first, turns[..100]);

    let gone = talk.deletes(&format!("{}?responses=true", talk.path())).await;
    assert_eq!(gone.status, 200);
    assert_eq!(stage.messages_in(streams::LOGS).await, 0);
}

#[tokio::test]
async fn a_conversation_takes_its_responses_along_if_that_is_said() {
    let stage = Stage::set().await;
    let mut talk = Talk::begin(&stage).await;
    let mut kept = Talk::begin(&stage).await;
    let (mine, _told) = kept.turn("mine", json!(null)).await;
    let (one, _told) = talk.turn("one", json!(null)).await;
    let (other, _told) = talk.turn("other", json!(null)).await;
    let (mut running, _told) = talk.running("running", json!(one)).await;
    let path = talk.path();
    let refused = talk.deletes(&format!("{path}?responses=yes")).await;
    assert_eq!(refused.error().await, (400, "invalid_value".to_owned()));

    let gone = read(talk.deletes(&format!("{path}?responses=true")).await).await;

    assert_eq!(gone, json!({"id": talk.id, "object": "conversation.deleted", "deleted": true}));
    for id in [one, other, running.response_id()] {
        assert_eq!(talk.status_of(&id).await, 404, "{id}");
    }
    assert!(running.is_fenced().await, "who answers is out");
    let not_found = (404, "conversation_not_found".to_owned());
    assert_eq!(stage.caller.gets(&format!("{path}/turns")).await.error().await, not_found);
    let again = talk.deletes(&format!("{path}?responses=true")).await;
    assert_eq!(again.error().await, not_found);
    let list = read(stage.caller.gets("/v1/conversations").await).await;
    assert_eq!(ids(&list["data"], "id"), [kept.id.as_str()]);
    assert_eq!(kept.status_of(&mine).await, 200, "of another conversation");

    read(kept.deletes(&kept.path()).await).await;
    assert_eq!(kept.status_of(&mine).await, 200, "it was not said");
}

#[tokio::test]
async fn a_turn_that_is_about_to_begin_is_waited_for_and_goes_too() {
    let stage = Stage::set().await;
    let talk = Talk::begin(&stage).await;
    let records = stage.bus.records(streams::CONVERSATIONS).await.unwrap();
    let (before, turn) = (JobId::fresh(), JobId::fresh());
    writes_a_log(&stage, before, &talk.id, &json!({})).await;
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let record = json!({
        "created_at": 7, "metadata": {}, "entries": [{"turn": before}, {"turn": turn}],
        "running": {"turn": turn, "since_ms": u64::try_from(since.as_millis()).unwrap()},
    });
    records.put(&key_of(&talk.id), Bytes::from(record.to_string())).await.unwrap();

    let path = format!("{}?responses=true", talk.path());
    let deleting = stage.caller.sends(stage.caller.request(reqwest::Method::DELETE, &path));
    stage.has_messages(streams::LOGS, 0).await;
    begins_a_log(&stage, turn, &talk.id, &json!({})).await;

    assert_eq!(deleting.answered().await.status, 200);
    assert_eq!(stage.messages_in(streams::LOGS).await, 0);
    assert!(records.get(&key_of(&talk.id)).await.unwrap().is_none());
}

#[tokio::test]
async fn of_a_turn_and_a_deletion_at_once_nothing_is_left() {
    let stage = Stage::set().await;
    for _round in 0..10 {
        let talk = Talk::begin(&stage).await;
        let body = json!({
            "model": "public", "input": "x", "conversation": talk.id, "background": true,
        });
        let asking = stage.caller.posts("/v1/responses", &body.to_string());
        let path = format!("{}?responses=true", talk.path());
        let deleting = stage.caller.sends(stage.caller.request(reqwest::Method::DELETE, &path));

        let asked = asking.answered().await;
        assert_eq!(deleting.answered().await.status, 200);
        if asked.status == 200 {
            let id = read(asked).await["id"].as_str().unwrap().to_owned();
            assert_eq!(talk.status_of(&id).await, 404);
        } else {
            assert_eq!(asked.error().await, (404, "conversation_not_found".to_owned()));
        }
        assert_eq!(stage.caller.gets(&talk.path()).await.status, 404);
    }
    assert_eq!(stage.messages_in(streams::LOGS).await, 0);
    assert_eq!(stage.messages_in(&streams::bucket_stream(streams::CONVERSATIONS)).await, 0);
}

fn key_of(conversation: &str) -> String {
    let id = ConversationId::of_conversation(conversation).unwrap();
    subjects::conversation_key(&Owner::local(), id)
}

/// So many turns in a row, which were asked with these members: their ids.
async fn tells_turns(stage: &Stage, conversation: &str, count: usize, more: &Value) -> Vec<String> {
    let turns: Vec<JobId> = (0..count).map(|_turn| JobId::fresh()).collect();
    for turn in &turns {
        writes_a_log(stage, *turn, conversation, more).await;
    }
    let records = stage.bus.records(streams::CONVERSATIONS).await.unwrap();
    let entries: Vec<Value> = turns.iter().map(|turn| json!({"turn": turn})).collect();
    let record = json!({"created_at": 7, "metadata": {}, "entries": entries});
    records.put(&key_of(conversation), Bytes::from(record.to_string())).await.unwrap();
    turns.into_iter().map(JobId::as_response).collect()
}

/// A response that a worker has completed, in the words of its log.
async fn writes_a_log(stage: &Stage, job: JobId, conversation: &str, more: &Value) {
    let (log, last) = begins_a_log(stage, job, conversation, more).await;
    let outcome = Outcome::Completed;
    let ended = Ended { attempt: 1, number: 0, outcome, at_ms: 2, work: None };
    let message = log::write::<&[u8]>(&Record::Ended(ended), &[]).into();
    stage.bus.append(&log, last, message).await.unwrap();
}

/// A response that was accepted: its log, and how far that is.
async fn begins_a_log(stage: &Stage, job: JobId, conversation: &str, more: &Value) -> (LogId, u64) {
    let log = LogId { owner: Owner::local(), job };
    let mut request = json!({"model": "public", "input": "x", "conversation": conversation});
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let request = request.to_string();
    let accepted = Accepted {
        job,
        owner: log.owner.clone(),
        api: Api::Responses,
        lane: Lane::Background,
        model: "public".parse().unwrap(),
        accepted_at_ms: 1,
        key: None,
        trace_id: None,
        context: serde_json::from_str("[]").unwrap(),
        request: serde_json::from_str(&request).unwrap(),
    };
    let message = log::write::<&[u8]>(&Record::Accepted(accepted), &[]).into();
    let last = stage.bus.append(&log, 0, message).await.unwrap();
    (log, last)
}

/// As NATS forgets what is too old.
async fn goes_by_its_age(stage: &Stage, response: &str) {
    let log = LogId { owner: Owner::local(), job: JobId::of_response(response).unwrap() };
    let sealed = stage.bus.records(streams::RESPONSES).await.unwrap();
    sealed.delete(&subjects::response_key(&log)).await.unwrap();
    stage.bus.erase_log(&log).await.unwrap();
}
