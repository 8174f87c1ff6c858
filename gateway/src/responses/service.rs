//! What can be asked of responses. The owner is part of the name of a log: what is not theirs
//! cannot even be looked for.

use std::sync::Arc;
use std::time::Duration;

use bus::{Blobs, Bus, BusError, Entry, LinkState};
use contract::log::{LogId, Outcome};
use contract::{JobId, Owner, streams, subjects};
use service_runtime::Tasks;
use tokio::time::Instant;

use super::accept::{self, Accepted, Promised};
use super::again::{self, NotAgain};
use super::completion::{Completion, Way};
use super::error::ResponseError;
use super::fold::Fold;
use super::following::{Following, Projected};
use super::hold::Hold;
use super::logs::{self, Doubt, Ending};
use super::readers::Readers;
use super::reconcile::Reconciler;
use super::request::Request;
use super::seal::Sealer;
use super::stored_answer::StoredAnswer;
use super::waiting::{self, Waiting, Waits};
use crate::chat::{ChatError, Chats};
use crate::conversations::Conversations;
use crate::idempotency::{Ledger, Told};
use crate::measures::Measures;

/// Bytes of a log that may wait in this process for one reader.
const MOST_IN_MEMORY: usize = 1024 * 1024;
/// Longest time to end a log while somebody writes it.
const END_WITHIN: Duration = Duration::from_secs(10);
/// How long a log that is stored is tried to be opened, while NATS comes back.
const OPENED_WITHIN: Duration = Duration::from_secs(10);
/// Between two tries.
const OPENED_AGAIN: Duration = Duration::from_millis(200);

/// Responses, as their logs have them. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Responses(Arc<Inner>);

/// What it works with.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) bus: Bus,
    pub(crate) blobs: Blobs,
    pub(crate) chats: Chats,
    pub(crate) conversations: Conversations,
    pub(crate) ledger: Ledger,
    pub(crate) tasks: Tasks,
    pub(crate) measures: Arc<Measures>,
    pub(crate) readers: Readers,
    pub(crate) waits: Waits,
    pub(crate) answer_timeout: Duration,
}

/// What its caller gets.
pub(crate) enum Created {
    /// The response as it stands: its answer is fetched later.
    Queued { job: JobId, response: Vec<u8> },
    /// The answer, as it comes.
    Answering(Box<Following>),
}

impl Responses {
    pub(crate) fn new(parts: Inner) -> Self {
        Self(Arc::new(parts))
    }

    /// Looks for open logs whose jobs are lost, to which nothing has happened for so long.
    pub(crate) fn reconciler(&self, quiet: Duration) -> Reconciler {
        Reconciler { inner: Arc::clone(&self.0), quiet }
    }

    /// Seals logs that have ended.
    pub(crate) fn sealer(&self) -> Sealer {
        Sealer { inner: Arc::clone(&self.0) }
    }

    /// Accepts a request: the response is stored and queued when this returns. One that comes again
    /// under its key is told what was made for it.
    ///
    /// # Cancellation
    ///
    /// Dropping the future before it returns leaves nothing that would be answered. Dropping the
    /// reader later only leaves: whoever writes the log notices.
    pub(crate) async fn create(
        &self,
        owner: &Owner,
        request: Request,
    ) -> Result<(Created, Told), ResponseError> {
        let (background, stream) = (request.asked.background(), request.asked.stream());
        let (log, entries, hold) = self.accept(owner, &request).await?;
        let told = if hold.is_some() { Told::Anew } else { Told::Again };
        if background && !stream {
            // Others see to it from here on: what is held ends here.
            let fold = Fold::of(&log, &entries).map_err(|_none| not_found(log.job))?;
            return Ok((Created::Queued { job: log.job, response: fold.response() }, told));
        }
        // What is promised and goes on is never refused: where it cannot be read now, its caller is
        // told what it is, then that the stream is cut.
        let promised = background.then(|| (log.clone(), entries.clone()));
        let following = match self.read_from(log, entries, hold, None).await {
            Ok(following) => following,
            Err(error) => {
                let (log, entries) = promised.ok_or(error)?;
                Following::of_the_past(log, entries, &self.0.readers, None)
            }
        };
        Ok((Created::Answering(Box::new(following)), told))
    }

    /// The same, of a chat completion that came with a key.
    pub(crate) async fn complete(
        &self,
        owner: &Owner,
        request: Request,
    ) -> Result<(StoredAnswer, Told), ResponseError> {
        let (log, entries, hold) = self.accept(owner, &request).await?;
        let told = if hold.is_some() { Told::Anew } else { Told::Again };
        let way = Way::behind(request.asked.stream(), &entries);
        let following = self.read_from::<Completion>(log, entries, hold, way).await?;
        Ok((StoredAnswer::new(following), told))
    }

    /// The log of a request, as far as it was read; and what is held of it, if it is new.
    async fn accept(
        &self,
        owner: &Owner,
        request: &Request,
    ) -> Result<(LogId, Vec<Entry>, Option<Hold>), ResponseError> {
        // In a box: a future this large should be part of no other.
        Ok(match Box::pin(accept::accept(&self.0, owner, request)).await? {
            Accepted::Now(promised) => {
                let Promised { log, first, hold } = *promised;
                (log, vec![first], Some(hold))
            }
            Accepted::Before(log, entries) => (log, entries, None),
        })
    }

    /// Reads a log of which this was read from its beginning.
    async fn read_from<F: Projected>(
        &self,
        log: LogId,
        entries: Vec<Entry>,
        hold: Option<Hold>,
        way: F::Way,
    ) -> Result<Following<F>, ResponseError> {
        let following = if entries.iter().any(logs::is_end) {
            self.read_past(log, entries, way).await?
        } else {
            self.read_on(log, way).await?
        };
        Ok(match hold {
            Some(hold) => following.held(hold),
            None => following,
        })
    }

    /// The request behind a response that has failed, as it can be asked again; or why it cannot.
    pub(crate) async fn again(
        &self,
        log: &LogId,
    ) -> Result<Result<Request, NotAgain>, ResponseError> {
        again::request(&self.0, log).await
    }

    /// Whether there is one, or why not.
    pub(crate) async fn may_ask_again(
        &self,
        log: &LogId,
    ) -> Result<Result<(), NotAgain>, ResponseError> {
        again::is_there(&self.0, log).await
    }

    /// A response as it stands.
    pub(crate) async fn show(&self, owner: &Owner, id: &str) -> Result<Fold, ResponseError> {
        let (_log, _entries, fold) = self.read(owner, id, Doubt::Allowed).await?;
        Ok(fold)
    }

    /// Why nothing was said in it yet, if nothing was.
    pub(crate) async fn waiting(&self, owner: &Owner, id: &str) -> Result<Waiting, ResponseError> {
        let log = self.log_of(owner, id)?;
        if let Some(waiting) = waiting::remembered(&self.0, &log).await? {
            return Ok(waiting);
        }
        let (log, entries, fold) = self.read(owner, id, Doubt::Allowed).await?;
        Ok(waiting::read(&self.0, &log, &entries, &fold).await?)
    }

    /// Its events behind number `after`, and on live.
    pub(crate) async fn follow(
        &self,
        owner: &Owner,
        id: &str,
        after: Option<u64>,
    ) -> Result<Following, ResponseError> {
        let (log, entries, fold) = self.read(owner, id, Doubt::Allowed).await?;
        if !fold.has_ended() {
            return self.read_on(log, after).await;
        }
        if let (Some(after), Some(last)) = (after, fold.newest_event())
            && after > last
        {
            return Err(ResponseError::BeyondTheEnd { after, last });
        }
        self.read_past(log, entries, after).await
    }

    /// Stops a response that nobody waits for. One that has ended stays as it is.
    pub(crate) async fn cancel(&self, owner: &Owner, id: &str) -> Result<Fold, ResponseError> {
        let (log, _entries, fold) = self.read(owner, id, Doubt::Refused).await?;
        if !fold.background() {
            return Err(ResponseError::NotInBackground);
        }
        if fold.has_ended() {
            return Ok(fold);
        }
        let at_least = match self.end(&log).await? {
            Ending::Now(sequence) => {
                self.0.seal_later(&log).await;
                sequence
            }
            Ending::Before(sequence) => sequence,
            Ending::NoLog => return Err(ResponseError::NotFound(id.to_owned())),
        };
        let entries = logs::read(&self.0.bus, &log, at_least, Doubt::Refused).await?;
        Fold::of(&log, &entries).map_err(|_none| ResponseError::NotFound(id.to_owned()))
    }

    /// Stops a response if it has not ended, and forgets it.
    pub(crate) async fn delete(&self, owner: &Owner, id: &str) -> Result<(), ResponseError> {
        let (log, fold) = self.stop(owner, id).await?;
        if let Some(conversation) = fold.conversation() {
            self.0.conversations.forget(owner, &conversation, log.job, &fold).await?;
        }
        self.forget(&log, &fold).await
    }

    /// The same, of one whose conversation goes with it.
    pub(super) async fn erase(&self, owner: &Owner, id: &str) -> Result<(), ResponseError> {
        let (log, fold) = self.stop(owner, id).await?;
        self.forget(&log, &fold).await
    }

    async fn stop(&self, owner: &Owner, id: &str) -> Result<(LogId, Fold), ResponseError> {
        let (log, _entries, fold) = self.read(owner, id, Doubt::Refused).await?;
        if !fold.has_ended() {
            match self.end(&log).await {
                // Where nothing more can be stored, erasing is what helps: it ends a writer too.
                Ok(_) | Err(ResponseError::NotStarted(ChatError::LaneFull)) => {}
                Err(error) => return Err(error),
            }
        }
        Ok((log, fold))
    }

    async fn forget(&self, log: &LogId, fold: &Fold) -> Result<(), ResponseError> {
        if let Some(key) = fold.key() {
            // One that names what is gone is taken over.
            if let Err(error) = self.0.ledger.free(&key, &log.job.to_string()).await {
                tracing::warn!(%error, "an idempotency key was not freed: {error}");
            }
        }
        self.0.waits.forget(log);
        // First what is sealed: from then on nobody seals it, so nothing comes back.
        let records = self.0.bus.records(streams::RESPONSES).await?;
        records.delete(&subjects::response_key(log)).await?;
        Ok(self.0.bus.erase_log(log).await?)
    }

    pub(super) fn conversations(&self) -> &Conversations {
        &self.0.conversations
    }

    async fn end(&self, log: &LogId) -> Result<Ending, ResponseError> {
        let ending = logs::end(&self.0.bus, log, &Outcome::Cancelled);
        match tokio::time::timeout(END_WITHIN, ending).await {
            Ok(ending) => Ok(ending?),
            Err(_elapsed) => Err(ResponseError::Unavailable(None)),
        }
    }

    /// The log of a response, if it could be read now.
    fn log_of(&self, owner: &Owner, id: &str) -> Result<LogId, ResponseError> {
        let not_found = |_invalid| ResponseError::NotFound(id.to_owned());
        let job = JobId::of_response(id).map_err(not_found)?;
        if *self.0.bus.state().borrow() == LinkState::Disconnected {
            return Err(ResponseError::Unavailable(None));
        }
        Ok(LogId { owner: owner.clone(), job })
    }

    async fn read(
        &self,
        owner: &Owner,
        id: &str,
        doubt: Doubt,
    ) -> Result<(LogId, Vec<Entry>, Fold), ResponseError> {
        let not_found = || ResponseError::NotFound(id.to_owned());
        let log = self.log_of(owner, id)?;
        let entries = logs::read(&self.0.bus, &log, 0, doubt).await?;
        let fold = Fold::of(&log, &entries).map_err(|_none| not_found())?;
        if fold.is_kept() { Ok((log, entries, fold)) } else { Err(not_found()) }
    }

    /// Reads a log that has ended, of which this was read. A reader may take its time: what is
    /// large does not wait here for it while the stream has it.
    async fn read_past<F: Projected>(
        &self,
        log: LogId,
        entries: Vec<Entry>,
        way: F::Way,
    ) -> Result<Following<F>, ResponseError> {
        let bytes: usize = entries.iter().map(|entry| entry.message.len()).sum();
        if bytes > MOST_IN_MEMORY {
            let first = self.0.bus.first_entry(&log).await.ok().flatten();
            if first.is_some() && first.as_ref() == entries.first() {
                drop(entries);
                return self.read_on(log, way).await;
            }
        }
        Ok(Following::of_the_past(log, entries, &self.0.readers, way))
    }

    async fn read_on<F: Projected>(
        &self,
        log: LogId,
        way: F::Way,
    ) -> Result<Following<F>, ResponseError> {
        let inner = &self.0;
        let began = Instant::now();
        let reader = loop {
            match inner.bus.read_log(log.clone()).await {
                // Its log is stored: a caller who is told to come again would be answered twice.
                Err(BusError::Unavailable(error)) if began.elapsed() < OPENED_WITHIN => {
                    tracing::debug!(error, "a log is opened again: {error}");
                    tokio::time::sleep(OPENED_AGAIN).await;
                }
                opened => break opened?,
            }
        };
        Ok(Following::live(log, reader, &inner.readers, way, inner.answer_timeout))
    }
}

fn not_found(job: JobId) -> ResponseError {
    ResponseError::NotFound(job.as_response())
}
