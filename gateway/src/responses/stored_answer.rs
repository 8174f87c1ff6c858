//! The answer to a stored chat completion, read from its log as that to an unstored one is read from
//! its worker.

use std::collections::VecDeque;

use contract::JobId;

use super::completion::Completion;
use super::following::{Following, Step};
use crate::chat::News;

/// The answer as it comes. Dropping it leaves.
#[derive(Debug)]
pub(crate) struct StoredAnswer {
    following: Following<Completion>,
    /// What was read and not handed on.
    news: VecDeque<News>,
}

impl StoredAnswer {
    pub(super) fn new(following: Following<Completion>) -> Self {
        Self { following, news: VecDeque::new() }
    }

    /// The job.
    pub(crate) fn job(&self) -> JobId {
        self.following.job()
    }

    /// The next news; `None` behind the end.
    ///
    /// # Cancellation
    ///
    /// Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Option<News> {
        while self.news.is_empty() {
            let step = self.following.next().await?;
            self.take(step);
        }
        self.news.pop_front()
    }

    /// The next news, if it is here already.
    pub(crate) fn next_now(&mut self) -> Option<News> {
        while self.news.is_empty() {
            let step = self.following.next_now()?;
            self.take(step);
        }
        self.news.pop_front()
    }

    fn take(&mut self, step: Step<News>) {
        match step {
            Step::News(news) => self.news.extend(news),
            Step::BrokenOff(failure) => self.news.push_back(News::Failed(failure)),
        }
    }
}
