//! Responses as the turns of a conversation: one at a time, each asked with all before it.

use bytes::Bytes;
use contract::{ConversationId, Failure, JobId, Lane, Owner, streams, subjects};
use serde_json::{Value, json};

use crate::support::{Answer, Scribe, Stage, response};

const RESPONSES: &str = "/v1/responses";
const CONVERSATIONS: &str = "/v1/conversations";

async fn read(answer: Answer) -> Value {
    let status = answer.status;
    let text = answer.text().await;
    assert_eq!(status, 200, "{text}");
    serde_json::from_str(&text).unwrap()
}

/// A new conversation.
async fn conversation(stage: &Stage) -> String {
    let made = read(stage.caller.posts(CONVERSATIONS, "{}").answered().await).await;
    made["id"].as_str().unwrap().to_owned()
}

/// A request that is a turn.
fn turn_in(conversation: &str, input: &str) -> String {
    response(&format!(r#""conversation":"{conversation}""#)).replace("hello", input)
}

/// Has a turn answered, and gives the id of the response.
async fn turn(stage: &Stage, scribe: &mut Scribe, conversation: &str, input: &str) -> String {
    let call = stage.caller.posts(RESPONSES, &turn_in(conversation, input));
    let mut written = scribe.takes().await;
    written.says(&format!("answer to {input}")).await;
    written.completes().await;
    let response = read(call.answered().await).await;
    assert_eq!(response["conversation"], json!({"id": conversation}));
    written.response_id()
}

/// What a model is asked with in the next turn, as it is answered.
async fn asked_next(stage: &Stage, scribe: &mut Scribe, conversation: &str) -> Vec<String> {
    let call = stage.caller.posts(RESPONSES, &turn_in(conversation, "next"));
    let mut written = scribe.takes().await;
    let chat = written.chat();
    written.completes().await;
    read(call.answered().await).await;
    let messages = chat["messages"].as_array().unwrap();
    messages.iter().map(|message| message["content"].as_str().unwrap().to_owned()).collect()
}

/// The texts of the items, the oldest first.
async fn said_in(stage: &Stage, conversation: &str) -> Vec<String> {
    let path = format!("{CONVERSATIONS}/{conversation}/items?order=asc&limit=100");
    let list = read(stage.caller.gets(&path).await).await;
    let items = list["data"].as_array().unwrap();
    items.iter().map(|item| item["content"][0]["text"].as_str().unwrap().to_owned()).collect()
}

fn failure() -> Failure {
    let body =
        r#"{"error":{"message":"no","type":"server_error","param":null,"code":"upstream_error"}}"#;
    Failure { status: 502, body: body.to_owned(), retry_after_ms: None, should_retry: false }
}

#[tokio::test]
async fn each_turn_is_asked_with_everything_before_it() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let items = r#"{"items":[{"role":"user","content":"begin"}]}"#;
    let made = read(stage.caller.posts(CONVERSATIONS, items).answered().await).await;
    let id = made["id"].as_str().unwrap();
    turn(&stage, &mut scribe, id, "one").await;
    let more = r#"{"items":[{"role":"developer","content":"between"}]}"#;
    read(stage.caller.posts(&format!("{CONVERSATIONS}/{id}/items"), more).answered().await).await;
    turn(&stage, &mut scribe, id, "two").await;

    let whole =
        ["begin", "one", "answer to one", "between", "two", "answer to two"].map(str::to_owned);
    assert_eq!(said_in(&stage, id).await, whole);
    let asked = asked_next(&stage, &mut scribe, id).await;
    assert_eq!(asked, [&whole[..], &["next".to_owned()]].concat());
}

#[tokio::test]
async fn while_a_turn_has_no_end_the_conversation_is_locked() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let id = conversation(&stage).await;
    let running = stage.caller.posts(RESPONSES, &turn_in(&id, "one"));
    let mut written = scribe.takes().await;

    let refused = stage.caller.posts(RESPONSES, &turn_in(&id, "two")).answered().await;
    assert_eq!(said_in(&stage, &id).await, ["one"], "what was asked is there at once");
    written.completes().await;
    running.answered().await;

    assert_eq!(refused.header("x-should-retry"), Some("false"));
    assert_eq!(refused.error().await, (400, "conversation_locked".to_owned()));
    assert_eq!(asked_next(&stage, &mut scribe, &id).await, ["one", "next"]);
}

#[tokio::test]
async fn of_two_turns_at_once_on_two_gateways_one_is_taken() {
    let stage = Stage::set().await;
    let (_gateway, other) = stage.another_gateway().await;
    let worker = stage.another_worker().await;
    let background =
        |input: &str, id: &str| turn_in(id, input).replacen('{', r#"{"background":true,"#, 1);
    // The other gateway hears of workers by their beats.
    let id = conversation(&stage).await;
    crate::support::until("a worker that the other gateway knows", async || {
        other.posts(RESPONSES, &background("warm", &id)).answered().await.status != 503
    })
    .await;
    for _round in 0..10 {
        let id = conversation(&stage).await;
        let calls = [
            stage.caller.posts(RESPONSES, &background("one", &id)),
            other.posts(RESPONSES, &background("two", &id)),
        ];
        let mut outcomes = Vec::new();
        for call in calls {
            let answer = call.answered().await;
            outcomes.push(match answer.status {
                200 => "taken".to_owned(),
                _ => answer.error().await.1,
            });
        }
        outcomes.sort_unstable();
        assert_eq!(outcomes, ["conversation_locked", "taken"]);
        assert_eq!(said_in(&stage, &id).await.len(), 1);
    }
    drop(worker);
}

#[tokio::test]
async fn a_turn_that_comes_to_nothing_leaves_what_was_asked_or_nothing() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let id = conversation(&stage).await;
    let call = stage.caller.posts(RESPONSES, &turn_in(&id, "refused"));
    scribe.takes().await.fails(&failure()).await;
    assert_eq!(call.answered().await.status, 502);
    let call = stage.caller.posts(RESPONSES, &turn_in(&id, "broken off"));
    let mut written = scribe.takes().await;
    written.says("half an").await;
    written.fails(&failure()).await;
    assert_eq!(read(call.answered().await).await["status"], "failed");
    let mut background = stage.scribe(Lane::Background).await;
    let body = turn_in(&id, "stopped").replacen('{', r#"{"background":true,"#, 1);
    let queued = read(stage.caller.posts(RESPONSES, &body).answered().await).await;
    let mut written = background.takes().await;
    written.says("half").await;
    let cancel = format!("{RESPONSES}/{}/cancel", queued["id"].as_str().unwrap());
    read(stage.caller.posts(&cancel, "").answered().await).await;

    assert_eq!(said_in(&stage, &id).await, ["broken off", "stopped"]);
    assert_eq!(asked_next(&stage, &mut scribe, &id).await, ["broken off", "stopped", "next"]);
}

#[tokio::test]
async fn a_turn_that_is_not_accepted_is_given_back() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let id = conversation(&stage).await;
    let nothing = format!(r#"{{"model":"public","conversation":{{"id":"{id}"}}}}"#);

    for _again in 0..3 {
        let refused = stage.caller.posts(RESPONSES, &nothing).answered().await;
        assert_eq!(refused.error().await, (400, "missing_required_parameter".to_owned()));
    }

    assert_eq!(asked_next(&stage, &mut scribe, &id).await, ["next"]);
    let shown = read(stage.caller.gets(&format!("{CONVERSATIONS}/{id}")).await).await;
    assert_eq!(shown["title"], "next");
}

#[tokio::test]
async fn a_claim_that_was_never_kept_is_free_after_a_while_and_not_before() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let records = stage.bus.records(streams::CONVERSATIONS).await.unwrap();
    let claimed = async |since_ms: u64| {
        let (id, job) = (ConversationId::fresh(), JobId::fresh());
        let record = json!({
            "created_at": 7, "metadata": {}, "entries": [{"turn": job}],
            "running": {"turn": job, "since_ms": since_ms},
        });
        let key = subjects::conversation_key(&Owner::local(), id);
        records.create(&key, Bytes::from(record.to_string())).await.unwrap();
        id.as_conversation()
    };
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = u64::try_from(now.as_millis()).unwrap();
    let (old, new) = (claimed(now - 31_000).await, claimed(now).await);

    let refused = stage.caller.posts(RESPONSES, &turn_in(&new, "one")).answered().await;

    assert_eq!(refused.error().await, (400, "conversation_locked".to_owned()));
    assert_eq!(asked_next(&stage, &mut scribe, &old).await, ["next"]);
}

#[tokio::test]
async fn a_response_that_is_deleted_takes_its_items_along_and_its_turn_is_over() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let id = conversation(&stage).await;
    let first = turn(&stage, &mut scribe, &id, "one").await;
    turn(&stage, &mut scribe, &id, "two").await;
    let running = stage.caller.posts(RESPONSES, &turn_in(&id, "three"));
    let written = scribe.takes().await;

    for response in [first, written.response_id()] {
        let request =
            stage.caller.request(reqwest::Method::DELETE, &format!("{RESPONSES}/{response}"));
        read(stage.caller.sends(request).answered().await).await;
    }
    running.answered().await;

    assert_eq!(said_in(&stage, &id).await, ["two", "answer to two"]);
    assert_eq!(asked_next(&stage, &mut scribe, &id).await, ["two", "answer to two", "next"]);
}

#[tokio::test]
async fn what_is_no_conversation_of_the_caller_takes_no_turn() {
    let stage = Stage::set().await;
    let records = stage.bus.records(streams::CONVERSATIONS).await.unwrap();
    let foreign = ConversationId::fresh();
    let key = subjects::conversation_key(
        &Owner { name: "other".parse().unwrap(), ..Owner::local() },
        foreign,
    );
    let record = json!({"created_at": 7, "metadata": {}, "entries": []}).to_string();
    records.create(&key, Bytes::from(record)).await.unwrap();

    for id in ["conv_1", "", &foreign.as_conversation()] {
        let refused = stage.caller.posts(RESPONSES, &turn_in(id, "one")).answered().await;
        assert_eq!(refused.error().await, (404, "conversation_not_found".to_owned()), "{id}");
    }
    assert_eq!(stage.messages_in(streams::LOGS).await, 0);
}
