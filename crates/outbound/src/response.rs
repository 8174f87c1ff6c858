//! Reading a response.

use std::pin::Pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::{CallError, Phase};

/// A response whose head has come. Dropping it closes its connection.
#[derive(Debug)]
pub struct Response {
    response: reqwest::Response,
    /// How long the call may take altogether, if somebody else wrote its address down.
    total: Option<Duration>,
    alarm: Alarm,
}

impl Response {
    pub(crate) fn new(response: reqwest::Response, total: Option<Duration>) -> Self {
        Self { response, total, alarm: Alarm::default() }
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// Whether the body is a stream of server-sent events.
    pub fn is_event_stream(&self) -> bool {
        let kind = self.response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        kind.is_some_and(|kind| kind.trim_start().starts_with("text/event-stream"))
    }

    /// When the server wants to be asked again: `retry-after-ms`, or `Retry-After` in seconds.
    /// A date is passed over: its clock is not ours.
    pub fn retry_after(&self) -> Option<Duration> {
        let header = |name: &str| {
            let value =
                self.response.headers().get(name)?.to_str().ok()?.trim().parse::<f64>().ok()?;
            (value.is_finite() && (0.0..86_400_000.0).contains(&value)).then_some(value)
        };
        header("retry-after-ms")
            .map(|millis| Duration::from_secs_f64(millis / 1000.0))
            .or_else(|| header(RETRY_AFTER.as_str()).map(Duration::from_secs_f64))
    }

    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    ///
    /// [`CallError::Timeout`] after `silence` without a byte or at the end of the whole call's
    /// time, [`CallError::Broken`] when the connection ends before the body does.
    pub async fn piece(&mut self, silence: Duration) -> Result<Option<Bytes>, CallError> {
        let due = Instant::now() + silence;
        tokio::select! {
            biased;
            piece = self.response.chunk() => {
                piece.map_err(|error| CallError::within(&error, Phase::Body, self.total))
            }
            () = self.alarm.at(due) => {
                Err(CallError::Timeout { phase: Phase::Body, limit: silence })
            }
        }
    }

    /// The whole body.
    ///
    /// # Errors
    ///
    /// [`CallError::TooLarge`] over `limit` bytes, [`CallError::Timeout`] after `silence` without
    /// a byte, [`CallError::Broken`] when the connection ends before the body does.
    pub async fn whole(mut self, limit: usize, silence: Duration) -> Result<Bytes, CallError> {
        let expected = self.response.content_length().unwrap_or(0);
        if expected > limit as u64 {
            return Err(CallError::TooLarge { limit });
        }
        let Some(first) = self.piece(silence).await? else { return Ok(Bytes::new()) };
        let mut body = BytesMut::from(first);
        while let Some(piece) = self.piece(silence).await? {
            if body.len() + piece.len() > limit {
                return Err(CallError::TooLarge { limit });
            }
            body.extend_from_slice(&piece);
        }
        Ok(body.freeze())
    }
}

/// One timer for many waits, each of which is due later than the one before. It is moved when it
/// fires, and not for each wait: of a thousand pieces a second that would be the larger cost.
#[derive(Debug, Default)]
struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Ends when it is `due`.
    async fn at(&mut self, due: Instant) {
        let timer = self.0.get_or_insert_with(|| Box::pin(sleep_until(due)));
        if timer.deadline() > due {
            timer.as_mut().reset(due);
        }
        loop {
            timer.as_mut().await;
            if Instant::now() >= due {
                return;
            }
            timer.as_mut().reset(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_alarm_is_due_when_it_was_last_set_to_earlier_or_later() {
        let began = Instant::now();
        let at = |millis| began + Duration::from_millis(millis);
        let mut alarm = Alarm::default();
        // As a piece that comes in time does it.
        for set in 0..3 {
            let waited = tokio::time::timeout(Duration::ZERO, alarm.at(at(60_000 + set))).await;
            assert!(waited.is_err(), "not due yet");
        }

        for due in [20, 40, 80] {
            let rung = tokio::time::timeout(Duration::from_secs(10), alarm.at(at(due))).await;
            assert!(rung.is_ok(), "an earlier one moves it");
            assert!(Instant::now() >= at(due), "not before it is due");
        }
    }
}
