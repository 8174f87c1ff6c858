//! Contexts that could not be used, counted for the whole process.
//!
//! Propagation is called without a meter at hand, so the counts are statics; the first service of
//! the process reports them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use opentelemetry::KeyValue;
use opentelemetry::metrics::Meter;

use crate::names;

static COUNTS: [AtomicU64; REASONS.len()] = [const { AtomicU64::new(0) }; REASONS.len()];
const REASONS: [&str; 3] = ["already_started", "span_disabled", "malformed"];

/// Whether spans are exported, so that a disabled one is a mistake and not the setting.
static SPANS_EXPECTED: AtomicBool = AtomicBool::new(false);

/// Why a context could not be used.
#[derive(Debug, Clone, Copy)]
pub(super) enum Failure {
    /// The span had been entered, or asked for its ids, before its parent was known.
    AlreadyStarted,
    /// The span is of a crate that is no service, or finer than `INFO`.
    SpanDisabled,
    /// The carrier's `traceparent` cannot be read.
    Malformed,
}

pub(super) fn count(failure: Failure) {
    COUNTS[failure as usize].fetch_add(1, Ordering::Relaxed);
}

/// Counts a disabled span, if spans are exported at all.
pub(super) fn span_disabled() {
    if SPANS_EXPECTED.load(Ordering::Relaxed) {
        count(Failure::SpanDisabled);
    }
}

/// Says that spans are exported from now on.
pub(crate) fn expect_spans() {
    SPANS_EXPECTED.store(true, Ordering::Relaxed);
}

/// Reports the counts through this meter.
pub(crate) fn observe(meter: &Meter) {
    names::app::PROPAGATION_FAILURES.counted(meter, |observer| {
        for (reason, count) in REASONS.into_iter().zip(&COUNTS) {
            let reason = KeyValue::new(names::app::REASON, reason);
            observer.observe(count.load(Ordering::Relaxed), &[reason]);
        }
    });
}
