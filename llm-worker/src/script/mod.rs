//! NATS out, for stored jobs: what is said goes into the job's log.
//!
//! * [`draft`]: what waits to be appended, and when it goes.
//!
//! One append is in flight at a time. What the model says meanwhile forms the next one, so the
//! faster a model talks and the slower the log is, the more each record holds.

mod draft;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bus::{LogWriter, WriteError};
use bytes::Bytes;
use contract::log::Outcome;
use contract::{Failure, WorkFigures};
use openai_api::completion;
use tokio::sync::Notify;
use tokio::time::Instant;

use self::draft::{Draft, TooLarge};
use crate::completion::{Speak, Unsaid, Utterance};
use crate::measures::Measures;
use crate::voice;

/// The scripts of a worker: how many there are decides how often each is written.
#[derive(Debug, Default)]
pub(crate) struct Scripts {
    open: Arc<AtomicUsize>,
}

impl Scripts {
    /// What `attempt` will say. No record is larger than `max_payload`.
    pub(crate) fn open(&self, attempt: u32, max_payload: usize) -> Script {
        self.open.fetch_add(1, Ordering::Relaxed);
        Script {
            draft: Mutex::new(Draft::new(attempt, max_payload)),
            more: Notify::new(),
            room: Notify::new(),
            opened_at: Instant::now(),
            open: Arc::clone(&self.open),
        }
    }
}

/// What one attempt says, on its way into the log.
#[derive(Debug)]
pub(crate) struct Script {
    draft: Mutex<Draft>,
    /// There is something to append, or it is urgent now.
    more: Notify,
    /// Something was appended.
    room: Notify,
    opened_at: Instant,
    open: Arc<AtomicUsize>,
}

impl Script {
    /// Appends what is said, up to the end, or until it is left. Two records are never on their
    /// way at once.
    ///
    /// # Errors
    ///
    /// When this worker may not, or cannot, write the log any more.
    ///
    /// # Cancellation
    ///
    /// Dropping the future leaves the record on its way stored or not.
    pub(crate) async fn write(
        &self,
        writer: &mut LogWriter,
        measures: &Measures,
    ) -> Result<(), WriteError> {
        loop {
            let now = Instant::now();
            let due = lock(&self.draft).due(now, draft::floor(self.open.load(Ordering::Relaxed)));
            match due {
                None => self.more.notified().await,
                Some(due) if due > now => tokio::select! {
                    () = tokio::time::sleep_until(due) => {}
                    () = self.more.notified() => {}
                },
                Some(_now) => {
                    let taken = lock(&self.draft).take(now);
                    let Some(taken) = taken else { return Ok(()) };
                    self.room.notify_one();
                    append(writer, taken.message, measures).await?;
                    if taken.is_last {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Ends it, behind all that was said, with what was measured of it, if anything was.
    pub(crate) fn end(&self, outcome: Outcome, work: Option<Box<WorkFigures>>) {
        lock(&self.draft).end(outcome, work, now_ms());
        self.more.notify_one();
    }

    /// Leaves it without an end, behind all that was said: another attempt begins anew.
    pub(crate) fn leave(&self) {
        lock(&self.draft).leave();
        self.more.notify_one();
    }

    /// For how long nothing was appended.
    pub(crate) fn quiet_for(&self) -> Duration {
        lock(&self.draft).taken_at().unwrap_or(self.opened_at).elapsed()
    }

    async fn chunk(&self, chunk: Bytes) -> Result<(), Unsaid> {
        let chunk = on_one_line(chunk);
        while !lock(&self.draft).has_room() {
            self.room.notified().await;
        }
        let added = lock(&self.draft).add(chunk);
        match added {
            Ok(true) => self.more.notify_one(),
            Ok(false) => {}
            Err(TooLarge) => {
                let message = "A chunk of the model's answer is too large to be stored.";
                // It would be as large again.
                let failure =
                    Failure { should_retry: false, ..voice::failure("chunk_too_large", message) };
                self.end(Outcome::Failed(failure), None);
                return Err(Unsaid::Excused);
            }
        }
        Ok(())
    }

    async fn whole(&self, body: &[u8], work: Box<WorkFigures>) -> Result<(), Unsaid> {
        let Some(chunk) = completion::as_chunk(body) else {
            let message = "The model server's answer is no chat completion.";
            return self.excuse("upstream_malformed", message);
        };
        self.chunk(chunk.into()).await?;
        self.end(Outcome::Completed, Some(work));
        Ok(())
    }

    /// Says why something cannot be said.
    fn excuse(&self, code: &str, message: &str) -> Result<(), Unsaid> {
        self.end(failed(code, message), None);
        Err(Unsaid::Excused)
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Writing takes its own time: what was said is on its way, and [`Script::write`] tells how it
/// ends.
impl Speak for &Script {
    async fn say(&mut self, utterance: Utterance) -> Result<(), Unsaid> {
        match utterance {
            Utterance::Chunk(chunk) => self.chunk(chunk).await?,
            Utterance::Whole(body, work) => self.whole(&body, work).await?,
            Utterance::Done(work) => self.end(Outcome::Completed, Some(work)),
            Utterance::Failed(failure, work) => self.end(Outcome::Failed(failure), work),
        }
        Ok(())
    }
}

/// Appends one record, measured.
pub(crate) async fn append(
    writer: &mut LogWriter,
    message: Vec<u8>,
    measures: &Measures,
) -> Result<(), WriteError> {
    let began = Instant::now();
    let appended = writer.append(message.into()).await;
    let error = match &appended {
        Ok(()) => None,
        Err(WriteError::Fenced) => Some("fenced"),
        Err(WriteError::Unavailable(_)) => Some("unavailable"),
        Err(WriteError::Refused(_)) => Some("refused"),
    };
    measures.appended(began.elapsed(), error);
    appended
}

/// An end that is a failure of ours.
pub(crate) fn failed(code: &str, message: &str) -> Outcome {
    let failure: Failure = voice::failure(code, message);
    Outcome::Failed(failure)
}

/// The time as logs have it.
pub(crate) fn now_ms() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}

/// A line of a record holds no break. In JSON one stands between tokens only, and means no more
/// than a space.
fn on_one_line(chunk: Bytes) -> Bytes {
    let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
    if !chunk.iter().any(is_break) {
        return chunk;
    }
    chunk.iter().map(|byte| if is_break(byte) { b' ' } else { *byte }).collect()
}

fn lock(draft: &Mutex<Draft>) -> MutexGuard<'_, Draft> {
    draft.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    use futures::FutureExt as _;

    fn script() -> Script {
        Scripts::default().open(1, 1024 * 1024)
    }

    #[tokio::test]
    async fn what_cannot_be_appended_as_fast_as_it_is_said_waits() {
        let script = script();
        let large = Bytes::from(vec![b'x'; 300 * 1024]);
        (&script).say(Utterance::Chunk(large.clone())).await.unwrap();
        let mut pen = &script;
        let mut second = Box::pin(pen.say(Utterance::Chunk(large)));
        assert_eq!((&mut second).now_or_never(), None, "the draft is full");

        lock(&script.draft).take(Instant::now());
        script.room.notify_one();

        assert_eq!(second.now_or_never(), Some(Ok(())));
    }

    #[tokio::test]
    async fn a_chunk_takes_one_line() {
        let script = script();
        let chunk = Bytes::from_static(b"{\r\n\"a\":\n\"b\\n\"}");

        (&script).say(Utterance::Chunk(chunk)).await.unwrap();

        let taken = lock(&script.draft).take(Instant::now()).unwrap();
        let (_record, chunks) = contract::log::read(&taken.message).unwrap();
        assert_eq!(chunks.collect::<Vec<_>>(), [b"{  \"a\": \"b\\n\"}".as_slice()]);
    }

    #[tokio::test]
    async fn a_script_counts_while_it_is_open() {
        let scripts = Scripts::default();
        let (one, other) = (scripts.open(1, 1000), scripts.open(1, 1000));
        assert_eq!(scripts.open.load(Ordering::Relaxed), 2);

        drop((one, other));

        assert_eq!(scripts.open.load(Ordering::Relaxed), 0);
    }
}
