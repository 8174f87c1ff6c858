//! What one listener allows.

use std::time::Duration;

/// What one listener allows.
#[derive(Debug, Clone)]
pub struct HttpLimits {
    /// Longest time for the headers of a request, and of an idle connection.
    pub header_time: Duration,
    /// Connections at once; further ones wait in the kernel's backlog.
    pub connections: usize,
    /// Largest head of a request, in bytes: its first line and its headers, of which there may be
    /// 100. Over it the answer is 431.
    pub header_bytes: usize,
    /// Longest wait for a client that reads nothing of what was written; then its connection is
    /// closed.
    pub write_time: Duration,
    /// Longest wait for open responses once shutdown was requested; what is open then ends with
    /// the process.
    pub drain_time: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            header_time: Duration::from_secs(10),
            connections: 10_000,
            header_bytes: 64 * 1024,
            write_time: Duration::from_secs(30),
            drain_time: Duration::from_secs(30),
        }
    }
}
