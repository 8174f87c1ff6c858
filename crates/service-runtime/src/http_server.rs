//! An HTTP/1.1 server with limits: time for the headers, connections, and a drain that ends.
//!
//! axum's own `serve` has none of these: it waits for ever for headers, for ever for an open
//! stream at shutdown, and leaves Nagle's algorithm on, which delays small streamed chunks.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tower::Service as _;

use crate::{Connection, Shutdown, Tasks, head};

/// Most headers of one request; hyper answers further ones with 431, as it does by default.
const MOST_HEADERS: usize = 100;

/// What one listener allows.
#[derive(Debug, Clone)]
pub struct HttpLimits {
    /// Longest time for the headers of a request, and of an idle connection.
    pub header_time: Duration,
    /// Connections at once; further ones wait in the kernel's backlog.
    pub connections: usize,
    /// Largest head of a request, in bytes: its first line and its headers, of which there may be
    /// 100. Over it the answer is 431.
    pub header_bytes: usize,
    /// Longest wait for a client that reads nothing of what was written; then its connection is
    /// closed.
    pub write_time: Duration,
    /// Longest wait for open responses once shutdown was requested; what is open then ends with
    /// the process.
    pub drain_time: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            header_time: Duration::from_secs(10),
            connections: 10_000,
            header_bytes: 64 * 1024,
            write_time: Duration::from_secs(30),
            drain_time: Duration::from_secs(30),
        }
    }
}

/// Why a port could not be had.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Another program listens there.
    #[error("port {port} is in use (address {address}); set `{variable}` to another one")]
    InUse {
        /// The busy port.
        port: u16,
        /// The whole address.
        address: SocketAddr,
        /// The setting that moves it.
        variable: &'static str,
    },
    /// Anything else, such as a privileged port or an address of another machine.
    #[error("cannot listen on {address}, which `{variable}` names")]
    Other {
        /// The address.
        address: SocketAddr,
        /// The setting that names it.
        variable: &'static str,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// A bound listener, not yet serving: its address is known, and nobody is answered.
#[derive(Debug)]
pub struct HttpServer {
    listener: TcpListener,
    address: SocketAddr,
    limits: HttpLimits,
}

impl HttpServer {
    /// Listens on `address`; port 0 takes a free one. `variable` is named in errors.
    ///
    /// # Errors
    ///
    /// [`BindError::InUse`] when the port is taken, [`BindError::Other`] for the rest.
    pub fn bind(
        address: SocketAddr,
        variable: &'static str,
        limits: HttpLimits,
    ) -> Result<Self, BindError> {
        let bound = listen(address).and_then(|listener| {
            let address = listener.local_addr()?;
            Ok((listener, address))
        });
        match bound {
            Ok((listener, address)) => Ok(Self { listener, address, limits }),
            Err(source) if source.kind() == io::ErrorKind::AddrInUse => {
                Err(BindError::InUse { port: address.port(), address, variable })
            }
            Err(source) => Err(BindError::Other { address, variable, source }),
        }
    }

    /// Where it really listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers with `router` until shutdown is requested and open responses have ended, or the
    /// drain time is over.
    ///
    /// Each request carries its peer's address as `axum::extract::ConnectInfo<SocketAddr>`, and
    /// its [`Connection`].
    pub async fn serve(self, router: Router, shutdown: Shutdown) {
        let graceful = GracefulShutdown::new();
        let connections = Tasks::new();
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_time)
            .max_buf_size(self.limits.header_bytes.max(8 * 1024))
            .max_headers(MOST_HEADERS)
            .half_close(false);

        let begin = |stream: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit| {
            let io = io_of(stream, self.limits.write_time);
            let known = Connection::default();
            let service = answers(&router, peer, known.clone(), self.limits.header_bytes);
            let connection = graceful.watch(builder.serve_connection(io, service));
            connections.spawn_detached(async move {
                let mut connection = std::pin::pin!(connection);
                // A broken connection is the client's business; its request was told by its span.
                known.ended(&connection.as_mut().await);
                drop(place);
            });
        };
        loop {
            let next = async {
                let place = Arc::clone(&places).acquire_owned().await.ok()?;
                Some((place, self.listener.accept().await))
            };
            let Some(Some((place, accepted))) = shutdown.unless_requested(next).await else {
                break;
            };
            match accepted {
                Ok((stream, peer)) => begin(stream, peer, place),
                Err(error) => {
                    // Out of file descriptors, most likely: give others time to close theirs.
                    tracing::warn!(%error, "cannot accept a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
        // Whoever the system has connected by now is answered: closing would reset them.
        while let Ok(place) = Arc::clone(&places).try_acquire_owned()
            && let Ok(Ok((stream, peer))) =
                tokio::time::timeout(Duration::ZERO, self.listener.accept()).await
        {
            begin(stream, peer, place);
        }

        drop(self.listener);
        if tokio::time::timeout(self.limits.drain_time, graceful.shutdown()).await.is_err() {
            let left = connections.running();
            tracing::warn!(left, "{left} connections were still open when the drain time ended");
        }
    }
}

/// The router as one connection sees it: each request knows its peer and its connection.
fn answers(
    router: &Router,
    peer: SocketAddr,
    connection: Connection,
    header_bytes: usize,
) -> impl Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future: Send> + use<>
{
    let router = router.clone();
    service_fn(move |request: Request<Incoming>| {
        let answer = head::check(&request, header_bytes).map(|()| {
            let mut request = request.map(Body::new);
            let extensions = request.extensions_mut();
            extensions.insert(ConnectInfo(peer));
            extensions.insert(connection.clone());
            // A router is always ready; a clone shares its routes.
            router.clone().call(request)
        });
        async {
            match answer {
                Ok(answer) => answer.await,
                Err(status) => Ok(head::refused(status)),
            }
        }
    })
}

fn io_of(stream: TcpStream, write_time: Duration) -> TokioIo<Pin<Box<TimeoutStream<TcpStream>>>> {
    // Without this a small chunk waits for the acknowledgement of the one before it, up to 40 ms.
    let _best_effort = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(write_time));
    TokioIo::new(Box::pin(stream))
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Extension;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::mpsc;

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

    #[tokio::test]
    async fn whoever_was_connected_when_the_end_was_asked_for_is_answered() {
        let server = server(HttpLimits::default());
        let mut client = TcpStream::connect(server.address()).await.unwrap();
        client.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
        let shutdown = Shutdown::manual();
        shutdown.request();

        server.serve(Router::new().route("/", get(async || "hello")), shutdown).await;

        let mut said = String::new();
        client.read_to_string(&mut said).await.unwrap();
        assert!(said.starts_with("HTTP/1.1 200") && said.ends_with("hello"), "{said}");
    }
}
