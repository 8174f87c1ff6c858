//! A stream is read on from any event, on any gateway, byte for byte.

use contract::log::{self, Accepted, Api, LogId, Record, Started};
use contract::{JobId, Lane, Owner, WorkerId};
use serde_json::value::RawValue;

use crate::support::{Answer, Caller, Stage, Written, response};

const PATH: &str = "/v1/responses";

async fn events_behind(caller: &Caller, id: &str, after: Option<u64>) -> Answer {
    let cursor = after.map(|after| format!("&starting_after={after}")).unwrap_or_default();
    caller.gets(&format!("{PATH}/{id}?stream=true{cursor}")).await
}

async fn answered_in_two_attempts(written: &mut Written) {
    written.says("lost").await;
    written.starts().await;
    for piece in ["a \\\"quoted\\\" ", "b\\n", "\\u2028c"] {
        written.says(piece).await;
    }
    written.completes().await;
}

#[tokio::test]
async fn behind_every_event_the_rest_is_the_same_on_another_gateway() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let (_other_gateway, elsewhere) = stage.another_gateway().await;
    let call = stage.caller.posts(PATH, &response(r#""stream":true"#));
    let mut written = scribe.takes().await;
    answered_in_two_attempts(&mut written).await;
    let whole = call.answered().await.text().await;
    let id = written.response_id();

    let replayed = events_behind(&elsewhere, &id, None).await.text().await;

    assert_eq!(replayed, whole);
    let frames: Vec<&str> = whole.split_inclusive("\n\n").collect();
    assert!(frames.len() > 10, "{whole}");
    for (after, _frame) in frames.iter().enumerate() {
        let rest = events_behind(&elsewhere, &id, Some(after as u64)).await;
        assert_eq!(rest.status, 200);
        assert_eq!(rest.text().await, frames[after + 1..].concat(), "behind {after}");
    }
}

#[tokio::test]
async fn a_stream_that_is_still_written_is_read_on_live() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let (mut other_gateway, elsewhere) = stage.another_gateway().await;
    let call = elsewhere.posts(PATH, &response(r#""stream":true"#));
    let mut written = scribe.takes().await;
    written.says("one").await;
    let mut answer = call.answered().await;
    let mut read = Vec::new();
    for _event in 0..5 {
        read.push(answer.event().await.unwrap());
    }
    other_gateway.kill();
    let id = written.response_id();

    let rest = events_behind(&stage.caller, &id, Some(4)).await;
    written.says("two").await;
    written.completes().await;

    read.extend(rest.events().await);
    assert_eq!(read, events_behind(&stage.caller, &id, None).await.events().await);
}

#[tokio::test]
async fn a_browser_says_in_a_header_how_far_it_has_come() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let call = stage.caller.posts(PATH, &response(r#""stream":true"#));
    let mut written = scribe.takes().await;
    written.completes().await;
    let whole = call.answered().await.events().await;
    let address = format!("{PATH}/{}?stream=true&starting_after=0", written.response_id());
    let request = stage.caller.request(reqwest::Method::GET, &address);

    let rest = stage.caller.sends(request.header("last-event-id", "1")).answered().await;

    assert_eq!(rest.events().await, whole[2..]);
}

#[tokio::test]
async fn a_cursor_that_means_nothing_is_refused() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let call = stage.caller.posts(PATH, &response(r#""stream":true"#));
    let mut written = scribe.takes().await;
    written.completes().await;
    let last = call.answered().await.events().await.len() as u64 - 1;
    let id = written.response_id();

    let at_the_end = events_behind(&stage.caller, &id, Some(last)).await;
    let beyond = events_behind(&stage.caller, &id, Some(last + 1)).await;

    assert_eq!((at_the_end.status, at_the_end.text().await.as_str()), (200, ""));
    let invalid = (400, "invalid_value".to_owned());
    assert_eq!(beyond.error().await, invalid);
    for query in ["stream=maybe", "starting_after=x", "stream=true&include[]=everything"] {
        let answer = stage.caller.gets(&format!("{PATH}/{id}?{query}")).await;
        assert_eq!(answer.error().await, invalid, "{query}");
    }
}

#[tokio::test]
async fn what_is_no_response_of_the_caller_is_not_found() {
    let stage = Stage::set().await;
    let foreign = writes_log(&stage, "somebody else", true).await;
    let headless = writes_log(&stage, "local", false).await;
    let unknown = JobId::fresh().as_response();
    for id in [&foreign, &headless, &unknown, "resp_1", "msg_1", "resp_.", "resp_%3E"] {
        for rest in ["", "?stream=true", "/input_items", "/waiting"] {
            let answer = stage.caller.gets(&format!("{PATH}/{id}{rest}")).await;
            assert_eq!(answer.error().await, (404, "response_not_found".to_owned()), "{id}{rest}");
        }
        let address = format!("{PATH}/{id}");
        let cancel = stage.caller.posts(&format!("{address}/cancel"), "").answered().await;
        let delete = stage.caller.request(reqwest::Method::DELETE, &address);
        let delete = stage.caller.sends(delete).answered().await;
        assert_eq!((cancel.status, delete.status), (404, 404), "{id}");
    }
    assert_eq!(stage.messages_in("LOGS").await, 2, "nothing was touched");
}

#[tokio::test]
async fn readers_are_counted_and_cut_only_when_the_gateway_waits_no_longer() {
    let mut stage =
        Stage::with(|settings| settings.drain = std::time::Duration::from_millis(50)).await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let (_other_gateway, elsewhere) = stage.another_gateway().await;
    let call = stage.caller.posts(PATH, &response(r#""stream":true"#));
    let mut written = scribe.takes().await;
    written.says("one").await;
    let answer = call.answered().await;
    stage.beat(|beat| beat.requests == 1).await;

    stage.gateway.ask_to_stop();
    let mut read = answer.events().await;
    stage.gateway.ended().await;

    let cut = read.pop().unwrap();
    assert!(cut.starts_with("event: error\ndata: {\"error\":"), "it has no number: {cut}");
    assert!(cut.contains("gateway_stopped"), "{cut}");
    let address = format!("GET {PATH}/{}?stream=true", written.response_id());
    assert!(cut.contains(&address), "{cut}");
    assert!(stage.gateway.counts("app_drain_aborted_total 1"));
    written.completes().await;
    let id = written.response_id();
    let after = read.len() as u64 - 1;
    read.extend(events_behind(&elsewhere, &id, Some(after)).await.events().await);
    assert_eq!(read, events_behind(&elsewhere, &id, None).await.events().await);
}

/// A log of somebody's, with or without its first record.
async fn writes_log(stage: &Stage, tenant: &str, begins: bool) -> String {
    let log = LogId {
        owner: Owner { tenant: tenant.parse().unwrap(), ..Owner::local() },
        job: JobId::fresh(),
    };
    let raw = |json: &str| RawValue::from_string(json.to_owned()).unwrap();
    let (context, request) = (raw("[]"), raw(&response("")));
    let record = if begins {
        Record::Accepted(Accepted {
            job: log.job,
            owner: log.owner.clone(),
            api: Api::Responses,
            lane: Lane::Background,
            model: "public".parse().unwrap(),
            accepted_at_ms: 1,
            key: None,
            trace_id: None,
            context: &context,
            request: &request,
        })
    } else {
        let writer = WorkerId::fresh();
        Record::Started(Started { attempt: 1, writer, continues_at: None, at_ms: 1 })
    };
    assert_eq!(log.owner == Owner::local(), !begins);
    let message = log::write::<&[u8]>(&record, &[]);
    stage.bus.append(&log, 0, message.into()).await.unwrap();
    log.job.as_response()
}

#[tokio::test]
async fn a_large_answer_that_has_ended_is_read_again_byte_for_byte() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let (_other_gateway, elsewhere) = stage.another_gateway().await;
    let body = response(r#""stream":true"#);
    let call = stage.caller.posts_as("large", PATH, &body);
    let mut written = scribe.takes().await;
    let long = "x".repeat(100 * 1024);
    for _record in 0..20 {
        written.says(&long).await;
    }
    written.completes().await;
    let whole = call.answered().await.text().await;

    let again = events_behind(&elsewhere, &written.response_id(), None).await.text().await;
    let repeat = elsewhere.posts_as("large", PATH, &body).answered().await.text().await;

    assert!(whole.len() > 2 * 1024 * 1024);
    assert!(again == whole && repeat == whole, "not shown: they are long");
}
