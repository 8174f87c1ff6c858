//! Which records of a log count: the rules of one writer, the same for whatever is folded.

use bus::Entry;
use contract::log::{self, Chunks, Ended, Record, Started};

/// What a record that counts says.
pub(super) enum Counted<'a> {
    Started(Started),
    Said(Chunks<'a>),
    Ended(Chunks<'a>, Ended),
}

/// Reads the next record behind the first; none if it does not count. `attempt` is the newest one,
/// 0 before the first.
pub(super) fn counted<'a>(entry: &'a Entry, attempt: &mut u32) -> Option<Counted<'a>> {
    let Ok((record, chunks)) = log::read(&entry.message) else {
        // Without its text: that may quote what was said.
        let sequence = entry.sequence;
        tracing::error!(sequence, "record {sequence} of a log cannot be read");
        return None;
    };
    match record {
        // Nothing is accepted twice.
        Record::Accepted(_) => None,
        Record::Started(started) => {
            *attempt = started.attempt;
            Some(Counted::Started(started))
        }
        // Otherwise of a writer that was out already.
        Record::Said(said) | Record::HandedBack(said) => {
            (said.attempt == *attempt).then_some(Counted::Said(chunks))
        }
        Record::Ended(ended) => Some(Counted::Ended(chunks, ended)),
    }
}
