//! What NATS did not permit, counted for the whole process.
//!
//! A connection hears of it where no meter is at hand, so the count is a static; the first service
//! of the process reports it.

use std::sync::atomic::{AtomicU64, Ordering};

use opentelemetry::metrics::Meter;

use crate::names;

static COUNT: AtomicU64 = AtomicU64::new(0);

/// Counts a refusal.
pub fn count() {
    COUNT.fetch_add(1, Ordering::Relaxed);
}

/// Reports the count through this meter.
pub(crate) fn observe(meter: &Meter) {
    names::app::NATS_REFUSALS
        .counted(meter, |observer| observer.observe(COUNT.load(Ordering::Relaxed), &[]));
}
