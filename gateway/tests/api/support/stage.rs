//! NATS and a gateway, between a caller and a worker that the test plays.

use std::time::Duration;

use async_nats::jetstream;
use bus::Bus;
use contract::log::LogId;
use contract::permissions::Service;
use contract::{Catalogue, GatewayBeat, GatewayId, Lane, streams};
use futures::StreamExt as _;
use gateway::{Auth, Roles, Settings};
use service_runtime::{AllowedHosts, Hsts, TrustedProxies};
use test_support::TestNats;

use super::{Caller, Gateway, Scribe, Worker, until, within};

const MODELS: &str = r#"
[[models]]
name = "public"

[[models]]
name = "org/embedder"
capabilities = ["embeddings"]
"#;

pub(crate) struct Stage {
    pub(crate) nats: TestNats,
    pub(crate) bus: Bus,
    pub(crate) gateway: Gateway,
    pub(crate) worker: Worker,
    pub(crate) caller: Caller,
}

/// A chat completion of model `public`.
pub(crate) fn chat(stream: bool) -> String {
    format!(
        r#"{{"model":"public","stream":{stream},"messages":[{{"role":"user","content":"hello"}}]}}"#
    )
}

/// A request of model `org/embedder`.
pub(crate) fn embeddings() -> &'static str {
    r#"{"model":"org/embedder","input":["a"]}"#
}

/// A response of model `public`, with further members.
pub(crate) fn response(more: &str) -> String {
    let comma = if more.is_empty() { "" } else { "," };
    format!(r#"{{"model":"public","input":"hello"{comma}{more}}}"#)
}

/// One chunk of an answer.
pub(crate) fn chunk(text: &str) -> String {
    format!(
        r#"{{"object":"chat.completion.chunk","choices":[{{"index":0,"delta":{{"content":"{text}"}}}}]}}"#
    )
}

/// Of a gateway that waits for everything as long as a test does.
pub(crate) fn settings(nats: &TestNats) -> Settings {
    Settings {
        auth: Auth::Off,
        allowed_hosts: AllowedHosts::loopback("GATEWAY_ALLOWED_HOSTS"),
        listen: ([127, 0, 0, 1], 0).into(),
        health_listen: ([127, 0, 0, 1], 0).into(),
        tls: None,
        trusted_proxies: TrustedProxies::default(),
        hsts: Hsts::default(),
        cors_origins: None,
        body_limit_bytes: 1024 * 1024,
        bodies_limit_bytes: 128 * 1024 * 1024,
        head_wait: Duration::from_secs(60),
        answer_timeout: Duration::from_secs(600),
        broker_spans_percent: 0,
        lame_duck: Duration::ZERO,
        drain: Duration::from_secs(60),
        roles: Roles { api: true, chores: true },
        open_log_quiet: Duration::from_secs(600),
        nats: nats.settings(Service::Gateway),
        catalogue: Catalogue::parse(MODELS).unwrap(),
    }
}

impl Stage {
    pub(crate) async fn set() -> Self {
        Self::with(|_settings| {}).await
    }

    /// With a gateway that is set otherwise.
    pub(crate) async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        Self::over(TestNats::start().await, change).await
    }

    pub(crate) async fn over(nats: TestNats, change: impl FnOnce(&mut Settings)) -> Self {
        let bus = Bus::connect("test", &bus::Settings::bare(nats.url())).await.unwrap();
        let mut settings = settings(&nats);
        change(&mut settings);
        let catalogue = settings.catalogue.clone();
        let init = Bus::connect("nats-init", &nats.settings(Service::NatsInit)).await.unwrap();
        bus::declare(&init, &catalogue.queues(), 1).await.unwrap();
        let gateway = Gateway::start(settings).await;
        let worker = Worker::start(&bus, &catalogue).await;
        let caller = Caller::of(gateway.address);
        Self { nats, bus, gateway, worker, caller }
    }

    /// One more worker of the same queue.
    pub(crate) async fn another_worker(&self) -> Worker {
        Worker::start(&self.bus, &Catalogue::parse(MODELS).unwrap()).await
    }

    /// A worker of stored jobs.
    pub(crate) async fn scribe(&self, lane: Lane) -> Scribe {
        Scribe::start(&self.bus, lane).await
    }

    /// Another gateway of the same system, and a caller of it.
    pub(crate) async fn another_gateway(&self) -> (Gateway, Caller) {
        self.another_gateway_with(|_settings| {}).await
    }

    /// The same, set otherwise.
    pub(crate) async fn another_gateway_with(
        &self,
        change: impl FnOnce(&mut Settings),
    ) -> (Gateway, Caller) {
        let mut settings = settings(&self.nats);
        change(&mut settings);
        let gateway = Gateway::start(settings).await;
        let caller = Caller::of(gateway.address);
        (gateway, caller)
    }

    /// Waits until the gateway says that it holds nothing.
    pub(crate) async fn nothing_is_held(&self) {
        self.beat(|beat| beat.requests == 0).await;
    }

    /// Waits for a beat of a gateway that is as it should be.
    pub(crate) async fn beat(&self, like: impl Fn(&GatewayBeat) -> bool) -> GatewayId {
        let mut beats = self.bus.gateway_beats().await.unwrap();
        within("a beat", async {
            loop {
                let beat = beats.next().await.unwrap();
                if like(&beat) {
                    return beat.gateway;
                }
            }
        })
        .await
    }

    /// Messages in the stream of jobs whose callers wait.
    pub(crate) async fn jobs_queued(&self) -> u64 {
        self.messages_in(streams::jobs_stream(Lane::Chat)).await
    }

    /// Messages in a stream.
    pub(crate) async fn messages_in(&self, stream: &str) -> u64 {
        let stream = self.jetstream().await.get_stream(stream).await.unwrap();
        stream.get_info().await.unwrap().state.messages
    }

    /// Messages that a stream has ever stored.
    pub(crate) async fn ever_in(&self, stream: &str) -> u64 {
        let stream = self.jetstream().await.get_stream(stream).await.unwrap();
        stream.get_info().await.unwrap().state.last_sequence
    }

    /// Waits until a stream has so many messages.
    pub(crate) async fn has_messages(&self, stream: &str, count: u64) {
        until(&format!("{count} messages in {stream}"), async || {
            self.messages_in(stream).await == count
        })
        .await;
    }

    /// Waits until nobody reads a log.
    pub(crate) async fn has_no_reader(&self, log: &LogId) {
        until("no reader", async || !self.bus.has_reader(log).await.unwrap()).await;
    }

    /// The stream of jobs whose callers wait takes no more than this from now on.
    pub(crate) async fn jobs_at_most(&self, limit: i64) {
        self.takes_at_most(streams::jobs_stream(Lane::Chat), limit).await;
    }

    /// A stream takes no more messages than this from now on.
    pub(crate) async fn takes_at_most(&self, stream: &str, limit: i64) {
        let jetstream = self.jetstream().await;
        let stream = jetstream.get_stream(stream).await.unwrap();
        let mut config = stream.get_info().await.unwrap().config;
        config.max_messages = limit;
        jetstream.update_stream(config).await.unwrap();
    }

    /// Waits until a body has left the object store.
    pub(crate) async fn body_is_removed(&self, name: &str) {
        let store = self.jetstream().await.get_object_store(streams::BLOBS).await.unwrap();
        // Not by reading it: a body that is removed meanwhile would be read for ever.
        until("a removed body", async || store.info(name).await.unwrap().deleted).await;
    }

    /// JetStream over a connection of its own.
    pub(crate) async fn jetstream(&self) -> jetstream::Context {
        jetstream::new(async_nats::connect(self.nats.url()).await.unwrap())
    }
}
