//! One reader of a log: its past, then live, to its end.

use std::fmt;
use std::time::Duration;

use bus::{Entry, LogReader};
use contract::log::LogId;
use contract::{Failure, JobId, Lane};
use futures::FutureExt as _;
use openai_api::responses::ResponseEvent;

use super::failures;
use super::fold::Fold;
use super::hold::Hold;
use super::readers::{Reader, Readers};
use crate::silence::Silence;

/// Longest wait for the first record, which was stored before anybody reads: it can only have been
/// erased meanwhile.
const FIRST_WITHIN: Duration = Duration::from_secs(30);

/// A reader. Dropping it leaves.
pub(crate) struct Following {
    log: LogId,
    records: Records,
    fold: Option<Fold>,
    /// Events up to this one were read before.
    after: Option<u64>,
    /// Longest silence of an answer that somebody waits for.
    answer_timeout: Option<Duration>,
    /// None: it may last.
    silence: Option<Silence>,
    reader: Reader,
    hold: Option<Hold>,
    over: bool,
}

/// Where records come from.
enum Records {
    /// All of them were read.
    Past(std::vec::IntoIter<Entry>),
    Live(Box<LogReader>),
}

/// What came of a record.
pub(crate) enum Step {
    /// These events, or none.
    Events(Vec<ResponseEvent>),
    /// Nothing more, for a reason that is not in the log.
    BrokenOff(Failure),
}

impl Following {
    /// Reads what was read of a log that has ended.
    pub(super) fn of_the_past(
        log: LogId,
        entries: Vec<Entry>,
        readers: &Readers,
        after: Option<u64>,
    ) -> Self {
        Self::new(log, Records::Past(entries.into_iter()), readers, after, None)
    }

    /// Reads on live.
    pub(super) fn live(
        log: LogId,
        log_reader: LogReader,
        readers: &Readers,
        after: Option<u64>,
        answer_timeout: Duration,
    ) -> Self {
        let records = Records::Live(Box::new(log_reader));
        Self::new(log, records, readers, after, Some(answer_timeout))
    }

    fn new(
        log: LogId,
        records: Records,
        readers: &Readers,
        after: Option<u64>,
        answer_timeout: Option<Duration>,
    ) -> Self {
        Self {
            log,
            records,
            fold: None,
            after,
            answer_timeout,
            silence: Some(Silence::of(FIRST_WITHIN)),
            reader: readers.enter(),
            hold: None,
            over: false,
        }
    }

    /// Whoever asked reads it: what is held of the response ends with this reader.
    pub(super) fn held(mut self, hold: Hold) -> Self {
        self.hold = Some(hold);
        self
    }

    /// The job.
    pub(crate) fn job(&self) -> JobId {
        self.log.job
    }

    /// What was read so far.
    pub(crate) fn fold(&self) -> Option<&Fold> {
        self.fold.as_ref()
    }

    /// Whether there is no further step.
    pub(crate) fn is_over(&self) -> bool {
        self.over
    }

    /// The next step; `None` behind the end.
    ///
    /// # Cancellation
    ///
    /// Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Option<Step> {
        if self.over {
            return None;
        }
        let entry = tokio::select! {
            biased;
            entry = self.records.next() => entry.ok_or_else(failures::log_lost),
            () = self.reader.broken_off() => Err(stopped(self.log.job, self.fold.as_ref())),
            () = too_long(&mut self.silence) => Err(failures::no_answer()),
        };
        Some(match entry.and_then(|entry| self.read(&entry)) {
            Ok(events) => Step::Events(events),
            Err(failure) => {
                self.over = true;
                self.hold.iter_mut().for_each(Hold::is_broken_off);
                Step::BrokenOff(failure)
            }
        })
    }

    /// The next step, if it can be made at once.
    pub(crate) fn next_now(&mut self) -> Option<Step> {
        self.next().now_or_never().flatten()
    }

    fn read(&mut self, entry: &Entry) -> Result<Vec<ResponseEvent>, Failure> {
        let mut events = Vec::new();
        let fold = match &mut self.fold {
            Some(fold) => {
                fold.read(entry, &mut events);
                fold
            }
            None => {
                let begun = Fold::begin(&self.log, entry, &mut events);
                let begun = begun.map_err(|_no_response| failures::unreadable())?;
                self.silence = match begun.lane() {
                    Lane::Background => None,
                    Lane::Live | Lane::Chat => self.answer_timeout.map(Silence::of),
                };
                self.fold.insert(begun)
            }
        };
        if let Some(silence) = &mut self.silence {
            silence.is_broken();
        }
        if let Some(outcome) = fold.end() {
            self.over = true;
            self.hold.iter_mut().for_each(|hold| hold.has_ended(outcome));
        }
        if let (true, Some(after), Some(last)) = (self.over, self.after, fold.newest_event())
            && after > last
        {
            return Err(failures::beyond_the_end(after, last));
        }
        if let Some(after) = self.after {
            events.retain(|event| event.sequence_number > after);
        }
        Ok(events)
    }
}

impl Records {
    async fn next(&mut self) -> Option<Entry> {
        match self {
            Self::Past(entries) => entries.next(),
            Self::Live(reader) => reader.next().await,
        }
    }
}

fn stopped(job: JobId, fold: Option<&Fold>) -> Failure {
    match fold {
        Some(fold) if !fold.is_kept() => failures::gateway_stopped_for_good(),
        Some(_) | None => failures::gateway_stopped(job),
    }
}

async fn too_long(silence: &mut Option<Silence>) {
    match silence {
        Some(silence) => silence.grows_long().await,
        None => std::future::pending().await,
    }
}

impl fmt::Debug for Following {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Following").field("log", &self.log).finish_non_exhaustive()
    }
}
