//! One reader of a log: its past, then live, to its end.

use std::fmt;
use std::time::Duration;

use bus::{Entry, LogReader};
use contract::log::{LogId, Outcome};
use contract::{Failure, JobId};
use futures::FutureExt as _;
use openai_api::responses::ResponseEvent;

use super::failures;
use super::fold::{Fold, NotAResponse};
use super::hold::Hold;
use super::readers::{Reader, Readers};
use crate::silence::Silence;

/// Longest wait for the first record, which was stored before anybody reads: it can only have been
/// erased meanwhile.
const FIRST_WITHIN: Duration = Duration::from_secs(30);

/// What a reader makes of the records of a log.
pub(crate) trait Projected: Sized {
    /// What it hands on.
    type News;
    /// How it is read.
    type Way: Copy;

    /// Begins with the first record.
    fn begin(
        log: &LogId,
        first: &Entry,
        way: Self::Way,
        out: &mut Vec<Self::News>,
    ) -> Result<Self, NotAResponse>;

    /// Reads the next one.
    fn read(&mut self, entry: &Entry, out: &mut Vec<Self::News>);

    /// Where it was queued.
    fn background(&self) -> bool;

    /// How it ended.
    fn end(&self) -> Option<&Outcome>;

    /// Whether nothing more is handed on.
    fn is_over(&self) -> bool;

    /// What a reader is told whom this process breaks off, after so much of it.
    fn broken_off(read: Option<&Self>, job: JobId) -> Failure;

    /// What of these news is new to a reader who reads it this way.
    fn new_to(&self, _way: Self::Way, news: Vec<Self::News>) -> Result<Vec<Self::News>, Failure> {
        Ok(news)
    }
}

/// A reader. Dropping it leaves.
pub(crate) struct Following<F: Projected = Fold> {
    log: LogId,
    records: Records,
    way: F::Way,
    fold: Option<F>,
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
pub(crate) enum Step<N = ResponseEvent> {
    /// These events, or none.
    News(Vec<N>),
    /// Nothing more, for a reason that is not in the log.
    BrokenOff(Failure),
}

impl<F: Projected> Following<F> {
    /// Reads what was read of a log that has ended.
    pub(super) fn of_the_past(
        log: LogId,
        entries: Vec<Entry>,
        readers: &Readers,
        way: F::Way,
    ) -> Self {
        Self::new(log, Records::Past(entries.into_iter()), readers, way, None)
    }

    /// Reads on live.
    pub(super) fn live(
        log: LogId,
        log_reader: LogReader,
        readers: &Readers,
        way: F::Way,
        answer_timeout: Duration,
    ) -> Self {
        let records = Records::Live(Box::new(log_reader));
        Self::new(log, records, readers, way, Some(answer_timeout))
    }

    fn new(
        log: LogId,
        records: Records,
        readers: &Readers,
        way: F::Way,
        answer_timeout: Option<Duration>,
    ) -> Self {
        Self {
            log,
            records,
            way,
            fold: None,
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
    pub(crate) fn fold(&self) -> Option<&F> {
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
    pub(crate) async fn next(&mut self) -> Option<Step<F::News>> {
        if self.over {
            return None;
        }
        let entry = tokio::select! {
            biased;
            entry = self.records.next() => entry.ok_or_else(failures::log_lost),
            () = self.reader.broken_off() => Err(F::broken_off(self.fold.as_ref(), self.log.job)),
            () = too_long(&mut self.silence) => Err(failures::no_answer()),
        };
        Some(match entry.and_then(|entry| self.read(&entry)) {
            Ok(news) => Step::News(news),
            Err(failure) => {
                self.over = true;
                self.hold.iter_mut().for_each(Hold::is_broken_off);
                Step::BrokenOff(failure)
            }
        })
    }

    /// The next step, if it can be made at once.
    pub(crate) fn next_now(&mut self) -> Option<Step<F::News>> {
        self.next().now_or_never().flatten()
    }

    fn read(&mut self, entry: &Entry) -> Result<Vec<F::News>, Failure> {
        let mut news = Vec::new();
        let fold = match &mut self.fold {
            Some(fold) => {
                fold.read(entry, &mut news);
                fold
            }
            None => {
                let begun = F::begin(&self.log, entry, self.way, &mut news);
                let begun = begun.map_err(|_no_response| failures::unreadable())?;
                self.silence =
                    if begun.background() { None } else { self.answer_timeout.map(Silence::of) };
                self.fold.insert(begun)
            }
        };
        if let Some(silence) = &mut self.silence {
            silence.is_broken();
        }
        self.over = fold.is_over();
        match fold.end() {
            Some(outcome) => self.hold.iter_mut().for_each(|hold| hold.has_ended(outcome)),
            None if self.over => self.hold.iter_mut().for_each(Hold::is_broken_off),
            None => {}
        }
        fold.new_to(self.way, news)
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

async fn too_long(silence: &mut Option<Silence>) {
    match silence {
        Some(silence) => silence.grows_long().await,
        None => std::future::pending().await,
    }
}

impl<F: Projected> fmt::Debug for Following<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Following").field("log", &self.log).finish_non_exhaustive()
    }
}
