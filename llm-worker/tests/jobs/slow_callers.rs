//! A stream that nobody reads waits, and its model with it.

use contract::EventKind;
use contract::window::{STREAM_WINDOW, cost};

use crate::support::{Reply, Stage, chat, chunk};

#[tokio::test]
async fn a_stream_that_is_not_read_waits_and_the_others_flow() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    let (slow_tokens, reply) = Reply::stream();
    stage.model.reply(reply);
    let slow = stage.ask(&chat(true)).await;
    stage.gateway.does_not_read(slow);
    let claim = stage.gateway.claimed().await;
    stage.model.called().await;
    let long = chunk(&"x".repeat(16 * 1024));

    // As much as the window holds is heard.
    slow_tokens.say(&long).await;
    let each = cost(&stage.gateway.heard().await.payload);
    let fit = STREAM_WINDOW / each;
    let all = fit * 3;
    for _more in 1..all {
        slow_tokens.say(&long).await;
    }
    for _more in 1..fit {
        assert_eq!(stage.gateway.heard().await.job, slow);
    }

    // Others are heard meanwhile, and it is not.
    let (tokens, reply) = Reply::stream();
    stage.model.reply(reply);
    let other = stage.ask(&chat(true)).await;
    for _more in 0..all {
        tokens.say(&long).await;
    }
    tokens.say("[DONE]").await;
    let heard = stage.gateway.all_of(other).await;
    assert_eq!(heard.len() as u64, all + 1);

    // When its caller reads again it goes on, and nothing is missing.
    slow_tokens.say("[DONE]").await;
    let mut read = fit;
    let last = loop {
        stage.gateway.has_read(&claim, read * each).await;
        let said = stage.gateway.heard().await;
        assert_eq!((said.job, u64::from(said.seq)), (slow, read));
        read += 1;
        if said.kind.is_last() {
            break said.kind;
        }
    };
    assert_eq!((last, read), (EventKind::Done, all + 1));
    stage.no_jobs_left().await;
}
