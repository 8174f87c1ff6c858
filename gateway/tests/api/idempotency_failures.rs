//! A key whose request came to nothing is as good as new.

use std::time::Duration;

use bus::{Entry, Records};
use contract::{Failure, Lane, streams};
use futures::StreamExt as _;
use serde_json::Value;
use tokio::time::Instant;

use crate::support::{Answer, Call, Scribe, Stage, Written, response, until, within};

const PATH: &str = "/v1/responses";
const KEY: &str = "order-7";
const REFUSED: &str =
    r#"{"error":{"message":"no","type":"server_error","param":null,"code":"upstream_refused"}}"#;

fn failure(status: u16, should_retry: bool) -> Failure {
    Failure { status, body: REFUSED.to_owned(), retry_after_ms: None, should_retry }
}

fn asks(stage: &Stage, body: &str) -> Call {
    stage.caller.posts_as(KEY, PATH, body)
}

fn is_repeat(answer: &Answer) -> bool {
    answer.header("idempotent-replayed").is_some()
}

async fn answers(scribe: &mut Scribe) -> Written {
    let mut written = scribe.takes().await;
    written.says("found").await;
    written.completes().await;
    written
}

/// The one key of the stage was claimed at that time; where it is, and its revision.
async fn was_claimed_at(stage: &Stage, at_ms: u64) -> (Records, String, u64) {
    let records = stage.bus.records(streams::IDEMPOTENCY).await.unwrap();
    let key = records.list("local.local.*").await.unwrap().pop().unwrap();
    let record = records.get(&key).await.unwrap().unwrap();
    let mut line: Value = serde_json::from_slice(&record.value).unwrap();
    line["at_ms"] = at_ms.into();
    let revision = records.update(&key, line.to_string().into(), record.revision).await.unwrap();
    (records, key, revision)
}

async fn conversation(stage: &Stage) -> String {
    let made = stage.caller.posts("/v1/conversations", "{}").answered().await.text().await;
    let made: Value = serde_json::from_str(&made).unwrap();
    made["id"].as_str().unwrap().to_owned()
}

/// How many items a conversation has.
async fn items(stage: &Stage, id: &str) -> usize {
    let items = stage.caller.gets(&format!("/v1/conversations/{id}/items")).await.text().await;
    let items: Value = serde_json::from_str(&items).unwrap();
    items["data"].as_array().unwrap().len()
}

/// Each time somebody asks for the last record of a log.
async fn looks_for_logs(stage: &Stage) -> async_nats::Subscriber {
    let client = async_nats::connect(stage.nats.url()).await.unwrap();
    let looks = client.subscribe("$JS.API.STREAM.MSG.GET.LOGS").await.unwrap();
    client.flush().await.unwrap();
    looks
}

/// What a gateway leaves that died between its claim of the key and the first record of the log.
async fn its_gateway_died(stage: &Stage, written: &Written) -> Vec<Entry> {
    let entries = written.records().await;
    stage.bus.erase_log(&written.log).await.unwrap();
    entries
}

#[tokio::test]
async fn a_key_whose_gateway_died_before_the_log_began_is_taken_over_once() {
    let stage = Stage::set().await;
    let (_gateway, elsewhere) = stage.another_gateway().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let first = asks(&stage, &response(""));
    let lost = answers(&mut scribe).await;
    first.answered().await.text().await;
    its_gateway_died(&stage, &lost).await;
    was_claimed_at(&stage, 0).await;

    let calls = [asks(&stage, &response("")), elsewhere.posts_as(KEY, PATH, &response(""))];
    let written = answers(&mut scribe).await;

    let mut repeats = Vec::new();
    for call in calls {
        let answer = call.answered().await;
        repeats.push(is_repeat(&answer));
        let text = answer.text().await;
        assert!(text.contains(&written.response_id()), "{text}");
    }
    repeats.sort_unstable();
    assert_eq!(repeats, [false, true]);
    assert_ne!(written.log, lost.log);
    assert_eq!(stage.ever_in(streams::jobs_stream(Lane::Live)).await, 2);
}

#[tokio::test]
async fn the_turn_of_a_gateway_that_died_does_not_lock_its_conversation_for_a_repeat() {
    let stage = Stage::set().await;
    let id = conversation(&stage).await;
    let body = response(&format!(r#""conversation":"{id}""#));
    let mut scribe = stage.scribe(Lane::Live).await;
    let first = asks(&stage, &body);
    let lost = answers(&mut scribe).await;
    first.answered().await.text().await;
    its_gateway_died(&stage, &lost).await;
    was_claimed_at(&stage, 0).await;

    let again = asks(&stage, &body);
    let written = answers(&mut scribe).await;

    let again = again.answered().await;
    assert_eq!((again.status, is_repeat(&again)), (200, false));
    assert!(again.text().await.contains(&written.response_id()));
    assert_eq!(items(&stage, &id).await, 2);
}

#[tokio::test]
async fn a_log_that_is_about_to_begin_is_waited_for() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let first = asks(&stage, &response(""));
    let written = answers(&mut scribe).await;
    let first = first.answered().await.text().await;
    let entries = its_gateway_died(&stage, &written).await;

    let mut looks = looks_for_logs(&stage).await;
    let repeat = asks(&stage, &response(""));
    for _look in 0..2 {
        within("a look for a log", looks.next()).await.unwrap();
    }
    let mut last = 0;
    for entry in entries {
        last = stage.bus.append(&written.log, last, entry.message).await.unwrap();
    }

    let repeat = repeat.answered().await;
    assert!(is_repeat(&repeat));
    assert_eq!(repeat.text().await, first);
}

#[tokio::test]
async fn a_key_that_is_freed_is_not_waited_for_any_longer() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let first = asks(&stage, &response(""));
    let lost = answers(&mut scribe).await;
    first.answered().await.text().await;
    its_gateway_died(&stage, &lost).await;
    // Just now.
    let (records, key, revision) = was_claimed_at(&stage, u64::MAX).await;
    let mut looks = looks_for_logs(&stage).await;

    let repeat = asks(&stage, &response(""));
    looks.next().await.unwrap();
    let began = Instant::now();
    records.delete_at(&key, revision).await.unwrap();
    answers(&mut scribe).await;

    assert!(!is_repeat(&repeat.answered().await));
    // A key that stays is waited for for 11 s.
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_key_stays_as_long_as_nobody_knows_whether_its_log_begins() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let jetstream = stage.jetstream().await;
    let config = jetstream.get_stream(streams::LOGS).await.unwrap().cached_info().config.clone();
    let mut looks = looks_for_logs(&stage).await;
    // Nobody answers whoever appends.
    let mut deaf = config.clone();
    (deaf.subjects, deaf.republish) = (vec!["elsewhere".to_owned()], None);
    jetstream.update_stream(deaf).await.unwrap();

    let unknown = asks(&stage, &response("")).answered().await;
    within("a look for a log to end", looks.next()).await.unwrap();
    jetstream.update_stream(config).await.unwrap();
    let other = asks(&stage, &response(r#""metadata":{"a":"b"}"#)).answered().await;

    assert_eq!(unknown.error().await, (503, "queue_unavailable".to_owned()));
    assert_eq!(other.error().await, (409, "idempotency_key_reused".to_owned()));
    was_claimed_at(&stage, 0).await;
    let again = asks(&stage, &response(""));
    answers(&mut scribe).await;
    assert!(!is_repeat(&again.answered().await));
}

#[tokio::test]
async fn what_was_refused_before_it_was_promised_leaves_its_key_free() {
    let stage = Stage::set().await;
    let unknown = response("").replace("public", "unknown");
    assert_eq!(asks(&stage, &unknown).answered().await.status, 404);
    assert_eq!(stage.messages_in("KV_IDEMPOTENCY").await, 0, "nothing was claimed");
    stage.takes_at_most("JOBS_LIVE", 1).await;
    let _waiting = stage.caller.posts(PATH, &response(""));
    stage.has_messages("JOBS_LIVE", 1).await;

    let full = asks(&stage, &response("")).answered().await;

    assert_eq!(full.error().await, (503, "server_is_overloaded".to_owned()));
    stage.takes_at_most("JOBS_LIVE", 100).await;
    // Another request may have it, not only the same.
    until("a free key", async || {
        let other = response(r#""metadata":{"a":"b"},"background":true"#);
        let answer = asks(&stage, &other).answered().await;
        assert!(matches!(answer.status, 200 | 409));
        answer.status == 200
    })
    .await;
}

#[tokio::test]
async fn where_no_more_keys_can_be_kept_what_comes_with_one_is_refused_and_nothing_else() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let first = asks(&stage, &response(""));
    answers(&mut scribe).await;
    first.answered().await.text().await;
    stage.takes_at_most("KV_IDEMPOTENCY", 1).await;

    let refused = stage.caller.posts_as("order-8", PATH, &response("")).answered().await;
    let again = asks(&stage, &response("")).answered().await;
    let without = stage.caller.posts(PATH, &response(r#""background":true"#)).answered().await;

    assert_eq!(refused.header("retry-after"), Some("2"));
    assert_eq!(refused.error().await, (503, "queue_unavailable".to_owned()));
    assert!(is_repeat(&again));
    assert_eq!(without.status, 200);
}

#[tokio::test]
async fn a_failure_is_told_again_unless_another_try_may_help() {
    for (should_retry, said) in [(true, false), (true, true), (false, false), (false, true)] {
        let stage = Stage::set().await;
        let mut scribe = stage.scribe(Lane::Live).await;
        let first = asks(&stage, &response(""));
        let mut written = scribe.takes().await;
        if said {
            written.says("half").await;
        }
        written.fails(&failure(503, should_retry)).await;
        let first = first.answered().await;
        let (status, first) = (first.status, first.text().await);

        let again = asks(&stage, &response(""));

        if should_retry && !said {
            assert_eq!(status, 503);
            let written = answers(&mut scribe).await;
            let again = again.answered().await;
            assert_eq!((again.status, is_repeat(&again)), (200, false));
            assert!(again.text().await.contains(&written.response_id()));
        } else {
            let again = again.answered().await;
            assert_eq!((again.status, is_repeat(&again)), (status, true));
            assert_eq!(again.text().await, first);
        }
    }
}

#[tokio::test]
async fn an_answer_that_was_stopped_because_nobody_read_it_is_given_to_who_comes_back() {
    let stage = Stage::set().await;
    let id = conversation(&stage).await;
    let body = response(&format!(r#""stream":true,"conversation":"{id}""#));
    let mut scribe = stage.scribe(Lane::Live).await;
    let first = asks(&stage, &body);
    let mut written = scribe.takes().await;
    written.says("half").await;
    drop(first.answered().await);
    written.is_cancelled().await;

    let again = asks(&stage, &body);
    answers(&mut scribe).await;

    let again = again.answered().await;
    assert!(!is_repeat(&again));
    let last = again.events().await.pop().unwrap();
    assert!(last.starts_with("event: response.completed\n"), "{last}");
    // Of what came to nothing there is nothing in the conversation.
    assert_eq!(items(&stage, &id).await, 2);
}
