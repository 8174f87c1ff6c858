//! What gateways send to workers, over core NATS.

use contract::subjects::{self, WorkerMail};
use contract::window::Credit;
use contract::{CancelJob, GatewayId, WorkerId};
use futures::{Stream, StreamExt as _};

use crate::mail::decode;
use crate::{Bus, BusError};

/// Something a gateway sent to a worker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ForWorker {
    /// Stop a job.
    Cancel(CancelJob),
    /// A caller has read so much of its stream.
    Credit(Credit),
    /// A gateway has read everything up to this position: see [`Receipt`](crate::Receipt).
    Receipt(GatewayId, u64),
}

impl Bus {
    /// Tells `worker` to stop a job.
    ///
    /// # Errors
    ///
    /// When the connection is closed.
    pub async fn cancel(&self, worker: WorkerId, cancel: &CancelJob) -> Result<(), BusError> {
        self.send(subjects::worker_cancel(worker), cancel).await
    }

    /// Tells `worker` how much of a stream its caller has read.
    ///
    /// # Errors
    ///
    /// When the connection is closed.
    pub async fn credit(&self, worker: WorkerId, credit: &Credit) -> Result<(), BusError> {
        self.send(subjects::worker_credit(worker), credit).await
    }

    /// Everything that gateways send to `worker`, in order. The server knows of it when this
    /// returns. What cannot be read is logged and passed over.
    ///
    /// # Errors
    ///
    /// When the connection does not stand.
    pub async fn worker_mail(
        &self,
        worker: WorkerId,
    ) -> Result<impl Stream<Item = ForWorker> + Send + Unpin + use<>, BusError> {
        let subscriber = self.subscribe(subjects::worker_inbox(worker)).await?;
        self.barrier().await?;
        Ok(subscriber.filter_map(|message| std::future::ready(read(&message))))
    }
}

fn read(message: &async_nats::Message) -> Option<ForWorker> {
    let (subject, payload) = (&message.subject, &message.payload);
    match subjects::read_worker_mail(subject) {
        Some(WorkerMail::Cancel) => decode(subject, payload).map(ForWorker::Cancel),
        Some(WorkerMail::Credit) => decode(subject, payload).map(ForWorker::Credit),
        Some(WorkerMail::Receipt(gateway, position)) => Some(ForWorker::Receipt(gateway, position)),
        None => {
            tracing::warn!(nats.subject = %subject, "mail of an unknown kind");
            None
        }
    }
}
