//! The picture that operators look at: on every gateway the same, and honest about what is missing.

use std::time::Duration;

use contract::figures::{FIGURES_FORM, ToldFigures};
use contract::{
    BEAT_EVERY, EventKind, Failure, GatewayBeat, GatewayId, Lane, Verdict, WorkFigures,
};
use futures::StreamExt as _;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::support::{Caller, Held, LIMIT, Stage, chat, chunk, response};

const OVERVIEW: &str = "/v1/admin/overview";

pub(crate) async fn overview(caller: &Caller) -> Value {
    let answer = caller.gets(OVERVIEW).await;
    assert_eq!(answer.status, 200);
    serde_json::from_str(&answer.text().await).unwrap()
}

/// Waits until a picture is like this, and gives it.
async fn shows(what: &str, caller: &Caller, like: impl Fn(&Value) -> bool) -> Value {
    let [shown] = show(what, [caller], |[shown]| like(shown)).await;
    shown
}

/// The same of several gateways at once. Where it does not come, the failure shows what came.
async fn show<const N: usize>(
    what: &str,
    callers: [&Caller; N],
    like: impl Fn(&[Value; N]) -> bool,
) -> [Value; N] {
    let mut shown = [const { Value::Null }; N];
    let waiting = async {
        loop {
            for (shown, caller) in shown.iter_mut().zip(callers) {
                *shown = overview(caller).await;
            }
            if like(&shown) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let in_time = tokio::time::timeout(LIMIT, waiting).await;
    assert!(in_time.is_ok(), "{what} did not come within {LIMIT:?}: {shown:#?}");
    shown
}

/// Without what is another one the next moment, or on another gateway.
fn lasting(mut overview: Value) -> Value {
    let members = overview.as_object_mut().unwrap();
    for passing in ["at", "history"] {
        assert!(members.remove(passing).is_some(), "{passing}");
    }
    for list in ["gateways", "workers"] {
        for one in overview[list].as_array_mut().unwrap() {
            let one = one.as_object_mut().unwrap();
            assert!(one.remove("seen_seconds_ago").is_some());
            one.remove("this");
        }
    }
    overview
}

fn refused() -> Failure {
    let body =
        r#"{"error":{"message":"no","type":"server_error","param":null,"code":"upstream_error"}}"#;
    Failure { status: 502, body: body.to_owned(), retry_after_ms: None, should_retry: false }
}

/// As a worker does at the end: what is not acknowledged is somebody's to wait for after some seconds.
async fn is_over(held: &Held) {
    held.delivery.ack().await.unwrap();
}

/// An answer in pieces, given to its end.
async fn streams(stage: &mut Stage, caller: &Caller) {
    let call = caller.asks(&chat(true));
    let mut held = stage.worker.takes().await;
    for text in ["one", "two", "three"] {
        held.says_chunk(&chunk(text)).await;
    }
    held.is_done().await;
    is_over(&held).await;
    call.answered().await.events().await;
}

#[tokio::test]
async fn every_gateway_gives_the_same_picture() {
    let mut stage = Stage::set().await;
    let (_other, elsewhere) = stage.another_gateway().await;
    let here = Caller::of(stage.gateway.address);
    shows("both gateways", &here, |shown| shown["gateways"].as_array().unwrap().len() == 2).await;

    // On one of them two streams, on the other one a failure and a caller who leaves.
    streams(&mut stage, &here).await;
    streams(&mut stage, &here).await;
    let call = elsewhere.asks(&chat(false));
    let mut held = stage.worker.takes().await;
    held.fails(&refused()).await;
    is_over(&held).await;
    assert_eq!(call.answered().await.status, 502);
    let call = elsewhere.asks(&chat(true));
    let held = stage.worker.takes().await;
    drop(call);
    stage.worker.told_to_stop().await;
    is_over(&held).await;

    let all_counted = |shown: &Value| {
        shown["models"][0]["requests"] == 4 && shown["workers"].as_array().unwrap().len() == 1
    };
    let [shown, _the_same] = show("the same picture", [&here, &elsewhere], |pictures| {
        let [one, other] = pictures.clone().map(lasting);
        pictures.iter().all(all_counted) && one == other
    })
    .await;

    let answers = &shown["answers"];
    let expected = json!({
        "accepted": 4, "completed": 2, "failed": 1, "client_gone": 1, "not_queued": 0,
        "handed_over": 0, "cancelled": 0, "open": 0, "input_tokens": 0, "output_tokens": 0,
        "since": answers["since"],
    });
    assert_eq!(answers, &expected);
    let model = &shown["models"][0];
    let told = json!([model["model"], model["queue"], model["requests"], model["failed"]]);
    assert_eq!(told, json!(["public", "default", 4, 1]));
    for quantiles in ["time_to_first_token_seconds", "time_per_output_token_seconds"] {
        let of = |share: &str| model[quantiles][share].as_f64().unwrap();
        assert!(0.0 < of("p50") && of("p50") <= of("p95") && of("p95") <= of("p99"), "{model}");
    }
    let idle = &shown["models"][1];
    assert_eq!((&idle["model"], &idle["requests"]), (&json!("org/embedder"), &json!(0)));
    assert_eq!(idle["time_to_first_token_seconds"], Value::Null);

    let slow = shown["slow_answers"].as_array().unwrap();
    let durations: Vec<f64> =
        slow.iter().map(|one| one["duration_seconds"].as_f64().unwrap()).collect();
    assert_eq!(durations.len(), 4);
    assert!(durations.is_sorted_by(|one, next| one >= next), "{durations:?}");
    assert!(slow.iter().all(|one| one["lane"] == "chat" && one["queue"] == "default"), "{slow:?}");
    assert!(slow.iter().all(|one| one["job_id"].is_string()), "{slow:?}");
    let versions = shown["gateways"].as_array().unwrap().iter().map(|one| &one["version"]);
    assert!(versions.eq([env!("CARGO_PKG_VERSION"); 2]));
    let worker = &shown["workers"][0];
    assert_eq!((&worker["version"], &worker["slots"]), (&json!("of the test"), &json!(1)));
    let queues = shown["queues"].as_array().unwrap();
    let lanes: Vec<_> = queues.iter().map(|queue| &queue["lane"]).collect();
    assert_eq!(lanes, ["chat", "live", "background"]);
    assert_eq!((&shown["dead_letters"]["kept"], &shown["incomplete"]), (&json!(0), &json!([])));
    let text = shown.to_string();
    for secret in ["hello", "three", "local"] {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}

#[tokio::test]
async fn a_gateway_that_dies_is_named_while_it_is_missed_and_then_gone() {
    let mut stage = Stage::set().await;
    let (mut other, elsewhere) = stage.another_gateway().await;
    let here = Caller::of(stage.gateway.address);
    let both = |shown: &Value| shown["gateways"].as_array().unwrap().len() == 2;
    let shown = shows("both gateways", &here, both).await;
    let gateways = shown["gateways"].as_array().unwrap();
    let dying = gateways.iter().find(|one| one["this"] == false).unwrap()["id"].clone();
    streams(&mut stage, &elsewhere).await;
    streams(&mut stage, &here).await;
    shows("both answers", &here, |shown| shown["answers"]["completed"] == 2).await;

    other.kill();

    let missed = format!("Gateway {} does not answer", dying.as_str().unwrap());
    let names_it = |shown: &Value| shown["incomplete"].to_string().contains(&missed);
    let shown = shows("a gateway that is missed", &here, names_it).await;
    assert_eq!(shown["answers"]["completed"], 1, "what it has counted is not known");
    let shown = shows("one gateway", &here, |shown| !both(shown)).await;
    assert_eq!(shown["incomplete"], json!([]));
    assert_eq!(
        (&shown["gateways"][0]["this"], &shown["answers"]["open"]),
        (&json!(true), &json!(0))
    );
}

#[tokio::test]
async fn without_nats_a_gateway_shows_its_own_figures_and_says_so() {
    let mut stage = Stage::set().await;
    let here = Caller::of(stage.gateway.address);
    streams(&mut stage, &here).await;

    stage.nats.kill().await;

    let alone = |shown: &Value| shown["incomplete"].to_string().contains("no connection to NATS");
    let shown = shows("a lost connection", &here, alone).await;
    assert_eq!(shown["answers"]["completed"], 1);
    assert_eq!(
        shown["gateways"].as_array().unwrap().iter().filter(|one| one["this"] == true).count(),
        1
    );
    assert_eq!(shown["dead_letters"], json!({"kept": null, "recent": []}));
}

#[tokio::test]
async fn stored_work_is_counted_where_it_was_accepted() {
    let stage = Stage::set().await;
    let (mut live, mut background) =
        (stage.scribe(Lane::Live).await, stage.scribe(Lane::Background).await);
    let call = stage.caller.posts("/v1/responses", &response(""));
    let mut job = live.takes().await;
    job.says("one").await;
    job.completes().await;
    assert_eq!(call.answered().await.status, 200);
    let queued = stage.caller.posts("/v1/responses", &response(r#""background":true"#));
    assert_eq!(queued.answered().await.status, 200);
    background.takes().await.completes().await;

    let counted = |shown: &Value| shown["models"][0]["requests"] == 1;
    let shown = shows("a counted answer", &stage.caller, counted).await;

    let answers = &shown["answers"];
    let told = ["accepted", "completed", "handed_over", "open"].map(|name| answers[name].clone());
    assert_eq!(json!(told), json!([2, 1, 1, 0]));
    assert_eq!(shown["slow_answers"][0]["lane"], "live");
}

#[tokio::test]
async fn who_waits_and_what_comes_again_is_shown() {
    let mut stage = Stage::set().await;
    let here = Caller::of(stage.gateway.address);
    let call = here.asks(&chat(false));
    let waits = |shown: &Value| shown["queues"][0]["waiting"] == 1;
    let shown = shows("a job that waits", &here, waits).await;
    assert_eq!((&shown["redeliveries"], &shown["answers"]["open"]), (&json!(0), &json!(1)));

    let held = stage.worker.takes().await;
    held.delivery.retry_after(Duration::ZERO).await.unwrap();
    let mut again = stage.worker.pulls().await;
    assert_eq!(stage.worker.claims(&mut again).await, Verdict::Go { claim: 2 });

    let came_again =
        |shown: &Value| shown["redeliveries"] == 1 && shown["queues"][0]["redelivered"] == 1;
    shows("a job that came again", &here, came_again).await;
    again.says_body("{}").await;
    assert_eq!(call.answered().await.status, 200);
}

#[tokio::test]
async fn gateways_of_other_versions_are_shown_and_named_where_their_figures_are_missing() {
    let stage = Stage::set().await;
    let (old, new) = (GatewayId::fresh(), GatewayId::fresh());
    let mut questions = stage.bus.figures_asked().await.unwrap();
    let bus = stage.bus.clone();
    let mut others = JoinSet::new();
    others.spawn(async move {
        let mut ticks = tokio::time::interval(BEAT_EVERY);
        loop {
            tokio::select! {
                _ = ticks.tick() => for (gateway, version) in [(old, ""), (new, "99.0.0")] {
                    let version = version.to_owned();
                    let beat = GatewayBeat { gateway, draining: true, requests: 3, version };
                    bus.beat_gateway(&beat).await.unwrap();
                },
                question = questions.next() => {
                    let figures = RawValue::from_string(r#"{"all":"new"}"#.to_owned()).unwrap();
                    let (form, version) = (FIGURES_FORM + 1, "99.0.0".to_owned());
                    let told = ToldFigures { form, gateway: new, version, figures: &figures };
                    bus.tell_figures(question.unwrap(), &told).await.unwrap();
                }
            }
        }
    });

    let three = |shown: &Value| shown["gateways"].as_array().unwrap().len() == 3;
    let shown = shows("three gateways", &stage.caller, three).await;

    let of = |id: GatewayId| {
        let gateways = shown["gateways"].as_array().unwrap();
        gateways.iter().find(|one| one["id"] == id.to_string()).unwrap()
    };
    assert_eq!((&of(old)["version"], &of(old)["requests"]), (&json!(""), &json!(3)));
    assert_eq!((&of(new)["version"], &of(new)["draining"]), (&json!("99.0.0"), &json!(true)));
    let missing = shown["incomplete"].as_array().unwrap();
    let [of_old, of_new] = missing.as_slice() else { panic!("two: {missing:?}") };
    assert!(of_old.as_str().unwrap().contains(&format!("{old} is of a version")), "{missing:?}");
    assert!(of_new.as_str().unwrap().contains(&format!("{new} (version 99.0.0)")), "{missing:?}");
}

#[tokio::test]
async fn what_workers_measured_is_summed_up_and_told_of_slow_answers() {
    let mut stage = Stage::set().await;
    let here = Caller::of(stage.gateway.address);
    let call = here.asks(&chat(true));
    let mut held = stage.worker.takes().await;
    held.says_chunk(&chunk("one")).await;
    let work = WorkFigures {
        queue_wait_ms: 1.5,
        first_token_ms: Some(20.0),
        work_ms: 100.0,
        upstream: "theirs".to_owned(),
        attempt: 1,
        input_tokens: Some(7),
        output_tokens: Some(40),
    };
    held.ends_with(EventKind::Done, "", &work).await;
    call.answered().await.events().await;

    let counted = |shown: &Value| shown["models"][0]["requests"] == 1;
    let shown = shows("a counted answer", &here, counted).await;

    let answers = &shown["answers"];
    let tokens = (&answers["input_tokens"], &answers["output_tokens"]);
    assert_eq!(tokens, (&json!(7), &json!(40)));
    assert!(shown["models"][0]["output_tokens_per_second"].as_f64().unwrap() > 0.0);
    let slow = &shown["slow_answers"][0];
    let split = json!([slow["queue_wait_seconds"], slow["model_first_token_seconds"]]);
    assert_eq!((split, &slow["output_tokens"]), (json!([0.0015, 0.02]), &json!(40)));
}
