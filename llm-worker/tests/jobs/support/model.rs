//! A model server that does what the test says, call by call.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, State};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use service_runtime::{HttpLimits, HttpServer, Shutdown};
use tokio::sync::{Mutex, mpsc, oneshot};

use super::{background, within};

/// A model server. Every call waits until the test gives a reply.
pub(crate) struct Model {
    address: SocketAddr,
    calls: Mutex<mpsc::UnboundedReceiver<Call>>,
    replies: mpsc::UnboundedSender<Reply>,
    hall: Arc<Hall>,
}

/// One call, as it arrived.
pub(crate) struct Call {
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) peer: SocketAddr,
    gone: oneshot::Receiver<()>,
}

/// What the model does.
pub(crate) enum Reply {
    Whole { status: u16, headers: Vec<(&'static str, String)>, body: String },
    Stream(mpsc::Receiver<io::Result<Bytes>>),
}

/// The pen that writes a stream.
pub(crate) struct Tokens(mpsc::Sender<io::Result<Bytes>>);

struct Hall {
    calls: mpsc::UnboundedSender<Call>,
    replies: Mutex<mpsc::UnboundedReceiver<Reply>>,
    now: AtomicUsize,
    most: AtomicUsize,
}

impl Model {
    pub(crate) fn start() -> Self {
        let limits = HttpLimits::default();
        let server = HttpServer::bind(([127, 0, 0, 1], 0).into(), "port 0", limits).unwrap();
        let address = server.address();
        let (to_calls, calls) = mpsc::unbounded_channel();
        let (replies, from_replies) = mpsc::unbounded_channel();
        let hall = Arc::new(Hall {
            calls: to_calls,
            replies: Mutex::new(from_replies),
            now: AtomicUsize::new(0),
            most: AtomicUsize::new(0),
        });
        let routes = Router::new().fallback(answer).with_state(Arc::clone(&hall));
        background(server.serve(routes, Shutdown::manual()));
        Self { address, calls: Mutex::new(calls), replies, hall }
    }

    /// Its base address, as a catalogue has it.
    pub(crate) fn url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Lets the next call that waits, or comes, have this reply.
    pub(crate) fn reply(&self, reply: Reply) {
        self.replies.send(reply).unwrap();
    }

    /// The next call.
    pub(crate) async fn called(&self) -> Call {
        within("a call of the model", async { self.calls.lock().await.recv().await }).await.unwrap()
    }

    /// Whether a call has come that nobody has looked at.
    pub(crate) async fn was_called(&self) -> bool {
        !self.calls.lock().await.is_empty()
    }

    /// The most calls that were there at the same time.
    pub(crate) fn most_at_once(&self) -> usize {
        self.hall.most.load(Ordering::SeqCst)
    }
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }

    /// Waits until the caller has hung up, or has its answer's head.
    pub(crate) async fn left(self) {
        let _dropped = within("the end of a call", self.gone).await;
    }
}

impl Reply {
    pub(crate) fn whole(status: u16, body: &str) -> Self {
        Self::Whole { status, headers: Vec::new(), body: body.to_owned() }
    }

    pub(crate) fn with(status: u16, header: (&'static str, &str), body: &str) -> Self {
        let headers = vec![(header.0, header.1.to_owned())];
        Self::Whole { status, headers, body: body.to_owned() }
    }

    pub(crate) fn stream() -> (Tokens, Self) {
        let (pen, paper) = mpsc::channel(64);
        (Tokens(pen), Self::Stream(paper))
    }

    /// A stream of these events, which then ends.
    pub(crate) async fn stream_of(events: &[&str]) -> Self {
        let (tokens, reply) = Self::stream();
        for event in events {
            tokens.say(event).await;
        }
        reply
    }
}

impl Tokens {
    /// Writes one event.
    pub(crate) async fn say(&self, data: &str) {
        self.raw(format!("data: {data}\n\n")).await;
    }

    /// Writes bytes.
    pub(crate) async fn raw(&self, bytes: impl Into<Bytes>) {
        within("room for a token", self.0.send(Ok(bytes.into()))).await.expect("a reader");
    }

    /// Breaks the connection in the middle of the body.
    pub(crate) async fn cut(self) {
        let _gone = self.0.send(Err(io::Error::other("cut"))).await;
    }

    /// Waits until the reader has hung up.
    pub(crate) async fn left(&self) {
        within("the end of a stream's reader", self.0.closed()).await;
    }
}

/// Counts a call while it is there.
struct Present(Arc<Hall>);

impl Present {
    fn enter(hall: &Arc<Hall>) -> Self {
        let now = hall.now.fetch_add(1, Ordering::SeqCst) + 1;
        hall.most.fetch_max(now, Ordering::SeqCst);
        Self(Arc::clone(hall))
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.now.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn answer(
    State(hall): State<Arc<Hall>>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let _present = Present::enter(&hall);
    // Dropped with this call, whichever way it ends.
    let (_here, gone) = oneshot::channel();
    let path = uri.path().to_owned();
    let _nobody_looks = hall.calls.send(Call { path, headers, body, peer, gone });
    let reply = hall.replies.lock().await.recv().await.expect("a test that still runs");
    match reply {
        Reply::Whole { status, headers, body } => {
            let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
            let json = ("content-type", "application/json".to_owned());
            for (name, value) in [json].into_iter().chain(headers) {
                response.headers_mut().insert(name, value.parse().unwrap());
            }
            response
        }
        Reply::Stream(paper) => {
            let pieces = futures::stream::unfold(paper, async |mut paper| {
                Some((paper.recv().await?, paper))
            });
            ([("content-type", "text/event-stream")], Body::from_stream(pieces)).into_response()
        }
    }
}
