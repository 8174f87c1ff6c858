//! NATS goes and comes back.

use contract::{EventKind, Verdict};

use crate::support::{Reply, Stage, chat, chunk};

#[tokio::test]
async fn after_an_outage_jobs_are_taken_again() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    let before = stage.ask(&chat(false)).await;
    stage.model.reply(Reply::whole(200, "{}"));
    stage.gateway.all_of(before).await;
    stage.no_jobs_left().await;

    stage.nats.kill().await;
    stage.nats.restart().await;
    let mut state = stage.bus.state();
    state.wait_for(|state| *state == bus::LinkState::Connected).await.unwrap();
    stage.bus.barrier().await.unwrap();
    let after = stage.ask(&chat(false)).await;
    stage.model.reply(Reply::whole(200, "{}"));

    let all = stage.gateway.all_of(after).await;
    assert_eq!(all[0].kind, EventKind::Body);
    stage.no_jobs_left().await;
}

#[tokio::test]
async fn an_answer_in_the_making_survives_a_short_outage() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    let job = stage.ask(&chat(false)).await;
    stage.model.called().await;

    stage.nats.kill().await;
    stage.nats.restart().await;
    stage.model.reply(Reply::whole(200, "{}"));
    // The first answer may be lost while the gateway's own connection is still made again: the
    // job comes back, and the gateway decides whether it is worked on once more.
    stage.model.reply(Reply::whole(200, "{}"));
    let said = stage.gateway.heard().await;
    stage.gateway.judges(|_claim, _number| Verdict::Drop);

    assert_eq!((said.job, said.kind), (job, EventKind::Body));
    stage.no_jobs_left().await;
}

#[tokio::test]
async fn a_stream_waits_for_the_connection_and_goes_on() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    let job = stage.ask(&chat(true)).await;
    let (tokens, reply) = Reply::stream();
    stage.model.reply(reply);
    tokens.say(&chunk("one")).await;
    assert_eq!(stage.gateway.heard().await.seq, 0);

    stage.nats.kill().await;
    let mut state = stage.bus.state();
    state.wait_for(|state| *state == bus::LinkState::Disconnected).await.unwrap();
    stage.nats.restart().await;
    state.wait_for(|state| *state == bus::LinkState::Connected).await.unwrap();
    stage.bus.barrier().await.unwrap();
    tokens.say(&chunk("two")).await;
    tokens.say("[DONE]").await;

    let second = stage.gateway.heard().await;
    let last = stage.gateway.heard().await;
    assert_eq!((second.job, second.seq), (job, 1));
    assert_eq!((last.kind, last.seq), (EventKind::Done, 2));
    // The connection broke meanwhile: whether the end was heard, the gateway is asked.
    stage.gateway.judges(|_claim, _number| Verdict::Drop);
    stage.no_jobs_left().await;
}
