//! Vectors.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Server, json_of};

async fn embed(server: &Server, mut body: Value) -> Value {
    body["model"] = json!("simulator-embeddings");
    json_of(server.post("/v1/embeddings", &body).await, StatusCode::OK).await
}

fn numbers(vector: &Value) -> Vec<f64> {
    vector.as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect()
}

#[tokio::test]
async fn every_input_gets_a_vector_of_length_one_in_its_place() {
    let server = Server::start();

    let list = embed(&server, json!({"input": ["one", "two", "one"]})).await;

    assert_eq!((&list["object"], &list["model"]), (&json!("list"), &json!("simulator-embeddings")));
    let vectors: Vec<Vec<f64>> =
        (0..3).map(|index| numbers(&list["data"][index]["embedding"])).collect();
    for (index, vector) in vectors.iter().enumerate() {
        assert_eq!(list["data"][index]["index"], index);
        assert_eq!(vector.len(), 64);
        let length: f64 = vector.iter().map(|number| number * number).sum();
        assert!((length - 1.0).abs() < 1e-4, "{length}");
    }
    assert_eq!(vectors[0], vectors[2]);
    assert_ne!(vectors[0], vectors[1]);
    assert_eq!(list["usage"], json!({"prompt_tokens": 3, "total_tokens": 3}));
}

#[tokio::test]
async fn dimensions_and_encoding_are_as_asked() {
    let server = Server::start();

    let floats = embed(&server, json!({"input": "text", "dimensions": 3})).await;
    let base64 =
        embed(&server, json!({"input": "text", "dimensions": 3, "encoding_format": "base64"}))
            .await;

    let floats = numbers(&floats["data"][0]["embedding"]);
    let bytes = decoded(base64["data"][0]["embedding"].as_str().unwrap());
    let words = bytes.chunks_exact(4).map(|word| f32::from_le_bytes(word.try_into().unwrap()));
    let decoded: Vec<f64> = words.map(f64::from).collect();
    assert_eq!(decoded.len(), 3);
    assert!(decoded.iter().zip(&floats).all(|(a, b)| (a - b).abs() < 1e-6));
}

fn decoded(text: &str) -> Vec<u8> {
    use base64::Engine as _;
    base64::prelude::BASE64_STANDARD.decode(text).unwrap()
}

#[tokio::test]
async fn lists_of_tokens_are_inputs_too() {
    let server = Server::start();

    let one = embed(&server, json!({"input": [1, 2, 3]})).await;
    let two = embed(&server, json!({"input": [[1, 2, 3], [4]]})).await;

    assert_eq!(one["data"].as_array().unwrap().len(), 1);
    assert_eq!(two["data"].as_array().unwrap().len(), 2);
    assert_eq!(one["data"][0]["embedding"], two["data"][0]["embedding"]);
}

#[tokio::test]
async fn wrong_inputs_are_refused_by_name() {
    let server = Server::start();

    for (body, param) in [
        (json!({"model": "m"}), "input"),
        (json!({"model": "m", "input": ""}), "input"),
        (json!({"model": "m", "input": []}), "input"),
        (json!({"model": "m", "input": [true]}), "input"),
        (json!({"model": "m", "input": "x", "dimensions": 0}), "dimensions"),
        (json!({"model": "m", "input": "x", "encoding_format": "hex"}), "encoding_format"),
    ] {
        let response = server.post("/v1/embeddings", &body).await;
        let error = json_of(response, StatusCode::BAD_REQUEST).await;
        assert_eq!(error["error"]["param"], param, "{body}");
    }
}

#[tokio::test]
async fn embeddings_fail_on_order_too() {
    let server = Server::start();
    let body = json!({"model": "m", "input": "x", "simulator": {"fault": {"status": 500}}});

    let response = server.post("/v1/embeddings", &body).await;

    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
}
