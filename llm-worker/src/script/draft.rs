//! What waits to be appended to one log: pure arithmetic of what goes, and when.

use std::time::Duration;

use bytes::Bytes;
use contract::WorkFigures;
use contract::log::{self, Ended, Outcome, Record, Said};
use tokio::time::Instant;

use crate::voice;

/// A draft of this size goes at once, and nothing is added to it before.
const FULL_BYTES: usize = 256 * 1024;
/// The longest first line of a [`Said`], with the break behind it.
const SAID_HEAD: usize = 80;

/// Least time from one append to the next while few logs are written.
const SHORTEST_FLOOR: Duration = Duration::from_millis(50);
/// The same when many are: fewer and larger records cost everybody less.
const LONGEST_FLOOR: Duration = Duration::from_millis(100);
/// Up to so many logs are few.
const FEW: u32 = 16;
/// So many and more are many.
const MANY: u32 = 256;

/// Least time from one append to the next while so many logs are written by this process.
pub(super) fn floor(logs: usize) -> Duration {
    let logs = u32::try_from(logs).unwrap_or(u32::MAX).clamp(FEW, MANY);
    SHORTEST_FLOOR + (LONGEST_FLOOR - SHORTEST_FLOOR) * (logs - FEW) / (MANY - FEW)
}

/// The chunks that share the next record, and the end behind them.
#[derive(Debug)]
pub(super) struct Draft {
    attempt: u32,
    next_number: u32,
    max_payload: usize,
    chunks: Vec<Bytes>,
    /// Of the chunks, with the breaks between them.
    bytes: usize,
    /// What it comes to.
    end: Option<End>,
    /// Whether nothing comes behind the chunks, not even an end.
    left: bool,
    /// When the last record was taken.
    taken_at: Option<Instant>,
}

/// What it comes to, what was measured of it, and when that was known.
#[derive(Debug, Clone)]
struct End {
    outcome: Outcome,
    work: Option<Box<WorkFigures>>,
    at_ms: u64,
}

/// A chunk that no record holds.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// The next record of a log.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) message: Vec<u8>,
    /// Whether nothing comes behind it.
    pub(super) is_last: bool,
}

impl Draft {
    /// Of an attempt that has said nothing yet.
    pub(super) fn new(attempt: u32, max_payload: usize) -> Self {
        Self {
            attempt,
            next_number: 0,
            max_payload,
            chunks: Vec::new(),
            bytes: 0,
            end: None,
            left: false,
            taken_at: None,
        }
    }

    /// Whether a chunk may be added now.
    pub(super) fn has_room(&self) -> bool {
        self.bytes < FULL_BYTES
    }

    /// Adds a chunk. Says whether whoever appends should look at it: it may have nothing to wait
    /// for, or not know that there is anything.
    pub(super) fn add(&mut self, chunk: Bytes) -> Result<bool, TooLarge> {
        let more = chunk.len() + 1;
        if SAID_HEAD + more > self.max_payload {
            return Err(TooLarge);
        }
        let was_full = self.is_full();
        self.chunks.push(chunk);
        self.bytes += more;
        Ok(self.chunks.len() == 1 || (self.is_full() && !was_full))
    }

    /// Nothing is said behind this. The first end stays.
    pub(super) fn end(&mut self, outcome: Outcome, work: Option<Box<WorkFigures>>, at_ms: u64) {
        if self.end.is_some() {
            return;
        }
        let mut end = End { outcome, work, at_ms };
        if let Outcome::Failed(failure) = &end.outcome
            && log::write::<&[u8]>(&self.ended(&end), &[]).len() > self.max_payload
        {
            end.outcome = Outcome::Failed(voice::at_length(failure));
        }
        self.end = Some(end);
    }

    /// Nothing is said behind this, and it is no end: the job is handed back.
    pub(super) fn leave(&mut self) {
        self.left = true;
    }

    /// When the next record goes; none while there is nothing to say.
    ///
    /// The first words go at once, and so does the end: somebody waits for each.
    pub(super) fn due(&self, now: Instant, floor: Duration) -> Option<Instant> {
        if self.end.is_some() || self.left || self.is_full() {
            return Some(now);
        }
        if self.chunks.is_empty() {
            return None;
        }
        Some(self.taken_at.map_or(now, |at| at + floor))
    }

    /// When something was last taken.
    pub(super) fn taken_at(&self) -> Option<Instant> {
        self.taken_at
    }

    /// The next record; none when there is nothing to say. What does not fit stays for the one
    /// behind it.
    pub(super) fn take(&mut self, now: Instant) -> Option<Taken> {
        self.taken_at = Some(now);
        if let Some(end) = &self.end {
            let record = self.ended(end);
            let head = log::write::<&[u8]>(&record, &[]).len();
            if self.chunks.is_empty() || head + self.bytes <= self.max_payload {
                self.bytes = 0;
                let chunks = std::mem::take(&mut self.chunks);
                return Some(Taken { message: log::write(&record, &chunks), is_last: true });
            }
        }
        if self.left {
            let said = Said { attempt: self.attempt, number: self.next_number };
            if SAID_HEAD + self.bytes <= self.max_payload {
                self.bytes = 0;
                let chunks = std::mem::take(&mut self.chunks);
                let message = log::write(&Record::HandedBack(said), &chunks);
                return Some(Taken { message, is_last: true });
            }
        }
        if self.chunks.is_empty() {
            return None;
        }
        let mut left = self.max_payload.saturating_sub(SAID_HEAD);
        let fit = self.chunks.iter().take_while(|chunk| {
            let fits = left > chunk.len();
            left = left.saturating_sub(chunk.len() + 1);
            fits
        });
        let fit = fit.count();
        let chunks: Vec<Bytes> = self.chunks.drain(..fit).collect();
        self.bytes -= chunks.iter().map(|chunk| chunk.len() + 1).sum::<usize>();
        let record = Record::Said(Said { attempt: self.attempt, number: self.next_number });
        self.next_number = self.next_number.saturating_add(1);
        Some(Taken { message: log::write(&record, &chunks), is_last: false })
    }

    fn ended(&self, end: &End) -> Record<'static> {
        let (attempt, number) = (self.attempt, self.next_number);
        let End { outcome, work, at_ms } = end.clone();
        let work = work.map(|work| *work);
        Record::Ended(Ended { attempt, number, outcome, at_ms, work })
    }

    fn is_full(&self) -> bool {
        self.bytes >= FULL_BYTES.min(self.max_payload)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use contract::Failure;
    use proptest::prelude::*;

    const LARGE: usize = 1024 * 1024;

    fn chunk(bytes: usize) -> Bytes {
        Bytes::from(vec![b'x'; bytes])
    }

    fn work() -> Box<WorkFigures> {
        Box::new(WorkFigures {
            queue_wait_ms: 1.5,
            first_token_ms: Some(2.25),
            work_ms: 30.0,
            upstream: "theirs".to_owned(),
            attempt: 1,
            input_tokens: Some(3),
            output_tokens: None,
        })
    }

    /// What a record is, and how long each of its chunks.
    fn read(taken: &Taken) -> (String, Vec<usize>) {
        let (record, chunks) = log::read(&taken.message).unwrap();
        let chunks = chunks.map(<[u8]>::len).collect();
        let record = match record {
            Record::Said(said) => format!("said {}.{}", said.attempt, said.number),
            Record::HandedBack(said) => format!("handed back {}.{}", said.attempt, said.number),
            Record::Ended(ended) => format!("ended {}.{}", ended.attempt, ended.number),
            other => panic!("{other:?}"),
        };
        (record, chunks)
    }

    #[test]
    fn the_first_words_go_at_once_and_what_comes_then_waits_for_company() {
        let now = Instant::now();
        let floor = Duration::from_millis(50);
        let mut draft = Draft::new(2, LARGE);
        assert_eq!(draft.due(now, floor), None, "nothing to say");

        assert_eq!(draft.add(chunk(1)), Ok(true));
        assert_eq!(draft.due(now, floor), Some(now));
        assert_eq!(read(&draft.take(now).unwrap()), ("said 2.0".to_owned(), vec![1]));
        assert_eq!(draft.due(now, floor), None);

        let later = now + Duration::from_millis(10);
        assert_eq!(draft.add(chunk(2)), Ok(true));
        assert_eq!(draft.add(chunk(3)), Ok(false), "it goes with the one before");
        assert_eq!(draft.due(later, floor), Some(now + floor));
        assert_eq!(read(&draft.take(now + floor).unwrap()), ("said 2.1".to_owned(), vec![2, 3]));
    }

    #[test]
    fn the_end_goes_at_once_with_all_that_is_left() {
        let now = Instant::now();
        let mut draft = Draft::new(1, LARGE);
        draft.add(chunk(1)).unwrap();
        draft.take(now);
        draft.add(chunk(2)).unwrap();

        draft.end(Outcome::Completed, Some(work()), 7);
        draft.end(Outcome::Cancelled, None, 8);

        assert_eq!(draft.due(now, Duration::from_secs(1)), Some(now));
        let taken = draft.take(now).unwrap();
        assert!(taken.is_last);
        assert_eq!(read(&taken), ("ended 1.1".to_owned(), vec![2]));
        let (record, _chunks) = log::read(&taken.message).unwrap();
        let Record::Ended(ended) = record else { panic!("no end") };
        assert_eq!((ended.outcome, ended.at_ms), (Outcome::Completed, 7), "the first one");
        assert_eq!(ended.work, Some(*work()));
    }

    #[test]
    fn what_is_left_without_an_end_goes_at_once() {
        let now = Instant::now();
        let floor = Duration::from_secs(1);
        let mut draft = Draft::new(1, LARGE);
        draft.taken_at = Some(now);
        draft.add(chunk(3)).unwrap();

        draft.leave();

        assert_eq!(draft.due(now, floor), Some(now));
        let taken = draft.take(now).unwrap();
        assert!(taken.is_last);
        assert_eq!(read(&taken), ("handed back 1.0".to_owned(), vec![3]));
    }

    #[test]
    fn a_full_draft_goes_at_once_and_takes_nothing_more() {
        let now = Instant::now();
        let mut draft = Draft::new(1, LARGE);
        draft.taken_at = Some(now);
        draft.add(chunk(FULL_BYTES - 2)).unwrap();
        assert!(draft.has_room());
        assert_eq!(draft.due(now, Duration::from_secs(1)), Some(now + Duration::from_secs(1)));

        assert_eq!(draft.add(chunk(5)), Ok(true));

        assert!(!draft.has_room());
        assert_eq!(draft.due(now, Duration::from_secs(1)), Some(now));
    }

    #[test]
    fn a_chunk_that_no_record_holds_is_refused() {
        let mut draft = Draft::new(u32::MAX, 1000);
        draft.next_number = u32::MAX;
        assert_eq!(draft.add(chunk(1000 - SAID_HEAD)), Err(TooLarge));
        assert_eq!(draft.add(chunk(1000 - SAID_HEAD - 1)), Ok(true));
        assert!(draft.take(Instant::now()).unwrap().message.len() <= 1000, "whatever the numbers");
    }

    #[test]
    fn a_failure_told_at_length_is_told_shortly() {
        let failure = Failure {
            status: 500,
            body: "\"".repeat(600),
            retry_after_ms: None,
            should_retry: true,
        };
        let mut draft = Draft::new(1, 1000);

        draft.end(Outcome::Failed(failure), Some(work()), 0);

        let taken = draft.take(Instant::now()).unwrap();
        assert!(taken.is_last && taken.message.len() <= 1000);
    }

    #[test]
    fn the_floor_rises_with_the_number_of_logs() {
        let floors = [0, 1, 16, 136, 256, 100_000].map(|logs| floor(logs).as_millis());
        assert_eq!(floors, [50, 50, 50, 75, 100, 100]);
    }

    proptest! {
        #[test]
        fn every_chunk_is_taken_once_in_order_and_no_record_is_too_large(
            sizes in proptest::collection::vec(0_usize..900, 0..40),
        ) {
            const MAX: usize = 1000;
            let mut draft = Draft::new(1, MAX);
            for size in &sizes {
                draft.add(chunk(*size)).unwrap();
            }
            draft.end(Outcome::Completed, Some(work()), u64::MAX);
            let mut taken = Vec::new();
            let mut heads = Vec::new();
            loop {
                let next = draft.take(Instant::now()).unwrap();
                prop_assert!(next.message.len() <= MAX);
                let (head, chunks) = read(&next);
                heads.push(head);
                taken.extend(chunks);
                if next.is_last {
                    break;
                }
            }
            prop_assert_eq!(taken, sizes);
            let last = heads.len() - 1;
            for (number, head) in heads.iter().enumerate() {
                let kind = if number == last { "ended" } else { "said" };
                prop_assert_eq!(head, &format!("{kind} 1.{number}"));
            }
        }
    }
}
