//! Server-sent events: what is read does not depend on where the stream was cut.

use openai_api::sse::{LineTooLong, Reader};

/// Below the length of inputs, so that it is met.
const LIMIT: usize = 1024;

pub(super) fn run(bytes: &[u8]) {
    // The first byte says how it is cut, so that a finding tells everything.
    let Some((size, stream)) = bytes.split_first() else { return };
    let whole = read([stream]);
    let cut = read(stream.chunks(usize::from(*size).max(1)));

    assert_eq!(whole, cut, "pieces of {size} bytes");
    let heard: usize = whole.0.iter().map(Vec::len).sum();
    assert!(heard <= stream.len(), "nothing is heard that was not said");
    assert!(whole.0.iter().all(|data| data.len() <= LIMIT), "an event is over the limit");
}

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<Vec<u8>>, Result<(), LineTooLong>) {
    let mut reader = Reader::new(LIMIT);
    let mut events = Vec::new();
    for piece in pieces {
        let fed = reader.feed(piece, |data| events.push(data.to_vec()));
        if fed.is_err() {
            return (events, fed);
        }
    }
    (events, Ok(()))
}
