//! What a caller reads: a bounded queue of news, and a guard that notices when it leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use contract::pack::RECORD_OVERHEAD;
use contract::window::{self, STREAM_WINDOW};
use contract::{Failure, JobId};
use tokio::sync::mpsc;

use super::register::Register;
use crate::receipt::Behind;

/// As many of the smallest chunks are within a stream's window, and the end beside them.
const MOST_NEWS: usize = STREAM_WINDOW as usize / RECORD_OVERHEAD + 2;

/// Something that arrived for a caller.
#[derive(Debug)]
pub(crate) enum News {
    /// The JSON of a chunk.
    Chunk(Bytes),
    /// The stream is complete.
    Done(Option<Box<Behind>>),
    /// The JSON of a whole answer.
    Body(Bytes, Option<Box<Behind>>),
    /// There will be no (further) answer.
    Failed(Failure),
}

impl News {
    /// What it takes of the stream's window.
    fn cost(&self) -> u64 {
        match self {
            Self::Chunk(bytes) => window::cost(bytes),
            Self::Body(..) | Self::Done(_) | Self::Failed(_) => 0,
        }
    }
}

/// The sending end, kept in the register.
#[derive(Debug)]
pub(super) struct ToCaller {
    news: mpsc::Sender<News>,
    /// The cost of the chunks in it.
    waiting: Arc<AtomicU64>,
}

/// Its queue is full: its worker said more than it may.
#[derive(Debug)]
pub(super) struct Overrun;

impl ToCaller {
    /// Hands on one thing, without waiting.
    pub(super) fn send(&self, news: News) -> Result<(), Overrun> {
        let cost = news.cost();
        let before = self.waiting.fetch_add(cost, Ordering::Relaxed);
        // The end always has a place: what was read so far is then complete.
        let full = before > STREAM_WINDOW || self.news.capacity() <= 1;
        if full && matches!(news, News::Chunk(_)) {
            return Err(Overrun);
        }
        match self.news.try_send(news) {
            // The caller may have left; its guard does the rest.
            Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => Ok(()),
            Err(mpsc::error::TrySendError::Full(_)) => Err(Overrun),
        }
    }
}

/// The answer to one request, as it comes. Dropping it before its end stops the model.
#[derive(Debug)]
pub(crate) struct Answer {
    job: JobId,
    news: mpsc::Receiver<News>,
    waiting: Arc<AtomicU64>,
    /// What was read, and what of it the worker knows.
    read: u64,
    told: u64,
    register: Arc<Register>,
}

impl Answer {
    pub(super) fn channel(job: JobId, register: Arc<Register>) -> (ToCaller, Self) {
        let (sender, receiver) = mpsc::channel(MOST_NEWS);
        let waiting = Arc::new(AtomicU64::new(0));
        let to_caller = ToCaller { news: sender, waiting: Arc::clone(&waiting) };
        (to_caller, Self { job, news: receiver, waiting, read: 0, told: 0, register })
    }

    /// The next news; `None` when there will be none: its worker said more than its window holds.
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

    fn took(&mut self, news: &News) {
        let cost = news.cost();
        self.waiting.fetch_sub(cost, Ordering::Relaxed);
        self.read += cost;
        if self.read - self.told >= STREAM_WINDOW / window::PARTS {
            self.told = self.read;
            self.register.read(self.job, self.read);
        }
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.register.left(self.job);
    }
}
