//! What `/metrics` shows after an answer of each kind.

use crate::support::{Stage, chat, chunk, embeddings, until};

#[tokio::test]
async fn answers_are_counted_and_timed() {
    let mut stage = Stage::set().await;
    let whole = stage.caller.asks(&chat(false));
    stage.worker.takes().await.says_body("{}").await;
    whole.answered().await.text().await;
    let stream = stage.caller.asks(&chat(true));
    let mut held = stage.worker.takes().await;
    held.says_chunk(&chunk("one")).await;
    held.says_chunk(&chunk("two")).await;
    held.is_done().await;
    stream.answered().await.events().await;
    let embedding = stage.caller.posts("/v1/embeddings", embeddings());
    stage.worker.takes().await.says_body("{}").await;
    embedding.answered().await.text().await;

    stage.gateway.settles(3, "completed").await;
    let (status, figures) = stage.gateway.health("/metrics").await;

    assert_eq!(status, 200);
    let chat = "gen_ai_operation_name=\"chat\",gen_ai_request_model=\"public\"";
    let embeddings = "gen_ai_operation_name=\"embeddings\",gen_ai_request_model=\"org/embedder\"";
    let route = "http_route=\"/v1/chat/completions\"";
    let nats = "messaging_operation_name=\"publish\",messaging_system=\"nats\"";
    for line in [
        "app_jobs_accepted_total{app_lane=\"chat\"} 3".to_owned(),
        "app_jobs_settled_total{app_lane=\"chat\",app_outcome=\"completed\"} 3".to_owned(),
        format!("gen_ai_server_request_duration_seconds_count{{{chat}}} 2"),
        format!("gen_ai_server_request_duration_seconds_count{{{embeddings}}} 1"),
        format!("gen_ai_server_time_to_first_token_seconds_count{{{chat}}} 1"),
        format!("gen_ai_server_time_per_output_token_seconds_count{{{chat}}} 1"),
        "app_stream_stall_seconds_count{app_model=\"public\"} 1".to_owned(),
        format!("app_http_stream_duration_seconds_count{{app_outcome=\"completed\",{route}}} 1"),
        format!(
            "http_server_request_duration_seconds_count{{http_request_method=\"POST\",http_response_status_code=\"200\",{route}}} 2"
        ),
        format!("http_server_request_body_size_bytes_count{{{route}}} 2"),
        "http_server_active_requests{http_request_method=\"POST\"} 0".to_owned(),
        format!("messaging_client_sent_messages_total{{{nats}}} 3"),
        format!("messaging_client_operation_duration_seconds_count{{{nats}}} 3"),
    ] {
        assert!(figures.lines().any(|shown| shown == line), "{line} is not in\n{figures}");
    }
}

/// Asks for an answer of which a piece is missing.
async fn has_a_gap(stage: &mut Stage) {
    let call = stage.caller.asks(&chat(true));
    let mut held = stage.worker.takes().await;
    held.says_chunk(&chunk("one")).await;
    held.seq += 1;
    held.is_done().await;
    call.answered().await.events().await;
}

#[tokio::test]
async fn errors_are_counted_by_their_code() {
    let mut stage = Stage::set().await;
    has_a_gap(&mut stage).await;

    let counted = "gen_ai_server_request_duration_seconds_count{error_type=\"answer_incomplete\"";
    until("a counted error", async || stage.gateway.counts(counted)).await;
}

#[tokio::test]
async fn names_that_callers_made_up_are_no_labels() {
    let stage = Stage::set().await;
    let canary = "c4n4ry";
    let body = chat(false).replace("public", canary);

    assert_eq!(stage.caller.asks(&body).answered().await.status, 404);
    assert_eq!(stage.caller.gets(&format!("/v1/{canary}")).await.status, 404);
    assert_eq!(stage.caller.gets(&format!("/v1/models/{canary}")).await.status, 404);
    let method = reqwest::Method::from_bytes(canary.as_bytes()).unwrap();
    let request = stage.caller.request(method, "/v1/models");
    assert_eq!(stage.caller.sends(request).answered().await.status, 405);

    let (_status, figures) = stage.gateway.health("/metrics").await;
    assert!(!figures.contains(canary), "{figures}");
    assert!(figures.contains("gen_ai_request_model=\"other\""), "{figures}");
    assert!(figures.contains("http_request_method=\"_OTHER\""), "{figures}");
}

#[tokio::test]
async fn who_waits_in_a_queue_is_seen_and_for_how_long() {
    let mut stage = Stage::set().await;
    let of = "{app_lane=\"chat\",app_queue=\"default\"}";
    let shows = async |figure: &str, value: &str| {
        let line = format!("{figure}{of} {value}");
        until(&line, async || stage.gateway.counts(&line)).await;
    };
    shows("app_queue_waiting", "0").await;
    shows("app_queue_oldest_waiting_seconds", "0").await;

    let calls = [stage.caller.asks(&chat(false)), stage.caller.asks(&chat(false))];
    shows("app_queue_waiting", "2").await;
    let aged = |seconds: u8| {
        stage.gateway.counts(&format!("app_queue_oldest_waiting_seconds{of} {seconds}."))
    };
    until("an age with a fraction", async || (0..60).any(aged)).await;

    let open = "app_jobs_open{app_lane=\"chat\"}";
    assert!(stage.gateway.counts(&format!("{open} 2")));
    let [one, other] = [stage.worker.takes().await, stage.worker.takes().await];
    let line = |figure: &str, value: u8| format!("{figure}{of} {value}");
    for line in [line("app_queue_waiting", 0), line("app_queue_delivered", 2)] {
        until(&line, async || stage.gateway.counts(&line)).await;
    }
    for mut held in [one, other] {
        held.says_body("{}").await;
    }
    for call in calls {
        call.answered().await.text().await;
    }
    until("none is open", async || stage.gateway.counts(&format!("{open} 0"))).await;
}

#[tokio::test]
async fn how_nats_is_doing_is_seen() {
    let stage = Stage::set().await;

    for line in [
        "app_nats_round_trip_seconds 0.",
        "app_nats_stream_messages{app_stream=\"JOBS_CHAT\"} 0",
        "app_nats_stream_bytes_bytes{app_stream=\"OBJ_BLOBS\"} 0",
        "app_nats_stream_bytes_limit_bytes{app_stream=\"KV_KEYS\"} 67108864",
        "app_dead_letters_kept 0",
        "app_queue_redelivered{app_lane=\"chat\",app_queue=\"default\"} 0",
        "app_queue_workers{app_queue=\"default\"} ",
        "app_gateway_readers 0",
    ] {
        until(line, async || stage.gateway.counts(line)).await;
    }
}

#[tokio::test]
async fn what_no_job_came_of_is_told_from_what_failed() {
    let mut stage = Stage::set().await;
    let counted = |outcome: &str| {
        let route = "http_route=\"/v1/chat/completions\"";
        format!("app_http_stream_duration_seconds_count{{app_outcome=\"{outcome}\",{route}}} 1")
    };

    let refused = stage.caller.asks(&chat(true).replace("public", "nobodys")).answered().await;
    assert_eq!(refused.error().await, (404, "model_not_found".to_owned()));
    has_a_gap(&mut stage).await;

    for outcome in ["refused", "failed"] {
        until(outcome, async || stage.gateway.counts(&counted(outcome))).await;
    }
}
