//! What a reader thought of an answer: kept with its turn, and counted by model.

use contract::{ConversationId, Owner, streams, subjects};
use serde_json::{Value, json};

use crate::support::{Stage, Talk, read, until};

async fn rates(talk: &Talk<'_>, turn: &str, feedback: &Value) -> Value {
    let path = format!("{}/turns/{turn}/feedback", talk.path());
    read(talk.stage.caller.posts(&path, &feedback.to_string()).answered().await).await
}

fn counts(stage: &Stage, rating: &str, times: u8) -> bool {
    let labels = format!("app_rating=\"{rating}\",gen_ai_request_model=\"public\"");
    stage.gateway.counts(&format!("app_answers_rated_total{{{labels}}} {times}"))
}

#[tokio::test]
async fn the_last_thumb_counts_and_each_change_is_counted_once() {
    let stage = Stage::set().await;
    let mut talk = Talk::begin(&stage).await;
    let (one, _told) = talk.turn("one", json!(null)).await;
    let (two, _told) = talk.turn("two", json!(one)).await;
    assert_eq!(talk.turns("").await["data"][0]["feedback"], Value::Null);

    let up = rates(&talk, &one, &json!({"rating": "up", "comment": "short"})).await;
    let kept = json!({"rating": "up", "comment": "short"});
    let answer = json!({"object": "conversation.turn.feedback", "id": one, "feedback": kept});
    assert_eq!(up, answer);
    let again = rates(&talk, &one, &json!({"rating": "up"})).await;
    assert_eq!(again["feedback"], json!({"rating": "up", "comment": null}));
    let page = talk.turns("").await;
    assert_eq!(page["data"][0]["feedback"], again["feedback"]);
    assert_eq!(page["data"][1]["feedback"], Value::Null, "the other one was not rated");
    until("one thumb up", async || counts(&stage, "up", 1)).await;

    rates(&talk, &one, &json!({"rating": "down"})).await;
    until("one thumb down", async || counts(&stage, "down", 1)).await;
    let back = rates(&talk, &one, &json!({"rating": null})).await;
    assert_eq!(back["feedback"], Value::Null);
    assert_eq!(talk.turns("").await["data"][0]["feedback"], Value::Null);
    assert!(counts(&stage, "up", 1) && counts(&stage, "down", 1), "taking back is no thumb");

    // It goes with its turn, and the next question is asked without it.
    rates(&talk, &two, &json!({"rating": "down", "comment": "secret"})).await;
    let (_three, told) = talk.turn("three", json!(two)).await;
    assert_eq!(told, ["one", "ONE", "two", "TWO", "three"]);
    talk.deletes_response(&two).await;
    assert!(!talk.turns("").await.to_string().contains("secret"));
}

#[tokio::test]
async fn what_cannot_be_rated_is_refused_and_nothing_is_kept() {
    let stage = Stage::set().await;
    let mut talk = Talk::begin(&stage).await;
    let (one, _told) = talk.turn("one", json!(null)).await;
    let mut elsewhere = Talk::begin(&stage).await;
    let (foreign, _told) = elsewhere.turn("elsewhere", json!(null)).await;
    let posts = async |talk: &Talk<'_>, turn: &str, body: &str| {
        let path = format!("{}/turns/{turn}/feedback", talk.path());
        stage.caller.posts(&path, body).answered().await.error().await
    };

    let records = stage.bus.records(streams::CONVERSATIONS).await.unwrap();
    let id = ConversationId::of_conversation(&talk.id).unwrap();
    let key = subjects::conversation_key(&Owner::local(), id);
    let before = records.get(&key).await.unwrap().unwrap().revision;
    let up = r#"{"rating":"up"}"#;
    for turn in [foreign.as_str(), "resp_1", "%ff"] {
        let (status, code) = posts(&talk, turn, up).await;
        assert_eq!(status, 404, "{turn}: {code}");
    }
    let after = records.get(&key).await.unwrap().unwrap().revision;
    assert_eq!(after, before, "nothing was written");
    talk.id = "conv_1".to_owned();
    assert_eq!(posts(&talk, &one, up).await, (404, "conversation_not_found".to_owned()));
    for (body, code) in [
        ("", "invalid_json"),
        ("{}", "missing_required_parameter"),
        (r#"{"rating":"sideways"}"#, "invalid_value"),
        (r#"{"rating":"up","stars":5}"#, "unsupported_parameter"),
    ] {
        assert_eq!(posts(&elsewhere, &foreign, body).await, (400, code.to_owned()), "{body}");
    }
    assert_eq!(elsewhere.turns("").await["data"][0]["feedback"], Value::Null);
}
