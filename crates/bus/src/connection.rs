//! One connection of a process to NATS, and whether it stands.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, RequestErrorKind, ServerError};
use bytes::Bytes;
use contract::permissions::Service;
use telemetry::connections::Connection;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::log::{PAGE_RECORDS, Turns};
use crate::refusals::Refusals;
use crate::storing::Silences;
use crate::{BusError, MINIMUM_SERVER, Settings, hops};

/// Longest wait for an answer of JetStream.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Messages that may wait in this process for one subscription's reader; beyond it they are
/// dropped, which readers notice as a gap.
const SUBSCRIPTION_CAPACITY: usize = 65_536;
/// The same where what was dropped is fetched again: a page of a log and its end fit.
const LOG_CAPACITY: usize = 2 * PAGE_RECORDS;
/// Room for subject, reply and headers beside a payload.
const MESSAGE_OVERHEAD: usize = 16 * 1024;

/// Whether the connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkState {
    /// It does.
    Connected,
    /// It is being made again, without end.
    Disconnected,
}

/// What becomes of messages that a slow reader has no room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gaps {
    /// Nothing brings them back.
    Lost,
    /// Their readers fetch them.
    Fetched,
}

/// A connection to NATS. Cheap to clone; all clones share it.
#[derive(Debug, Clone)]
pub struct Bus {
    pub(crate) client: Client,
    pub(crate) jetstream: Context,
    pub(crate) state: Arc<watch::Sender<LinkState>>,
    /// The same, as it is counted.
    pub(crate) connection: Arc<Connection>,
    refusals: Arc<Refusals>,
    pub(crate) turns: Turns,
    pub(crate) silences: Silences,
    pub(crate) hops: Arc<hops::Told>,
}

impl Bus {
    /// Connects and checks that the server is new enough and has JetStream. `name` is what the
    /// server's connection list shows; it begins with that of the service whose credentials are
    /// used, up to a dot or its end: answers arrive where that one may hear them.
    ///
    /// A connection that is lost later is made again by itself, within about 250 ms of the
    /// server's return.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when no server answered within the connect timeout,
    /// [`BusError::NotReady`] when one did and cannot be used.
    pub async fn connect(name: &str, settings: &Settings) -> Result<Self, BusError> {
        Self::connect_with(name, settings, Gaps::Lost).await
    }

    /// The same for a connection on which logs are read, and nothing that is lost when it is
    /// dropped: little waits here for a reader that is slow, as the log has it.
    ///
    /// # Errors
    ///
    /// As [`Bus::connect`].
    pub async fn connect_for_logs(name: &str, settings: &Settings) -> Result<Self, BusError> {
        Self::connect_with(name, settings, Gaps::Fetched).await
    }

    /// Shares with another connection what is known about streams that store nothing, and which
    /// jobs servers tell of.
    #[must_use]
    pub fn beside(mut self, other: &Self) -> Self {
        self.silences = other.silences.clone();
        self.hops = Arc::clone(&other.hops);
        self
    }

    async fn connect_with(name: &str, settings: &Settings, gaps: Gaps) -> Result<Self, BusError> {
        let state = Arc::new(watch::Sender::new(LinkState::Disconnected));
        let refusals = Arc::new(Refusals::default());
        let connection = Arc::new(Connection::to_be_made());
        let tell = Told {
            state: Arc::clone(&state),
            refusals: Arc::clone(&refusals),
            connection: Arc::clone(&connection),
        };
        let options = options(name, settings, gaps, tell);
        let client = first_connection(options, settings).await?;
        check(&client)?;
        let mut jetstream = jetstream::new(client.clone());
        jetstream.set_timeout(REQUEST_TIMEOUT);
        let (turns, silences, hops) = (Turns::default(), Silences::default(), Arc::default());
        Ok(Self { client, jetstream, state, connection, refusals, turns, silences, hops })
    }

    /// Whether the connection stands, now and whenever that changes.
    pub fn state(&self) -> watch::Receiver<LinkState> {
        self.state.subscribe()
    }

    /// How often the connection was made so far. What was published under another number may not
    /// have arrived, and what others published meanwhile was not heard.
    pub fn connections(&self) -> u64 {
        self.client.statistics().connects.load(Ordering::Relaxed)
    }

    /// How often the server has refused this connection a subject that it is not permitted. Each
    /// is told in the log, unless there are many.
    pub fn refusals(&self) -> u64 {
        self.refusals.count()
    }

    /// The largest payload that fits one message, headers and subject left aside.
    pub fn max_payload(&self) -> usize {
        self.client.max_payload().saturating_sub(MESSAGE_OVERHEAD)
    }

    /// How long the server takes to answer, this process included.
    ///
    /// # Errors
    ///
    /// When it does not.
    pub async fn round_trip(&self) -> Result<Duration, BusError> {
        let asked = Instant::now();
        self.barrier().await?;
        Ok(asked.elapsed())
    }

    /// Waits until the server has taken everything that was published so far.
    ///
    /// A round trip: flushing the socket alone would say nothing about the server. JetStream is not
    /// asked: on a cluster it has nothing to say while there is no leader.
    ///
    /// # Errors
    ///
    /// When the connection does not stand.
    pub async fn barrier(&self) -> Result<(), BusError> {
        let nobody = self.client.new_inbox();
        match self.client.request(nobody, Bytes::new()).await {
            // Nobody listens there, and the server says so.
            Err(error) if error.kind() == RequestErrorKind::NoResponders => Ok(()),
            Err(error) => Err(BusError::unavailable(error)),
            Ok(_somebody) => Ok(()),
        }
    }
}

fn options(name: &str, settings: &Settings, gaps: Gaps, told: Told) -> ConnectOptions {
    let told = Arc::new(told);
    let mut options = ConnectOptions::new()
        .name(name)
        .connection_timeout(Duration::from_secs(5))
        .request_timeout(Some(REQUEST_TIMEOUT))
        .ping_interval(Duration::from_secs(10))
        .subscription_capacity(match gaps {
            Gaps::Lost => SUBSCRIPTION_CAPACITY,
            Gaps::Fetched => LOG_CAPACITY,
        })
        .max_reconnects(None)
        // Jitter, so that a restarted server is not met by all clients in the same millisecond.
        .reconnect_delay_callback(|attempt| match attempt {
            0 | 1 => Duration::ZERO,
            _ => Duration::from_millis(rand::random_range(50..250)),
        })
        .event_callback(move |event| {
            on_event(&told, gaps, &event);
            std::future::ready(())
        });
    if let Some(service) = Service::of_connection(name) {
        options = options.custom_inbox_prefix(service.inbox_prefix());
    }
    if let Some(path) = &settings.ca_file {
        options = options.add_root_certificates(path.clone()).require_tls(true);
    }
    if let Some(key) = &settings.nkey {
        if let Some(path) = key.exposed() {
            tracing::warn!(
                "everybody on this machine may read `{}`, which says who we are: \
                 `chmod o-r` it",
                path.display()
            );
        }
        options = options.nkey(key.seed().to_owned());
    }
    options
}

/// Who is told what becomes of a connection.
struct Told {
    state: Arc<watch::Sender<LinkState>>,
    refusals: Arc<Refusals>,
    connection: Arc<Connection>,
}

fn on_event(told: &Told, gaps: Gaps, event: &Event) {
    match event {
        Event::Connected => {
            told.state.send_replace(LinkState::Connected);
            told.connection.stands();
            tracing::info!("connected to NATS");
        }
        Event::Disconnected => {
            told.state.send_replace(LinkState::Disconnected);
            told.connection.lost();
            tracing::warn!("lost the connection to NATS, making it again");
        }
        // Only we close one, by dropping every clone.
        Event::Closed => {
            told.state.send_replace(LinkState::Disconnected);
            tracing::debug!("closed the connection to NATS");
        }
        Event::SlowConsumer(subscription) => match gaps {
            Gaps::Lost => {
                tracing::warn!(subscription, "messages were dropped: a reader here is too slow");
            }
            Gaps::Fetched => {
                tracing::debug!(subscription, "a reader is slow: it fetches what was dropped");
            }
        },
        Event::ServerError(ServerError::Other(said)) if told.refusals.hear(said) => {}
        other => tracing::warn!("NATS says: {other}"),
    }
}

/// Tries until a server answers or the time is over, and says so every few seconds.
async fn first_connection(
    options: ConnectOptions,
    settings: &Settings,
) -> Result<Client, BusError> {
    const BETWEEN_TRIES: Duration = Duration::from_millis(200);
    const TRIES_PER_LINE: u32 = 25;
    let deadline = tokio::time::Instant::now() + settings.connect_timeout;
    let mut tries = 0_u32;
    let mut told = None;
    loop {
        let attempt = options.clone().connect(settings.servers.addresses());
        let error = match tokio::time::timeout_at(deadline, attempt).await {
            Ok(Ok(client)) => return Ok(client),
            Ok(Err(error)) => why_not(settings, error.kind(), &error.to_string()),
            // What a server has said before says more than that this try came to no end.
            Err(_elapsed) => told
                .take()
                .unwrap_or_else(|| why_not(settings, ConnectErrorKind::TimedOut, "no answer")),
        };
        if tokio::time::Instant::now() + BETWEEN_TRIES >= deadline {
            return Err(BusError::NotReady(error));
        }
        if tries.is_multiple_of(TRIES_PER_LINE) {
            tracing::warn!("waiting for NATS: {error}");
        }
        tries += 1;
        told = Some(error);
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
}

/// Why there is no connection, and what helps.
fn why_not(settings: &Settings, kind: ConnectErrorKind, error: &str) -> String {
    let Settings { servers, nkey, ca_file, .. } = settings;
    match (kind, nkey, ca_file) {
        (ConnectErrorKind::AuthorizationViolation, Some(key), _) => format!(
            "the NATS server at {servers} does not know the NKey {} of NATS_NKEY_FILE; does it \
             include the users that `nats-init credentials` wrote with it?",
            key.public_key()
        ),
        (ConnectErrorKind::AuthorizationViolation | ConnectErrorKind::Authentication, None, _) => {
            format!(
                "the NATS server at {servers} asks who we are ({error}); set NATS_NKEY_FILE to \
                 the file that `nats-init credentials` made for this service"
            )
        }
        (_, _, Some(ca)) if error.contains("certificate") => format!(
            "the certificate of the NATS server at {servers} is not to be trusted ({error}); \
             NATS_CA_FILE (`{}`) says who must have signed it",
            ca.display()
        ),
        _no_answer => {
            format!("no NATS server answers at {servers} ({error}); start one, or set NATS_URL")
        }
    }
}

fn check(client: &Client) -> Result<(), BusError> {
    let info = client.server_info();
    let (major, minor) = MINIMUM_SERVER;
    let mut parts = info.version.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
    let version = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if version < MINIMUM_SERVER {
        return Err(BusError::NotReady(format!(
            "nats-server {} is too old: {major}.{minor} or newer is needed",
            info.version
        )));
    }
    if !info.jetstream {
        let server = &info.server_name;
        return Err(BusError::NotReady(format!(
            "the NATS server `{server}` runs without JetStream: start it with `-js`"
        )));
    }
    Ok(())
}
