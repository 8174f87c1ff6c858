//! Why nothing was said yet: who is before it, who could take it, and who has it.

use contract::Lane;
use futures::future::join_all;
use futures::{FutureExt as _, StreamExt as _};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{Caller, Keyring, Scribe, Stage, Written, read, response, until};

const PATH: &str = "/v1/responses";
const BACKGROUND: &str = r#""background":true"#;

/// Makes a response that nobody waits for, and gives its address.
async fn made(stage: &Stage) -> String {
    let made = read(stage.caller.posts(PATH, &response(BACKGROUND)).answered().await).await;
    format!("{PATH}/{}", made["id"].as_str().unwrap())
}

async fn waiting(caller: &Caller, address: &str) -> Value {
    read(caller.gets(&format!("{address}/waiting")).await).await
}

/// Waits until the reason is this.
async fn has_reason(caller: &Caller, address: &str, reason: &str) -> Value {
    until(reason, async || waiting(caller, address).await["reason"] == reason).await;
    waiting(caller, address).await
}

async fn taken(stage: &Stage, scribe: &mut Scribe) -> (String, Written) {
    let address = made(stage).await;
    (address, scribe.pulls().await)
}

/// What stands of a response that waits for nothing.
fn waits_not(address: &str, status: &str) -> Value {
    json!({
        "id": address.strip_prefix("/v1/responses/").unwrap(), "object": "response.waiting",
        "status": status, "waiting": false, "ahead": null, "reason": null, "workers": null,
        "free_slots": null,
    })
}

#[tokio::test]
async fn those_before_it_in_its_lane_and_queue_are_counted() {
    let mut stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Background).await;
    stage.worker.runs(1, 3).await;
    let mut addresses = Vec::new();
    for _ in 0..4 {
        addresses.push(made(&stage).await);
    }
    // In another lane.
    let priority = format!(r#"{BACKGROUND},"service_tier":"priority""#);
    let other = read(stage.caller.posts(PATH, &response(&priority)).answered().await).await;
    let other = format!("{PATH}/{}", other["id"].as_str().unwrap());
    let (_other_gateway, elsewhere) = stage.another_gateway().await;

    until("beats", async || waiting(&stage.caller, &other).await["free_slots"] == 2).await;
    let first = waiting(&stage.caller, &addresses[0]).await;
    let last = waiting(&stage.caller, &addresses[3]).await;
    let alone = waiting(&stage.caller, &other).await;
    let from_elsewhere = waiting(&elsewhere, &addresses[3]).await;
    let _first = scribe.pulls().await;
    until("one less", async || waiting(&stage.caller, &addresses[3]).await["ahead"] == 2).await;

    let id = addresses[0].strip_prefix("/v1/responses/").unwrap();
    let expected = json!({
        "id": id, "object": "response.waiting", "status": "queued", "waiting": true, "ahead": 0,
        "reason": null, "workers": 1, "free_slots": 2,
    });
    assert_eq!(first, expected);
    assert_eq!((&last["ahead"], &last["reason"]), (&json!(3), &json!("busy")));
    assert_eq!((&alone["ahead"], &alone["reason"]), (&json!(0), &Value::Null));
    assert_eq!(from_elsewhere["ahead"], 3);
}

#[tokio::test]
async fn it_is_busy_while_no_slot_is_free() {
    let mut stage = Stage::set().await;
    stage.worker.runs(2, 2).await;
    let address = made(&stage).await;

    let busy = has_reason(&stage.caller, &address, "busy").await;

    assert_eq!(
        (&busy["ahead"], &busy["workers"], &busy["free_slots"]),
        (&0.into(), &1.into(), &0.into())
    );
}

#[tokio::test]
async fn without_a_worker_it_is_kept_and_says_so() {
    let mut stage = Stage::set().await;
    let address = made(&stage).await;

    stage.worker.falls_silent().await;
    let kept = has_reason(&stage.caller, &address, "no_worker").await;
    let _new_worker = stage.another_worker().await;
    until("a worker", async || waiting(&stage.caller, &address).await["workers"] == 1).await;

    assert_eq!((&kept["waiting"], &kept["status"]), (&true.into(), &"queued".into()));
    assert_eq!((&kept["workers"], &kept["free_slots"]), (&0.into(), &0.into()));
    assert_eq!(waiting(&stage.caller, &address).await["reason"], Value::Null);
}

#[tokio::test]
async fn it_waits_until_the_models_first_word() {
    let stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let (address, mut written) = taken(&stage, &mut scribe).await;
    let delivered = has_reason(&stage.caller, &address, "starting").await;

    written.starts_as(stage.worker.id).await;
    let starting = waiting(&stage.caller, &address).await;
    // Nothing that a reader would see.
    written.says_chunks(&[r#"{"choices":[]}"#.to_owned()]).await;
    let still = waiting(&stage.caller, &address).await;
    written.says("one").await;
    let spoken = waiting(&stage.caller, &address).await;
    written.completes().await;
    let ended = waiting(&stage.caller, &address).await;

    assert_eq!((&delivered["status"], &delivered["ahead"]), (&"queued".into(), &0.into()));
    let is = |told: &Value| (told["waiting"].clone(), told["reason"].clone());
    assert_eq!(is(&starting), (json!(true), json!("starting")));
    assert_eq!((&starting["status"], &starting["ahead"]), (&"in_progress".into(), &0.into()));
    assert_eq!(is(&still), (json!(true), json!("starting")));
    assert_eq!(spoken, waits_not(&address, "in_progress"));
    assert_eq!(ended, waits_not(&address, "completed"));
}

#[tokio::test]
async fn what_has_ended_without_a_word_waits_for_nothing() {
    let stage = Stage::set().await;
    let address = made(&stage).await;
    assert_eq!(waiting(&stage.caller, &address).await["waiting"], true);

    let cancel = stage.caller.posts(&format!("{address}/cancel"), "").answered().await;

    assert_eq!(cancel.status, 200);
    assert_eq!(waiting(&stage.caller, &address).await, waits_not(&address, "cancelled"));
    let delete = stage.caller.request(Method::DELETE, &address);
    assert_eq!(stage.caller.sends(delete).answered().await.status, 200);
    let gone = stage.caller.gets(&format!("{address}/waiting")).await;
    assert_eq!(gone.error().await, (404, "response_not_found".to_owned()));
}

#[tokio::test]
async fn what_is_deleted_while_it_waits_is_gone() {
    let stage = Stage::set().await;
    let address = made(&stage).await;
    assert_eq!(waiting(&stage.caller, &address).await["waiting"], true);

    let delete = stage.caller.request(Method::DELETE, &address);
    assert_eq!(stage.caller.sends(delete).answered().await.status, 200);

    let gone = stage.caller.gets(&format!("{address}/waiting")).await;
    assert_eq!(gone.error().await, (404, "response_not_found".to_owned()));
}

#[tokio::test]
async fn one_whose_worker_is_gone_is_taken_up_again() {
    let mut stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Background).await;
    let (killed, mut in_vain) = taken(&stage, &mut scribe).await;
    in_vain.starts_as(stage.worker.id).await;
    let (stopped, mut given_back) = taken(&stage, &mut scribe).await;
    let another = stage.another_worker().await;
    given_back.starts_as(another.id).await;

    given_back.hands_back().await;
    let retrying = has_reason(&stage.caller, &stopped, "retrying").await;
    stage.worker.falls_silent().await;
    has_reason(&stage.caller, &killed, "retrying").await;
    in_vain.starts_as(another.id).await;
    let again = has_reason(&stage.caller, &killed, "starting").await;

    assert_eq!((&retrying["waiting"], &retrying["status"]), (&true.into(), &"in_progress".into()));
    assert_eq!(again["waiting"], true);
}

#[tokio::test]
async fn it_is_told_to_its_owner_alone() {
    let stage = crate::keys::with_keys().await;
    let keyring = Keyring::of(&stage).await;
    let [ann, bob] = [
        keyring.hands_out(&stage, json!({"owner": "ann"})).await,
        keyring.hands_out(&stage, json!({"owner": "bob"})).await,
    ];
    let body = response(BACKGROUND);
    let made = read(stage.sends_as(&ann, Method::POST, PATH, Some(&body)).await).await;
    let address = format!("{PATH}/{}/waiting", made["id"].as_str().unwrap());

    let own = read(stage.sends_as(&ann, Method::GET, &address, None).await).await;
    let others = stage.sends_as(&bob, Method::GET, &address, None).await;

    assert_eq!(own["waiting"], true);
    assert_eq!(others.error().await, (404, "response_not_found".to_owned()));
}

#[tokio::test]
async fn a_thousand_that_wait_are_one_question_each_second() {
    let mut stage = Stage::set().await;
    stage.worker.runs(1, 1).await;
    let addresses = join_all((0..50).map(|_| made(&stage))).await;
    let client = async_nats::connect(stage.nats.url()).await.unwrap();
    let subject = "$JS.API.CONSUMER.INFO.JOBS_BACKGROUND.background-default";
    let mut asked = client.subscribe(subject).await.unwrap();
    client.flush().await.unwrap();
    let began = Instant::now();

    let mut told = 0;
    for _ in 0..3 {
        // As many pages as twenty of each.
        let pages = (0..20).flat_map(|_| &addresses);
        for waits in join_all(pages.map(|address| waiting(&stage.caller, address))).await {
            assert!(waits["ahead"].as_u64().unwrap() < 50, "{waits}");
            told += 1;
        }
        // The gateway itself asks now and then: another second, and one more question.
        tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    }

    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    let mut questions = 0;
    while let Some(Some(_question)) = asked.next().now_or_never() {
        questions += 1;
    }
    assert_eq!(told, 3_000);
    assert!(questions >= 1 && questions <= seconds + 1, "{questions} questions in {seconds} s");
}
