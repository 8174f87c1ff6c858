//! Responses that nobody waits for: fetched later, from whichever gateway, cancelled, deleted.

use contract::Lane;
use reqwest::Method;
use serde_json::Value;

use crate::support::{Answer, Caller, Scribe, Stage, Written, response};

const PATH: &str = "/v1/responses";
const BACKGROUND: &str = r#""background":true"#;

async fn json(answer: Answer) -> Value {
    assert_eq!(answer.status, 200);
    serde_json::from_str(&answer.text().await).unwrap()
}

async fn created(stage: &Stage) -> Value {
    json(stage.caller.posts(PATH, &response(BACKGROUND)).answered().await).await
}

async fn begun(stage: &Stage, scribe: &mut Scribe) -> (String, Written) {
    let shown = created(stage).await;
    let written = scribe.takes().await;
    (format!("{PATH}/{}", shown["id"].as_str().unwrap()), written)
}

async fn deletes(caller: &Caller, address: &str) -> Answer {
    caller.sends(caller.request(Method::DELETE, address)).answered().await
}

#[tokio::test]
async fn it_is_answered_at_once_and_polled_until_it_is_done() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let (_other_gateway, elsewhere) = stage.another_gateway().await;

    let queued = created(&stage).await;
    let address = format!("{PATH}/{}", queued["id"].as_str().unwrap());
    let polled = json(elsewhere.gets(&address).await).await;
    let mut written = scribe.takes().await;
    let in_progress = json(elsewhere.gets(&address).await).await;
    written.says("one").await;
    let with_text = json(stage.caller.gets(&address).await).await;
    written.completes().await;
    let completed = json(stage.caller.gets(&address).await).await;

    assert_eq!((&queued["status"], &queued["background"]), (&"queued".into(), &true.into()));
    assert_eq!(polled, queued);
    assert_eq!(in_progress["status"], "in_progress");
    assert_eq!(with_text["output"][0]["content"][0]["text"], "one");
    assert_eq!(completed["status"], "completed");
    assert_eq!(json(elsewhere.gets(&address).await).await, completed);
    stage.gateway.settles_in("background", "handed_over").await;
}

#[tokio::test]
async fn it_can_be_streamed_from_its_first_event_and_left() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let more = format!(r#"{BACKGROUND},"stream":true"#);

    let mut answer = stage.caller.posts(PATH, &response(&more)).answered().await;
    let first = answer.event().await.unwrap();
    let second = answer.event().await.unwrap();
    let mut written = scribe.takes().await;
    let third = answer.event().await.unwrap();
    drop(answer);
    stage.has_no_reader(&written.log).await;
    written.completes().await;

    assert!(first.starts_with("event: response.created\nid: 0\n"), "{first}");
    assert!(second.starts_with("event: response.queued\nid: 1\n"), "{second}");
    assert!(third.starts_with("event: response.in_progress\nid: 2\n"), "{third}");
    let shown = stage.caller.gets(&format!("{PATH}/{}", written.response_id())).await;
    assert_eq!(json(shown).await["status"], "completed");
}

#[tokio::test]
async fn it_is_cancelled_once_whoever_works_on_it() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let (_other_gateway, elsewhere) = stage.another_gateway().await;
    let (address, mut written) = begun(&stage, &mut scribe).await;
    written.says("half an ").await;
    let reader = stage.caller.gets(&format!("{address}?stream=true")).await;
    let cancel = format!("{address}/cancel");

    let cancelled = json(elsewhere.posts(&cancel, "").answered().await).await;
    let fenced = written.is_fenced().await;
    let again = json(stage.caller.posts(&cancel, "").answered().await).await;

    assert_eq!(cancelled["status"], "cancelled");
    assert_eq!(cancelled["output"][0]["content"][0]["text"], "half an ");
    assert!(fenced, "a worker that writes on changes nothing");
    assert_eq!(again, cancelled);
    assert_eq!(json(stage.caller.gets(&address).await).await, cancelled);
    let events = reader.events().await;
    let last = events.last().unwrap();
    assert!(last.starts_with("event: error\nid: "), "{last}");
    assert!(last.contains("response_cancelled"), "{last}");
}

#[tokio::test]
async fn it_is_cancelled_before_anybody_took_it() {
    let stage = Stage::set().await;
    let shown = created(&stage).await;
    let cancel = format!("{PATH}/{}/cancel", shown["id"].as_str().unwrap());

    let cancelled = json(stage.caller.posts(&cancel, "").answered().await).await;

    assert_eq!(cancelled["status"], "cancelled");
}

#[tokio::test]
async fn callers_that_cancel_at_once_see_the_same_end() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let (_other_gateway, elsewhere) = stage.another_gateway().await;
    let (address, written) = begun(&stage, &mut scribe).await;
    let cancel = format!("{address}/cancel");

    let calls: Vec<_> = (0..10)
        .map(|at| if at % 2 == 0 { &stage.caller } else { &elsewhere }.posts(&cancel, ""))
        .collect();
    let mut ends = Vec::new();
    for call in calls {
        ends.push(json(call.answered().await).await);
    }

    assert!(ends.iter().all(|end| *end == ends[0]));
    assert_eq!(written.records().await.len(), 3, "one end");
}

#[tokio::test]
async fn what_has_ended_stays_as_it_is() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let (address, mut written) = begun(&stage, &mut scribe).await;
    written.completes().await;

    let cancelled = stage.caller.posts(&format!("{address}/cancel"), "").answered().await;

    assert_eq!(json(cancelled).await["status"], "completed");
}

#[tokio::test]
async fn what_somebody_waits_for_is_not_cancelled() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let call = stage.caller.posts(PATH, &response(""));
    let mut written = scribe.takes().await;
    let cancel = format!("{PATH}/{}/cancel", written.response_id());

    let refused = stage.caller.posts(&cancel, "").answered().await;
    written.completes().await;

    assert_eq!(refused.error().await, (400, "response_not_background".to_owned()));
    assert_eq!(call.answered().await.status, 200);
}

#[tokio::test]
async fn it_is_deleted_in_whatever_state_and_not_found_from_then_on() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Background).await;
    for state in ["queued", "in_progress", "completed"] {
        let (address, written) = if state == "queued" {
            let shown = created(&stage).await;
            (format!("{PATH}/{}", shown["id"].as_str().unwrap()), None)
        } else {
            let (address, mut written) = begun(&stage, &mut scribe).await;
            if state == "completed" {
                written.completes().await;
            }
            (address, Some(written))
        };

        let deleted = json(deletes(&stage.caller, &address).await).await;

        let id = address.strip_prefix("/v1/responses/").unwrap();
        let expected = serde_json::json!({
            "id": id, "object": "response.deleted", "deleted": true
        });
        assert_eq!(deleted, expected, "{state}");
        let not_found = (404, "response_not_found".to_owned());
        assert_eq!(stage.caller.gets(&address).await.error().await, not_found, "{state}");
        assert_eq!(deletes(&stage.caller, &address).await.error().await, not_found, "{state}");
        if let Some(mut written) = written {
            assert!(written.is_fenced().await, "{state}");
        }
        assert_eq!(stage.messages_in("LOGS").await, 0, "{state}");
        if state == "queued" {
            // Whoever takes the job finds no log.
            assert!(scribe.pulls().await.records().await.is_empty());
        }
    }
}

#[tokio::test]
async fn whoever_reads_what_is_deleted_is_told_its_end() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let (address, mut written) = begun(&stage, &mut scribe).await;
    written.says("one").await;
    let mut reader = stage.caller.gets(&format!("{address}?stream=true")).await;
    reader.event().await.unwrap();

    assert_eq!(deletes(&stage.caller, &address).await.status, 200);

    let events = reader.events().await;
    assert!(events.last().unwrap().contains("response_cancelled"), "{events:?}");
}

#[tokio::test]
async fn flex_waits_behind_everybody_who_waits_and_is_waited_for_all_the_same() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Background).await;

    let call = stage.caller.posts(PATH, &response(r#""service_tier":"flex""#));
    let mut written = scribe.takes().await;
    let address = format!("{PATH}/{}/cancel", written.response_id());
    let refused = stage.caller.posts(&address, "").answered().await.error().await;
    written.says("one").await;
    written.completes().await;

    assert_eq!(refused, (400, "response_not_background".to_owned()), "leaving stops it");
    let answered = json(call.answered().await).await;
    assert_eq!(answered["status"], "completed");
    assert_eq!(
        (&answered["service_tier"], &answered["background"]),
        (&"flex".into(), &false.into())
    );
}

#[tokio::test]
async fn priority_waits_with_those_who_wait_though_it_is_fetched_later() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let more = format!(r#"{BACKGROUND},"service_tier":"priority""#);

    let queued = json(stage.caller.posts(PATH, &response(&more)).answered().await).await;
    let mut written = scribe.takes().await;
    written.says("one").await;
    let address = format!("{PATH}/{}/cancel", queued["id"].as_str().unwrap());
    let cancelled = json(stage.caller.posts(&address, "").answered().await).await;

    assert_eq!((&queued["status"], &queued["background"]), (&"queued".into(), &true.into()));
    assert_eq!(cancelled["status"], "cancelled");
}
