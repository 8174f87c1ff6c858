//! Events, numbered.

use std::io::Write as _;

/// One event of a stream of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseEvent {
    /// Its name, which is its `type` too.
    pub name: &'static str,
    /// Its place in the stream, from 0, without gaps.
    pub sequence_number: u64,
    /// Its data: JSON on one line, with `type` and `sequence_number`.
    pub json: Vec<u8>,
}

/// Where events go.
#[derive(Debug)]
pub(super) struct Outlet<'a> {
    next: &'a mut u64,
    out: &'a mut Vec<ResponseEvent>,
}

impl<'a> Outlet<'a> {
    /// Appends to `out`; the first event gets the number `next`.
    pub(super) fn new(next: &'a mut u64, out: &'a mut Vec<ResponseEvent>) -> Self {
        Self { next, out }
    }

    /// Adds an event. Its `members` are JSON text, cut wherever it suits the caller.
    pub(super) fn emit(&mut self, name: &'static str, members: &[&str]) {
        let length: usize = members.iter().map(|piece| piece.len()).sum();
        let mut json = Vec::with_capacity(64 + name.len() + length);
        let sequence_number = *self.next;
        // Writing to memory cannot fail.
        let _infallible =
            write!(json, "{{\"type\":\"{name}\",\"sequence_number\":{sequence_number},");
        for piece in members {
            json.extend_from_slice(piece.as_bytes());
        }
        json.push(b'}');
        *self.next += 1;
        self.out.push(ResponseEvent { name, sequence_number, json });
    }
}
