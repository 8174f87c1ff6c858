//! Server-sent events: writing frames, and reading a stream that arrives in any pieces.

/// The frame that ends a stream of chunks.
pub const DONE: &[u8] = b"data: [DONE]\n\n";
/// What stands after `data: ` in it.
pub const DONE_DATA: &[u8] = b"[DONE]";

/// The bytes of a frame beside its JSON.
pub const FRAME_OVERHEAD: usize = b"data: \n\n".len();

/// Appends one frame that carries `json`, which holds no line break.
pub fn write_data(out: &mut Vec<u8>, json: &[u8]) {
    out.extend_from_slice(b"data: ");
    out.extend_from_slice(json);
    out.extend_from_slice(b"\n\n");
}

/// A line is longer than the reader accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineTooLong {
    /// The limit, in bytes.
    pub limit: usize,
}

/// Reads the `data` of events from bytes that arrive in any pieces.
///
/// Comments and the fields `event`, `id` and `retry` are passed over. Lines may end in LF, CR LF
/// or CR. Several `data` lines of one event are joined by a line feed.
#[derive(Debug)]
pub struct Reader {
    line: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    after_cr: bool,
    limit: usize,
}

impl Reader {
    /// A reader that refuses events over `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { line: Vec::new(), data: Vec::new(), has_data: false, after_cr: false, limit }
    }

    /// Takes more bytes and hands the data of each event that is now complete to `each`.
    ///
    /// # Errors
    ///
    /// When an event is over the limit. The reader is of no use afterwards.
    pub fn feed(&mut self, bytes: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), LineTooLong> {
        let mut rest = bytes;
        while !rest.is_empty() {
            if std::mem::take(&mut self.after_cr) && rest[0] == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let Some(end) = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')) else {
                self.within_limit(rest.len())?;
                self.line.extend_from_slice(rest);
                return Ok(());
            };
            self.within_limit(end)?;
            self.after_cr = rest[end] == b'\r';
            if self.line.is_empty() {
                self.end_of_line(&rest[..end], &mut each);
            } else {
                let mut line = std::mem::take(&mut self.line);
                line.extend_from_slice(&rest[..end]);
                self.end_of_line(&line, &mut each);
                // Keep the allocation: lines are cut by packets all the time.
                line.clear();
                self.line = line;
            }
            rest = &rest[end + 1..];
        }
        Ok(())
    }

    fn within_limit(&self, more: usize) -> Result<(), LineTooLong> {
        let so_far = self.line.len() + self.data.len();
        if so_far + more > self.limit { Err(LineTooLong { limit: self.limit }) } else { Ok(()) }
    }

    fn end_of_line(&mut self, line: &[u8], each: &mut impl FnMut(&[u8])) {
        if line.is_empty() {
            if std::mem::take(&mut self.has_data) {
                each(&self.data);
                self.data.clear();
            }
            return;
        }
        let Some(value) = line.strip_prefix(b"data:") else { return };
        if self.has_data {
            self.data.push(b'\n');
        }
        self.data.extend_from_slice(value.strip_prefix(b" ").unwrap_or(value));
        self.has_data = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(pieces: &[&[u8]]) -> Vec<String> {
        let mut reader = Reader::new(1024);
        let mut events = Vec::new();
        for piece in pieces {
            reader
                .feed(piece, |data| events.push(String::from_utf8_lossy(data).into_owned()))
                .unwrap();
        }
        events
    }

    #[test]
    fn comments_names_and_line_ends_of_all_kinds_are_understood() {
        let stream =
            b": hi\n\ndata: a\n\nevent: x\r\ndata:b\r\nid: 7\r\n\r\ndata: c\rdata: d\r\rdata: cut";
        assert_eq!(read(&[stream]), ["a", "b", "c\nd"]);
    }

    #[test]
    fn a_line_without_end_is_refused() {
        let mut reader = Reader::new(16);
        let refused = reader.feed(b"data: 0123456789abcdef", |_| {});
        assert_eq!(refused, Err(LineTooLong { limit: 16 }));
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_stream_is_cut(
            events in proptest::collection::vec("[a-z]{0,6}", 0..6),
            cuts in proptest::collection::vec(0_usize..80, 0..6),
            end in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
        ) {
            let text: String = events.iter().map(|data| format!("data: {data}{end}{end}")).collect();
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            let mut pieces = Vec::new();
            let mut from = 0;
            for cut in cuts.into_iter().chain([bytes.len()]) {
                pieces.push(&bytes[from..cut]);
                from = cut;
            }
            prop_assert_eq!(read(&pieces), events);
        }
    }
}
