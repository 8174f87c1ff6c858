//! The form of a stream.

use serde_json::{Value, json};

use crate::support::{Server, ask, order};

#[tokio::test]
async fn a_stream_says_who_speaks_then_what_then_why_it_ended() {
    let server = Server::start();

    let stream = server.stream(&order(json!({"text": "one two three"}))).await;

    let deltas: Vec<&Value> = stream.deltas(0).collect();
    assert_eq!(
        deltas,
        [
            &json!({"role": "assistant", "content": ""}),
            &json!({"content": "one "}),
            &json!({"content": "two "}),
            &json!({"content": "three"}),
            &json!({}),
        ]
    );
    assert_eq!(stream.finish_reasons(), ["stop"]);
    assert!(stream.done);
    let first = &stream.chunks[0];
    for chunk in &stream.chunks {
        assert_eq!(chunk["object"], "chat.completion.chunk");
        assert_eq!(chunk["model"], "simulator");
        assert_eq!((&chunk["id"], &chunk["created"]), (&first["id"], &first["created"]));
        assert!(chunk.get("usage").is_none(), "nobody asked for usage");
    }
}

#[tokio::test]
async fn usage_is_null_on_every_chunk_and_comes_last_when_it_was_asked_for() {
    let server = Server::start();
    let mut body = order(json!({"text": "one two three"}));
    body["stream_options"] = json!({"include_usage": true});

    let stream = server.stream(&body).await;

    let (last, others) = stream.chunks.split_last().unwrap();
    assert!(others.iter().all(|chunk| chunk.get("usage") == Some(&Value::Null)));
    assert_eq!(last["choices"], json!([]));
    assert_eq!(last["usage"]["completion_tokens"], 3);
    let total = last["usage"]["prompt_tokens"].as_u64().unwrap() + 3;
    assert_eq!(last["usage"]["total_tokens"], total);
    assert!(stream.done);
}

#[tokio::test]
async fn several_choices_are_told_apart_by_their_index() {
    let server = Server::start();
    let mut body = ask("Hello");
    body["n"] = json!(3);

    let stream = server.stream(&body).await;
    let whole = server.whole(&body).await;

    for index in 0..3 {
        let text = stream.joined(index, "content");
        assert_eq!(whole["choices"][index as usize]["message"]["content"], text.as_str());
        assert!(text.contains("simulator"));
    }
    assert_eq!(stream.finish_reasons(), ["stop"; 3]);
}

#[tokio::test]
async fn reasoning_comes_before_the_answer() {
    let server = Server::start();

    let stream = server.stream(&order(json!({"script": "reasoning"}))).await;
    let whole = server.whole(&order(json!({"script": "reasoning"}))).await;

    let has = |member: &str| {
        let member = member.to_owned();
        move |delta: &Value| delta[&member].as_str().is_some_and(|text| !text.is_empty())
    };
    let deltas: Vec<&Value> = stream.deltas(0).collect();
    let last_thought = deltas.iter().rposition(|delta| has("reasoning_content")(delta)).unwrap();
    let first_word = deltas.iter().position(|delta| has("content")(delta)).unwrap();
    assert!(last_thought < first_word);
    let message = &whole["choices"][0]["message"];
    assert_eq!(message["reasoning_content"], stream.joined(0, "reasoning_content"));
    assert_eq!(message["content"], stream.text());
    assert!(whole["usage"]["completion_tokens_details"]["reasoning_tokens"].as_u64() > Some(0));
}

#[tokio::test]
async fn ordered_members_are_in_every_chunk_as_they_were_spelt() {
    let server = Server::start();
    let extra = r#"{"top": {"x_top": 1.50, "y": {"z": [1,
        2]}}, "choice": {"x_choice": "é"}, "delta": {"x_delta": 1e3}}"#;
    let body = format!(
        r#"{{"model": "m", "stream": true, "messages": [{{"role": "user", "content": "Hi"}}],
            "simulator": {{"text": "one two", "extra": {extra}}}}}"#
    );

    let response = server.request(reqwest::Method::POST, "/v1/chat/completions").body(body).send();
    let text = response.await.unwrap().text().await.unwrap();

    let frames: Vec<&str> = text.split_terminator("\n\n").collect();
    let (done, chunks) = frames.split_last().unwrap();
    assert_eq!((*done, chunks.len()), ("data: [DONE]", 4));
    for chunk in chunks {
        assert!(chunk.contains("\"x_top\": 1.50"), "{chunk}");
        assert!(chunk.contains("\"x_delta\": 1e3") && chunk.contains("\"x_choice\": \"é\""));
        assert_eq!(chunk.lines().count(), 1, "a frame is one line");
        let chunk: Value = serde_json::from_str(&chunk["data: ".len()..]).unwrap();
        assert_eq!(chunk["choices"][0]["x_choice"], "é");
        assert_eq!(chunk["choices"][0]["delta"]["x_delta"], 1e3);
        assert_eq!(chunk["y"]["z"], json!([1, 2]));
    }
}

#[tokio::test]
async fn probabilities_are_named_token_by_token() {
    let server = Server::start();
    let mut body = order(json!({"text": "one two"}));
    body["logprobs"] = json!(true);
    body["top_logprobs"] = json!(2);

    let stream = server.stream(&body).await;
    let whole = server.whole(&body).await;

    let token = &stream.chunks[1]["choices"][0]["logprobs"]["content"][0];
    assert_eq!((&token["token"], &token["bytes"]), (&json!("one "), &json!([111, 110, 101, 32])));
    assert_eq!(token["top_logprobs"].as_array().unwrap().len(), 2);
    let all = whole["choices"][0]["logprobs"]["content"].as_array().unwrap();
    assert_eq!(all.len(), 2);
    assert_eq!(&all[0], token);
}

#[tokio::test]
async fn an_interrupted_answer_goes_on_exactly_where_it_stopped() {
    let server = Server::start();
    let body = order(json!({"script": "count", "tokens": 40}));
    let before = "t0 t1 t2 ";

    let mut prefixed = body.clone();
    let last = json!({"role": "assistant", "content": before, "prefix": true});
    prefixed["messages"].as_array_mut().unwrap().push(last.clone());
    let mut continued = prefixed.clone();
    continued["messages"][1].as_object_mut().unwrap().remove("prefix");
    continued["continue_final_message"] = json!(true);

    let whole = server.stream(&body).await.text();
    for rest in [server.stream(&prefixed).await, server.stream(&continued).await] {
        assert_eq!(format!("{before}{}", rest.text()), whole);
    }
}
