//! What a request can know of its connection.

use std::error::Error as _;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The connection of a request, which each request carries as an extension.
#[derive(Debug, Clone, Default)]
pub struct Connection(Arc<AtomicBool>);

impl Connection {
    /// Whether it was closed because its client read nothing for too long.
    pub fn was_read_too_slowly(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Notes how it ended, before the bodies that are still open are dropped.
    pub(crate) fn ended(&self, result: &hyper::Result<()>) {
        let source = result.as_ref().err().and_then(|error| error.source());
        let io = source.and_then(|source| source.downcast_ref::<io::Error>());
        // Reading has no such limit; of headers that do not come hyper itself says something else.
        if io.is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
            self.0.store(true, Ordering::Relaxed);
        }
    }
}
