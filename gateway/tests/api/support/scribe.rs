//! A worker of stored work that the test plays: it takes jobs and writes their logs.

use std::time::Duration;

use bus::{Bus, Delivery, Entry, JobSource, LogWriter, Pulled, WriteError};
use contract::log::{self, Ended, LogId, Outcome, Record, Said, Started};
use contract::{Body, Failure, Lane, QueueName, StoredJob, WorkFigures, WorkerId};
use serde_json::Value;

use super::within;

/// One that takes the jobs of a lane. It has no heart: another worker beats.
pub(crate) struct Scribe {
    bus: Bus,
    jobs: JobSource,
}

/// A stored job in its hands.
pub(crate) struct Written {
    pub(crate) delivery: Delivery,
    pub(crate) log: LogId,
    bus: Bus,
    writer: LogWriter,
    attempt: u32,
    number: u32,
    work: Option<WorkFigures>,
}

impl Scribe {
    pub(super) async fn start(bus: &Bus, lane: Lane) -> Self {
        let jobs = bus.jobs(lane, &QueueName::default_queue()).await.unwrap();
        Self { bus: bus.clone(), jobs }
    }

    /// The next job. Nothing is written yet.
    pub(crate) async fn pulls(&mut self) -> Written {
        within("a stored job", async {
            loop {
                if self.jobs.outstanding() == 0 {
                    let _while_nats_is_away = self.jobs.request(1).await;
                }
                if let Pulled::Job(delivery) = self.jobs.next().await {
                    return Written::new(self.bus.clone(), delivery).await;
                }
            }
        })
        .await
    }

    /// The next job, begun.
    pub(crate) async fn takes(&mut self) -> Written {
        let mut job = self.pulls().await;
        job.starts().await;
        job
    }
}

impl Written {
    async fn new(bus: Bus, delivery: Delivery) -> Self {
        let job = job_of(&delivery);
        let log = LogId { owner: job.owner.clone(), job: job.id };
        let last = bus.last_entry(&log).await.unwrap().map_or(0, |entry| entry.sequence);
        let writer = bus.log_writer(log.clone(), last);
        Self { delivery, log, bus, writer, attempt: 0, number: 0, work: None }
    }

    /// The job as it was published.
    pub(crate) fn job(&self) -> StoredJob<'_> {
        job_of(&self.delivery)
    }

    /// The name of its response.
    pub(crate) fn response_id(&self) -> String {
        self.log.job.as_response()
    }

    /// What the model is asked.
    pub(crate) fn chat(&self) -> Value {
        match self.job().body {
            Body::Inline(json) => serde_json::from_str(json.get()).unwrap(),
            Body::Stored(name) => panic!("it is elsewhere: {name}"),
        }
    }

    /// Its records so far.
    pub(crate) async fn records(&self) -> Vec<Entry> {
        self.bus.fetch_log(&self.log, 0).await.unwrap()
    }

    /// Begins the next attempt.
    pub(crate) async fn starts(&mut self) {
        self.starts_behind(None).await;
    }

    /// The same, behind so many bytes of text.
    pub(crate) async fn starts_behind(&mut self, continues_at: Option<u64>) {
        self.begins(WorkerId::fresh(), continues_at).await;
    }

    /// The same, as a worker that beats.
    pub(crate) async fn starts_as(&mut self, worker: WorkerId) {
        self.begins(worker, None).await;
    }

    async fn begins(&mut self, writer: WorkerId, continues_at: Option<u64>) {
        self.attempt += 1;
        self.number = 0;
        let started = Started { attempt: self.attempt, writer, continues_at, at_ms: 1 };
        self.appends(&Record::Started(started), &[]).await.unwrap();
    }

    /// Stores these chunks in one record.
    pub(crate) async fn says_chunks(&mut self, chunks: &[String]) {
        let said = Said { attempt: self.attempt, number: self.number };
        self.number += 1;
        self.appends(&Record::Said(said), chunks).await.unwrap();
    }

    /// Stops in order, and gives the job back.
    pub(crate) async fn hands_back(&mut self) {
        let said = Said { attempt: self.attempt, number: self.number };
        self.appends(&Record::HandedBack(said), &[]).await.unwrap();
        self.delivery.retry_after(Duration::ZERO).await.unwrap();
    }

    /// Stores a piece of text.
    pub(crate) async fn says(&mut self, text: &str) {
        self.says_chunks(&[super::chunk(text)]).await;
    }

    /// What its end tells of its work.
    pub(crate) fn has_measured(&mut self, work: &WorkFigures) {
        self.work = Some(work.clone());
    }

    /// Ends well, with what a model says last.
    pub(crate) async fn completes(&mut self) {
        let finish = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#.to_owned();
        let usage =
            r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}"#;
        self.ends(Outcome::Completed, &[finish, usage.to_owned()]).await.unwrap();
    }

    /// Ends as one that nobody reads.
    pub(crate) async fn is_cancelled(&mut self) {
        self.ends(Outcome::Cancelled, &[]).await.unwrap();
    }

    /// Ends well, with these chunks.
    pub(crate) async fn completes_with(&mut self, chunks: &[String]) {
        self.ends(Outcome::Completed, chunks).await.unwrap();
    }

    pub(crate) async fn fails(&mut self, failure: &Failure) {
        self.ends(Outcome::Failed(failure.clone()), &[]).await.unwrap();
    }

    /// Whether what it says next is refused, because another has written.
    pub(crate) async fn is_fenced(&mut self) -> bool {
        let said = Said { attempt: self.attempt, number: self.number };
        let refused = self.appends(&Record::Said(said), &[super::chunk("too late")]).await;
        matches!(refused, Err(WriteError::Fenced))
    }

    async fn ends(&mut self, outcome: Outcome, chunks: &[String]) -> Result<(), WriteError> {
        let (attempt, number, work) = (self.attempt, self.number, self.work.take());
        let ended = Ended { attempt, number, outcome, at_ms: 5_000, work };
        self.appends(&Record::Ended(ended), chunks).await?;
        self.delivery.ack().await.unwrap();
        Ok(())
    }

    async fn appends(&mut self, record: &Record<'_>, chunks: &[String]) -> Result<(), WriteError> {
        self.writer.append(log::write(record, chunks).into()).await
    }
}

fn job_of(delivery: &Delivery) -> StoredJob<'_> {
    serde_json::from_slice(delivery.payload()).unwrap()
}
