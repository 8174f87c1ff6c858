//! What a caller reads: a bounded queue of news, and a guard that notices when it leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use contract::{Failure, JobId};
use tokio::sync::mpsc;

use super::register::Register;

/// Most news that wait for a slow caller.
const MOST_NEWS: usize = 4_096;
/// No further chunk is taken while as many bytes wait.
const MOST_BYTES: usize = 1024 * 1024;

/// Something that arrived for a caller.
#[derive(Debug)]
pub(crate) enum News {
    /// The JSON of a chunk.
    Chunk(Bytes),
    /// The stream is complete.
    Done,
    /// The JSON of a whole answer.
    Body(Bytes),
    /// There will be no (further) answer.
    Failed(Failure),
}

impl News {
    fn bytes(&self) -> usize {
        match self {
            Self::Chunk(bytes) | Self::Body(bytes) => bytes.len(),
            Self::Done | Self::Failed(_) => 0,
        }
    }
}

/// The sending end, kept in the register.
#[derive(Debug)]
pub(super) struct ToCaller {
    news: mpsc::Sender<News>,
    waiting: Arc<AtomicUsize>,
}

/// What a caller's queue still takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    Enough,
    /// It should be given the time to read.
    Little,
}

/// The caller reads too slowly: its queue is full.
#[derive(Debug)]
pub(super) struct TooSlow;

impl ToCaller {
    /// Hands on one thing, without waiting.
    pub(super) fn send(&self, news: News) -> Result<Room, TooSlow> {
        let bytes = news.bytes();
        let before = self.waiting.fetch_add(bytes, Ordering::Relaxed);
        // The end always has a place: what was read so far is then complete.
        let full = before >= MOST_BYTES || self.news.capacity() <= 1;
        if full && matches!(news, News::Chunk(_)) {
            return Err(TooSlow);
        }
        match self.news.try_send(news) {
            Ok(()) if before + bytes > MOST_BYTES / 2 => Ok(Room::Little),
            Ok(()) if self.news.capacity() < MOST_NEWS / 2 => Ok(Room::Little),
            Ok(()) => Ok(Room::Enough),
            Err(mpsc::error::TrySendError::Full(_)) => Err(TooSlow),
            // The caller has left; its guard does the rest.
            Err(mpsc::error::TrySendError::Closed(_)) => Ok(Room::Enough),
        }
    }
}

/// The answer to one request, as it comes. Dropping it before its end stops the model.
#[derive(Debug)]
pub(crate) struct Answer {
    job: JobId,
    news: mpsc::Receiver<News>,
    waiting: Arc<AtomicUsize>,
    register: Arc<Register>,
}

impl Answer {
    pub(super) fn channel(job: JobId, register: Arc<Register>) -> (ToCaller, Self) {
        // One more, for the end.
        let (sender, receiver) = mpsc::channel(MOST_NEWS + 1);
        let waiting = Arc::new(AtomicUsize::new(0));
        let to_caller = ToCaller { news: sender, waiting: Arc::clone(&waiting) };
        (to_caller, Self { job, news: receiver, waiting, register })
    }

    /// The job.
    pub(crate) fn job(&self) -> JobId {
        self.job
    }

    /// The next news; `None` when there will be none, which only a slow caller sees: what waited
    /// for it was more than we keep.
    pub(crate) async fn next(&mut self) -> Option<News> {
        let news = self.news.recv().await?;
        self.took(&news);
        Some(news)
    }

    /// The next news, if it is here already.
    pub(crate) fn next_now(&mut self) -> Option<News> {
        let news = self.news.try_recv().ok()?;
        self.took(&news);
        Some(news)
    }

    fn took(&self, news: &News) {
        self.waiting.fetch_sub(news.bytes(), Ordering::Relaxed);
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.register.left(self.job);
    }
}
