//! Starts a request: register, then publish.

use std::sync::Arc;
use std::time::Duration;

use bus::{Bus, BusError, LinkState};
use bytes::Bytes;
use contract::{
    Body, Capability, Catalogue, GatewayId, Job, JobId, Lane, Model, Operation, QueueName,
    TenantName, subjects,
};
use serde_json::value::RawValue;
use telemetry::names::{app, messaging, span};
use tokio::time::Instant;
use tracing::{Instrument as _, Span};

use super::answer::Answer;
use super::error::ChatError;
use super::register::Register;
use super::workers::Workers;
use crate::clock::now_ms;
use crate::measures::Measures;

/// Longest wait for the stream's acknowledgement of a job.
const ACCEPT_WITHIN: Duration = Duration::from_secs(10);
/// Room for a job's own members around the caller's JSON.
pub(crate) const ENVELOPE_BYTES: usize = 2 * 1024;

/// A request that has been checked.
#[derive(Debug)]
pub(crate) struct Request {
    /// A fresh one.
    pub(crate) job: JobId,
    pub(crate) operation: Operation,
    /// Who pays.
    pub(crate) tenant: TenantName,
    pub(crate) model: String,
    pub(crate) stream: bool,
    pub(crate) body: Bytes,
}

/// Starts requests. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Chats(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    gateway: GatewayId,
    bus: Bus,
    catalogue: Catalogue,
    register: Arc<Register>,
    workers: Arc<Workers>,
    measures: Arc<Measures>,
}

impl Chats {
    pub(crate) fn new(
        gateway: GatewayId,
        bus: Bus,
        catalogue: Catalogue,
        register: Arc<Register>,
        workers: Arc<Workers>,
        measures: Arc<Measures>,
    ) -> Self {
        Self(Arc::new(Inner { gateway, bus, catalogue, register, workers, measures }))
    }

    /// The models that may be asked.
    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.0.catalogue
    }

    /// The model of this name, if it does what is asked of it.
    pub(crate) fn model_for(&self, name: &str, operation: Operation) -> Result<&Model, ChatError> {
        let Some(model) = self.0.catalogue.model(name) else {
            return Err(ChatError::UnknownModel(name.to_owned()));
        };
        let asked = match operation {
            Operation::ChatCompletions => Capability::Chat,
            Operation::Embeddings => Capability::Embeddings,
        };
        if model.capabilities.contains(&asked) {
            return Ok(model);
        }
        let has = model.capabilities.clone();
        Err(ChatError::WrongCapability { model: model.name.clone(), asked, has })
    }

    /// Whether a job of this model would come to somebody.
    pub(crate) fn can_queue(&self, model: &Model) -> Result<(), ChatError> {
        let bus = &self.0.bus;
        if *bus.state().borrow() == LinkState::Disconnected || !bus.is_storing() {
            return Err(ChatError::QueueUnavailable(None));
        }
        if !self.0.workers.serve(&model.queue, Instant::now()) {
            return Err(ChatError::NoWorker(model.queue.clone()));
        }
        Ok(())
    }

    /// Starts a request: its job is in the queue when this returns.
    ///
    /// # Cancellation
    ///
    /// Dropping the future, or the answer, stops the request wherever it is.
    pub(crate) async fn start(&self, request: Request) -> Result<Answer, ChatError> {
        let inner = &self.0;
        let model = self.model_for(&request.model, request.operation)?;
        self.can_queue(model)?;
        let job = request.job;
        // Entered before it is published: a worker may ask for it at once.
        let answer = inner.register.begin(job, model.queue.clone(), request.tenant.clone());
        let accepted = inner.publish(job, model, &request);
        let error = match tokio::time::timeout(ACCEPT_WITHIN, accepted).await {
            Ok(Ok(())) => return Ok(answer),
            Ok(Err(BusError::Full(_))) => ChatError::LaneFull,
            Ok(Err(error)) => ChatError::QueueUnavailable(Some(error)),
            Err(_elapsed) => ChatError::QueueUnavailable(None),
        };
        inner.register.not_queued(job);
        Err(error)
    }
}

impl Inner {
    async fn publish(&self, job: JobId, model: &Model, request: &Request) -> Result<(), BusError> {
        let json: &RawValue = serde_json::from_slice(&request.body)
            .map_err(|error| BusError::NotReady(error.to_string()))?;
        let body = if request.body.len() + ENVELOPE_BYTES > self.bus.max_payload() {
            let name = format!("requests/{job}");
            let body = request.body.slice_ref(json.get().as_bytes());
            self.register.store_body(job, name.clone(), body).await?;
            Body::Stored(name)
        } else {
            Body::Inline(json)
        };
        let message = Job {
            id: job,
            operation: request.operation,
            model: model.name.clone(),
            tenant: request.tenant.clone(),
            stream: request.stream,
            gateway: self.gateway,
            accepted_at_ms: now_ms(),
            reads_work: true,
            body,
        };
        let payload =
            serde_json::to_vec(&message).map_err(|error| BusError::NotReady(error.to_string()))?;
        let publish = publish_span(Lane::Chat, job, &model.queue, payload.len());
        let began = Instant::now();
        let (queue, tenant) = (&model.queue, &request.tenant);
        let stored = self.bus.publish_job(Lane::Chat, queue, tenant, job, payload.into(), &publish);
        let stored = stored.instrument(publish.clone()).await;
        self.measures.published(began.elapsed(), stored.is_ok());
        if stored.is_err() {
            publish.record(span::STATUS_CODE, span::ERROR);
        }
        stored
    }
}

/// The span of putting a job of this size into a queue.
pub(crate) fn publish_span(lane: Lane, job: JobId, queue: &QueueName, bytes: usize) -> Span {
    let template = subjects::job_template(lane);
    tracing::info_span!(
        "publish",
        { span::NAME } = format!("{} {template}", messaging::PUBLISH),
        { span::KIND } = span::PRODUCER,
        { span::STATUS_CODE } = tracing::field::Empty,
        { messaging::SYSTEM } = messaging::SYSTEM_NATS,
        { messaging::OPERATION_NAME } = messaging::PUBLISH,
        { messaging::OPERATION_TYPE } = messaging::SEND,
        { messaging::DESTINATION_TEMPLATE } = template,
        { messaging::MESSAGE_ID } = %job,
        { messaging::MESSAGE_BODY_SIZE } = i64::try_from(bytes).unwrap_or(i64::MAX),
        { app::QUEUE } = queue.as_str(),
    )
}
