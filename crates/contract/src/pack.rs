//! Packing: events of many jobs in one message.
//!
//! Waking a reader costs more than the bytes do, so a worker joins what it has to say to one
//! gateway. The form is binary because it is on the path of every token:
//!
//! ```text
//! message = version (1 byte, 1), record*
//! record  = kind (1), job (16), claim (4), seq (4), length of payload (4), payload
//! ```
//!
//! The kind of an event with the figures of its work has its highest bit set, and its payload
//! begins with their length (4) and them: only for a gateway that reads them
//! ([`crate::Job::reads_work`]).
//!
//! Numbers are little-endian. A reader refuses a version or a kind that it does not know: nothing
//! is skipped silently.

use crate::event::{Event, EventKind};
use crate::ids::JobId;

/// The first byte of every packed message.
pub const VERSION: u8 = 1;
/// Bytes of a record without its payload.
pub const RECORD_OVERHEAD: usize = 29;
/// The bit of a kind that says that the payload begins with figures.
const WITH_WORK: u8 = 0x80;
/// Bytes that figures take beside their own.
pub const WORK_OVERHEAD: usize = 4;

/// A packed message that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// Written by a newer worker.
    #[error("packed events have version {0}, and this program reads version {VERSION}")]
    Version(u8),
    /// A kind of event that this version does not have.
    #[error("packed event of unknown kind {0}")]
    Kind(u8),
    /// The message ends inside a record.
    #[error("packed events are cut short")]
    CutShort,
}

/// Begins a packed message.
pub fn begin(out: &mut Vec<u8>) {
    out.push(VERSION);
}

/// Appends one event. Payloads over 4 GiB cannot occur: messages are far smaller.
pub fn append(out: &mut Vec<u8>, event: &Event<'_>) {
    let with_work = if event.work.is_empty() { 0 } else { WITH_WORK };
    out.push(code(event.kind) | with_work);
    out.extend_from_slice(&event.job.to_bytes());
    out.extend_from_slice(&event.claim.to_le_bytes());
    out.extend_from_slice(&event.seq.to_le_bytes());
    out.extend_from_slice(&length(size(event) - RECORD_OVERHEAD));
    if !event.work.is_empty() {
        out.extend_from_slice(&length(event.work.len()));
        out.extend_from_slice(event.work);
    }
    out.extend_from_slice(event.payload);
}

/// How many bytes an event takes of a message.
pub fn size(event: &Event<'_>) -> usize {
    let work = if event.work.is_empty() { 0 } else { WORK_OVERHEAD + event.work.len() };
    RECORD_OVERHEAD + work + event.payload.len()
}

fn length(bytes: usize) -> [u8; 4] {
    u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes()
}

/// Reads the events of a packed message, in order. Ends after the first error.
pub fn read(message: &[u8]) -> impl Iterator<Item = Result<Event<'_>, Unreadable>> {
    let mut rest = match message.split_first() {
        Some((&VERSION, records)) => Ok(records),
        Some((&version, _)) => Err(Unreadable::Version(version)),
        None => Err(Unreadable::CutShort),
    };
    std::iter::from_fn(move || match rest.clone() {
        Ok([]) => None,
        Ok(records) => match record(records) {
            Ok((event, behind)) => {
                rest = Ok(behind);
                Some(Ok(event))
            }
            Err(error) => {
                rest = Ok(&[]);
                Some(Err(error))
            }
        },
        Err(error) => {
            rest = Ok(&[]);
            Some(Err(error))
        }
    })
}

fn record(bytes: &[u8]) -> Result<(Event<'_>, &[u8]), Unreadable> {
    let (kind, bytes) = take::<1>(bytes)?;
    let (job, bytes) = take::<16>(bytes)?;
    let (claim, bytes) = take::<4>(bytes)?;
    let (seq, bytes) = take::<4>(bytes)?;
    let (length, bytes) = take::<4>(bytes)?;
    let length = u32::from_le_bytes(length) as usize;
    let (payload, bytes) = bytes.split_at_checked(length).ok_or(Unreadable::CutShort)?;
    let (work, payload) = if kind[0] & WITH_WORK == 0 {
        (&[][..], payload)
    } else {
        let (length, behind) = take::<WORK_OVERHEAD>(payload)?;
        let length = u32::from_le_bytes(length) as usize;
        // Figures that are said to be there, and are not, are of no kind that is written.
        if length == 0 {
            return Err(Unreadable::Kind(kind[0]));
        }
        behind.split_at_checked(length).ok_or(Unreadable::CutShort)?
    };
    let event = Event {
        job: JobId::from_bytes(job),
        claim: u32::from_le_bytes(claim),
        seq: u32::from_le_bytes(seq),
        kind: kind_of(kind[0] & !WITH_WORK)?,
        payload,
        work,
    };
    Ok((event, bytes))
}

fn take<const N: usize>(bytes: &[u8]) -> Result<([u8; N], &[u8]), Unreadable> {
    let (head, rest) = bytes.split_first_chunk::<N>().ok_or(Unreadable::CutShort)?;
    Ok((*head, rest))
}

fn code(kind: EventKind) -> u8 {
    match kind {
        EventKind::Chunk => 0,
        EventKind::Done => 1,
        EventKind::Body => 2,
        EventKind::StoredBody => 3,
        EventKind::Failed => 4,
    }
}

fn kind_of(code: u8) -> Result<EventKind, Unreadable> {
    Ok(match code {
        0 => EventKind::Chunk,
        1 => EventKind::Done,
        2 => EventKind::Body,
        3 => EventKind::StoredBody,
        4 => EventKind::Failed,
        other => return Err(Unreadable::Kind(other)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn event(payload: &[u8]) -> Event<'_> {
        let (job, kind) = (JobId::from_bytes([7; 16]), EventKind::Chunk);
        Event { job, claim: 1, seq: 2, kind, payload, work: b"" }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let mut message = Vec::new();
        begin(&mut message);
        append(&mut message, &event(b"hello"));

        let cut: Vec<_> = read(&message[..message.len() - 1]).collect();
        assert_eq!(cut, [Err(Unreadable::CutShort)]);
        assert_eq!(read(&[]).next(), Some(Err(Unreadable::CutShort)));
        assert_eq!(read(&[9]).next(), Some(Err(Unreadable::Version(9))));
        message[1] = 100;
        assert_eq!(read(&message).collect::<Vec<_>>(), [Err(Unreadable::Kind(100))]);
        message[1] = WITH_WORK;
        let too_long = read(&message).collect::<Vec<_>>();
        assert_eq!(too_long, [Err(Unreadable::CutShort)], "`hell` bytes of figures");
    }

    proptest! {
        #[test]
        fn events_read_back_in_order(payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..64), 0..12), work in "[a-z]{0,9}") {
            let works = [work.as_bytes(), b"", b"{}"];
            let events: Vec<_> = payloads.iter().enumerate().map(|(index, payload)| Event {
                job: JobId::from_bytes([index as u8; 16]),
                claim: index as u32 + 1,
                seq: index as u32,
                kind: kind_of((index % 5) as u8).unwrap(),
                payload,
                work: works[index % 3],
            }).collect();
            let mut message = Vec::new();
            begin(&mut message);
            for event in &events {
                append(&mut message, event);
            }
            prop_assert_eq!(message.len(), 1 + events.iter().map(size).sum::<usize>());
            let read: Result<Vec<_>, _> = read(&message).collect();
            prop_assert_eq!(read.unwrap(), events);
        }

        #[test]
        fn no_bytes_make_the_reader_panic_or_loop(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _any = read(&bytes).count();
        }
    }
}
