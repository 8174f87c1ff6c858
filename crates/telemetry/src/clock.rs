//! How far the clock of NATS is ahead of this machine's, for the whole process.
//!
//! A process has one clock, and its services one NATS. A connection learns it where no meter is at
//! hand, so it is a static; the first service of the process reports it.

use std::sync::atomic::{AtomicI64, Ordering};

use opentelemetry::metrics::Meter;

use crate::names;

static SERVER_AHEAD_MS: AtomicI64 = AtomicI64::new(0);

/// Notes it.
pub fn server_is_ahead_ms(milliseconds: i64) {
    SERVER_AHEAD_MS.store(milliseconds, Ordering::Relaxed);
}

/// What was noted last, in milliseconds.
pub fn server_ahead_ms() -> i64 {
    SERVER_AHEAD_MS.load(Ordering::Relaxed)
}

/// Reports it through this meter.
pub(crate) fn observe(meter: &Meter) {
    let metric = names::app::CLOCK_OFFSET;
    meter
        .i64_observable_gauge(metric.name)
        .with_unit(metric.unit)
        .with_description(metric.description)
        .with_callback(|observer| observer.observe(server_ahead_ms(), &[]))
        .build();
}
