//! A connection to a target, and single requests over it.

use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use openai_api::sse;
use serde_json::Value;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::api::Piece;
use super::client::Failure;
use super::numbered::Numbered;
use super::reading::EVENT_LIMIT;

/// Longest wait for a connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// How much of a refusal an error shows.
const SHOWN: usize = 300;

pub(super) type Connection = SendRequest<Full<Bytes>>;

pub(super) async fn connect(address: &str) -> Result<Connection, Failure> {
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

pub(super) async fn refusal(response: Response<Incoming>) -> Failure {
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
    let mut caller = Caller::connect(address).await?;
    let response = caller.send(Request::get(path), Bytes::new()).await?;
    let status = response.status();
    Ok((status, response.into_body().collect().await?.to_bytes()))
}

/// Someone who asks one thing after the other over one connection.
#[derive(Debug)]
pub struct Caller {
    address: String,
    connection: Connection,
}

/// What was read of a response behind one of its events.
#[derive(Debug)]
pub struct Rest {
    /// Until the first event was there.
    pub first: Duration,
    /// Until the stream had ended.
    pub all: Duration,
    /// Events of the response, those that were passed over included.
    pub events: u64,
    /// Words of the rest.
    pub words: String,
}

impl Caller {
    /// Connects. Must run inside a [`tokio::task::LocalSet`].
    ///
    /// # Errors
    ///
    /// When nobody listens there.
    pub async fn connect(address: &str) -> anyhow::Result<Self> {
        Ok(Self { address: address.to_owned(), connection: connect(address).await? })
    }

    /// The body of `GET <path>`.
    ///
    /// # Errors
    ///
    /// When that is refused, or not answered.
    pub async fn get(&mut self, path: &str) -> anyhow::Result<Bytes> {
        let response = self.send(Request::get(path), Bytes::new()).await?;
        good(response).await
    }

    /// The body of what `POST <path>` is answered with.
    ///
    /// # Errors
    ///
    /// When that is refused, or not answered.
    pub async fn post(&mut self, path: &str, body: &Value) -> anyhow::Result<Bytes> {
        let request = Request::post(path).header(CONTENT_TYPE, "application/json");
        let response = self.send(request, body.to_string().into()).await?;
        good(response).await
    }

    /// Whether `GET <path>` with this API key is good, and whether the key was refused.
    ///
    /// # Errors
    ///
    /// When it is neither.
    pub async fn admits(&mut self, path: &str, key: &str) -> anyhow::Result<bool> {
        let request = Request::get(path).header(AUTHORIZATION, format!("Bearer {key}"));
        let response = self.send(request, Bytes::new()).await?;
        match response.status() {
            StatusCode::UNAUTHORIZED => {
                let _read_so_that_the_connection_is_free = response.into_body().collect().await?;
                Ok(false)
            }
            _ => good(response).await.map(|_body| true),
        }
    }

    /// The body of `GET <path>` with this cookie, as it comes.
    ///
    /// # Errors
    ///
    /// When that is refused, or not answered.
    pub async fn opens(&mut self, path: &str, cookie: &str) -> anyhow::Result<Incoming> {
        let response = self.send(Request::get(path).header(COOKIE, cookie), Bytes::new()).await?;
        if !response.status().is_success() {
            return Err(refusal(response).await.into());
        }
        Ok(response.into_body())
    }

    /// What `DELETE <path>` is answered with.
    ///
    /// # Errors
    ///
    /// When that is refused, or not answered.
    pub async fn delete(&mut self, path: &str) -> anyhow::Result<Bytes> {
        let response = self.send(Request::delete(path), Bytes::new()).await?;
        good(response).await
    }

    /// The events of a response behind number `after`, to their end.
    ///
    /// # Errors
    ///
    /// When one of them is not what it must be, or the end does not come.
    pub async fn read_on(&mut self, response: &str, after: Option<u64>) -> anyhow::Result<Rest> {
        let behind = after.map(|number| format!("&starting_after={number}")).unwrap_or_default();
        let path = format!("/v1/responses/{response}?stream=true{behind}");
        let began = Instant::now();
        let response = self.send(Request::get(path), Bytes::new()).await?;
        if response.status() != StatusCode::OK {
            return Err(refusal(response).await.into());
        }
        let mut body = response.into_body();
        let (mut reader, mut numbered) = (sse::Reader::new(EVENT_LIMIT), Numbered::behind(after));
        let (mut first, mut ended, mut words) = (None, false, String::new());
        let mut problem = None;
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            let fed = reader.feed(&data, |event| {
                first.get_or_insert_with(|| began.elapsed());
                match numbered.read(event) {
                    Ok(Piece::Words(more)) => words.push_str(&more),
                    Ok(Piece::Other) => {}
                    Ok(Piece::End) => ended = true,
                    Err(wrong) => problem = Some(wrong),
                }
            });
            anyhow::ensure!(fed.is_ok(), "an event is too long");
        }
        let all = began.elapsed();
        anyhow::ensure!(problem.is_none(), "{}", problem.unwrap_or_default());
        anyhow::ensure!(ended, "the stream ended without response.completed");
        let first = first.context("nothing came")?;
        Ok(Rest { first, all, events: numbered.count(), words })
    }

    async fn send(
        &mut self,
        request: hyper::http::request::Builder,
        body: Bytes,
    ) -> anyhow::Result<Response<Incoming>> {
        let request = request.header(HOST, &self.address).body(Full::new(body))?;
        self.connection.ready().await?;
        Ok(self.connection.send_request(request).await?)
    }
}

async fn good(response: Response<Incoming>) -> anyhow::Result<Bytes> {
    if !response.status().is_success() {
        return Err(refusal(response).await.into());
    }
    Ok(response.into_body().collect().await?.to_bytes())
}
