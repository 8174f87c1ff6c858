//! Answers reach the gateway whole, in order and otherwise unchanged.

use contract::{Body, EventKind, Operation};
use secrecy::SecretString;
use serde_json::json;
use test_support::TestNats;

use crate::support::{Reply, Request, Stage, chat, chunk, upstream};

#[tokio::test]
async fn a_request_goes_to_the_model_as_it_came_but_for_the_models_name() {
    let mut stage = Stage::set().await;
    let upstream = upstream(&stage.model.url(), "api_key_env = \"KEY\"");
    let _worker = stage
        .worker_with(&[upstream], |settings| {
            settings.keys.insert("KEY".to_owned(), SecretString::from("secret"));
        })
        .await;
    let request = Request {
        body: r#"{"model":"public","messages":[],"new":{"b":[1.50,1e3]},"seed":7}"#.to_owned(),
        ..chat(false)
    };

    let job = stage.ask(&request).await;
    let call = stage.model.called().await;
    stage.model.reply(Reply::whole(200, "{}"));

    assert_eq!(call.path, "/v1/chat/completions");
    let expected = br#"{"model":"private","messages":[],"new":{"b":[1.50,1e3]},"seed":7}"#;
    assert_eq!(call.body.as_ref(), expected);
    assert_eq!(call.header("authorization"), "Bearer secret");
    assert_eq!(call.header("content-type"), "application/json");
    assert!(call.header("user-agent").starts_with("chappe/"));
    stage.gateway.all_of(job).await;
}

#[tokio::test]
async fn a_stream_arrives_chunk_by_chunk_with_our_identity_and_all_other_members() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    let job = stage.ask(&chat(true)).await;
    let (tokens, reply) = Reply::stream();
    stage.model.reply(reply);

    tokens.raw(": warming up\n\n").await;
    tokens.say(&chunk("one")).await;
    let first = stage.gateway.heard().await;
    tokens.say(r#"{"id":"x","choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2},"new":[1.50]}"#).await;
    tokens.say("[DONE]").await;

    let expected = json!({
        "id": format!("chatcmpl-{job}"),
        "object": "chat.completion.chunk",
        "created": first.json()["created"],
        "model": "public",
        "choices": [{"index": 0, "delta": {"content": "one"}, "finish_reason": null}],
    });
    assert_eq!((first.kind, first.claim, first.seq), (EventKind::Chunk, 1, 0));
    assert_eq!(first.json(), expected);
    assert!(first.json()["created"].as_u64().unwrap() > 1_700_000_000, "our time, not theirs");
    let second = stage.gateway.heard().await;
    assert!(second.text().contains(r#""new":[1.50]"#), "numbers keep their spelling");
    assert_eq!(second.json()["created"], first.json()["created"], "one answer, one time");
    let last = stage.gateway.heard().await;
    assert_eq!((last.kind, last.seq, last.payload.len()), (EventKind::Done, 2, 0));
    stage.no_jobs_left().await;
}

#[tokio::test]
async fn a_whole_answer_arrives_with_our_identity_and_all_other_members() {
    let mut stage = Stage::set().await;
    let worker = stage.worker().await;
    let job = stage.ask(&chat(false)).await;
    let body = r#"{"id":"x","object":"chat.completion","created":1,"model":"private","choices":[{"index":0,"message":{"role":"assistant","content":"hi","new":1.50},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":4,"total_tokens":7}}"#;
    stage.model.reply(Reply::whole(200, body));

    let all = stage.gateway.all_of(job).await;

    let [answer] = all.as_slice() else { panic!("one event: {all:?}") };
    assert_eq!(answer.kind, EventKind::Body);
    let mut expected: serde_json::Value = serde_json::from_str(body).unwrap();
    expected["id"] = json!(format!("chatcmpl-{job}"));
    expected["model"] = json!("public");
    expected["created"] = answer.json()["created"].clone();
    assert_eq!(answer.json(), expected);
    assert!(answer.text().contains(r#""new":1.50"#));
    stage.no_jobs_left().await;
    assert!(worker.counts("app_tokens_total{app_model=\"public\",gen_ai_token_type=\"input\"} 3"));
}

#[tokio::test]
async fn embeddings_keep_everything_but_the_models_name() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    let request = Request {
        operation: Operation::Embeddings,
        body: r#"{"model":"public","input":["a"]}"#.to_owned(),
        ..chat(false)
    };
    let job = stage.ask(&request).await;
    let body = r#"{"object":"list","data":[{"embedding":[0.10,-2e-3],"index":0}],"model":"private","usage":{"prompt_tokens":1}}"#;
    stage.model.reply(Reply::whole(200, body));

    let call = stage.model.called().await;
    let all = stage.gateway.all_of(job).await;

    assert_eq!(call.path, "/v1/embeddings");
    assert_eq!(all[0].text(), body.replace("private", "public"));
}

#[tokio::test]
async fn a_stream_without_its_end_mark_is_complete_if_the_model_had_a_reason_to_finish() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    let job = stage.ask(&chat(true)).await;
    let last = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}"#;
    stage.model.reply(Reply::stream_of(&[&chunk("a"), last]).await);

    let all = stage.gateway.all_of(job).await;

    assert_eq!(all.len(), 3);
    assert_eq!(all[2].kind, EventKind::Done);
}

#[tokio::test]
async fn a_prompt_and_an_answer_over_the_limit_of_a_message_travel_by_name() {
    let mut stage = Stage::over(TestNats::with_max_payload(64 * 1024).await).await;
    let _worker = stage.worker().await;
    let blobs = stage.bus.blobs().await.unwrap();
    let long = "x".repeat(100_000);
    let prompt = format!(r#"{{"model":"public","user":"{long}"}}"#);
    blobs.put("prompts/1", prompt.as_bytes()).await.unwrap();

    let body = Body::Stored("prompts/1".to_owned());
    let job = stage.ask_with(&chat(false), body, "default").await;
    let call = stage.model.called().await;
    stage.model.reply(Reply::whole(200, &format!(r#"{{"model":"private","text":"{long}"}}"#)));
    let all = stage.gateway.all_of(job).await;

    assert_eq!(call.body.len(), prompt.len() + "private".len() - "public".len());
    let [answer] = all.as_slice() else { panic!("one event: {all:?}") };
    assert_eq!(answer.kind, EventKind::StoredBody);
    let stored = blobs.get(answer.text(), usize::MAX).await.unwrap().unwrap();
    let stored: serde_json::Value = serde_json::from_slice(&stored).unwrap();
    assert_eq!(stored["model"], "public");
    assert_eq!(stored["text"], long);
}

#[tokio::test]
async fn a_prompt_that_was_lost_is_an_error_and_no_silence() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;

    let body = Body::Stored("prompts/nowhere".to_owned());
    let job = stage.ask_with(&chat(false), body, "default").await;
    let all = stage.gateway.all_of(job).await;

    let (_failure, body) = all[0].failure();
    assert_eq!(body.error.code.as_deref(), Some("body_lost"));
    stage.no_jobs_left().await;
    assert!(!stage.model.was_called().await);
}

#[tokio::test]
async fn a_chunk_over_the_limit_of_a_message_is_an_error() {
    let mut stage = Stage::over(TestNats::with_max_payload(64 * 1024).await).await;
    let _worker = stage.worker().await;
    let job = stage.ask(&chat(true)).await;
    let (tokens, reply) = Reply::stream();
    stage.model.reply(reply);
    tokens.say(&chunk("small")).await;
    tokens.say(&chunk(&"x".repeat(70_000))).await;

    let all = stage.gateway.all_of(job).await;

    assert_eq!(all.len(), 2);
    assert_eq!(all[1].failure().1.error.code.as_deref(), Some("chunk_too_large"));
    tokens.left().await;
    stage.no_jobs_left().await;
}

#[tokio::test]
async fn many_streams_share_messages_and_none_loses_its_order() {
    const STREAMS: usize = 40;
    const CHUNKS: usize = 30;
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    let mut pens = Vec::new();
    for _stream in 0..STREAMS {
        stage.ask(&chat(true)).await;
        let (tokens, reply) = Reply::stream();
        stage.model.reply(reply);
        pens.push(tokens);
    }

    for number in 0..CHUNKS {
        for pen in &pens {
            pen.say(&chunk(&format!("{number}"))).await;
        }
    }
    for pen in pens {
        pen.say("[DONE]").await;
    }

    let mut heard = std::collections::HashMap::new();
    for _event in 0..STREAMS * (CHUNKS + 1) {
        let said = stage.gateway.heard().await;
        let next = heard.entry(said.job).or_insert(0_usize);
        assert_eq!(said.seq as usize, *next, "without a gap");
        if said.kind == EventKind::Chunk {
            let content = &said.json()["choices"][0]["delta"]["content"];
            assert_eq!(content, &next.to_string(), "in order");
        }
        *next += 1;
    }
    assert_eq!(heard.len(), STREAMS);
    let events = STREAMS * (CHUNKS + 1);
    assert!(stage.gateway.messages() < events / 2, "{} messages", stage.gateway.messages());
    stage.no_jobs_left().await;
}

#[tokio::test]
async fn connections_to_the_model_are_used_again() {
    let mut stage = Stage::set().await;
    let _worker = stage.worker().await;
    let mut peers = Vec::new();

    for stream in [true, true, false, false] {
        let job = stage.ask(&chat(stream)).await;
        peers.push(stage.model.called().await.peer);
        stage.model.reply(match stream {
            true => Reply::stream_of(&[&chunk("a"), "[DONE]"]).await,
            false => Reply::whole(200, "{}"),
        });
        stage.gateway.all_of(job).await;
        stage.no_jobs_left().await;
    }

    assert!(peers.iter().all(|peer| *peer == peers[0]), "{peers:?}");
}
