//! The log of a stored job, as a test reads it, and writes it where it plays somebody else.

use bus::{Bus, Entry};
use contract::log::{self, Accepted, Api, Ended, LogId, Outcome, Record};
use contract::{Failure, JobId, Lane, Owner};
use openai_api::ErrorBody;
use serde_json::value::RawValue;

use super::until;

/// A log that has begun.
pub(crate) struct Log {
    pub(crate) id: LogId,
    bus: Bus,
}

impl Log {
    /// A new one, as a gateway begins it.
    pub(crate) async fn begin(bus: &Bus, lane: Lane) -> Self {
        let log = Self::none(bus);
        let empty = RawValue::from_string("[]".to_owned()).unwrap();
        log.append(&Record::Accepted(Accepted {
            job: log.id.job,
            owner: log.id.owner.clone(),
            api: Api::Responses,
            lane,
            model: "public".parse().unwrap(),
            accepted_at_ms: 0,
            key: None,
            trace_id: None,
            context: &empty,
            request: &empty,
        }))
        .await;
        log
    }

    /// One that has not begun.
    pub(crate) fn none(bus: &Bus) -> Self {
        let id = LogId { owner: Owner::local(), job: JobId::fresh() };
        Self { id, bus: bus.clone() }
    }

    /// Writes a record behind the last one, whosever that is.
    pub(crate) async fn append(&self, record: &Record<'_>) {
        self.append_with(record, &[]).await;
    }

    /// The same, with chunks behind it.
    pub(crate) async fn append_with(&self, record: &Record<'_>, chunks: &[String]) {
        let message = log::write(record, chunks);
        until("an append", async || {
            let last = self.bus.last_entry(&self.id).await.unwrap();
            let last = last.map_or(0, |entry| entry.sequence);
            self.bus.append(&self.id, last, message.clone().into()).await.is_ok()
        })
        .await;
    }

    /// Somebody cancels the job.
    pub(crate) async fn cancel(&self) {
        let (outcome, number) = (Outcome::Cancelled, u32::MAX);
        let ended = Ended { attempt: 1, number, outcome, at_ms: 0, work: None };
        self.append(&Record::Ended(ended)).await;
    }

    pub(crate) async fn entries(&self) -> Vec<Entry> {
        self.bus.fetch_log(&self.id, 0).await.unwrap()
    }

    /// Its records, each in a word or two.
    pub(crate) async fn story(&self) -> Vec<String> {
        let told = |entry: &Entry| match log::read(&entry.message).unwrap().0 {
            Record::Accepted(_) => "accepted".to_owned(),
            Record::Started(started) => match started.continues_at {
                None => format!("started {}", started.attempt),
                Some(length) => format!("started {} behind {length}", started.attempt),
            },
            Record::Said(said) => format!("said {}.{}", said.attempt, said.number),
            Record::HandedBack(said) => format!("handed back {}.{}", said.attempt, said.number),
            Record::Ended(ended) => {
                let outcome = match ended.outcome {
                    Outcome::Completed => "completed",
                    Outcome::Failed(_) => "failed",
                    Outcome::Cancelled => "cancelled",
                };
                format!("ended {}.{} {outcome}", ended.attempt, ended.number)
            }
        };
        self.entries().await.iter().map(told).collect()
    }

    /// All chunks that stand in it.
    pub(crate) async fn chunks(&self) -> Vec<serde_json::Value> {
        let mut all = Vec::new();
        for entry in self.entries().await {
            let (_record, chunks) = log::read(&entry.message).unwrap();
            all.extend(chunks.map(|chunk| serde_json::from_slice(chunk).unwrap()));
        }
        all
    }

    /// What the model said in them.
    pub(crate) async fn texts(&self) -> Vec<String> {
        let chunks = self.chunks().await;
        let text = |chunk: &serde_json::Value| {
            Some(chunk["choices"][0]["delta"]["content"].as_str()?.to_owned())
        };
        chunks.iter().filter_map(text).collect()
    }

    /// Waits until it holds a record like this one of [`Log::story`].
    pub(crate) async fn tells(&self, record: &str) {
        until(record, async || self.story().await.iter().any(|told| told == record)).await;
    }

    /// Waits for its end.
    pub(crate) async fn ended(&self) -> Ended {
        let last = async || self.bus.last_entry(&self.id).await.unwrap().unwrap().message;
        let ended = |message: &[u8]| match log::read(message).unwrap().0 {
            Record::Ended(ended) => Some(ended),
            _ => None,
        };
        until("the end of a log", async || ended(&last().await).is_some()).await;
        ended(&last().await).unwrap()
    }

    /// Waits for its end, which is a failure.
    pub(crate) async fn failed(&self) -> (Failure, ErrorBody) {
        let Outcome::Failed(failure) = self.ended().await.outcome else { panic!("no failure") };
        let body = serde_json::from_str(&failure.body).unwrap();
        (failure, body)
    }
}
