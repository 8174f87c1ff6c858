//! What workers send to gateways, over core NATS, and what gateways reply.

use std::time::Duration;

use async_nats::{RequestErrorKind, Subject, Subscriber};
use bytes::Bytes;
use contract::subjects::{self, GatewayMail};
use contract::{ClaimRequest, GatewayId, Verdict, WorkerId};
use futures::{Stream, StreamExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Bus, BusError, ClaimError};

/// Longest wait for a verdict.
const CLAIM_TIMEOUT: Duration = Duration::from_secs(2);

/// Something a worker sent to a gateway.
#[derive(Debug)]
pub enum Mail {
    /// It asks whether it may answer a job.
    Claim(ClaimRequest, ReplyTo),
    /// Packed events: see `contract::pack`; and where the worker wants to be told that they were
    /// read, if it does.
    Events(Bytes, Option<ReplyTo>),
}

/// Where an answer goes: a verdict, a receipt, figures.
#[derive(Debug)]
pub struct ReplyTo(pub(crate) Subject);

/// What a worker wants to be told when its events were read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Receipt {
    /// Who is told.
    pub worker: WorkerId,
    /// How far it was read: a number that means something to the worker alone.
    pub position: u64,
}

/// Everything that workers send to one gateway, in order.
#[derive(Debug)]
pub struct MailBox(Subscriber);

impl MailBox {
    /// The next mail; `None` when the connection is closed for good. What cannot be read is
    /// logged and passed over.
    pub async fn next(&mut self) -> Option<Mail> {
        loop {
            let message = self.0.next().await?;
            match subjects::read_gateway_mail(&message.subject) {
                Some(GatewayMail::Events) => {
                    return Some(Mail::Events(message.payload, message.reply.map(ReplyTo)));
                }
                Some(GatewayMail::Claim) => {
                    let claim = decode(&message.subject, &message.payload);
                    if let (Some(claim), Some(reply)) = (claim, message.reply) {
                        return Some(Mail::Claim(claim, ReplyTo(reply)));
                    }
                }
                None => tracing::warn!(nats.subject = %message.subject, "mail of an unknown kind"),
            }
        }
    }
}

impl Bus {
    /// Opens the mailbox of `gateway`, and returns once the server knows of it.
    ///
    /// # Errors
    ///
    /// When the connection does not stand.
    pub async fn gateway_mail(&self, gateway: GatewayId) -> Result<MailBox, BusError> {
        let subscriber = self.subscribe(subjects::gateway_inbox(gateway)).await?;
        // A worker may answer at once: the subscription must stand before the first job is sent.
        self.barrier().await?;
        Ok(MailBox(subscriber))
    }

    /// Answers a claim.
    ///
    /// # Errors
    ///
    /// When the connection is closed.
    pub async fn reply(&self, to: ReplyTo, verdict: &Verdict) -> Result<(), BusError> {
        self.send(to.0.to_string(), verdict).await
    }

    /// Asks `gateway` whether this worker may answer.
    ///
    /// # Errors
    ///
    /// [`ClaimError::NoGateway`] when nobody listens, [`ClaimError::Unavailable`] when no verdict
    /// came within 2 s.
    pub async fn claim(
        &self,
        gateway: GatewayId,
        claim: &ClaimRequest,
    ) -> Result<Verdict, ClaimError> {
        let unavailable = |error: String| ClaimError::Unavailable(error);
        let payload = serde_json::to_vec(claim).map_err(|error| unavailable(error.to_string()))?;
        let request =
            async_nats::Request::new().payload(payload.into()).timeout(Some(CLAIM_TIMEOUT));
        let answer = self.client.send_request(subjects::gateway_claim(gateway), request).await;
        match answer {
            Ok(message) => serde_json::from_slice(&message.payload)
                .map_err(|error| unavailable(format!("unreadable verdict: {error}"))),
            Err(error) if error.kind() == RequestErrorKind::NoResponders => {
                Err(ClaimError::NoGateway)
            }
            Err(error) => Err(unavailable(error.to_string())),
        }
    }

    /// Says that events were read.
    ///
    /// # Errors
    ///
    /// When the connection is closed.
    pub async fn have_read(&self, to: ReplyTo) -> Result<(), BusError> {
        self.client.publish(to.0, Bytes::new()).await.map_err(BusError::unavailable)
    }

    /// Sends packed events to `gateway`. Not stored: a gap in their numbers shows a loss. It
    /// answers with `receipt` once it has read them and everything before.
    ///
    /// # Errors
    ///
    /// When the connection is closed.
    pub async fn send_events(
        &self,
        gateway: GatewayId,
        packed: Bytes,
        receipt: Option<Receipt>,
    ) -> Result<(), BusError> {
        let subject = subjects::gateway_events(gateway);
        let sent = match receipt {
            None => self.client.publish(subject, packed).await,
            Some(Receipt { worker, position }) => {
                let reply = subjects::worker_receipt(worker, gateway, position);
                self.client.publish_with_reply(subject, reply, packed).await
            }
        };
        sent.map_err(BusError::unavailable)
    }

    pub(crate) async fn subscribe(&self, subject: String) -> Result<Subscriber, BusError> {
        self.client.subscribe(subject).await.map_err(BusError::unavailable)
    }

    pub(crate) async fn send(
        &self,
        subject: String,
        message: &impl Serialize,
    ) -> Result<(), BusError> {
        let payload = serde_json::to_vec(message).map_err(BusError::unavailable)?;
        self.client.publish(subject, payload.into()).await.map_err(BusError::unavailable)
    }
}

/// The messages of a subscription as `T`. What cannot be read is logged and passed over.
pub(crate) fn decoded<T: DeserializeOwned + Send>(
    subscriber: Subscriber,
) -> impl Stream<Item = T> + Send + Unpin {
    subscriber.filter_map(|message| std::future::ready(decode(&message.subject, &message.payload)))
}

pub(crate) fn decode<T: DeserializeOwned>(subject: &Subject, payload: &[u8]) -> Option<T> {
    serde_json::from_slice(payload)
        .inspect_err(|error| {
            tracing::warn!(nats.subject = %subject, %error, "a message cannot be read: {error}");
        })
        .ok()
}
