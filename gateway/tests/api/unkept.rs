//! Responses that are not to be kept: nobody but who asked reads them, and nothing stays.

use contract::Lane;

use crate::support::{Stage, response};

const PATH: &str = "/v1/responses";
const UNKEPT: &str = r#""store":false"#;

#[tokio::test]
async fn only_who_asked_reads_it_and_nothing_stays() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let call = stage.caller.posts(PATH, &response(UNKEPT));
    let mut written = scribe.takes().await;
    let address = format!("{PATH}/{}", written.response_id());
    let not_found = (404, "response_not_found".to_owned());
    let cancel = || stage.caller.posts(&format!("{address}/cancel"), "");

    assert_eq!(stage.caller.gets(&address).await.error().await, not_found);
    let waiting = stage.caller.gets(&format!("{address}/waiting")).await;
    assert_eq!(waiting.error().await, not_found);
    assert_eq!(cancel().answered().await.error().await, not_found);
    written.says("secret").await;
    written.completes().await;
    let answer = call.answered().await;

    assert_eq!(answer.status, 200);
    assert!(answer.text().await.contains("secret"));
    assert_eq!(stage.caller.gets(&address).await.error().await, not_found);
    stage.has_messages("LOGS", 0).await;
    stage.gateway.settles_in("live", "completed").await;
}

#[tokio::test]
async fn whoever_leaves_it_stops_it_and_nothing_stays() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let call = stage.caller.posts(PATH, &response(&format!(r#"{UNKEPT},"stream":true"#)));
    let mut written = scribe.takes().await;
    written.says("secret").await;
    let mut answer = call.answered().await;
    answer.frame().await;

    drop(answer);

    stage.has_messages("LOGS", 0).await;
    assert!(written.is_fenced().await);
    assert_eq!(stage.messages_in("LOGS").await, 0);
    stage.gateway.settles_in("live", "client_gone").await;
}

#[tokio::test]
async fn nothing_goes_on_from_it() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let call = stage.caller.posts(PATH, &response(UNKEPT));
    let mut written = scribe.takes().await;
    let next = response(&format!(r#""previous_response_id":"{}""#, written.response_id()));

    let refused = stage.caller.posts(PATH, &next).answered().await;

    assert_eq!(refused.error().await, (400, "previous_response_not_found".to_owned()));
    written.completes().await;
    assert_eq!(call.answered().await.status, 200);
}
