//! The edge: request ids, models, what is no request, and the description of it all.

use reqwest::Method;
use service_runtime::{AllowedHosts, Env};

use crate::support::{Stage, chat, embeddings};

#[tokio::test]
async fn every_response_names_its_request() {
    let mut stage = Stage::set().await;
    let request = stage.caller.request(Method::POST, "/v1/chat/completions");
    let named = stage.caller.sends(request.header("x-request-id", "mine-7").body(chat(false)));
    stage.worker.takes().await.says_body("{}").await;
    let unnamed = stage.caller.asks(&chat(true));
    stage.worker.takes().await.is_done().await;
    let error = stage.caller.gets("/nowhere").await;
    let model = stage.caller.gets("/v1/models").await;

    let (named, unnamed) = (named.answered().await, unnamed.answered().await);
    assert_eq!(named.header("x-request-id"), Some("mine-7"));
    let mut ids = Vec::new();
    for answer in [&unnamed, &error, &model] {
        let id = answer.header("x-request-id").unwrap();
        assert!(id.starts_with("req_"), "{id}");
        assert!(!ids.contains(&id), "each has its own");
        ids.push(id);
        answer.header("openai-processing-ms").unwrap().parse::<u64>().unwrap();
    }
}

#[tokio::test]
async fn answers_are_no_pages_and_are_kept_by_nobody() {
    let stage = Stage::set().await;

    for path in ["/v1/models", "/v1/responses/resp_x", "/nowhere"] {
        let answer = stage.caller.gets(path).await;
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
    }
    let docs = stage.caller.gets("/docs").await;
    assert_eq!(docs.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(docs.header("cache-control"), Some("no-cache"), "it is everybody's");
}

#[tokio::test]
async fn models_are_listed_chat_models_first_and_shown_by_name() {
    let stage = Stage::set().await;

    let list = stage.caller.gets("/v1/models").await.text().await;
    let one = stage.caller.gets("/v1/models/org/embedder").await.text().await;
    let encoded = stage.caller.gets("/v1/models/org%2Fembedder").await.text().await;
    let unknown = stage.caller.gets("/v1/models/unknown").await;
    let no_text = stage.caller.gets("/v1/models/%ff").await;

    let list: serde_json::Value = serde_json::from_str(&list).unwrap();
    let one: serde_json::Value = serde_json::from_str(&one).unwrap();
    assert_eq!((&list["object"], &list["data"][0]["id"]), (&"list".into(), &"public".into()));
    assert_eq!((&list["data"][1], list["data"].as_array().unwrap().len()), (&one, 2));
    assert_eq!(one["owned_by"], "chappe");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&encoded).unwrap(), one);
    assert_eq!(unknown.error().await, (404, "model_not_found".to_owned()));
    assert_eq!(no_text.error().await, (400, "invalid_utf8".to_owned()));
}

#[tokio::test]
async fn what_is_no_request_is_refused_and_queues_nothing() {
    let stage = Stage::set().await;
    let (completions, embed) = ("/v1/chat/completions", "/v1/embeddings");
    let unknown = chat(true).replace("public", "unknown");
    let of_embedder = chat(false).replace("public", "org/embedder");
    let of_public = embeddings().replace("org/embedder", "public");
    for (path, body, status, code) in [
        (completions, "", 400, "invalid_json"),
        (completions, "{\"model\":", 400, "invalid_json"),
        (completions, "{}", 400, "missing_required_parameter"),
        (completions, "{\"model\":7}", 400, "invalid_type"),
        (completions, &unknown, 404, "model_not_found"),
        (completions, &of_embedder, 400, "unsupported_model"),
        (embed, "{\"model\":\"org/embedder\"}", 400, "missing_required_parameter"),
        (embed, &of_public, 400, "unsupported_model"),
    ] {
        let answer = stage.caller.posts(path, body).answered().await;

        assert_eq!(answer.header("x-should-retry"), Some("false"), "{body}");
        assert_eq!(answer.header("content-type"), Some("application/json"), "{body}");
        assert_eq!(answer.error().await, (status, code.to_owned()), "{body}");
    }
    assert_eq!(stage.jobs_queued().await, 0);
    assert!(!stage.gateway.counts("app_jobs_accepted_total{"));
}

#[tokio::test]
async fn unknown_urls_and_methods_are_errors_like_all_others() {
    let stage = Stage::set().await;

    let nowhere = stage.caller.posts("/v1/nowhere", "{}").answered().await;
    let get = stage.caller.gets("/v1/chat/completions").await;
    for path in ["/v1/responses/input_tokens", "/v1/responses/compact"] {
        let unbuilt = stage.caller.posts(path, "{}").answered().await;
        assert_eq!(unbuilt.error().await, (404, "unknown_url".to_owned()), "{path}");
    }
    for rest in ["", "/input_items", "/waiting"] {
        let no_text = stage.caller.gets(&format!("/v1/responses/resp_%ff{rest}")).await;
        assert_eq!(no_text.error().await, (400, "invalid_utf8".to_owned()), "{rest}");
    }
    let delete = stage.caller.request(Method::DELETE, "/v1/models");
    let delete = stage.caller.sends(delete).answered().await;

    assert_eq!(nowhere.error().await, (404, "unknown_url".to_owned()));
    assert_eq!(get.header("allow"), Some("POST"));
    assert_eq!(get.error().await, (405, "method_not_allowed".to_owned()));
    assert_eq!(delete.header("allow"), Some("GET,HEAD"));
    assert_eq!(delete.error().await, (405, "method_not_allowed".to_owned()));
}

#[tokio::test]
async fn pages_of_other_sites_are_refused_and_queue_nothing() {
    let stage = Stage::set().await;
    let asks = || stage.caller.request(Method::POST, "/v1/chat/completions").body(chat(true));

    for (name, value, code) in [
        ("host", "rebound.example:8790", "foreign_host"),
        ("origin", "https://elsewhere.example", "foreign_site"),
        ("origin", "null", "foreign_site"),
        ("sec-fetch-site", "cross-site", "foreign_site"),
    ] {
        let refused = stage.caller.sends(asks().header(name, value)).answered().await;

        assert_eq!(refused.header("access-control-allow-origin"), None);
        assert!(refused.header("x-request-id").is_some());
        let text = refused.text().await;
        let error: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(error["error"]["code"], code, "{name}: {value}");
        let message = error["error"]["message"].as_str().unwrap();
        assert!(message.contains("GATEWAY_ALLOWED_HOSTS"), "{message}");
    }
    let preflight = stage.caller.request(Method::OPTIONS, "/v1/chat/completions");
    let preflight = preflight.header("origin", "http://localhost:3000");
    let preflight = preflight.header("access-control-request-method", "POST");
    let preflight = stage.caller.sends(preflight).answered().await;
    assert_eq!(preflight.header("access-control-allow-origin"), None);
    assert_eq!(preflight.error().await, (405, "method_not_allowed".to_owned()));
    assert_eq!(stage.jobs_queued().await, 0);
}

#[tokio::test]
async fn the_api_answers_under_names_that_a_setting_allows() {
    let env = Env::from([("HOSTS", "chat.example")]);
    let mut read = env.reader();
    let hosts = AllowedHosts::read(&mut read, "HOSTS", None).unwrap();
    let stage = Stage::with(|settings| settings.allowed_hosts = hosts).await;

    for (host, status) in [("chat.example", 200), ("localhost:1", 200), ("x.example", 403)] {
        let request = stage.caller.request(Method::GET, "/v1/models").header("host", host);
        assert_eq!(stage.caller.sends(request).answered().await.status, status, "{host}");
    }
}

#[tokio::test]
async fn the_api_describes_itself_to_programs_and_to_people() {
    let stage = Stage::set().await;

    let openapi = stage.caller.gets("/openapi.json").await;
    let docs = stage.caller.gets("/docs").await;

    assert_eq!((openapi.status, openapi.header("content-type")), (200, Some("application/json")));
    let document: serde_json::Value = serde_json::from_str(&openapi.text().await).unwrap();
    assert!(document["paths"]["/v1/chat/completions"]["post"].is_object());
    assert_eq!((docs.status, docs.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = docs.header("content-security-policy").unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("script"), "{policy}");
    let page = docs.text().await;
    assert!(page.contains("/v1/chat/completions") && !page.contains("<script"));
}
