//! What a worker does behind the end of a log, before its job leaves the queue.

use contract::Lane;
use contract::{Chore, streams, subjects};

use crate::support::{Log, Reply, Stage, chunk};

const QUEUE: Lane = Lane::Background;

/// Whether a log is to be sealed.
async fn is_to_be_sealed(stage: &Stage, log: &Log) -> bool {
    let client = async_nats::connect(stage.nats.url()).await.unwrap();
    let chores = async_nats::jetstream::new(client).get_stream(streams::CHORES).await.unwrap();
    let subject = subjects::chore(Chore::Seal, &log.id);
    chores.get_last_raw_message_by_subject(&subject).await.is_ok()
}

#[tokio::test]
async fn a_log_that_has_ended_is_to_be_sealed_before_its_job_is_gone() {
    let stage = Stage::set().await;
    let _worker = stage.worker().await;
    let log = stage.accept(QUEUE).await;
    stage.model.reply(Reply::stream_of(&[&chunk("a"), "[DONE]"]).await);

    log.ended().await;
    stage.none_left_in(QUEUE).await;

    assert!(is_to_be_sealed(&stage, &log).await);
}

#[tokio::test]
async fn whoever_finds_the_end_of_another_only_has_it_sealed() {
    let stage = Stage::set().await;
    let _worker = stage.worker().await;
    let log = Log::begin(&stage.bus, QUEUE).await;
    log.cancel().await;

    stage.queue(QUEUE, &log).await;
    stage.none_left_in(QUEUE).await;

    assert!(is_to_be_sealed(&stage, &log).await);
    assert_eq!(log.entries().await.len(), 2);
    assert!(!stage.model.was_called().await);
}

#[tokio::test]
async fn of_a_log_that_was_forgotten_nothing_is_left_to_do() {
    let stage = Stage::set().await;
    let _worker = stage.worker().await;
    let log = Log::none(&stage.bus);

    stage.queue(QUEUE, &log).await;
    stage.none_left_in(QUEUE).await;

    assert!(!is_to_be_sealed(&stage, &log).await);
}

#[tokio::test]
async fn where_no_chore_can_be_stored_jobs_leave_their_queue_all_the_same() {
    let stage = Stage::set().await;
    let _worker = stage.worker().await;
    let client = async_nats::connect(stage.nats.url()).await.unwrap();
    let jetstream = async_nats::jetstream::new(client);
    let chores = jetstream.get_stream(streams::CHORES).await.unwrap();
    let mut config = chores.cached_info().config.clone();
    config.max_messages = 1;
    jetstream.update_stream(config).await.unwrap();
    stage.bus.publish_chore(Chore::Seal, &Log::none(&stage.bus).id).await.unwrap();
    let log = Log::begin(&stage.bus, QUEUE).await;
    log.cancel().await;

    stage.queue(QUEUE, &log).await;

    stage.none_left_in(QUEUE).await;
}
