//! The log of a stored job: what happened to it, in order. Every state is a fold of it.
//!
//! One message is one record. Its first line is the JSON of a [`Record`]; each line behind it is
//! one chunk of the model's answer, the JSON as it came. A log begins with [`Record::Accepted`];
//! one that does not is never folded. It ends with [`Record::Ended`]; what stands behind that is
//! no part of it.
//!
//! ```text
//! {"started":{"attempt":1,"writer":"…","at_ms":…}}
//! {"said":{"attempt":1,"number":0}}
//! {"id":"…","choices":[…]}
//! {"id":"…","choices":[…]}
//! {"ended":{"attempt":1,"number":1,"outcome":"completed","at_ms":…}}
//! ```

use std::slice::Split;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::{Failure, JobId, Lane, ModelName, Owner, WorkFigures, WorkerId};

/// Names one log.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct LogId {
    /// Whose it is.
    pub owner: Owner,
    /// What it is about.
    pub job: JobId,
}

/// One record, without the chunks behind it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Record<'a> {
    /// A gateway has promised an answer. The first record of every log.
    #[serde(borrow)]
    Accepted(Accepted<'a>),
    /// A worker has taken the job. From here on it is the only writer.
    Started(Started),
    /// The model said something.
    Said(Said),
    /// The same, or nothing more; and the worker, which stops in order, hands the job back. Such an
    /// attempt says nothing against the job.
    HandedBack(Said),
    /// There will be no more.
    Ended(Ended),
}

/// What was asked, as whoever folds the log needs it.
#[derive(Debug, Serialize, Deserialize)]
pub struct Accepted<'a> {
    /// The job.
    pub job: JobId,
    /// Whose it is.
    pub owner: Owner,
    /// What its log is folded into.
    #[serde(default)]
    pub api: Api,
    /// Where it is queued.
    pub lane: Lane,
    /// The public name of the model.
    pub model: ModelName,
    /// When, milliseconds since 1970.
    pub accepted_at_ms: u64,
    /// The key of the record in [`crate::streams::IDEMPOTENCY`] that names the job, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// The trace of the request, 32 hex digits, when traces are exported.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The items that stand before the input of the request: an array of what earlier turns asked
    /// and answered.
    #[serde(borrow)]
    pub context: &'a RawValue,
    /// What the caller sent.
    #[serde(borrow)]
    pub request: &'a RawValue,
}

/// Whose words a stored job was asked for in: the same records are another answer in each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// `POST /v1/responses`.
    #[default]
    Responses,
    /// `POST /v1/chat/completions`, with an idempotency key. What was sent is what the model is
    /// asked.
    ChatCompletions,
}

/// A worker begins an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Started {
    /// Which try at an answer this is, from 1.
    pub attempt: u32,
    /// Who writes from here on.
    pub writer: WorkerId,
    /// Bytes of the text so far, when the attempt goes on behind them instead of anew.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub continues_at: Option<u64>,
    /// When, milliseconds since 1970.
    pub at_ms: u64,
}

/// Part of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// The attempt that it belongs to.
    pub attempt: u32,
    /// Counts the appends of an attempt, from 0: no two records of a log are the same.
    pub number: u32,
}

/// The end of a log. The last chunks may stand behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// The attempt that ended; 0 when there was none.
    pub attempt: u32,
    /// As in [`Said`].
    pub number: u32,
    /// What it came to.
    pub outcome: Outcome,
    /// When, milliseconds since 1970.
    pub at_ms: u64,
    /// What was measured of the attempt that ended, if a model had begun to answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub work: Option<WorkFigures>,
}

/// What became of a stored job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The model said all it had to say.
    Completed,
    /// There is no (whole) answer.
    Failed(Failure),
    /// Somebody stopped it.
    Cancelled,
}

impl Record<'_> {
    /// The attempt that a record belongs to; 0 before the first.
    pub fn attempt(&self) -> u32 {
        match self {
            Self::Accepted(_) => 0,
            Self::Started(started) => started.attempt,
            Self::Said(said) | Self::HandedBack(said) => said.attempt,
            Self::Ended(ended) => ended.attempt,
        }
    }
}

/// A message that is no record.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a record of a log: {0}")]
pub struct Unreadable(String);

/// Writes a record and the chunks behind it, none of which holds a line break.
pub fn write<C: AsRef<[u8]>>(record: &Record<'_>, chunks: &[C]) -> Vec<u8> {
    let behind: usize = chunks.iter().map(|chunk| chunk.as_ref().len() + 1).sum();
    let mut message = Vec::with_capacity(128 + behind);
    // Names, numbers and JSON that was read before: writing them to memory cannot fail.
    let _infallible = serde_json::to_writer(&mut message, record);
    for chunk in chunks {
        message.push(b'\n');
        message.extend_from_slice(chunk.as_ref());
    }
    message
}

/// Reads a message. The chunks are not looked at.
///
/// # Errors
///
/// When its first line is no record.
pub fn read(message: &[u8]) -> Result<(Record<'_>, Chunks<'_>), Unreadable> {
    let is_break: fn(&u8) -> bool = |byte| *byte == b'\n';
    let mut lines = message.split(is_break);
    let head = lines.next().unwrap_or_default();
    let record = serde_json::from_slice(head).map_err(|error| Unreadable(error.to_string()))?;
    Ok((record, Chunks(lines)))
}

/// The chunks behind a record.
#[derive(Debug)]
pub struct Chunks<'a>(Split<'a, u8, fn(&u8) -> bool>);

impl<'a> Iterator for Chunks<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        self.0.next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back_with_its_chunks() {
        let writer = WorkerId::fresh();
        let started = Started { attempt: 2, writer, continues_at: None, at_ms: 7 };
        let message = write::<&[u8]>(&Record::Started(started), &[]);
        let (record, mut chunks) = read(&message).unwrap();
        assert!(matches!(record, Record::Started(read) if read == started));
        assert_eq!(chunks.next(), None);

        let outcome = Outcome::Failed(Failure {
            status: 502,
            body: "{\"error\":\"a\\nb\"}".to_owned(),
            retry_after_ms: None,
            should_retry: true,
        });
        let work = WorkFigures {
            queue_wait_ms: 1.5,
            first_token_ms: None,
            work_ms: 20.25,
            upstream: "llama3:8b".to_owned(),
            attempt: 2,
            input_tokens: Some(7),
            output_tokens: None,
        };
        let ended = Ended { attempt: 2, number: 3, outcome, at_ms: 9, work: Some(work) };
        let message = write(&Record::Ended(ended.clone()), &["{\"a\":1}", "{\"b\":\"\\n\"}"]);
        let (record, chunks) = read(&message).unwrap();
        assert!(matches!(record, Record::Ended(read) if read == ended));
        assert_eq!(chunks.collect::<Vec<_>>(), [b"{\"a\":1}".as_slice(), b"{\"b\":\"\\n\"}"]);
    }

    #[test]
    fn what_was_asked_reads_back_as_it_came() {
        let request = RawValue::from_string("{\"input\": \"hi\", \"x\": 1.0}".to_owned()).unwrap();
        let context = RawValue::from_string("[]".to_owned()).unwrap();
        let accepted = Accepted {
            job: JobId::fresh(),
            owner: Owner::local(),
            api: Api::ChatCompletions,
            lane: Lane::Background,
            model: "simulator".parse().unwrap(),
            accepted_at_ms: 5,
            key: Some("local.abc".to_owned()),
            trace_id: Some("ab".repeat(16)),
            context: &context,
            request: &request,
        };
        let message = write::<&[u8]>(&Record::Accepted(accepted), &[]);

        let (Record::Accepted(read), _) = read(&message).unwrap() else { panic!("not accepted") };

        assert_eq!(read.request.get(), request.get());
        assert_eq!(read.lane, Lane::Background);
        assert_eq!((read.api, read.key.as_deref()), (Api::ChatCompletions, Some("local.abc")));
        assert_eq!(read.trace_id, Some("ab".repeat(16)));
    }

    #[test]
    fn what_was_accepted_before_there_were_other_apis_is_a_response() {
        let job = JobId::fresh();
        let message = format!(
            r#"{{"accepted":{{"job":"{job}","owner":{{"tenant":"local","name":"local"}},"lane":"live","model":"m","accepted_at_ms":5,"context":[],"request":{{}}}}}}"#
        );

        let (Record::Accepted(read), _) = read(message.as_bytes()).unwrap() else {
            panic!("not accepted")
        };

        assert_eq!((read.api, read.key, read.trace_id), (Api::Responses, None, None));
    }

    #[test]
    fn an_end_that_was_written_before_there_were_figures_has_none() {
        let message = r#"{"ended":{"attempt":1,"number":0,"outcome":"completed","at_ms":9}}"#;

        let (Record::Ended(read), _) = read(message.as_bytes()).unwrap() else { panic!("no end") };

        assert_eq!(read.work, None);
        assert_eq!(write::<&[u8]>(&Record::Ended(read), &[]), message.as_bytes());
    }

    #[test]
    fn other_messages_are_refused() {
        for message in ["", "\n", "{}", "{\"said\":{}}", "[DONE]"] {
            assert!(read(message.as_bytes()).is_err(), "{message}");
        }
    }
}
