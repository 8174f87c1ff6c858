//! Messages of the logs and packed events: what can be read is written again as it was.

use contract::log::{self, Record};
use contract::pack;

pub(super) fn run(message: &[u8]) {
    record(message);
    packed(message);
}

fn record(message: &[u8]) {
    let Ok((record, chunks)) = log::read(message) else { return };
    let chunks: Vec<&[u8]> = chunks.collect();
    let _attempt = record.attempt();
    let written = log::write(&record, &chunks);
    let Ok((again, chunks_again)) = log::read(&written) else { panic!("reads what it wrote") };
    assert_eq!(format!("{record:?}"), format!("{again:?}"), "the record");
    assert_eq!(chunks, chunks_again.collect::<Vec<_>>(), "the chunks");
    if let Record::Accepted(accepted) = record {
        // It was taken out of a line, so it is on one.
        assert!(!accepted.request.get().contains('\n'), "a request on one line");
    }
}

fn packed(message: &[u8]) {
    let events: Result<Vec<_>, _> = pack::read(message).collect();
    let Ok(events) = events else { return };
    let mut written = Vec::new();
    pack::begin(&mut written);
    for event in &events {
        pack::append(&mut written, event);
    }
    assert_eq!(written, message, "packed again");
}
