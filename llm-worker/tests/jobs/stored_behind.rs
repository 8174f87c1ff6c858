//! A second attempt goes on behind what the first one has stored, where the model's servers can.

use contract::log::{Record, Said, Started};
use contract::{Lane, WorkerId};

use crate::support::{Log, Reply, Stage, chunk, upstream};

/// A log whose workers died, so many of them, each behind two words.
async fn left_in_the_middle(stage: &Stage, workers: u32) -> Log {
    let log = Log::begin(&stage.bus, Lane::Background).await;
    for attempt in 1..=workers {
        let writer = WorkerId::fresh();
        let started = Started { attempt, writer, continues_at: None, at_ms: 0 };
        log.append(&Record::Started(started)).await;
        let said = Said { attempt, number: 0 };
        log.append_with(&Record::Said(said), &[chunk("one "), chunk("two ")]).await;
    }
    stage.queue(Lane::Background, &log).await;
    log
}

#[tokio::test]
async fn the_model_is_asked_to_go_on_behind_the_stored_text() {
    let stage = Stage::set().await;
    let continues = upstream(&stage.model.url(), "continues = \"continue_final_message\"");
    let _worker = stage.worker_with(&[continues], |_settings| {}).await;

    let log = left_in_the_middle(&stage, 1).await;
    let call = stage.model.called().await;
    stage.model.reply(Reply::stream_of(&[&chunk("three"), "[DONE]"]).await);
    log.ended().await;

    let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
    let last = body["messages"].as_array().unwrap().last().unwrap();
    assert_eq!(last, &serde_json::json!({"role": "assistant", "content": "one two "}));
    assert_eq!(body["continue_final_message"], true);
    assert_eq!(log.texts().await, ["one ", "two ", "three"]);
    assert!(log.story().await.contains(&"started 2 behind 8".to_owned()));
}

#[tokio::test]
async fn it_begins_anew_where_one_of_the_servers_cannot() {
    for workers in [1, 2] {
        let stage = Stage::set().await;
        let can = upstream(&stage.model.url(), "continues = \"prefix\"");
        let cannot = upstream(&stage.model.url(), "weight = 0");
        let _worker = stage.worker_with(&[can, cannot], |_settings| {}).await;

        let log = left_in_the_middle(&stage, workers).await;
        let call = stage.model.called().await;
        stage.model.reply(Reply::stream_of(&[&chunk("one two three"), "[DONE]"]).await);
        log.ended().await;

        let body: serde_json::Value = serde_json::from_slice(&call.body).unwrap();
        assert!(body["messages"].as_array().unwrap().iter().all(|one| one["role"] != "assistant"));
        assert!(log.story().await.contains(&format!("started {}", workers + 1)));
    }
}
