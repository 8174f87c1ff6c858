//! Callers and gateways that leave stop the model, in every phase.

use contract::{CancelReason, EventKind, Verdict};

use crate::support::{Reply, Stage, chat, chunk};

#[tokio::test]
async fn a_caller_who_has_left_already_costs_no_model_call() {
    let mut stage = Stage::set().await;
    stage.gateway.judges(|_claim, _number| Verdict::Drop);
    let _worker = stage.worker().await;

    stage.ask(&chat(true)).await;
    stage.gateway.claimed().await;

    stage.no_jobs_left().await;
    assert!(!stage.model.was_called().await);
}

#[tokio::test]
async fn a_caller_who_leaves_before_the_first_token_stops_the_model() {
    for stream in [true, false] {
        let mut stage = Stage::set().await;
        let worker = stage.worker().await;
        stage.ask(&chat(stream)).await;
        let claim = stage.gateway.claimed().await;
        let call = stage.model.called().await;

        stage.gateway.cancel(&claim, 1, CancelReason::CallerLeft).await;

        call.left().await;
        stage.no_jobs_left().await;
        assert!(!stage.gateway.has_news());
        let counted = "gen_ai_client_operation_duration_seconds_count{error_type=\"cancelled\"";
        assert!(worker.counts(counted));
    }
}

#[tokio::test]
async fn a_caller_who_leaves_in_the_middle_stops_the_model() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    stage.ask(&chat(true)).await;
    let claim = stage.gateway.claimed().await;
    let (tokens, reply) = Reply::stream();
    stage.model.reply(reply);
    tokens.say(&chunk("one")).await;
    stage.gateway.heard().await;

    stage.gateway.cancel(&claim, 1, CancelReason::CallerLeft).await;

    tokens.left().await;
    stage.no_jobs_left().await;
    assert!(!stage.gateway.has_news(), "nobody listens: nothing is said");
}

#[tokio::test]
async fn a_wish_about_an_older_claim_stops_nothing() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    let job = stage.ask(&chat(false)).await;
    let claim = stage.gateway.claimed().await;
    stage.model.called().await;
    stage.model.reply(Reply::whole(503, "{}"));
    // Second attempt.
    stage.gateway.claimed().await;
    stage.model.called().await;

    stage.gateway.cancel(&claim, 1, CancelReason::Superseded).await;
    stage.model.reply(Reply::whole(200, "{}"));

    let all = stage.gateway.all_of(job).await;
    assert_eq!((all[0].kind, all[0].claim), (EventKind::Body, 2));
}

#[tokio::test]
async fn a_superseded_attempt_leaves_the_delivery_to_the_newer_one() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    stage.ask(&chat(true)).await;
    let claim = stage.gateway.claimed().await;
    let call = stage.model.called().await;

    stage.gateway.cancel(&claim, 1, CancelReason::Superseded).await;
    call.left().await;

    // Neither acknowledged nor handed back: it comes again only after its time.
    let again = stage.gateway.claimed().await;
    assert_eq!(again.delivery, 2);
}

#[tokio::test]
async fn a_job_whose_gateway_is_gone_is_forgotten_after_its_silence() {
    let stage = Stage::set().await;
    stage.gateway.die();
    let _worker = stage.worker().await;

    stage.ask(&chat(true)).await;

    stage.no_jobs_left().await;
    assert!(!stage.model.was_called().await, "nobody granted a claim");
}

#[tokio::test]
async fn a_gateway_that_falls_silent_in_the_middle_stops_the_model() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    stage.ask(&chat(true)).await;
    let (tokens, reply) = Reply::stream();
    stage.model.reply(reply);
    tokens.say(&chunk("one")).await;
    stage.gateway.heard().await;

    stage.gateway.die();

    tokens.left().await;
    stage.no_jobs_left().await;
}
