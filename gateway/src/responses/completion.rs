//! A chat completion as a fold of its log: the chunks as the model said them, or the whole.

use bus::Entry;
use bytes::Bytes;
use contract::log::{self, Api, Chunks, Ended, LogId, Outcome, Record};
use contract::{Failure, JobId};
use openai_api::completion;

use super::counting::{Counted, counted};
use super::failures;
use super::fold::NotAResponse;
use super::following::Projected;
use super::times::Times;
use crate::chat::{News, wrong_form};
use crate::receipt::Behind;

/// A chat completion, as far as its log was read.
pub(crate) struct Completion {
    way: Way,
    /// The newest attempt; 0 before the first.
    attempt: u32,
    /// What this attempt, and those that it goes on from, have said. Kept for who wants the whole.
    said: Vec<Bytes>,
    spoken: bool,
    times: Times,
    end: Option<Outcome>,
    /// What was handed on cannot be gone on with.
    broken: bool,
}

/// How it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Way {
    /// In pieces, as they come.
    pub(crate) stream: bool,
    /// What attempts before this record have said is passed over: they came to nothing.
    pub(crate) from: u64,
}

impl Way {
    /// Of a reader who comes when there is this much of a log.
    pub(super) fn behind(stream: bool, entries: &[Entry]) -> Self {
        let begins_anew = |entry: &&Entry| {
            matches!(
                log::read(&entry.message),
                Ok((Record::Started(started), _)) if started.continues_at.is_none()
            )
        };
        let last = entries.iter().rev().find(begins_anew);
        Self { stream, from: last.map_or(0, |entry| entry.sequence) }
    }
}

impl Projected for Completion {
    type News = News;
    type Way = Way;

    fn begin(
        log: &LogId,
        first: &Entry,
        way: Way,
        _out: &mut Vec<News>,
    ) -> Result<Self, NotAResponse> {
        match log::read(&first.message) {
            Ok((Record::Accepted(accepted), _))
                if accepted.api == Api::ChatCompletions
                    && accepted.job == log.job
                    && accepted.owner == log.owner =>
            {
                let (attempt, said, spoken) = (0, Vec::new(), false);
                let times = Times::begin(&accepted);
                Ok(Self { way, attempt, said, spoken, times, end: None, broken: false })
            }
            _ => Err(NotAResponse),
        }
    }

    fn read(&mut self, entry: &Entry, out: &mut Vec<News>) {
        if self.is_over() || entry.sequence < self.way.from {
            return;
        }
        match counted(entry, &mut self.attempt) {
            None => {}
            Some(Counted::Started(started)) => {
                self.times.started(&started);
                if started.continues_at.is_none() {
                    self.begin_anew(out);
                }
            }
            Some(Counted::Said(chunks)) => self.say(entry, chunks, out),
            Some(Counted::Ended(chunks, ended)) => {
                self.say(entry, chunks, out);
                out.push(match &ended.outcome {
                    Outcome::Completed => self.complete(&ended),
                    Outcome::Failed(failure) => News::Failed(failure.clone()),
                    Outcome::Cancelled => News::Failed(failures::answer_stopped()),
                });
                self.end = Some(ended.outcome);
            }
        }
    }

    fn background(&self) -> bool {
        false
    }

    fn broken_off(_read: Option<&Self>, _job: JobId) -> Failure {
        failures::gateway_stopped_under_a_key()
    }

    fn end(&self) -> Option<&Outcome> {
        self.end.as_ref()
    }

    fn is_over(&self) -> bool {
        self.end.is_some() || self.broken
    }
}

impl Completion {
    /// Who reads pieces has read what another attempt does not go on from.
    fn begin_anew(&mut self, out: &mut Vec<News>) {
        self.said.clear();
        if self.spoken && self.way.stream {
            out.push(News::Failed(failures::begun_anew()));
            self.broken = true;
        }
    }

    fn say(&mut self, entry: &Entry, chunks: Chunks<'_>, out: &mut Vec<News>) {
        for chunk in chunks {
            self.spoken = true;
            let chunk = entry.message.slice_ref(chunk);
            if self.way.stream {
                out.push(News::Chunk(chunk));
            } else {
                self.said.push(chunk);
            }
        }
    }

    /// What stands at the end. A whole answer was stored as one chunk.
    fn complete(&mut self, ended: &Ended) -> News {
        let receipt = self.times.receipt(ended);
        let behind = ended.work.clone().map(|work| Box::new(Behind { work, receipt }));
        if self.way.stream {
            return News::Done(behind);
        }
        let whole = match std::mem::take(&mut self.said).as_slice() {
            [chunk] => completion::of_chunk(chunk),
            _ => None,
        };
        whole.map_or_else(|| News::Failed(wrong_form()), |whole| News::Body(whole.into(), behind))
    }
}

#[cfg(test)]
mod tests;
