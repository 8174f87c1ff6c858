//! What cannot be queued is refused at once, with the time to come again.

use std::time::Duration;

use crate::support::{Answer, Stage, chat, until};

async fn is_overload(answer: Answer, after: &str) {
    assert_eq!(answer.header("retry-after"), Some(after));
    assert_eq!(answer.header("x-should-retry"), None, "the SDKs' own rule is right");
    assert_eq!(answer.error().await, (503, "server_is_overloaded".to_owned()));
}

#[tokio::test]
async fn a_full_lane_refuses_until_there_is_room() {
    let mut stage = Stage::set().await;
    stage.jobs_at_most(1).await;
    let waiting = stage.caller.asks(&chat(false));
    until("a full lane", async || stage.jobs_queued().await == 1).await;

    for stream in [true, false] {
        let refused = stage.caller.asks(&chat(stream)).answered().await;
        is_overload(refused, "1").await;
    }
    let mut held = stage.worker.takes().await;
    held.delivery.ack().await.unwrap();
    until("room in the lane", async || stage.jobs_queued().await == 0).await;
    let taken = stage.caller.asks(&chat(false));
    held.says_body("{}").await;
    stage.worker.takes().await.says_body("{}").await;

    assert_eq!(waiting.answered().await.status, 200);
    assert_eq!(taken.answered().await.status, 200);
    stage.gateway.settles(4, "not_queued").await;
    stage.gateway.settles(4, "completed").await;
}

/// The only test that waits for those ten seconds.
#[tokio::test]
async fn a_queue_without_a_worker_refuses_until_one_is_heard() {
    let mut stage = Stage::set().await;
    stage.worker.falls_silent().await;

    assert!(!is_refused(&stage).await, "nobody can know yet");
    until("a refusal", async || is_refused(&stage).await).await;
    let _newcomer = stage.another_worker().await;
    until("a worker that is heard", async || !is_refused(&stage).await).await;
}

/// Asks, and leaves as soon as it is clear whether the request was taken.
async fn is_refused(stage: &Stage) -> bool {
    let accepted = || stage.gateway.sum("app_jobs_accepted_total");
    let before = accepted();
    let mut answered = std::pin::pin!(stage.caller.asks(&chat(false)).answered());
    loop {
        tokio::select! {
            answer = &mut answered => {
                is_overload(answer, "2").await;
                return true;
            }
            () = tokio::time::sleep(Duration::from_millis(10)) => {
                if accepted() > before {
                    return false;
                }
            }
        }
    }
}
