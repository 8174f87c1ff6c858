//! Which logs have no end, and when each is asked after: a pure table.

use std::collections::HashMap;
use std::time::Duration;

use bus::Entry;
use contract::log::{self, LogId, Record};
use contract::{Lane, ModelName};
use tokio::time::Instant;

/// Most logs that are remembered. As many jobs as one lane holds: behind that the walk waits, and
/// nothing is forgotten.
const MOST: usize = 100_000;
/// Longest time between two looks at one log.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);

/// The open logs, as far as the stream was read.
#[derive(Debug)]
pub(super) struct OpenLogs {
    logs: HashMap<LogId, Open>,
    most: usize,
    /// How long nothing may happen to a log before it is asked after.
    quiet: Duration,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Open {
    pub(super) lane: Lane,
    pub(super) model: ModelName,
    /// Its last record.
    pub(super) last: u64,
    due: Instant,
    wait: Duration,
    /// How often this gateway has put its job back.
    pub(super) put_back: u32,
}

/// What a look at a log has found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Finding {
    /// It needs no more looks: it has ended, or was erased, or cannot be read.
    Over,
    /// It was written, up to this record.
    Written(u64),
    /// Its job is in the queue; or it cannot be put there now.
    Waits,
    /// Its job is in the queue again.
    PutBack,
}

impl OpenLogs {
    pub(super) fn new(quiet: Duration) -> Self {
        Self { logs: HashMap::new(), most: MOST, quiet }
    }

    /// Whether no more can be remembered.
    pub(super) fn is_full(&self) -> bool {
        self.logs.len() >= self.most
    }

    /// Reads the next record of the stream. The clock of whoever wrote it is not trusted: a log is
    /// as old as it has been known here.
    pub(super) fn read(&mut self, id: LogId, entry: &Entry, now: Instant) {
        let due = now + self.quiet;
        match log::read(&entry.message) {
            Ok((Record::Accepted(accepted), _)) if accepted.job == id.job => {
                let (lane, model) = (accepted.lane, accepted.model);
                let last = entry.sequence;
                let open = Open { lane, model, last, due, wait: self.quiet, put_back: 0 };
                self.logs.entry(id).or_insert(open);
            }
            Ok((Record::Started(_) | Record::Said(_) | Record::HandedBack(_), _)) => {
                if let Some(open) = self.logs.get_mut(&id) {
                    (open.last, open.due, open.wait) = (entry.sequence, due, self.quiet);
                }
            }
            Ok((Record::Accepted(_) | Record::Ended(_), _)) | Err(_) => {
                self.logs.remove(&id);
            }
        }
    }

    /// At most `most` logs to which nothing has happened for too long.
    pub(super) fn due(&self, now: Instant, most: usize) -> Vec<(LogId, Open)> {
        let due = self.logs.iter().filter(|(_id, open)| open.due <= now);
        due.take(most).map(|(id, open)| (id.clone(), open.clone())).collect()
    }

    /// Notes what a look has found. Looks at a log that only waits become rarer.
    pub(super) fn looked(&mut self, id: &LogId, finding: Finding, now: Instant) {
        let Some(open) = self.logs.get_mut(id) else { return };
        match finding {
            Finding::Over => {
                self.logs.remove(id);
                return;
            }
            Finding::Written(last) => (open.last, open.wait) = (last, self.quiet),
            Finding::Waits | Finding::PutBack => {
                open.wait = (open.wait * 2).min(LONGEST_WAIT.max(self.quiet));
                open.put_back += u32::from(finding == Finding::PutBack);
            }
        }
        open.due = now + open.wait;
    }
}

#[cfg(test)]
mod tests {
    use contract::log::{Accepted, Api, Ended, Outcome, Said, Started};
    use contract::{JobId, Owner, WorkerId};
    use serde_json::value::RawValue;

    use super::*;

    const QUIET: Duration = Duration::from_secs(30);

    fn fresh() -> LogId {
        LogId { owner: Owner::local(), job: JobId::fresh() }
    }

    fn entry(sequence: u64, record: &Record<'_>) -> Entry {
        Entry { sequence, message: log::write::<&[u8]>(record, &[]).into() }
    }

    fn accepted(sequence: u64, job: JobId) -> Entry {
        let nothing = RawValue::from_string("[]".to_owned()).unwrap();
        let accepted = Accepted {
            job,
            owner: Owner::local(),
            api: Api::Responses,
            lane: Lane::Background,
            model: "m".parse().unwrap(),
            accepted_at_ms: 0,
            key: None,
            trace_id: None,
            context: &nothing,
            request: &nothing,
        };
        entry(sequence, &Record::Accepted(accepted))
    }

    fn started(sequence: u64) -> Entry {
        let writer = WorkerId::fresh();
        let started = Started { attempt: 1, writer, continues_at: None, at_ms: 0 };
        entry(sequence, &Record::Started(started))
    }

    fn said(sequence: u64) -> Entry {
        entry(sequence, &Record::Said(Said { attempt: 1, number: 0 }))
    }

    fn ended(sequence: u64) -> Entry {
        let outcome = Outcome::Completed;
        let ended = Ended { attempt: 1, number: 1, outcome, at_ms: 0, work: None };
        entry(sequence, &Record::Ended(ended))
    }

    #[test]
    fn a_log_is_asked_after_when_nothing_has_happened_to_it_for_too_long() {
        let (id, start) = (fresh(), Instant::now());
        let mut open = OpenLogs::new(QUIET);
        let due_after = |open: &OpenLogs, seconds| {
            let at = start + Duration::from_secs(seconds);
            open.due(at, 9).into_iter().map(|(_id, open)| open.last).collect::<Vec<_>>()
        };

        open.read(id.clone(), &accepted(1, id.job), start);
        assert_eq!((due_after(&open, 29), due_after(&open, 30)), (vec![], vec![1]));

        open.read(id.clone(), &started(2), start + Duration::from_secs(20));
        open.read(id.clone(), &said(3), start + Duration::from_secs(21));
        assert_eq!((due_after(&open, 50), due_after(&open, 51)), (vec![], vec![3]));

        open.read(id.clone(), &ended(4), start + Duration::from_secs(22));
        assert!(due_after(&open, 1_000).is_empty());
    }

    #[test]
    fn what_only_waits_is_asked_after_ever_more_rarely() {
        let (id, mut now) = (fresh(), Instant::now());
        let mut open = OpenLogs::new(QUIET);
        open.read(id.clone(), &accepted(1, id.job), now);

        for (finding, seconds) in [
            (Finding::Waits, 60),
            (Finding::Waits, 120),
            (Finding::Written(7), 30),
            (Finding::Waits, 60),
            (Finding::Waits, 120),
            (Finding::Waits, 240),
            (Finding::Waits, 480),
            (Finding::Waits, 600),
            (Finding::Waits, 600),
        ] {
            open.looked(&id, finding, now);
            let wait = Duration::from_secs(seconds);
            assert!(open.due(now + wait - Duration::from_millis(1), 9).is_empty(), "{finding:?}");
            assert_eq!(open.due(now + wait, 9).len(), 1, "{finding:?}");
            now += wait;
        }
        open.looked(&id, Finding::Over, now);
        assert!(open.due(now + LONGEST_WAIT, 9).is_empty());
    }

    #[test]
    fn what_is_remembered_and_what_is_looked_at_at_once_is_bounded() {
        let now = Instant::now();
        let mut open = OpenLogs { most: 3, ..OpenLogs::new(QUIET) };
        for sequence in 1..=3 {
            assert!(!open.is_full());
            let id = fresh();
            let job = id.job;
            open.read(id, &accepted(sequence, job), now);
        }
        assert!(open.is_full());
        assert_eq!(open.due(now + QUIET, 2).len(), 2);
    }

    #[test]
    fn what_does_not_begin_or_go_on_as_a_log_is_left_alone() {
        let (id, now) = (fresh(), Instant::now());
        let mut open = OpenLogs::new(QUIET);

        open.read(id.clone(), &said(1), now);
        open.read(id.clone(), &accepted(2, JobId::fresh()), now);
        assert!(open.due(now + QUIET, 9).is_empty(), "it does not begin with what was accepted");

        open.read(id.clone(), &accepted(3, id.job), now);
        open.read(id, &Entry { sequence: 4, message: "no record".into() }, now);
        assert!(open.due(now + QUIET, 9).is_empty(), "no worker goes on with it either");
    }
}
