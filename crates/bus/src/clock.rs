//! What time it is by the clock of NATS. That of this machine may be another one.
//!
//! What was stored when is told by the server's clock, and how long ago that was is needed here: to
//! ask whether a job's caller still waits, say. So the two are compared, each time with what the
//! server says in answer to a question, and what is between them is taken into account.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use contract::permissions;
use serde::Deserialize;
use service_runtime::{Health, Readiness};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::time::Instant;

use crate::{Bus, BusError};

/// From here on somebody has to look at it.
const TOLD_FROM: Duration = Duration::from_secs(5);
/// An answer that took longer says too little about its time.
const ANSWERED_WITHIN: Duration = Duration::from_secs(1);

/// What is read of an answer about a stream.
#[derive(Deserialize)]
struct Answer {
    /// When the server gave it.
    ts: String,
}

/// Milliseconds since 1970 by the clock of NATS, as far as it is known: for times that several
/// machines write and compare.
pub fn server_now_ms() -> u64 {
    u64::try_from(ours_ms().saturating_add(telemetry::clock::server_ahead_ms())).unwrap_or(0)
}

/// How long ago the server stored something.
pub(crate) fn age_of(stored: OffsetDateTime) -> Duration {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let ours = i128::try_from(since_1970.as_nanos()).unwrap_or(i128::MAX);
    let ahead = i128::from(telemetry::clock::server_ahead_ms()) * 1_000_000;
    let age = ours.saturating_add(ahead).saturating_sub(stored.unix_timestamp_nanos());
    Duration::from_nanos(u64::try_from(age).unwrap_or(0))
}

impl Bus {
    /// Compares the clocks, by asking about a stream.
    pub(crate) async fn compare_clocks(&self, stream: &str) -> Result<(), BusError> {
        let (asked_ms, asked_at) = (ours_ms(), Instant::now());
        let about = permissions::stream_info(stream);
        let answer = self.client.request(about, Bytes::new()).await;
        let took = asked_at.elapsed();
        let answer = answer.map_err(BusError::unavailable)?;
        if let Some(ahead) = ahead_ms(asked_ms, took, &answer.payload) {
            telemetry::clock::server_is_ahead_ms(ahead);
        }
        Ok(())
    }

    /// Tells the health port, as the check `clock`, how far the clocks are apart, and the log when
    /// that begins or ends to matter.
    pub(crate) fn tell_clock(&self, health: &Health, was_wrong: &mut bool) {
        let readiness = judged(telemetry::clock::server_ahead_ms());
        let is_wrong = readiness != Readiness::Ok;
        if is_wrong != *was_wrong {
            match &readiness {
                Readiness::Warning(what) | Readiness::Failing(what) => tracing::warn!("{what}"),
                Readiness::Ok => tracing::info!("this machine's clock is right again"),
            }
        }
        *was_wrong = is_wrong;
        health.report("clock", readiness);
    }
}

/// How far the server was ahead when it answered, half-way between question and answer.
fn ahead_ms(asked_ms: i64, took: Duration, answer: &[u8]) -> Option<i64> {
    if took > ANSWERED_WITHIN {
        return None;
    }
    let Answer { ts } = serde_json::from_slice(answer).ok()?;
    let server = OffsetDateTime::parse(&ts, &Rfc3339).ok()?;
    let server_ms = i64::try_from(server.unix_timestamp_nanos() / 1_000_000).ok()?;
    let half_ms = i64::try_from(took.as_millis() / 2).ok()?;
    Some(server_ms - (asked_ms + half_ms))
}

fn judged(server_ahead_ms: i64) -> Readiness {
    let apart = Duration::from_millis(server_ahead_ms.unsigned_abs());
    if apart < TOLD_FROM {
        return Readiness::Ok;
    }
    let (seconds, how) = (apart.as_secs(), if server_ahead_ms > 0 { "behind" } else { "ahead of" });
    Readiness::Warning(format!(
        "this machine's clock is {seconds} s {how} that of NATS: have both set by a time server; \
         meanwhile times are told wrongly here, and keys expire by this clock"
    ))
}

fn ours_ms() -> i64 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_1970.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_between_the_clocks_is_read_from_an_answer() {
        // 1,700,000,000 s.
        let answer = br#"{"type":"x","ts":"2023-11-14T22:13:20.25Z","state":{}}"#;
        let asked_at =
            |ms: i64| ahead_ms(1_700_000_000_000 + ms, Duration::from_millis(100), answer);

        assert_eq!(asked_at(200), Some(0), "half-way");
        assert_eq!(asked_at(3_600_200), Some(-3_600_000));
        assert_eq!(asked_at(-3_599_800), Some(3_600_000));
        assert_eq!(ahead_ms(0, Duration::from_secs(2), answer), None, "too slow to say");
        assert_eq!(ahead_ms(0, Duration::ZERO, br#"{"error":{}}"#), None);
    }

    #[test]
    fn a_few_seconds_are_nobodys_business_and_more_are_told_with_their_direction() {
        for (ahead_ms, told) in [
            (0, None),
            (4_999, None),
            (-4_999, None),
            (7_200_000, Some("7200 s behind that of NATS")),
            (-7_000, Some("7 s ahead of that of NATS")),
        ] {
            match (judged(ahead_ms), told) {
                (Readiness::Ok, None) => {}
                (Readiness::Warning(text), Some(told)) => assert!(text.contains(told), "{text}"),
                (readiness, told) => panic!("{ahead_ms}: {readiness:?}, expected {told:?}"),
            }
        }
    }
}
