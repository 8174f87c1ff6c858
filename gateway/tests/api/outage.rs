//! NATS goes and comes back.

use bus::LinkState;
use contract::{JobId, Lane, Verdict};

use crate::support::{DONE, Stage, chat, chunk, response, until};

impl Stage {
    async fn nats_dies(&mut self) {
        self.nats.kill().await;
        self.gateway.readiness_is(503).await;
    }

    async fn nats_returns(&mut self) {
        self.nats.restart().await;
        self.gateway.readiness_is(200).await;
        let mut state = self.bus.state();
        state.wait_for(|state| *state == LinkState::Connected).await.unwrap();
        self.bus.barrier().await.unwrap();
    }
}

#[tokio::test]
async fn without_nats_requests_are_refused_at_once_and_with_it_answered_again() {
    let mut stage = Stage::set().await;
    stage.gateway.readiness_is(200).await;

    stage.nats_dies().await;
    let (_status, report) = stage.gateway.health("/readyz").await;
    let (alive, _text) = stage.gateway.health("/livez").await;
    let refused = stage.caller.asks(&chat(true)).answered().await;
    stage.nats_returns().await;
    let call = stage.caller.asks(&chat(false));
    stage.worker.takes().await.says_body("{}").await;

    assert!(report.contains("NATS is disconnected"), "{report}");
    assert_eq!(alive, 200, "a restart would not help");
    assert_eq!(refused.header("retry-after"), Some("2"));
    assert_eq!(refused.error().await, (503, "queue_unavailable".to_owned()));
    assert_eq!(call.answered().await.status, 200);
}

#[tokio::test]
async fn a_job_in_the_queue_survives_and_its_caller_is_answered() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(true));
    until("a queued job", async || stage.jobs_queued().await == 1).await;

    stage.nats_dies().await;
    stage.nats_returns().await;
    let mut held = stage.worker.takes().await;
    held.says_chunk(&chunk("one")).await;
    held.is_done().await;

    assert_eq!(call.answered().await.events().await.len(), 2);
    stage.gateway.settles(1, "completed").await;
}

#[tokio::test]
async fn a_job_whose_worker_said_nothing_yet_comes_again_and_is_answered() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(false));
    let lost = stage.worker.takes().await;

    stage.nats_dies().await;
    stage.nats_returns().await;
    let mut again = stage.worker.pulls().await;
    let verdict = stage.worker.claims(&mut again).await;
    again.says_body("{}").await;

    // By the server's own count this may be the first delivery: it writes that count down a moment
    // after the delivery and was killed. The gateway's count of claims is the one to rely on.
    assert_eq!(again.id, lost.id);
    assert_eq!(verdict, Verdict::Go { claim: 2 });
    assert_eq!(call.answered().await.text().await, "{}");
}

#[tokio::test]
async fn a_stream_that_lost_nothing_goes_on() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(true));
    let mut held = stage.worker.takes().await;
    held.says_chunk(&chunk("one")).await;
    let mut answer = call.answered().await;
    answer.frame().await;

    stage.nats_dies().await;
    stage.nats_returns().await;
    held.says_chunk(&chunk("two")).await;
    held.is_done().await;

    assert_eq!(answer.events().await, [format!("data: {}", chunk("two")), DONE.to_owned()]);
}

#[tokio::test]
async fn an_answer_that_was_given_while_nobody_listened_is_said_to_be_lost() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(true));
    let mut held = stage.worker.takes().await;
    held.says_chunk(&chunk("one")).await;
    let mut answer = call.answered().await;
    answer.frame().await;
    let stays = stage.caller.asks(&chat(false));
    let mut stays_held = stage.worker.takes().await;

    stage.nats_dies().await;
    stage.nats.restart().await;
    // Its end was said to nobody, and so its job has left the queue.
    held.delivery.ack().await.unwrap();
    stage.gateway.readiness_is(200).await;

    assert_eq!(answer.breaks_off().await, "answer_incomplete");
    // Whose job is still worked on, goes on.
    stays_held.says_body("{}").await;
    assert_eq!(stays.answered().await.status, 200);
}

#[tokio::test]
async fn a_caller_who_leaves_meanwhile_is_forgotten_all_the_same() {
    let mut stage = Stage::set().await;
    let call = stage.caller.asks(&chat(true));
    until("a queued job", async || stage.jobs_queued().await == 1).await;

    stage.nats_dies().await;
    drop(call);
    stage.gateway.settles(1, "client_gone").await;
    stage.nats_returns().await;

    let mut held = stage.worker.pulls().await;
    assert_eq!(stage.worker.claims(&mut held).await, Verdict::Drop);
}

#[tokio::test]
async fn a_response_that_is_being_written_outlasts_it() {
    let mut stage = Stage::set().await;
    let mut scribe = stage.scribe(Lane::Live).await;
    let stream = stage.caller.posts("/v1/responses", &response(r#""stream":true"#));
    let mut streamed = scribe.takes().await;
    streamed.says("one ").await;
    let answer = stream.answered().await;
    let whole = stage.caller.posts("/v1/responses", &response(""));
    let mut waited_for = scribe.takes().await;
    until("a reader", async || stage.bus.has_reader(&waited_for.log).await.unwrap()).await;

    stage.nats_dies().await;
    stage.nats_returns().await;
    for written in [&mut streamed, &mut waited_for] {
        written.says("two").await;
        written.completes().await;
    }

    let events = answer.events().await;
    assert!(events.last().unwrap().contains("one two"), "{events:?}");
    let whole = whole.answered().await;
    assert_eq!(whole.status, 200);
    assert!(whole.text().await.contains("two"));
}

#[tokio::test]
async fn without_nats_responses_are_refused_at_once() {
    let mut stage = Stage::set().await;
    let address = format!("/v1/responses/{}", JobId::fresh().as_response());
    stage.nats_dies().await;

    let created = stage.caller.posts("/v1/responses", &response("")).answered().await;
    let read = stage.caller.gets(&address).await;
    let followed = stage.caller.gets(&format!("{address}?stream=true")).await;
    let cancelled = stage.caller.posts(&format!("{address}/cancel"), "").answered().await;

    for refused in [created, read, followed, cancelled] {
        assert_eq!(refused.header("retry-after"), Some("2"));
        assert_eq!(refused.error().await, (503, "queue_unavailable".to_owned()));
    }
}
