//! What the last record of a log says to whoever takes its job: a pure rule, with its table.

use bus::Entry;
use contract::log::{self, Ended, Outcome, Record};

/// Where a log stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Page {
    /// There is none: the job was forgotten.
    Missing,
    /// It has ended.
    Full,
    /// It goes on from here.
    Open(Open),
    /// What stands there is no record.
    Unreadable,
}

/// A log that has no end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Open {
    /// The sequence of its last record.
    pub(super) last: u64,
    /// The last attempt; 0 when there was none.
    pub(super) attempt: u32,
    /// How often that one has appended.
    appends: u32,
}

impl Page {
    /// Reads the last record of a log.
    pub(super) fn of(last: Option<&Entry>) -> Self {
        let Some(entry) = last else { return Self::Missing };
        let Ok((record, _chunks)) = log::read(&entry.message) else { return Self::Unreadable };
        let appends = match &record {
            Record::Ended(_) => return Self::Full,
            Record::Accepted(_) | Record::Started(_) => 0,
            Record::Said(said) | Record::HandedBack(said) => said.number.saturating_add(1),
        };
        Self::Open(Open { last: entry.sequence, attempt: record.attempt(), appends })
    }

    /// Whether `attempt` may not write the log any more.
    pub(super) fn rules_out(&self, attempt: u32) -> bool {
        match self {
            Self::Missing | Self::Full | Self::Unreadable => true,
            Self::Open(open) => open.attempt > attempt,
        }
    }
}

impl Open {
    /// How many attempts there were that nobody handed back in order. `entries` are the records.
    pub(super) fn spent(&self, entries: &[Entry]) -> u32 {
        let handed_back = entries
            .iter()
            .filter(|entry| matches!(log::read(&entry.message), Ok((Record::HandedBack(_), _))));
        self.attempt.saturating_sub(u32::try_from(handed_back.count()).unwrap_or(u32::MAX))
    }

    /// The record that ends the log here, without another attempt.
    pub(super) fn ended(&self, outcome: Outcome, at_ms: u64) -> Record<'static> {
        let (attempt, number) = (self.attempt, self.appends);
        Record::Ended(Ended { attempt, number, outcome, at_ms, work: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use contract::WorkerId;
    use contract::log::{Said, Started};

    fn page(record: &Record<'_>) -> Page {
        let message = log::write(record, &["{}"]).into();
        Page::of(Some(&Entry { sequence: 7, message }))
    }

    #[test]
    fn the_last_record_says_what_is_to_be_done() {
        let writer = WorkerId::fresh();
        let started =
            |attempt| Record::Started(Started { attempt, writer, continues_at: None, at_ms: 0 });
        let said = |attempt, number| Record::Said(Said { attempt, number });
        let outcome = Outcome::Cancelled;
        let ended = Ended { attempt: 1, number: 1, outcome, at_ms: 0, work: None };
        let open = |attempt, appends| Page::Open(Open { last: 7, attempt, appends });
        for (record, expected) in [
            (started(1), open(1, 0)),
            (started(3), open(3, 0)),
            (said(2, 0), open(2, 1)),
            (said(2, 9), open(2, 10)),
            (Record::Ended(ended), Page::Full),
        ] {
            assert_eq!(page(&record), expected, "{record:?}");
        }
        assert_eq!(Page::of(None), Page::Missing);
        let garbage = Entry { sequence: 7, message: "{}".into() };
        assert_eq!(Page::of(Some(&garbage)), Page::Unreadable);
    }

    #[test]
    fn an_attempt_is_out_when_the_log_is_anothers_or_no_longer_is() {
        let said = |attempt| page(&Record::Said(Said { attempt, number: 0 }));
        assert!(!said(2).rules_out(2));
        assert!(!said(1).rules_out(2), "its own start may be on its way");
        assert!(said(3).rules_out(2));
        assert!(Page::Missing.rules_out(2) && Page::Full.rules_out(2));
    }

    #[test]
    fn an_end_is_like_no_record_before_it() {
        let Page::Open(open) = page(&Record::Said(Said { attempt: 2, number: 4 })) else {
            panic!("not open")
        };

        let Record::Ended(ended) = open.ended(Outcome::Cancelled, 9) else { panic!("no end") };

        assert_eq!((ended.attempt, ended.number, ended.at_ms), (2, 5, 9));
    }
}
