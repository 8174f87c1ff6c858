//! A response that goes on from another one, and the items that a response answers.

use contract::{Failure, Lane};
use serde_json::Value;

use crate::support::{Answer, Scribe, Stage, response};

const PATH: &str = "/v1/responses";

/// Asks `input` behind `previous`, has it answered, and gives the id.
async fn turn(stage: &Stage, scribe: &mut Scribe, input: &str, previous: Option<&str>) -> String {
    let previous = previous.map(|id| format!(r#""previous_response_id":"{id}""#));
    let body = response(&previous.unwrap_or_default()).replace("hello", input);
    let call = stage.caller.posts(PATH, &body);
    let mut written = scribe.takes().await;
    written.says(&format!("answer to {input}")).await;
    written.completes().await;
    assert_eq!(call.answered().await.status, 200);
    written.response_id()
}

async fn json(answer: Answer) -> Value {
    assert_eq!(answer.status, 200);
    serde_json::from_str(&answer.text().await).unwrap()
}

#[tokio::test]
async fn the_model_is_asked_with_everything_that_was_said_before() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let first = turn(&stage, &mut scribe, "one", None).await;
    let second = turn(&stage, &mut scribe, "two", Some(&first)).await;
    let instructed = format!(r#""instructions":"Be brief.","previous_response_id":"{second}""#);

    let call = stage.caller.posts(PATH, &response(&instructed));
    let mut written = scribe.takes().await;
    let chat = written.chat();
    written.completes().await;

    let said: Vec<(&str, String)> = chat["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| (message["role"].as_str().unwrap(), message["content"].to_string()))
        .collect();
    for (at, (role, text)) in [
        ("system", "Be brief."),
        ("user", "one"),
        ("assistant", "answer to one"),
        ("user", "two"),
        ("assistant", "answer to two"),
        ("user", "hello"),
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(said[at].0, role, "{said:?}");
        assert!(said[at].1.contains(text), "{said:?}");
    }
    assert_eq!(said.len(), 6);
    assert_eq!(json(call.answered().await).await["previous_response_id"], second);
}

#[tokio::test]
async fn what_there_is_no_answer_of_is_not_gone_on_from() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let running = stage.caller.posts(PATH, &response(""));
    let mut written = scribe.takes().await;
    let id = written.response_id();
    let next = async |id: &str| {
        let body = response(&format!(r#""previous_response_id":"{id}""#));
        let answer = stage.caller.posts(PATH, &body).answered().await;
        assert_eq!(answer.header("x-should-retry"), Some("false"));
        let status = answer.status;
        let error: Value = serde_json::from_str(&answer.text().await).unwrap();
        assert_eq!(error["error"]["param"], "previous_response_id");
        (status, error["error"]["code"].as_str().unwrap().to_owned())
    };

    let while_it_runs = next(&id).await;
    let body =
        r#"{"error":{"message":"no","type":"server_error","param":null,"code":"upstream_error"}}"#;
    let (retry_after_ms, should_retry) = (None, false);
    let failure = Failure { status: 502, body: body.to_owned(), retry_after_ms, should_retry };
    written.fails(&failure).await;
    let when_it_failed = next(&id).await;

    assert_eq!(while_it_runs, (400, "previous_response_not_ready".to_owned()));
    assert_eq!(when_it_failed, (400, "previous_response_not_completed".to_owned()));
    for unknown in ["resp_1", "", "resp_0190d6a0000070008000000000000000"] {
        assert_eq!(next(unknown).await, (400, "previous_response_not_found".to_owned()));
    }
    assert_eq!(running.answered().await.status, 502);
    assert_eq!(stage.messages_in("JOBS_LIVE").await, 0);
}

#[tokio::test]
async fn the_items_that_a_response_answers_are_listed_page_by_page() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let first = turn(&stage, &mut scribe, "one", None).await;
    let second = turn(&stage, &mut scribe, "two", Some(&first)).await;
    let list = async |query: &str| {
        json(stage.caller.gets(&format!("{PATH}/{second}/input_items{query}")).await).await
    };

    let newest_first = list("").await;
    let oldest_first = list("?order=asc&limit=2").await;
    let last = oldest_first["last_id"].as_str().unwrap().to_owned();
    let rest = list(&format!("?order=asc&limit=2&after={last}")).await;

    let texts = |list: &Value| -> Vec<String> {
        let items = list["data"].as_array().unwrap();
        items.iter().map(|item| item["content"][0]["text"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(newest_first["object"], "list");
    assert_eq!(texts(&newest_first), ["two", "answer to one", "one"]);
    assert_eq!(newest_first["has_more"], false);
    assert_eq!(
        (texts(&oldest_first), &oldest_first["has_more"]),
        (vec!["one".to_owned(), "answer to one".to_owned()], &true.into())
    );
    assert_eq!((texts(&rest), &rest["has_more"]), (vec!["two".to_owned()], &false.into()));
    for query in ["?limit=0", "?order=up", "?after=msg_nobody", "?include[]=everything"] {
        let answer = stage.caller.gets(&format!("{PATH}/{second}/input_items{query}")).await;
        assert_eq!(answer.error().await, (400, "invalid_value".to_owned()), "{query}");
    }
}
