//! NATS, a gateway and a model, and workers between them.

use std::collections::BTreeMap;
use std::time::Duration;

use bus::Bus;
use bytes::Bytes;
use contract::permissions::Service;
use contract::{
    Body, Catalogue, Job, JobId, Lane, Operation, QueueName, StoredJob, TenantName, streams,
};
use llm_worker::Settings;
use serde_json::value::RawValue;
use service_runtime::Shutdown;
use telemetry::ServiceTelemetry;
use test_support::TestNats;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tracing::Span;

use super::{Gateway, Log, Model, until, within};

pub(crate) struct Stage {
    pub(crate) nats: TestNats,
    pub(crate) bus: Bus,
    pub(crate) gateway: Gateway,
    pub(crate) model: Model,
}

/// What a caller asks.
pub(crate) struct Request {
    pub(crate) operation: Operation,
    pub(crate) model: &'static str,
    pub(crate) stream: bool,
    pub(crate) body: String,
}

/// A chat completion of model `public`.
pub(crate) fn chat(stream: bool) -> Request {
    let body = format!(
        r#"{{"model":"public","stream":{stream},"messages":[{{"role":"user","content":"hello"}}]}}"#
    );
    Request { operation: Operation::ChatCompletions, model: "public", stream, body }
}

/// One chunk of an answer as a model writes it.
pub(crate) fn chunk(text: &str) -> String {
    format!(
        r#"{{"id":"theirs","object":"chat.completion.chunk","created":1,"model":"private","choices":[{{"index":0,"delta":{{"content":"{text}"}},"finish_reason":null}}]}}"#
    )
}

/// An upstream of the catalogue; `more` are further lines of TOML.
pub(crate) fn upstream(url: &str, more: &str) -> String {
    format!("[[models.upstreams]]\nbase_url = \"{url}\"\nname = \"private\"\n{more}\n")
}

/// A worker with a runtime of its own, so that it can die as a process does.
pub(crate) struct Worker {
    runtime: Option<Runtime>,
    telemetry: ServiceTelemetry,
    shutdown: Shutdown,
    ended: oneshot::Receiver<()>,
}

impl Stage {
    pub(crate) async fn set() -> Self {
        Self::over(TestNats::start().await).await
    }

    pub(crate) async fn over(nats: TestNats) -> Self {
        let bus = Bus::connect("test", &bus::Settings::bare(nats.url())).await.unwrap();
        let queues = ["default", "other"].map(|queue| queue.parse().unwrap());
        let init = Bus::connect("nats-init", &nats.settings(Service::NatsInit)).await.unwrap();
        bus::declare(&init, &queues, 1).await.unwrap();
        let gateway = Gateway::start(&bus).await;
        Self { nats, bus, gateway, model: Model::start() }
    }

    /// A worker that serves `public` by the stage's model.
    pub(crate) async fn worker(&self) -> Worker {
        self.worker_with(&[upstream(&self.model.url(), "")], |_settings| {}).await
    }

    /// A worker that serves `public` by these upstreams.
    pub(crate) async fn worker_with(
        &self,
        upstreams: &[String],
        change: impl FnOnce(&mut Settings),
    ) -> Worker {
        let toml = format!("[[models]]\nname = \"public\"\n{}", upstreams.concat());
        self.worker_of(&toml, change).await
    }

    /// A worker of this catalogue.
    pub(crate) async fn worker_of(
        &self,
        catalogue: &str,
        change: impl FnOnce(&mut Settings),
    ) -> Worker {
        let catalogue = Catalogue::parse(catalogue).unwrap();
        let mut settings = Settings {
            health_listen: ([127, 0, 0, 1], 0).into(),
            max_concurrency: 64,
            drain: Duration::from_secs(20),
            unread: Duration::from_secs(30),
            queues: catalogue.queues(),
            nats: self.nats.settings(Service::LlmWorker),
            catalogue,
            keys: BTreeMap::new(),
        };
        change(&mut settings);
        Worker::start(settings).await
    }

    /// Queues a request of the stage's gateway.
    pub(crate) async fn ask(&self, request: &Request) -> JobId {
        let body = RawValue::from_string(request.body.clone()).unwrap();
        self.ask_with(request, Body::Inline(&body), "default").await
    }

    pub(crate) async fn ask_with(
        &self,
        request: &Request,
        body: Body<'_>,
        queue: &'static str,
    ) -> JobId {
        self.queue_job(Job { reads_work: true, ..self.job_of(request, body) }, queue).await
    }

    /// The same, as a gateway of the version before asks, which reads no figures.
    pub(crate) async fn ask_as_before(&self, request: &Request, body: Body<'_>) -> JobId {
        self.queue_job(self.job_of(request, body), "default").await
    }

    fn job_of<'a>(&self, request: &Request, body: Body<'a>) -> Job<'a> {
        Job {
            id: JobId::fresh(),
            operation: request.operation,
            model: request.model.parse().unwrap(),
            tenant: TenantName::local(),
            stream: request.stream,
            gateway: self.gateway.id,
            accepted_at_ms: 0,
            reads_work: false,
            body,
        }
    }

    async fn queue_job(&self, job: Job<'_>, queue: &'static str) -> JobId {
        let payload = Bytes::from(serde_json::to_vec(&job).unwrap());
        self.publish(job.id, queue, payload).await;
        job.id
    }

    pub(crate) async fn publish(&self, job: JobId, queue: &'static str, payload: Bytes) {
        let queue: QueueName = queue.parse().unwrap();
        let tenant = TenantName::local();
        let span = Span::none();
        self.bus.publish_job(Lane::Chat, &queue, &tenant, job, payload, &span).await.unwrap();
    }

    /// Messages in a stream.
    pub(crate) async fn messages_in(&self, stream: &str) -> u64 {
        let client = async_nats::connect(self.nats.url()).await.unwrap();
        let jetstream = async_nats::jetstream::new(client);
        let info = jetstream.get_stream(stream).await.unwrap().get_info().await.unwrap();
        info.state.messages
    }

    /// Leaves a stream no room for more than is in it.
    pub(crate) async fn fill_up(&self, stream: &str) {
        let client = async_nats::connect(self.nats.url()).await.unwrap();
        let jetstream = async_nats::jetstream::new(client);
        let info = jetstream.get_stream(stream).await.unwrap().get_info().await.unwrap();
        let mut config = info.config;
        config.max_messages = i64::try_from(info.state.messages).unwrap();
        jetstream.update_stream(config).await.unwrap();
    }

    /// Waits until every job has left the queue.
    pub(crate) async fn no_jobs_left(&self) {
        self.none_left_in(Lane::Chat).await;
    }

    /// Waits until every job of a lane has left its queue.
    pub(crate) async fn none_left_in(&self, lane: Lane) {
        until("an empty queue", async || self.queued_in(lane).await == 0).await;
    }

    /// Jobs of a lane that have not left their queues.
    pub(crate) async fn queued_in(&self, lane: Lane) -> u64 {
        self.messages_in(streams::jobs_stream(lane)).await
    }

    /// Begins the log of a stored job, and queues it.
    pub(crate) async fn accept(&self, lane: Lane) -> Log {
        let log = Log::begin(&self.bus, lane).await;
        self.queue(lane, &log).await;
        log
    }

    /// The same, of one that somebody waits for in that lane, or that is fetched later.
    pub(crate) async fn accept_as(&self, lane: Lane, background: bool) -> Log {
        let log = Log::begin(&self.bus, lane).await;
        self.queue_as(lane, background, &log, &chat(true)).await;
        log
    }

    /// Queues a stored job.
    pub(crate) async fn queue(&self, lane: Lane, log: &Log) {
        self.queue_with(lane, log, &chat(true)).await;
    }

    /// The same, of a request that is asked as it came.
    pub(crate) async fn queue_with(&self, lane: Lane, log: &Log, request: &Request) {
        self.queue_as(lane, lane == Lane::Background, log, request).await;
    }

    async fn queue_as(&self, lane: Lane, background: bool, log: &Log, request: &Request) {
        let body = RawValue::from_string(request.body.clone()).unwrap();
        let job = StoredJob {
            id: log.id.job,
            operation: Operation::ChatCompletions,
            model: "public".parse().unwrap(),
            owner: log.id.owner.clone(),
            background,
            accepted_at_ms: 0,
            body: Body::Inline(&body),
        };
        self.bus.publish_stored(lane, &QueueName::default_queue(), &job).await.unwrap();
    }

    /// The header that says why the first dead letter is dead.
    pub(crate) async fn dead_letter(&self) -> serde_json::Value {
        until("a dead letter", async || self.messages_in("DEAD").await > 0).await;
        let client = async_nats::connect(self.nats.url()).await.unwrap();
        let dead = async_nats::jetstream::new(client).get_stream("DEAD").await.unwrap();
        let message = dead.get_raw_message(1).await.unwrap();
        let header = message.headers.get("chappe-dead-letter").unwrap();
        serde_json::from_str(header.as_str()).unwrap()
    }
}

impl Worker {
    async fn start(settings: Settings) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread();
        let runtime = { runtime }.worker_threads(1).enable_all().build().unwrap();
        let telemetry = ServiceTelemetry::detached();
        let shutdown = Shutdown::manual();
        let (tell_built, built) = oneshot::channel();
        let (tell_ended, ended) = oneshot::channel();
        let (until, figures) = (shutdown.clone(), telemetry.clone());
        runtime.spawn(async move {
            let worker = llm_worker::Worker::build(settings, figures).await.unwrap();
            tell_built.send(worker.health_address()).unwrap();
            worker.run_until(until).await.unwrap();
            let _nobody_waits = tell_ended.send(());
        });
        within("a built worker", built).await.unwrap();
        Self { runtime: Some(runtime), telemetry, shutdown, ended }
    }

    /// Asks it to stop.
    pub(crate) fn ask_to_stop(&self) {
        self.shutdown.request();
    }

    /// Waits for its end.
    pub(crate) async fn ended(&mut self) {
        within("the end of the worker", &mut self.ended).await.unwrap();
    }

    /// Ends it at once, as `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.end();
    }

    /// Holds it up, as SIGSTOP does, until what is given is dropped.
    pub(crate) fn hold_up(&self) -> std::sync::mpsc::Sender<()> {
        let (until_dropped, held) = std::sync::mpsc::channel::<()>();
        let (tell, mut holds) = oneshot::channel();
        // Its only thread.
        self.runtime.as_ref().unwrap().spawn(async move {
            tell.send(()).unwrap();
            let _released = held.recv();
        });
        while holds.try_recv().is_err() {
            std::thread::yield_now();
        }
        until_dropped
    }

    /// A line of its figures begins with this.
    pub(crate) fn counts(&self, line: &str) -> bool {
        self.telemetry.prometheus_text().lines().any(|counted| counted.starts_with(line))
    }

    fn end(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
    }
}
