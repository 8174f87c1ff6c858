//! A caller of the API: over HTTP, or over a bare connection where HTTP is too polite.

use std::net::SocketAddr;

use reqwest::{Method, RequestBuilder};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::{Answer, within};

/// A caller with connections of its own.
pub(crate) struct Caller {
    address: SocketAddr,
    http: reqwest::Client,
}

/// A call that is on its way. Dropping it closes its connection.
pub(crate) struct Call(JoinSet<reqwest::Result<reqwest::Response>>);

/// A bare connection.
pub(crate) struct Connection(TcpStream);

impl Caller {
    pub(crate) fn of(address: SocketAddr) -> Self {
        Self { address, http: test_support::http_client() }
    }

    /// A request that was not sent yet.
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("http://{}{path}", self.address))
    }

    pub(crate) async fn gets(&self, path: &str) -> Answer {
        self.sends(self.request(Method::GET, path)).answered().await
    }

    /// Asks for a chat completion.
    pub(crate) fn asks(&self, body: &str) -> Call {
        self.posts("/v1/chat/completions", body)
    }

    pub(crate) fn posts(&self, path: &str, body: &str) -> Call {
        self.sends(self.request(Method::POST, path).body(body.to_owned()))
    }

    /// The same, under an idempotency key.
    pub(crate) fn posts_as(&self, key: &str, path: &str, body: &str) -> Call {
        let request = self.request(Method::POST, path).header("idempotency-key", key);
        self.sends(request.body(body.to_owned()))
    }

    pub(crate) fn sends(&self, request: RequestBuilder) -> Call {
        let mut task = JoinSet::new();
        task.spawn(request.send());
        Call(task)
    }

    pub(crate) async fn connects(&self) -> Connection {
        Connection(TcpStream::connect(self.address).await.unwrap())
    }

    /// Whether nobody listens any more.
    pub(crate) async fn is_refused(&self) -> bool {
        TcpStream::connect(self.address).await.is_err()
    }
}

impl Call {
    /// Waits for the head of the response.
    pub(crate) async fn answered(mut self) -> Answer {
        let answer = within("an answer", self.0.join_next()).await;
        Answer::of(answer.unwrap().unwrap().unwrap())
    }
}

impl Connection {
    pub(crate) async fn writes(&mut self, text: &str) {
        self.0.write_all(text.as_bytes()).await.unwrap();
    }

    /// Bytes that may be refused before all of them are sent.
    pub(crate) async fn tries_to_write(&mut self, bytes: &[u8]) {
        let _refused = self.0.write_all(bytes).await;
    }

    /// What comes before the end, which may be a reset.
    pub(crate) async fn hears(mut self) -> String {
        let mut all = Vec::new();
        let _reset = within("the end of a connection", self.0.read_to_end(&mut all)).await;
        String::from_utf8(all).unwrap()
    }

    /// Asks for a chat completion, whose body is then not framed but ends with the connection.
    pub(crate) async fn asks(&mut self, body: &str) {
        let length = body.len();
        self.writes(&format!(
            "POST /v1/chat/completions HTTP/1.0\r\ncontent-length: {length}\r\n\r\n{body}"
        ))
        .await;
    }

    /// Everything that comes until the other side closes.
    pub(crate) async fn reads_to_the_end(mut self) -> String {
        let mut all = Vec::new();
        within("the end of a connection", self.0.read_to_end(&mut all)).await.unwrap();
        String::from_utf8(all).unwrap()
    }
}
