//! Limits of a listener, and its end.

mod hsts;
mod tls;

use axum::Extension;
use axum::routing::get;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;

use super::*;

/// Far longer than anything here takes.
const LIMIT: Duration = Duration::from_secs(20);

fn server(limits: HttpLimits) -> HttpServer {
    HttpServer::bind(([127, 0, 0, 1], 0).into(), "port 0", limits).unwrap()
}

/// Tells when it is dropped, and what is known of its connection then.
struct Held(mpsc::UnboundedSender<bool>, Connection);

impl Drop for Held {
    fn drop(&mut self) {
        let _nobody_waits = self.0.send(self.1.was_read_too_slowly());
    }
}

/// Endless bytes, which tell `dropped` how they ended.
fn endless(dropped: mpsc::UnboundedSender<bool>) -> Router {
    let body = get(async move |Extension(connection): Extension<Connection>| {
        let held = Held(dropped, connection);
        Body::from_stream(futures::stream::repeat_with(move || {
            let _held_by_the_body = &held;
            Ok::<_, std::io::Error>(bytes::Bytes::from(vec![b'x'; 65_536]))
        }))
    });
    Router::new().route("/", body)
}

#[tokio::test]
async fn a_client_that_reads_nothing_loses_its_connection_and_its_request_knows_why() {
    let (tell, mut dropped) = mpsc::unbounded_channel();
    let limits = HttpLimits { write_time: Duration::from_millis(100), ..HttpLimits::default() };
    let server = server(limits);
    let mut client = TcpStream::connect(server.address()).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();

    let served = server.serve(endless(tell), Shutdown::manual());

    tokio::select! {
        () = served => panic!("nobody asked it to end"),
        gone = tokio::time::timeout(LIMIT, dropped.recv()) => {
            assert_eq!(gone.expect("the body is dropped"), Some(true));
        }
    }
}

#[tokio::test]
async fn a_client_that_leaves_has_not_read_too_slowly() {
    let (tell, mut dropped) = mpsc::unbounded_channel();
    let server = server(HttpLimits::default());
    let mut client = TcpStream::connect(server.address()).await.unwrap();
    client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();

    let served = server.serve(endless(tell), Shutdown::manual());
    let leaves = async {
        client.read_exact(&mut [0; 1000]).await.unwrap();
        drop(client);
        dropped.recv().await
    };

    tokio::select! {
        () = served => panic!("nobody asked it to end"),
        gone = tokio::time::timeout(LIMIT, leaves) => {
            assert_eq!(gone.expect("the body is dropped"), Some(false));
        }
    }
}

#[tokio::test]
async fn a_request_comes_from_whom_a_trusted_proxy_names_and_from_its_peer_otherwise() {
    let env = crate::Env::from([("PROXIES", "127.0.0.0/8")]);
    let trusted = TrustedProxies::read(&mut env.reader(), "PROXIES").unwrap();
    let told = get(async |Extension(client): Extension<crate::Client>| client.address.to_string());
    for (proxies, expected) in [(trusted, "198.51.100.7"), (TrustedProxies::default(), "127.0.0.1")]
    {
        let server = server(HttpLimits::default()).behind(proxies);
        let mut client = TcpStream::connect(server.address()).await.unwrap();
        let request = "GET / HTTP/1.1\r\nhost: x\r\nx-forwarded-for: 198.51.100.7\r\n\r\n";
        client.write_all(request.as_bytes()).await.unwrap();
        let shutdown = Shutdown::manual();
        shutdown.request();

        server.serve(Router::new().route("/", told.clone()), shutdown).await;

        let mut said = String::new();
        client.read_to_string(&mut said).await.unwrap();
        assert!(said.ends_with(&format!("\r\n{expected}")), "{said}");
    }
}

#[tokio::test]
async fn a_head_is_taken_up_to_its_limit_and_not_a_byte_more() {
    const LIMIT_BYTES: usize = 64 * 1024;
    let server = server(HttpLimits::default());
    let (address, shutdown) = (server.address(), Shutdown::manual());
    let asked = async {
        for (head, status) in [
            (head_of(LIMIT_BYTES, 1), 200),
            (head_of(LIMIT_BYTES + 1, 1), 431),
            (head_of(LIMIT_BYTES * 3, 1), 431),
            (head_of(LIMIT_BYTES, MOST_HEADERS), 200),
            (head_of(LIMIT_BYTES, MOST_HEADERS + 1), 431),
        ] {
            let mut client = TcpStream::connect(address).await.unwrap();
            client.write_all(head.as_bytes()).await.unwrap();
            let mut said = [0; 12];
            client.read_exact(&mut said).await.unwrap();
            let said = String::from_utf8_lossy(&said).into_owned();
            assert_eq!(said, format!("HTTP/1.1 {status}"), "{} bytes", head.len());
        }
        shutdown.request();
    };
    let limits = Router::new().route("/", get(async || "hello"));
    tokio::join!(server.serve(limits, shutdown.clone()), asked);
}

/// The head of a request of this length, with this many headers.
fn head_of(bytes: usize, headers: usize) -> String {
    let mut head = "GET / HTTP/1.1\r\n".to_owned();
    for number in 1..headers {
        head += &format!("x-{number}: y\r\n");
    }
    let rest = bytes - head.len() - "x: \r\n\r\n".len();
    format!("{head}x: {}\r\n\r\n", "y".repeat(rest))
}

/// What somebody is answered who had connected when the end was asked for.
async fn answered_at_the_end(server: HttpServer, headers: &str) -> String {
    let mut client = TcpStream::connect(server.address()).await.unwrap();
    client.write_all(format!("GET / HTTP/1.1\r\n{headers}\r\n\r\n").as_bytes()).await.unwrap();
    let shutdown = Shutdown::manual();
    shutdown.request();

    server.serve(Router::new().route("/", get(async || "hello")), shutdown).await;

    let mut said = String::new();
    client.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 200") && said.ends_with("hello"), "{said}");
    said
}

#[tokio::test]
async fn whoever_was_connected_when_the_end_was_asked_for_is_answered() {
    answered_at_the_end(server(HttpLimits::default()), "host: x").await;
}
