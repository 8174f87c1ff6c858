//! Jobs and deliveries: slots, redelivery, what cannot succeed.

use bytes::Bytes;
use contract::{Body, EventKind, JobId, Verdict};
use serde_json::value::RawValue;

use crate::support::{Reply, Stage, chat, chunk, upstream};

#[tokio::test]
async fn no_more_jobs_run_than_there_are_slots() {
    const JOBS: usize = 30;
    let mut stage = Stage::set().await;
    let upstreams = [upstream(&stage.model.url(), "")];
    let _worker = stage.worker_with(&upstreams, |settings| settings.max_concurrency = 3).await;
    for _job in 0..JOBS {
        stage.ask(&chat(false)).await;
    }

    for _job in 0..JOBS {
        stage.model.called().await;
        stage.model.reply(Reply::whole(200, "{}"));
    }

    for _job in 0..JOBS {
        let said = stage.gateway.heard().await;
        assert_eq!((said.kind, said.claim), (EventKind::Body, 1));
    }
    assert_eq!(stage.model.most_at_once(), 3);
    stage.no_jobs_left().await;
}

#[tokio::test]
async fn two_workers_share_a_queue_and_each_job_is_answered_once() {
    const JOBS: usize = 60;
    let mut stage = Stage::set().await;
    let _workers = [stage.worker().await, stage.worker().await];
    for _job in 0..JOBS {
        stage.model.reply(Reply::whole(200, "{}"));
        stage.ask(&chat(false)).await;
    }

    let mut answered = std::collections::HashSet::new();
    for _job in 0..JOBS {
        let said = stage.gateway.heard().await;
        assert_eq!(said.kind, EventKind::Body);
        assert!(answered.insert(said.job), "an answer twice");
    }

    stage.no_jobs_left().await;
    assert!(!stage.gateway.has_news());
}

#[tokio::test]
async fn a_busy_queue_does_not_starve_another() {
    let mut stage = Stage::set().await;
    let model = |name: &str, queue: &str| {
        let upstream = upstream(&stage.model.url(), "");
        format!("[[models]]\nname = \"{name}\"\nqueue = \"{queue}\"\n{upstream}")
    };
    let catalogue = model("public", "default") + &model("rare", "other");
    let _worker = stage.worker_of(&catalogue, |settings| settings.max_concurrency = 2).await;
    // The first of them never ends, and more wait.
    for _job in 0..4 {
        stage.ask(&chat(false)).await;
    }
    stage.model.called().await;

    let request = crate::support::Request { model: "rare", ..chat(false) };
    let body = RawValue::from_string(request.body.clone()).unwrap();
    let rare = stage.ask_with(&request, Body::Inline(&body), "other").await;

    // Its claim comes while the other queue's jobs are still unanswered.
    while stage.gateway.claimed().await.job != rare {}
    assert!(!stage.gateway.has_news());
}

#[tokio::test]
async fn a_killed_workers_job_is_answered_by_another() {
    let mut stage = Stage::set().await;
    let doomed = stage.worker().await;
    let job = stage.ask(&chat(true)).await;
    stage.model.called().await;

    let _other = stage.worker().await;
    doomed.kill();
    let call = stage.model.called().await;
    stage.model.reply(Reply::stream_of(&[&chunk("a"), "[DONE]"]).await);

    assert_eq!(call.path, "/v1/chat/completions");
    let all = stage.gateway.all_of(job).await;
    assert!(all.iter().all(|said| said.claim == 2), "{all:?}");
    assert_eq!(all.last().unwrap().kind, EventKind::Done);
    stage.no_jobs_left().await;
}

#[tokio::test]
async fn a_worker_that_was_held_up_says_nothing_about_a_job_that_is_another_ones_by_now() {
    let mut stage = Stage::set().await;
    // One slot: it asks for no other job meanwhile.
    let upstreams = [upstream(&stage.model.url(), "")];
    let held_up = stage.worker_with(&upstreams, |settings| settings.max_concurrency = 1).await;
    let job = stage.ask(&chat(false)).await;
    stage.gateway.claimed().await;
    stage.model.called().await;

    let hold = held_up.hold_up();
    let other = stage.worker().await;
    assert_eq!(stage.gateway.claimed().await.delivery, 2, "given away after its time");
    stage.model.called().await;
    // The first call has waited longest: its reply comes first.
    stage.model.reply(Reply::whole(200, "{}"));
    drop(hold);
    let late = stage.gateway.heard().await;
    stage.model.reply(Reply::whole(200, "{}"));
    let said = stage.gateway.heard().await;

    assert_eq!((late.job, late.claim), (job, 1), "a gateway passes it over");
    assert_eq!((said.job, said.claim), (job, 2));
    stage.no_jobs_left().await;
    let acknowledged =
        "messaging_client_operation_duration_seconds_count{messaging_operation_name=\"ack\"";
    assert!(other.counts(acknowledged) && !held_up.counts(acknowledged));
}

#[tokio::test]
async fn a_slow_answer_is_not_given_to_another_worker() {
    let mut stage = Stage::set().await;
    let worker = stage.worker().await;
    let job = stage.ask(&chat(true)).await;
    let (tokens, reply) = Reply::stream();
    stage.model.reply(reply);
    // Progress is reported often enough for twice the time after which a job comes again.
    let progress = "messaging_client_operation_duration_seconds_count{messaging_operation_name=\"progress\",messaging_system=\"nats\"} ";
    let enough = 7;
    crate::support::until("enough progress", async || {
        (enough..enough + 5).any(|times| worker.counts(&format!("{progress}{times}")))
    })
    .await;
    tokens.say(&chunk("a")).await;
    tokens.say("[DONE]").await;

    let all = stage.gateway.all_of(job).await;

    assert!(all.iter().all(|said| said.claim == 1));
    assert!(!worker.counts("app_jobs_redelivered_total"));
    stage.no_jobs_left().await;
}

#[tokio::test]
async fn a_job_that_kills_its_workers_is_buried_and_its_caller_told() {
    let mut stage = Stage::set().await;
    stage.gateway.judges(|_claim, number| Verdict::Go { claim: number + 5 });
    let worker = stage.worker().await;

    let job = stage.ask(&chat(true)).await;
    let all = stage.gateway.all_of(job).await;

    let (_failure, body) = all[0].failure();
    assert_eq!(body.error.code.as_deref(), Some("attempts_exhausted"));
    let letter = stage.dead_letter().await;
    assert_eq!(letter["reason"], "attempts_exhausted");
    stage.no_jobs_left().await;
    assert!(!stage.model.was_called().await);
    assert!(worker.counts("app_jobs_dead_total{app_reason=\"attempts_exhausted\"} 1"));
}

#[tokio::test]
async fn an_unreadable_job_is_buried_and_the_next_one_answered() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    stage.publish(JobId::fresh(), "default", Bytes::from_static(b"{\"id\":")).await;
    let job = stage.ask(&chat(false)).await;
    stage.model.reply(Reply::whole(200, "{}"));

    assert_eq!(stage.gateway.all_of(job).await[0].kind, EventKind::Body);
    let letter = stage.dead_letter().await;
    assert_eq!(letter["reason"], "unreadable");
    assert_eq!(letter["deliveries"], 1);
    stage.no_jobs_left().await;
}
