//! Whether the connections of this process to NATS stand.
//!
//! They are made where no meter is at hand, so the counts are statics; the first service of the
//! process reports them, if there ever was a connection.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use opentelemetry::metrics::Meter;

use crate::names;

/// Connections that there are, those of them that are lost, and how many were made again.
#[derive(Debug)]
struct Counts {
    open: AtomicU64,
    lost: AtomicU64,
    again: AtomicU64,
}

static COUNTS: Counts = Counts::none();

/// One connection, until it is dropped.
#[derive(Debug)]
pub struct Connection {
    counts: &'static Counts,
    state: AtomicU8,
}

const NEVER: u8 = 0;
const STANDS: u8 = 1;
const LOST: u8 = 2;

impl Connection {
    /// One that was never made yet, and does not count until it is.
    #[must_use]
    pub fn to_be_made() -> Self {
        Self { counts: &COUNTS, state: AtomicU8::new(NEVER) }
    }

    /// It stands.
    pub fn stands(&self) {
        match self.state.swap(STANDS, Ordering::AcqRel) {
            NEVER => {
                self.counts.open.fetch_add(1, Ordering::Relaxed);
            }
            LOST => {
                self.counts.lost.fetch_sub(1, Ordering::Relaxed);
                self.counts.again.fetch_add(1, Ordering::Relaxed);
            }
            _stood => {}
        }
    }

    /// It is lost, and being made again.
    pub fn lost(&self) {
        let was = self.state.compare_exchange(STANDS, LOST, Ordering::AcqRel, Ordering::Acquire);
        if was.is_ok() {
            self.counts.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let state = *self.state.get_mut();
        if state != NEVER {
            self.counts.open.fetch_sub(1, Ordering::Relaxed);
        }
        if state == LOST {
            self.counts.lost.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl Counts {
    const fn none() -> Self {
        Self { open: AtomicU64::new(0), lost: AtomicU64::new(0), again: AtomicU64::new(0) }
    }

    /// 1 while all stand, 0 while one does not; none while there is none.
    fn connected(&self) -> Option<u8> {
        let any = self.open.load(Ordering::Relaxed) > 0;
        any.then(|| u8::from(self.lost.load(Ordering::Relaxed) == 0))
    }
}

/// Reports them through this meter.
pub(crate) fn observe(meter: &Meter) {
    names::app::NATS_CONNECTED.observed(meter, |observer| {
        if let Some(connected) = COUNTS.connected() {
            observer.observe(f64::from(connected), &[]);
        }
    });
    names::app::NATS_RECONNECTS.counted(meter, |observer| {
        if COUNTS.connected().is_some() {
            observer.observe(COUNTS.again.load(Ordering::Relaxed), &[]);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_stand_or_one_does_not_and_each_that_is_made_again_counts_once() {
        static OURS: Counts = Counts::none();
        let connection = || Connection { counts: &OURS, state: AtomicU8::new(NEVER) };
        let again = || OURS.again.load(Ordering::Relaxed);
        let (one, other) = (connection(), connection());
        assert_eq!(OURS.connected(), None, "none was made yet");

        one.lost();
        one.stands();
        other.stands();
        one.stands();
        assert_eq!((OURS.connected(), again()), (Some(1), 0));

        one.lost();
        one.lost();
        assert_eq!((OURS.connected(), again()), (Some(0), 0));
        one.stands();
        assert_eq!((OURS.connected(), again()), (Some(1), 1));

        other.lost();
        drop(other);
        assert_eq!((OURS.connected(), again()), (Some(1), 1), "one that ended is not missed");
        drop(one);
        assert_eq!(OURS.connected(), None);
    }
}
