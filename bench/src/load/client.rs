//! One client: one connection, kept alive, one request at a time.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::net::TcpStream;

use super::reading::{self, Answer};
use super::{Load, Window};
use crate::tokens::Faults;

/// Longest wait for a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How much of a refusal an error shows.
const SHOWN: usize = 300;

/// Who is asked, on this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// `127.0.0.1:<port>`.
    pub address: String,
    /// The path of chat completions.
    pub path: String,
    /// More headers.
    pub headers: Vec<(String, String)>,
}

impl Target {
    /// An OpenAI-compatible server that asks for nothing more.
    pub fn plain(address: impl Into<String>) -> Self {
        let path = "/v1/chat/completions".to_owned();
        Self { address: address.into(), path, headers: Vec::new() }
    }
}

/// Why there was no good answer.
#[derive(Debug, Default, thiserror::Error)]
#[error("{reason}")]
pub(super) struct Failure {
    pub(super) reason: String,
    /// What was wrong with the tokens, if it came to tokens.
    pub(super) faults: Faults,
}

impl Failure {
    pub(super) fn of(reason: impl ToString) -> Self {
        Self { reason: reason.to_string(), faults: Faults::default() }
    }

    pub(super) fn slow(patience: Duration) -> Self {
        Self::of(format!("no whole answer within {} s", patience.as_secs()))
    }

    pub(super) fn of_tokens(faults: Faults) -> Self {
        Self { reason: faults.to_string(), faults }
    }
}

type Connection<B> = SendRequest<B>;

/// A client.
pub(super) struct Client<'load> {
    load: &'load Load,
    body: Bytes,
    expected: String,
    connection: Option<Connection<Full<Bytes>>>,
}

impl<'load> Client<'load> {
    pub(super) fn new(load: &'load Load) -> Self {
        let (body, expected) = (body(load), load.plan.text());
        Self { load, body, expected, connection: None }
    }

    /// The next request opens a new connection.
    pub(super) fn disconnect(&mut self) {
        self.connection = None;
    }

    /// Asks once and reads the answer to its end.
    pub(super) async fn ask(&mut self, window: Window) -> Result<Answer, Failure> {
        let (request, streaming) = (self.request()?, self.load.streaming);
        let response = self.connected().await?.send_request(request).await.map_err(Failure::of)?;
        if response.status() != StatusCode::OK {
            return Err(refusal(response).await);
        }
        if streaming {
            reading::stream(response.into_body(), &self.load.plan, &self.expected, window).await
        } else {
            reading::whole(response.into_body(), &self.load.plan, &self.expected).await
        }
    }

    fn request(&self) -> Result<Request<Full<Bytes>>, Failure> {
        let Target { address, path, headers } = &self.load.target;
        let accept = if self.load.streaming { "text/event-stream" } else { "application/json" };
        let mut request = Request::post(path)
            .header(HOST, address)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, accept);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
            request = request.header(AUTHORIZATION, "Bearer unused");
        }
        request.body(Full::new(self.body.clone())).map_err(Failure::of)
    }

    async fn connected(&mut self) -> Result<&mut Connection<Full<Bytes>>, Failure> {
        let usable = match &mut self.connection {
            Some(connection) => connection.ready().await.is_ok(),
            None => false,
        };
        if !usable {
            self.connection = None;
        }
        match &mut self.connection {
            Some(connection) => Ok(connection),
            none => Ok(none.insert(connect(&self.load.target.address).await?)),
        }
    }
}

/// What is asked: the size of an ordinary small request.
fn body(load: &Load) -> Bytes {
    let mut body = json!({
        "model": load.model,
        "messages": [
            {"role": "system", "content": "You are a careful assistant. Answer briefly and in plain words, and say when you do not know."},
            {"role": "user", "content": "Tell me in a few sentences what a durable queue in front of a language model is good for, and what it costs in latency."},
        ],
        "temperature": 0.7,
        "max_tokens": 256,
    });
    if load.streaming {
        body["stream"] = true.into();
        body["stream_options"] = json!({"include_usage": true});
    }
    body.to_string().into()
}

async fn connect<B: Body<Data = Bytes> + 'static>(address: &str) -> Result<Connection<B>, Failure>
where
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let connecting = tokio::time::timeout(CONNECT_WITHIN, TcpStream::connect(address)).await;
    let stream = connecting.map_err(|_elapsed| Failure::of("no connection within 10 s"))?;
    let stream = stream.map_err(Failure::of)?;
    stream.set_nodelay(true).map_err(Failure::of)?;
    let (connection, driver) = http1::handshake(TokioIo::new(stream)).await.map_err(Failure::of)?;
    // Ends with its connection.
    tokio::task::spawn_local(async move {
        let _closed = driver.await;
    });
    Ok(connection)
}

async fn refusal(response: Response<Incoming>) -> Failure {
    let status = response.status();
    let body = response.into_body().collect().await;
    let body = body.map(|body| body.to_bytes()).unwrap_or_default();
    let shown = &body[..body.len().min(SHOWN)];
    Failure::of(format!("{status}: {}", String::from_utf8_lossy(shown)))
}

/// The status and the body of `GET http://<address><path>`. Must run inside a
/// [`tokio::task::LocalSet`].
///
/// # Errors
///
/// When there is no answer.
pub async fn get(address: &str, path: &str) -> anyhow::Result<(StatusCode, Bytes)> {
    let mut connection: Connection<Empty<Bytes>> = connect(address).await?;
    let request = Request::get(path).header(HOST, address).body(Empty::new())?;
    let response = connection.send_request(request).await?;
    let status = response.status();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}
