//! A log as a whole, and its end.

use std::time::Duration;

use bus::{AppendError, Bus, BusError, Entry};
use contract::log::{self, Ended, LogId, Outcome, Record, Started};
use contract::{streams, subjects};

use super::sealed;

use super::fold::Fold;
use crate::clock::now_ms;

/// Replicas lag behind their leader by milliseconds.
const LAG: Duration = Duration::from_millis(20);
/// How often one that lags behind is asked again.
const LOOKS: u32 = 50;

/// What becomes of a doubt: whether the records that a replica has are all there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// It is an error.
    Refused,
    /// While the leader cannot be asked, what the replica has is good enough.
    Allowed,
}

/// Every record of a log, or of what was sealed of it once the stream has forgotten it, from the
/// first record on; none when there is no log.
///
/// `at_least` is a sequence that is known to be stored.
pub(super) async fn read(
    bus: &Bus,
    log: &LogId,
    at_least: u64,
    doubt: Doubt,
) -> Result<Vec<Entry>, BusError> {
    let entries = read_unsealed(bus, log, at_least, doubt).await?;
    // Each record has its own age: the first one is forgotten first.
    if entries.first().is_some_and(is_beginning) {
        return Ok(entries);
    }
    let records = bus.records(streams::RESPONSES).await?;
    match records.get(&subjects::response_key(log)).await? {
        None => Ok(entries),
        Some(record) => sealed::read(record.value)
            .map_err(|_not_sealed| BusError::NotReady("a sealed log cannot be read".to_owned())),
    }
}

/// Every record of a log that the stream has.
///
/// Any replica may answer, and one may lag behind. What ends with an end is whole; for everything
/// else the leader is asked. `at_least` is a sequence that is known to be stored.
pub(super) async fn read_unsealed(
    bus: &Bus,
    log: &LogId,
    at_least: u64,
    doubt: Doubt,
) -> Result<Vec<Entry>, BusError> {
    let mut at_least = at_least;
    let mut asked = false;
    for _look in 0..LOOKS {
        let entries = bus.fetch_log(log, 0).await?;
        let last = entries.last();
        let sequence = last.map_or(0, |entry| entry.sequence);
        if sequence >= at_least && last.is_some_and(is_end) {
            return Ok(entries);
        }
        if !asked {
            match bus.last_entry(log).await {
                Ok(Some(newest)) => at_least = at_least.max(newest.sequence),
                Ok(None) => return Ok(Vec::new()),
                Err(_away) if doubt == Doubt::Allowed && last.is_some() => return Ok(entries),
                Err(error) => return Err(error),
            }
            asked = true;
        }
        if sequence >= at_least {
            return Ok(entries);
        }
        tokio::time::sleep(LAG).await;
    }
    Err(BusError::Unavailable("a replica of the logs lags behind its leader".to_owned()))
}

/// A response as it stands; `None` when there is no log of it, or none that is a response.
pub(crate) async fn stored(bus: &Bus, log: &LogId, doubt: Doubt) -> Result<Option<Fold>, BusError> {
    let entries = read(bus, log, 0, doubt).await?;
    Ok(Fold::of(log, &entries).ok())
}

/// How a log came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    /// By this.
    Now(u64),
    /// It had one.
    Before(u64),
    /// There is no log.
    NoLog,
}

/// Ends a log that has no end yet. Whoever writes it is out from then on: its next append is
/// refused.
///
/// As long as somebody writes, this is a race that is run again until it is won: the caller
/// limits the time.
pub(super) async fn end(bus: &Bus, log: &LogId, outcome: &Outcome) -> Result<Ending, BusError> {
    loop {
        let Some(last) = bus.last_entry(log).await? else { return Ok(Ending::NoLog) };
        let Some((attempt, number)) = place_behind(&last) else {
            return Ok(Ending::Before(last.sequence));
        };
        let (outcome, at_ms) = (outcome.clone(), now_ms());
        let ended = Ended { attempt, number, outcome, at_ms, work: None };
        let message = log::write::<&[u8]>(&Record::Ended(ended), &[]);
        match bus.append(log, last.sequence, message.into()).await {
            Ok(sequence) => return Ok(Ending::Now(sequence)),
            Err(AppendError::Conflict) => {}
            // Whether it was stored the log itself says.
            Err(AppendError::Unknown(_)) => tokio::time::sleep(LAG).await,
            Err(AppendError::Refused(error)) => return Err(error),
        }
    }
}

pub(super) fn is_beginning(entry: &Entry) -> bool {
    matches!(log::read(&entry.message), Ok((Record::Accepted(_), _)))
}

pub(super) fn is_end(entry: &Entry) -> bool {
    matches!(log::read(&entry.message), Ok((Record::Ended(_), _)))
}

/// Attempt and number of a record behind `last`; none behind the end.
fn place_behind(last: &Entry) -> Option<(u32, u32)> {
    match log::read(&last.message) {
        Ok((Record::Ended(_), _)) => None,
        Ok((Record::Said(said) | Record::HandedBack(said), _)) => {
            Some((said.attempt, said.number.saturating_add(1)))
        }
        Ok((Record::Started(Started { attempt, .. }), _)) => Some((attempt, 0)),
        Ok((Record::Accepted(_), _)) | Err(_) => Some((0, 0)),
    }
}

#[cfg(test)]
mod tests {
    use contract::WorkerId;
    use contract::log::Said;

    use super::*;

    #[test]
    fn an_end_stands_behind_everything_but_an_end() {
        let started =
            Started { attempt: 2, writer: WorkerId::fresh(), continues_at: None, at_ms: 1 };
        let outcome = Outcome::Completed;
        let ended = Ended { attempt: 2, number: 4, outcome, at_ms: 1, work: None };
        for (record, place) in [
            (Record::Started(started), Some((2, 0))),
            (Record::Said(Said { attempt: 2, number: 3 }), Some((2, 4))),
            (Record::Ended(ended), None),
        ] {
            let message = log::write::<&[u8]>(&record, &[]).into();
            let entry = Entry { sequence: 7, message };
            assert_eq!(place_behind(&entry), place, "{record:?}");
            assert_eq!(is_end(&entry), place.is_none());
        }
    }
}
