//! Flow control: how much may be said before it was read.
//!
//! Core NATS has none: a reader that falls behind fills the server's buffer for its connection,
//! and is disconnected. So what is unread is bounded twice:
//!
//! | what is unread                         | limit             | freed by                          |
//! |----------------------------------------|-------------------|-----------------------------------|
//! | of one stream, by its caller           | [`STREAM_WINDOW`] | a [`Credit`]                      |
//! | of all that a worker tells one gateway | [`OUTBOX_WINDOW`] | the reply to a message with events |
//!
//! A worker that may not say more reads no more from its model. A limit opens before everything is
//! read, so that nobody waits for a word about less than a part: an event over the stream's limit
//! goes while less than a quarter of it is unread, and a message of any size while less than the
//! outbox's limit is.

use serde::{Deserialize, Serialize};

use crate::JobId;
use crate::pack::RECORD_OVERHEAD;

/// Most of one stream that its caller has not read, as [`cost`] counts it.
pub const STREAM_WINDOW: u64 = 256 * 1024;
/// A worker waits when one gateway has not read so many bytes of its packed messages.
///
/// One message more may be on its way. The server's buffer for a connection, 64 MiB, holds the
/// streams of 32 workers, or of 6 that all send whole answers as large as a message can be.
pub const OUTBOX_WINDOW: u64 = 2 * 1024 * 1024;
/// A reader says how far it has come after so many parts of a window.
pub const PARTS: u64 = 4;

/// What a chunk takes of a stream's window, in bytes.
pub fn cost(payload: &[u8]) -> u64 {
    (payload.len() + RECORD_OVERHEAD) as u64
}

/// Tells a worker how much of a stream its caller has read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// The job.
    pub job: JobId,
    /// The claim under which it was said.
    pub claim: u32,
    /// The [`cost`] of all chunks that were read, from the first on.
    pub read: u64,
}
