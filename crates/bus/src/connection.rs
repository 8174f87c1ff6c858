//! One connection of a process to NATS, and whether it stands.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions, Event};
use tokio::sync::watch;

use crate::{BusError, MINIMUM_SERVER, Settings};

/// Longest wait for an answer of JetStream.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(5);
/// Messages that may wait in this process for one subscription's reader; beyond it they are
/// dropped, which readers notice as a gap.
const SUBSCRIPTION_CAPACITY: usize = 65_536;
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

/// A connection to NATS. Cheap to clone; all clones share it.
#[derive(Debug, Clone)]
pub struct Bus {
    pub(crate) client: Client,
    pub(crate) jetstream: Context,
    pub(crate) state: Arc<watch::Sender<LinkState>>,
}

impl Bus {
    /// Connects and checks that the server is new enough and has JetStream. `name` is what the
    /// server's connection list shows.
    ///
    /// A connection that is lost later is made again by itself, within about 250 ms of the
    /// server's return.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when no server answered within the connect timeout,
    /// [`BusError::NotReady`] when one did and cannot be used.
    pub async fn connect(name: &str, settings: &Settings) -> Result<Self, BusError> {
        let state = Arc::new(watch::Sender::new(LinkState::Disconnected));
        let options = options(name, settings, Arc::clone(&state)).await?;
        let client = first_connection(options, settings).await?;
        check(&client)?;
        let mut jetstream = jetstream::new(client.clone());
        jetstream.set_timeout(REQUEST_TIMEOUT);
        Ok(Self { client, jetstream, state })
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

    /// The largest payload that fits one message, headers and subject left aside.
    pub fn max_payload(&self) -> usize {
        self.client.max_payload().saturating_sub(MESSAGE_OVERHEAD)
    }

    /// Waits until the server has taken everything that was published so far.
    ///
    /// A round trip: flushing the socket alone would say nothing about the server.
    ///
    /// # Errors
    ///
    /// When the connection does not stand.
    pub async fn barrier(&self) -> Result<(), BusError> {
        let round_trip = self.jetstream.query_account();
        round_trip.await.map(|_account| ()).map_err(BusError::unavailable)
    }
}

async fn options(
    name: &str,
    settings: &Settings,
    tell: Arc<watch::Sender<LinkState>>,
) -> Result<ConnectOptions, BusError> {
    let mut options = ConnectOptions::new()
        .name(name)
        .connection_timeout(Duration::from_secs(5))
        .request_timeout(Some(REQUEST_TIMEOUT))
        .ping_interval(Duration::from_secs(10))
        .subscription_capacity(SUBSCRIPTION_CAPACITY)
        .max_reconnects(None)
        // Jitter, so that a restarted server is not met by all clients in the same millisecond.
        .reconnect_delay_callback(|attempt| match attempt {
            0 | 1 => Duration::ZERO,
            _ => Duration::from_millis(rand::random_range(50..250)),
        })
        .event_callback(move |event| {
            on_event(&tell, &event);
            std::future::ready(())
        });
    if let Some(path) = &settings.ca_file {
        options = options.add_root_certificates(path.clone()).require_tls(true);
    }
    if let Some(path) = &settings.nkey_file {
        let seed = tokio::fs::read_to_string(path).await.map_err(|error| {
            BusError::NotReady(format!("cannot read the NKey file `{}`: {error}", path.display()))
        })?;
        options = options.nkey(seed.trim().to_owned());
    }
    Ok(options)
}

fn on_event(tell: &watch::Sender<LinkState>, event: &Event) {
    match event {
        Event::Connected => {
            tell.send_replace(LinkState::Connected);
            tracing::info!("connected to NATS");
        }
        Event::Disconnected => {
            tell.send_replace(LinkState::Disconnected);
            tracing::warn!("lost the connection to NATS, making it again");
        }
        // Only we close one, by dropping every clone.
        Event::Closed => {
            tell.send_replace(LinkState::Disconnected);
            tracing::debug!("closed the connection to NATS");
        }
        Event::SlowConsumer(subscription) => {
            tracing::warn!(subscription, "messages were dropped: a reader here is too slow");
        }
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
    let servers = &settings.servers;
    let deadline = tokio::time::Instant::now() + settings.connect_timeout;
    let mut tries = 0_u32;
    loop {
        let attempt = options.clone().connect(servers.addresses());
        let error = match tokio::time::timeout_at(deadline, attempt).await {
            Ok(Ok(client)) => return Ok(client),
            Ok(Err(error)) => error.to_string(),
            Err(_elapsed) => "no answer".to_owned(),
        };
        if tokio::time::Instant::now() + BETWEEN_TRIES >= deadline {
            return Err(BusError::NotReady(format!(
                "no NATS server answers at {servers} ({error}); start one, or set NATS_URL"
            )));
        }
        if tries.is_multiple_of(TRIES_PER_LINE) {
            tracing::warn!("waiting for NATS at {servers}: {error}");
        }
        tries += 1;
        tokio::time::sleep(BETWEEN_TRIES).await;
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
