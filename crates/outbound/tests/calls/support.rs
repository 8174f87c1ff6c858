//! A server on loopback, and a call to it.

use std::net::TcpListener;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{AppendHeaders, IntoResponse as _};
use axum::routing::post as on_post;
use outbound::{Client, Post};
use secrecy::SecretString;
use service_runtime::{HttpLimits, HttpServer, Shutdown};

/// Ten times longer than anything here takes.
pub(crate) const LIMIT: Duration = Duration::from_secs(10);

pub(crate) fn client() -> Client {
    Client::to_configured(Duration::from_secs(2)).unwrap()
}

pub(crate) struct Upstream {
    address: String,
}

impl Upstream {
    pub(crate) fn start() -> Self {
        let limits = HttpLimits::default();
        let server = HttpServer::bind(([127, 0, 0, 1], 0).into(), "port 0", limits).unwrap();
        let address = format!("http://{}", server.address());
        #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
        tokio::spawn(server.serve(routes(), Shutdown::manual()));
        Self { address }
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    /// The same path under a name, for whoever knows its addresses.
    pub(crate) fn url_of(&self, name: &str, path: &str) -> String {
        let port = self.address.rsplit(':').next().unwrap();
        format!("http://{name}:{port}{path}")
    }
}

fn routes() -> Router {
    Router::new()
        .route("/echo", on_post(echo))
        .route("/elsewhere", on_post(async || axum::response::Redirect::temporary("/echo")))
        .route(
            "/seconds",
            on_post(async || {
                (StatusCode::TOO_MANY_REQUESTS, AppendHeaders([("retry-after", "7")]))
            }),
        )
        .route(
            "/millis",
            on_post(async || AppendHeaders([("retry-after-ms", "1500"), ("retry-after", "9")])),
        )
        .route(
            "/date",
            on_post(async || AppendHeaders([("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")])),
        )
        .route("/never", on_post(async || std::future::pending::<StatusCode>().await))
        .route("/stalls", on_post(async || stalling().into_response()))
        .route("/drips", on_post(async || dripping().into_response()))
        .route("/large", on_post(async || "x".repeat(5000)))
}

async fn echo(headers: HeaderMap, body: Bytes) -> String {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let body = String::from_utf8_lossy(&body);
    format!("{}|{}|{body}", header("authorization"), header("content-type"))
}

/// Says one word, and then nothing for ever.
fn stalling() -> Body {
    let (sender, receiver) = tokio::io::duplex(64);
    let mut sender = sender;
    #[expect(clippy::disallowed_methods, reason = "ends with the test's runtime")]
    tokio::spawn(async move {
        use tokio::io::AsyncWriteExt as _;
        sender.write_all(b"first").await.unwrap();
        std::future::pending::<()>().await;
    });
    let pieces = futures::stream::unfold(receiver, async |mut receiver| {
        use tokio::io::AsyncReadExt as _;
        let mut buffer = [0_u8; 64];
        let read = receiver.read(&mut buffer).await.ok().filter(|read| *read > 0)?;
        Some((Ok::<_, std::io::Error>(Bytes::copy_from_slice(&buffer[..read])), receiver))
    });
    Body::from_stream(pieces)
}

/// Says a word again and again, and never comes to an end.
fn dripping() -> Body {
    let pieces = futures::stream::unfold((), async |()| {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Some((Ok::<_, std::io::Error>(Bytes::from_static(b"drip")), ()))
    });
    Body::from_stream(pieces)
}

pub(crate) fn post<'a>(url: &'a str, json: &str) -> Post<'a> {
    // One key for all: leaked, because a `Post` only borrows it.
    let key: &'static SecretString = Box::leak(Box::new(SecretString::from("k")));
    Post {
        url,
        key: Some(key),
        headers: HeaderMap::new(),
        stream: false,
        json: Bytes::copy_from_slice(json.as_bytes()),
        head_timeout: LIMIT,
    }
}

pub(crate) fn nobody_listens() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// Answers one request over each connection, and closes it when a second one has come, as if the
/// news of the close had crossed with the request.
pub(crate) fn closes_each_connection_at_its_second_request() -> String {
    use std::io::{Read as _, Write as _};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut buffer = [0_u8; 4096];
            if connection.read(&mut buffer).unwrap() == 0 {
                continue;
            }
            connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi").unwrap();
            let _second = connection.read(&mut buffer);
        }
    });
    url
}
