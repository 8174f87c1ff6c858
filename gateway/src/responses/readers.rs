//! Everybody who reads a log in this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use service_runtime::Shutdown;
use telemetry::ServiceTelemetry;
use telemetry::names::app;

/// Counts the readers, and breaks them off when the process must end.
#[derive(Debug, Clone, Default)]
pub(crate) struct Readers {
    count: Arc<AtomicUsize>,
    broken_off: Shutdown,
}

impl Readers {
    /// Reports how many there are.
    pub(crate) fn observe(&self, telemetry: &ServiceTelemetry) {
        let readers = self.clone();
        app::GATEWAY_READERS.observed(telemetry.meter(), move |observer| {
            // Each has a connection, and a process fewer than 2^32.
            let count = u32::try_from(readers.count()).unwrap_or(u32::MAX);
            observer.observe(f64::from(count), &[]);
        });
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// Breaks all of them off, and says how many there were. Whoever comes later is, too.
    pub(crate) fn break_off_all(&self) -> usize {
        let count = self.count();
        self.broken_off.request();
        count
    }

    /// One more reader.
    pub(super) fn enter(&self) -> Reader {
        self.count.fetch_add(1, Ordering::Relaxed);
        Reader(self.clone())
    }
}

/// One reader, until it is dropped.
#[derive(Debug)]
pub(super) struct Reader(Readers);

impl Reader {
    /// Completes when it is broken off.
    pub(super) async fn broken_off(&self) {
        self.0.broken_off.requested().await;
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.0.count.fetch_sub(1, Ordering::Relaxed);
    }
}
