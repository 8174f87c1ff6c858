//! An HTTP/1.1 server with limits: time for the headers, connections, and a drain that ends.
//!
//! axum's own `serve` has none of these: it waits for ever for headers, for ever for an open
//! stream at shutdown, and leaves Nagle's algorithm on, which delays small streamed chunks.
//!
//! With a certificate it speaks TLS and nothing else; behind trusted proxies it believes them.

mod limits;
mod tls;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::header::STRICT_TRANSPORT_SECURITY;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper::{Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::server::TlsStream;
use tower::Service as _;

pub use self::limits::HttpLimits;
pub use self::tls::Tls;
use crate::{Connection, Hsts, Shutdown, Tasks, TrustedProxies, allowed_hosts, head};

/// How often it looks whether its certificate was renewed.
const LOOK_EVERY: Duration = Duration::from_secs(30);
/// How long whoever is connected over TLS has for a request once the end is asked for. Without TLS
/// nobody has such a time: what is there by then is answered.
const FIRST_BYTES_AT_THE_END: Duration = Duration::from_secs(1);
/// Most headers of one request; hyper answers further ones with 431, as it does by default.
const MOST_HEADERS: usize = 100;

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
    tls: Option<Tls>,
    look_every: Duration,
    proxies: TrustedProxies,
    hsts: Hsts,
}

/// A connection to be written to in time.
type Timed = Pin<Box<TimeoutStream<TcpStream>>>;

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
            Ok((listener, address)) => Ok(Self {
                listener,
                address,
                limits,
                tls: None,
                look_every: LOOK_EVERY,
                proxies: TrustedProxies::default(),
                hsts: Hsts::default(),
            }),
            Err(source) if source.kind() == io::ErrorKind::AddrInUse => {
                Err(BindError::InUse { port: address.port(), address, variable })
            }
            Err(source) => Err(BindError::Other { address, variable, source }),
        }
    }

    /// Speaks TLS, if there is a certificate, and nothing else then.
    #[must_use]
    pub fn with_tls(self, tls: Option<Tls>) -> Self {
        Self { tls, ..self }
    }

    /// Believes these proxies what they say of their clients.
    #[must_use]
    pub fn behind(self, proxies: TrustedProxies) -> Self {
        Self { proxies, ..self }
    }

    /// Tells browsers that came over TLS to come back over TLS only. By default for a year.
    #[must_use]
    pub fn with_hsts(self, hsts: Hsts) -> Self {
        Self { hsts, ..self }
    }

    /// Where it really listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as the beginning of an address of the web.
    pub fn origin(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// Answers with `router` until shutdown is requested and open responses have ended, or the
    /// drain time is over.
    ///
    /// Each request carries its peer's address as `axum::extract::ConnectInfo<SocketAddr>`, its
    /// [`Connection`], and its [`crate::Client`].
    pub async fn serve(self, router: Router, shutdown: Shutdown) {
        let graceful = GracefulShutdown::new();
        let (connections, looking) = (Tasks::new(), Tasks::new());
        let places = Arc::new(Semaphore::new(self.limits.connections));
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.header_time)
            .max_buf_size(self.limits.header_bytes.max(8 * 1024))
            .max_headers(MOST_HEADERS)
            .half_close(false);
        if let Some(tls) = self.tls.clone() {
            looking.spawn_detached(tls.follow(self.look_every, shutdown.clone()));
        }

        let begin = |stream: TcpStream, peer: SocketAddr, place: OwnedSemaphorePermit| {
            let io = timed(stream, self.limits.write_time);
            let asked = Asked {
                peer,
                encrypted: self.tls.is_some(),
                proxies: self.proxies.clone(),
                hsts: self.hsts.clone(),
                connection: Connection::default(),
                header_bytes: self.limits.header_bytes,
            };
            let (builder, router, watcher) = (builder.clone(), router.clone(), graceful.watcher());
            let (tls, header_time) = (self.tls.clone(), self.limits.header_time);
            let ends = shutdown.clone();
            connections.spawn_detached(async move {
                match tls {
                    None => speak(io, builder, router, asked, watcher).await,
                    // In a box: a connection without TLS need not have room for it.
                    Some(tls) => {
                        Box::pin(async move {
                            match shake_hands(&tls, io, header_time, ends).await {
                                Ok(io) => speak(io, builder, router, asked, watcher).await,
                                // Anybody can bring that about.
                                Err(error) => {
                                    tracing::debug!(%peer, %error, "no TLS handshake: {error}");
                                }
                            }
                        })
                        .await;
                    }
                }
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

/// What is known of the requests of one connection.
struct Asked {
    peer: SocketAddr,
    encrypted: bool,
    proxies: TrustedProxies,
    hsts: Hsts,
    connection: Connection,
    header_bytes: usize,
}

/// Answers what is asked on one connection, until it ends.
async fn speak<I>(io: I, builder: http1::Builder, router: Router, asked: Asked, watcher: Watcher)
where
    I: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let known = asked.connection.clone();
    // In a block of its own: a place for the connection before it is watched would be kept beside it.
    let connection = {
        let mut connection = builder.serve_connection(TokioIo::new(io), answers(router, asked));
        // Once before it can be asked to end: hyper closes at once what has read nothing yet.
        if let Poll::Ready(ended) = futures::poll!(&mut connection) {
            known.ended(&ended);
            return;
        }
        connection
    };
    let mut connection = std::pin::pin!(watcher.watch(connection));
    // A broken connection is the client's business; its request was told by its span.
    known.ended(&connection.as_mut().await);
}

/// Waits for the first bytes of a request as well, or one that comes right behind the handshake
/// would not be answered at shutdown. Both may take as long as the headers; once the end is
/// asked for, whoever asks nothing does not hold it up.
async fn shake_hands(
    tls: &Tls,
    io: Timed,
    limit: Duration,
    ends: Shutdown,
) -> io::Result<TlsStream<Timed>> {
    let shaken = async {
        let mut io = tls.acceptor().accept(io).await?;
        io.fill_buf().await?;
        Ok(io)
    };
    let at_the_end = async {
        ends.requested().await;
        tokio::time::sleep(FIRST_BYTES_AT_THE_END).await;
    };
    tokio::select! {
        result = tokio::time::timeout(limit, shaken) => match result {
            Ok(result) => result,
            Err(_elapsed) => Err(io::ErrorKind::TimedOut.into()),
        },
        () = at_the_end => Err(io::ErrorKind::TimedOut.into()),
    }
}

/// The router as one connection sees it: each request knows its peer and its connection.
fn answers(
    router: Router,
    asked: Asked,
) -> impl Service<Request<Incoming>, Response = Response<Body>, Error = Infallible, Future: Send> {
    service_fn(move |request: Request<Incoming>| {
        let client = asked.proxies.client(asked.peer, asked.encrypted, request.headers());
        // On loopback nobody is told: there a name is shared by all ports, and most of them speak
        // no TLS.
        let stays_encrypted =
            client.encrypted && !allowed_hosts::is_for_loopback(request.headers());
        let hsts = asked.hsts.header().filter(|_| stays_encrypted).cloned();
        let answer = head::check(&request, asked.header_bytes).map(|()| {
            let mut request = request.map(Body::new);
            let extensions = request.extensions_mut();
            extensions.insert(ConnectInfo(asked.peer));
            extensions.insert(asked.connection.clone());
            extensions.insert(client);
            // A router is always ready; a clone shares its routes.
            router.clone().call(request)
        });
        async move {
            let mut response = match answer {
                Ok(answer) => answer.await?,
                Err(status) => head::refused(status),
            };
            if let Some(hsts) = hsts {
                response.headers_mut().insert(STRICT_TRANSPORT_SECURITY, hsts);
            }
            Ok(response)
        }
    })
}

fn timed(stream: TcpStream, write_time: Duration) -> Timed {
    // Without this a small chunk waits for the acknowledgement of the one before it, up to 40 ms.
    let _best_effort = stream.set_nodelay(true);
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(write_time));
    Box::pin(stream)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

#[cfg(test)]
mod tests;
