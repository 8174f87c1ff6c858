//! The upstream: an OpenAI-compatible server without a model, cheap enough that what is measured
//! is what stands before it. It also takes telemetry (OTLP over HTTP) and throws it away.
//!
//! One thread. The tokens of all streams are paced by the runtime's timer wheel, which ticks each
//! millisecond; due times count from a request's arrival, so that lateness does not add up.

mod body;

use std::cell::Cell;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::tokens::Plan;
use body::{Answer, Stream};

/// Pause after a connection could not be accepted: nearly always for want of file descriptors.
const ACCEPT_AGAIN: Duration = Duration::from_millis(20);
/// What we claim that each prompt holds.
const PROMPT_TOKENS: u32 = 40;

/// What has arrived so far.
#[derive(Debug, Default)]
struct Counters {
    answers: Cell<u64>,
    telemetry_requests: Cell<u64>,
    telemetry_bytes: Cell<u64>,
}

/// Answers for as long as it is polled. Must run inside a [`tokio::task::LocalSet`].
pub async fn serve(listener: TcpListener) {
    let counters = Rc::new(Counters::default());
    loop {
        let Ok((stream, _peer)) = listener.accept().await else {
            tokio::time::sleep(ACCEPT_AGAIN).await;
            continue;
        };
        let _best_effort = stream.set_nodelay(true);
        let counters = Rc::clone(&counters);
        tokio::task::spawn_local(async move {
            let service = service_fn(move |request| answer(request, Rc::clone(&counters)));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service);
            // A caller who leaves is no news here.
            let _left = connection.await;
        });
    }
}

async fn answer(
    request: Request<Incoming>,
    counters: Rc<Counters>,
) -> Result<Response<Answer>, Infallible> {
    let arrived = Instant::now();
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        return Ok(whole(StatusCode::BAD_REQUEST, "{}".to_owned()));
    };
    let body = body.to_bytes();
    let response = match (&head.method, head.uri.path()) {
        (&Method::POST, path) if path.ends_with("/chat/completions") => {
            complete(&body, arrived, &counters).await
        }
        (&Method::POST, "/v1/traces" | "/v1/metrics" | "/v1/logs") => {
            add(&counters.telemetry_requests, 1);
            add(&counters.telemetry_bytes, body.len() as u64);
            // An empty message of protobuf: everything was accepted.
            let mut response = Response::new(Answer::Whole(Full::default()));
            let protobuf = HeaderValue::from_static("application/x-protobuf");
            response.headers_mut().insert(CONTENT_TYPE, protobuf);
            response
        }
        (&Method::GET, "/received") => {
            let received = json!({
                "requests": counters.telemetry_requests.get(),
                "bytes": counters.telemetry_bytes.get(),
            });
            whole(StatusCode::OK, received.to_string())
        }
        (&Method::GET, "/v1/models") => {
            whole(StatusCode::OK, json!({"object": "list", "data": []}).to_string())
        }
        _ => refused(StatusCode::NOT_FOUND, "there is nothing here"),
    };
    Ok(response)
}

#[derive(Deserialize)]
struct Asked {
    model: String,
    #[serde(default)]
    stream: bool,
}

async fn complete(body: &Bytes, arrived: Instant, counters: &Counters) -> Response<Answer> {
    let asked: Asked = match serde_json::from_slice(body) {
        Ok(asked) => asked,
        Err(error) => return refused(StatusCode::BAD_REQUEST, &error.to_string()),
    };
    let Some(plan) = Plan::of_model(&asked.model) else {
        return refused(
            StatusCode::NOT_FOUND,
            "the model's name says how to answer: mock-t0-g0-n16",
        );
    };
    add(&counters.answers, 1);
    let id = format!("chatcmpl-{}", counters.answers.get());
    let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    if asked.stream {
        let stream = Stream::new(&id, created, &asked.model, plan, arrived);
        let mut response = Response::new(Answer::Stream(stream));
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        return response;
    }
    let due = arrived + plan.due(plan.tokens.saturating_sub(1));
    // A timer that is due already still waits for the next millisecond.
    if due > Instant::now() {
        tokio::time::sleep_until(due).await;
    }
    let message = json!({"role": "assistant", "content": plan.text(), "refusal": null});
    let answer = json!({
        "id": id,
        "object": "chat.completion",
        "created": created,
        "model": asked.model,
        "choices": [{"index": 0, "message": message, "logprobs": null, "finish_reason": "stop"}],
        "usage": usage(&plan),
    });
    whole(StatusCode::OK, answer.to_string())
}

fn usage(plan: &Plan) -> serde_json::Value {
    json!({
        "prompt_tokens": PROMPT_TOKENS,
        "completion_tokens": plan.tokens,
        "total_tokens": PROMPT_TOKENS + plan.tokens,
    })
}

fn whole(status: StatusCode, json: String) -> Response<Answer> {
    let mut response = Response::new(Answer::Whole(Full::new(Bytes::from(json))));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn refused(status: StatusCode, message: &str) -> Response<Answer> {
    let error = json!({"error": {"message": message, "type": "invalid_request_error"}});
    whole(status, error.to_string())
}

fn add(counter: &Cell<u64>, more: u64) {
    counter.set(counter.get() + more);
}
