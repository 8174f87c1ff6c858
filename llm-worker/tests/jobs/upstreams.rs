//! Several upstreams of one model: fallback, circuit breaker, limited places.

use contract::EventKind;

use crate::support::{Model, Reply, Stage, chat, chunk, upstream};

#[tokio::test]
async fn another_upstream_answers_when_the_first_one_fails() {
    let mut stage = Stage::set().await;
    let second = Model::start();
    let upstreams =
        [upstream(&stage.model.url(), "weight = 1"), upstream(&second.url(), "weight = 0")];
    let worker = stage.worker_with(&upstreams, |_settings| {}).await;
    let job = stage.ask(&chat(true)).await;
    stage.model.reply(Reply::whole(500, "{}"));
    second.reply(Reply::stream_of(&[&chunk("a"), "[DONE]"]).await);

    let all = stage.gateway.all_of(job).await;

    assert_eq!(all.last().unwrap().kind, EventKind::Done);
    assert!(all.iter().all(|said| said.claim == 1), "within one attempt");
    assert!(worker.counts("app_upstream_fallbacks_total"));
}

#[tokio::test]
async fn a_refusal_is_not_asked_of_another_upstream() {
    let mut stage = Stage::set().await;
    let second = Model::start();
    let upstreams =
        [upstream(&stage.model.url(), "weight = 1"), upstream(&second.url(), "weight = 0")];
    let _worker = stage.worker_with(&upstreams, |_settings| {}).await;
    let job = stage.ask(&chat(false)).await;
    stage.model.reply(Reply::whole(400, "{}"));

    assert_eq!(stage.gateway.all_of(job).await[0].failure().0.status, 400);
    assert!(!second.was_called().await);
}

#[tokio::test]
async fn an_upstream_that_keeps_failing_is_left_alone_and_found_again() {
    let mut stage = Stage::set().await;
    let second = Model::start();
    let upstreams =
        [upstream(&stage.model.url(), "weight = 1"), upstream(&second.url(), "weight = 0")];
    let worker = stage.worker_with(&upstreams, |_settings| {}).await;
    let open = |worker: &crate::support::Worker, value: u8| {
        let url = stage.model.url();
        worker.counts(&format!(
            "app_upstream_open{{app_model=\"public\",app_upstream=\"{url}\"}} {value}"
        ))
    };
    assert!(open(&worker, 0));

    for _failure in 0..5 {
        let job = stage.ask(&chat(false)).await;
        stage.model.reply(Reply::whole(503, "{}"));
        second.reply(Reply::whole(200, "{}"));
        stage.model.called().await;
        second.called().await;
        stage.gateway.all_of(job).await;
    }
    assert!(open(&worker, 1));
    let job = stage.ask(&chat(false)).await;
    second.reply(Reply::whole(200, "{}"));
    second.called().await;
    stage.gateway.all_of(job).await;
    assert!(!stage.model.was_called().await, "it is left alone");

    // The pause is five seconds; then one request finds out.
    stage.model.reply(Reply::whole(200, "{}"));
    while !stage.model.was_called().await {
        let job = stage.ask(&chat(false)).await;
        second.reply(Reply::whole(200, "{}"));
        stage.gateway.all_of(job).await;
    }
    assert!(open(&worker, 0));
}

#[tokio::test]
async fn jobs_wait_for_a_free_place_at_the_upstream() {
    let mut stage = Stage::set().await;
    let limits = "max_concurrency = 2";
    let _worker = stage.worker_with(&[upstream(&stage.model.url(), limits)], |_settings| {}).await;
    for _job in 0..10 {
        stage.ask(&chat(false)).await;
    }

    stage.model.called().await;
    stage.model.called().await;
    for _job in 2..10 {
        stage.model.reply(Reply::whole(200, "{}"));
        stage.model.called().await;
    }
    for _job in 0..2 {
        stage.model.reply(Reply::whole(200, "{}"));
    }

    for _job in 0..10 {
        let said = stage.gateway.heard().await;
        assert_eq!((said.kind, said.claim), (EventKind::Body, 1), "{}", said.text());
    }
    assert_eq!(stage.model.most_at_once(), 2);
}

#[tokio::test]
async fn a_model_that_this_worker_does_not_know_is_left_to_others_and_then_said() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    let request = crate::support::Request { model: "unheard-of", ..chat(false) };

    let job = stage.ask(&request).await;
    let all = stage.gateway.all_of(job).await;

    assert_eq!(all[0].claim, 4);
    assert_eq!(all[0].failure().1.error.code.as_deref(), Some("model_not_served"));
}
