//! The list of models, and whether it is well.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Server, json_of};

#[tokio::test]
async fn there_is_a_model_for_each_capability() {
    let server = Server::start();

    let list = json_of(server.get("/v1/models").await, StatusCode::OK).await;

    let models = list["data"].as_array().unwrap();
    let names: Vec<&Value> = models.iter().map(|model| &model["id"]).collect();
    assert_eq!(names, [&json!("simulator"), &json!("simulator-embeddings")]);
    assert_eq!(models[0]["capabilities"], json!(["chat"]));
    assert_eq!(models[1]["capabilities"], json!(["embeddings"]));
    assert!(models.iter().all(|model| model["owned_by"] == "chappe"));
    let one = json_of(server.get("/v1/models/simulator").await, StatusCode::OK).await;
    assert_eq!(one, models[0]);
}

#[tokio::test]
async fn an_unknown_model_is_not_listed() {
    let server = Server::start();

    let error = json_of(server.get("/v1/models/org/other").await, StatusCode::NOT_FOUND).await;

    assert_eq!(error["error"]["code"], "model_not_found");
}

#[tokio::test]
async fn its_health_is_answered_beside_the_api() {
    let server = Server::start();

    for path in ["/health", "/livez", "/readyz", "/metrics"] {
        assert_eq!(server.get(path).await.status(), StatusCode::OK, "{path}");
    }
}
