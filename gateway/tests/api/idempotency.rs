//! A response that is asked for twice under one key is made once, and told as often as it is asked
//! for.

use contract::{Lane, streams};

use crate::support::{Caller, Gateway, Scribe, Stage, Written, response};

const PATH: &str = "/v1/responses";
const KEY: &str = "order-7";

/// Asks under the key, and gives the whole answer and whether it says to be a repeat.
async fn told(caller: &Caller, body: &str) -> (u16, String, bool) {
    let answer = caller.posts_as(KEY, PATH, body).answered().await;
    let repeated = answer.header("idempotent-replayed").map(str::to_owned);
    assert!(matches!(repeated.as_deref(), None | Some("true")));
    (answer.status, answer.text().await, repeated.is_some())
}

async fn answers(scribe: &mut Scribe) -> Written {
    let mut written = scribe.takes().await;
    written.says("one ").await;
    written.says("two").await;
    written.completes().await;
    written
}

async fn jobs_ever(stage: &Stage, lane: Lane) -> u64 {
    stage.ever_in(streams::jobs_stream(lane)).await
}

async fn two_gateways() -> (Stage, Gateway, Caller, Scribe) {
    let stage = Stage::set().await;
    let (gateway, elsewhere) = stage.another_gateway().await;
    let scribe = stage.scribe(Lane::Live).await;
    (stage, gateway, elsewhere, scribe)
}

#[tokio::test]
async fn a_repeat_is_told_the_same_byte_for_byte_on_every_gateway() {
    for stream in [false, true] {
        let (stage, _gateway, elsewhere, mut scribe) = two_gateways().await;
        let body = response(&format!(r#""stream":{stream}"#));
        let (first, _written) = tokio::join!(told(&stage.caller, &body), answers(&mut scribe));

        let again = told(&stage.caller, &body).await;
        let there = told(&elsewhere, &body).await;

        let (status, text, repeated) = first;
        assert_eq!((status, repeated), (200, false));
        assert!(text.contains("one two"), "{text}");
        for told in [again, there] {
            assert_eq!(told, (200, text.clone(), true));
        }
        assert_eq!(jobs_ever(&stage, Lane::Live).await, 1);
    }
}

#[tokio::test]
async fn a_repeat_joins_an_answer_that_is_being_given_from_its_first_event() {
    let (stage, _gateway, elsewhere, mut scribe) = two_gateways().await;
    let body = response(r#""stream":true"#);
    let first = stage.caller.posts_as(KEY, PATH, &body);
    let mut written = scribe.takes().await;
    written.says("one").await;
    let first = first.answered().await;

    let repeat = elsewhere.posts_as(KEY, PATH, &body).answered().await;
    written.says("two").await;
    written.completes().await;

    assert_eq!(repeat.header("idempotent-replayed"), Some("true"));
    let events = first.events().await;
    assert!(events[0].starts_with("event: response.created\n"));
    assert_eq!(repeat.events().await, events);
    assert_eq!(jobs_ever(&stage, Lane::Live).await, 1);
}

#[tokio::test]
async fn whoever_repeats_reads_so_the_answer_goes_on_when_the_first_caller_leaves() {
    let (stage, _gateway, elsewhere, mut scribe) = two_gateways().await;
    let body = response(r#""stream":true"#);
    let first = stage.caller.posts_as(KEY, PATH, &body);
    let mut written = scribe.takes().await;
    written.says("one").await;
    let first = first.answered().await;
    let repeat = elsewhere.posts_as(KEY, PATH, &body).answered().await;

    drop(first);
    stage.gateway.settles_in("live", "client_gone").await;
    assert!(stage.bus.has_reader(&written.log).await.unwrap());
    written.completes().await;

    let events = repeat.events().await;
    assert!(events.last().unwrap().starts_with("event: response.completed\n"), "{events:?}");
}

#[tokio::test]
async fn of_many_at_once_on_two_gateways_one_is_made_and_all_are_told() {
    let (stage, _gateway, elsewhere, mut scribe) = two_gateways().await;
    let body = response("");
    let callers = [&stage.caller, &elsewhere];
    let calls: Vec<_> = (0..8).map(|at| callers[at % 2].posts_as(KEY, PATH, &body)).collect();

    let written = answers(&mut scribe).await;

    let mut repeats = 0;
    for call in calls {
        let answer = call.answered().await;
        repeats += u32::from(answer.header("idempotent-replayed").is_some());
        let text = answer.text().await;
        assert!(text.contains(&written.response_id()), "{text}");
    }
    assert_eq!(repeats, 7);
    assert_eq!(jobs_ever(&stage, Lane::Live).await, 1);
}

#[tokio::test]
async fn one_in_the_background_is_shown_as_it_stands() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let body = response(r#""background":true"#);
    let queued = told(&stage.caller, &body).await;

    let again = told(&stage.caller, &body).await;
    let written = answers(&mut scribe).await;
    let (status, later, repeated) = told(&stage.caller, &body).await;

    assert!(queued.1.contains(r#""status":"queued""#) && !queued.2);
    assert_eq!(again, (200, queued.1, true));
    assert_eq!((status, repeated), (200, true));
    assert!(later.contains(&written.response_id()) && later.contains("one two"), "{later}");
    assert_eq!(jobs_ever(&stage, Lane::Background).await, 1);
}

#[tokio::test]
async fn what_is_not_to_be_kept_is_told_to_who_repeats_and_to_nobody_else() {
    let (stage, _gateway, elsewhere, mut scribe) = two_gateways().await;
    let body = response(r#""store":false"#);
    let (first, written) = tokio::join!(told(&stage.caller, &body), answers(&mut scribe));
    stage.gateway.settles_in("live", "completed").await;

    let again = told(&elsewhere, &body).await;
    let shown = stage.caller.gets(&format!("{PATH}/{}", written.response_id())).await;

    assert_eq!(again, (200, first.1, true));
    assert_eq!(shown.error().await, (404, "response_not_found".to_owned()));
}

#[tokio::test]
async fn a_turn_that_is_asked_for_twice_is_one_turn() {
    let (stage, _gateway, elsewhere, mut scribe) = two_gateways().await;
    let made = stage.caller.posts("/v1/conversations", "{}").answered().await.text().await;
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let id = made["id"].as_str().unwrap();
    let body = response(&format!(r#""conversation":"{id}""#));
    let first = stage.caller.posts_as(KEY, PATH, &body);
    let mut written = scribe.takes().await;

    // While a turn runs another one is refused.
    let repeat = elsewhere.posts_as(KEY, PATH, &body);
    let other = stage.caller.posts(PATH, &body).answered().await;
    written.says("hi").await;
    written.completes().await;

    assert_eq!(other.error().await, (400, "conversation_locked".to_owned()));
    let first = first.answered().await.text().await;
    assert_eq!(repeat.answered().await.text().await, first);
    let items = stage.caller.gets(&format!("/v1/conversations/{id}/items")).await.text().await;
    let items: serde_json::Value = serde_json::from_str(&items).unwrap();
    assert_eq!(items["data"].as_array().unwrap().len(), 2, "{items}");
}

#[tokio::test]
async fn deleting_a_response_frees_its_key() {
    let (stage, _gateway, elsewhere, mut scribe) = two_gateways().await;
    let body = response("");
    let (_first, written) = tokio::join!(told(&stage.caller, &body), answers(&mut scribe));
    let path = format!("{PATH}/{}", written.response_id());
    let deleted = stage.caller.sends(stage.caller.request(reqwest::Method::DELETE, &path));
    assert_eq!(deleted.answered().await.status, 200);

    let other = response(r#""metadata":{"a":"b"}"#);
    let ((status, text, repeated), written) =
        tokio::join!(told(&elsewhere, &other), answers(&mut scribe));

    assert_eq!((status, repeated), (200, false));
    assert!(text.contains(&written.response_id()), "{text}");
}
