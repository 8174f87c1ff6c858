//! One client: one connection, kept alive, one request at a time.

use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};

use super::api::Api;
use super::connection::{Connection, connect, refusal};
use super::reading::{self, Answer};
use super::{Load, Window};
use crate::tokens::Faults;

/// Who is asked, on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// `127.0.0.1:<port>`.
    pub address: String,
    /// The path of the API that it is asked for.
    pub path: String,
    /// More headers.
    pub headers: Vec<(String, String)>,
    /// API keys: the first client sends the first one, and so on, again and again. None: each
    /// sends something that is no key.
    pub keys: Vec<String>,
}

impl Target {
    /// An OpenAI-compatible server that asks for nothing more, for chat completions.
    pub fn plain(address: impl Into<String>) -> Self {
        let path = Api::Chat.path().to_owned();
        Self { address: address.into(), path, headers: Vec::new(), keys: Vec::new() }
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

/// A client.
pub(super) struct Client<'load> {
    load: &'load Load,
    body: Bytes,
    expected: String,
    authorization: String,
    connection: Option<Connection>,
}

impl<'load> Client<'load> {
    /// The client with this number, from 0.
    pub(super) fn new(load: &'load Load, number: u32) -> Self {
        let body = load.api.request(&load.model, load.streaming).to_string().into();
        let expected = load.plan.text();
        let key = load.target.keys.iter().cycle().nth(number as usize);
        let authorization = format!("Bearer {}", key.map_or("unused", String::as_str));
        Self { load, body, expected, authorization, connection: None }
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
            reading::stream(response.into_body(), self.load, &self.expected, window).await
        } else {
            reading::whole(response.into_body(), self.load, &self.expected).await
        }
    }

    fn request(&self) -> Result<Request<Full<Bytes>>, Failure> {
        let Target { address, path, headers, keys: _ } = &self.load.target;
        let accept = if self.load.streaming { "text/event-stream" } else { "application/json" };
        let mut request = Request::post(path)
            .header(HOST, address)
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, accept);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
            request = request.header(AUTHORIZATION, &self.authorization);
        }
        request.body(Full::new(self.body.clone())).map_err(Failure::of)
    }

    async fn connected(&mut self) -> Result<&mut Connection, Failure> {
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
