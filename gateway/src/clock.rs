//! What time it is, as records have it. What only lasts is measured with `Instant`.

use std::time::{SystemTime, UNIX_EPOCH};

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
}

/// The same by the clock of NATS, which is one for all gateways: for times that one of them writes
/// and another one compares.
pub(crate) fn shared_now_ms() -> u64 {
    bus::server_now_ms()
}

/// Seconds since 1970.
pub(crate) fn now_s() -> u64 {
    now_ms() / 1000
}
