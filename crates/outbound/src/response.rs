//! Reading a response.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_TYPE, RETRY_AFTER};

use crate::{CallError, Phase};

/// A response whose head has come. Dropping it closes its connection.
#[derive(Debug)]
pub struct Response(reqwest::Response);

impl Response {
    pub(crate) fn new(response: reqwest::Response) -> Self {
        Self(response)
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.0.status().as_u16()
    }

    /// Whether the body is a stream of server-sent events.
    pub fn is_event_stream(&self) -> bool {
        let kind = self.0.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        kind.is_some_and(|kind| kind.trim_start().starts_with("text/event-stream"))
    }

    /// When the server wants to be asked again: `retry-after-ms`, or `Retry-After` in seconds.
    /// A date is passed over: its clock is not ours.
    pub fn retry_after(&self) -> Option<Duration> {
        let header = |name: &str| {
            let value = self.0.headers().get(name)?.to_str().ok()?.trim().parse::<f64>().ok()?;
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
    /// [`CallError::Timeout`] after `silence` without a byte, [`CallError::Broken`] when the
    /// connection ends before the body does.
    pub async fn piece(&mut self, silence: Duration) -> Result<Option<Bytes>, CallError> {
        match tokio::time::timeout(silence, self.0.chunk()).await {
            Ok(piece) => piece.map_err(|error| CallError::of(&error)),
            Err(_elapsed) => Err(CallError::Timeout { phase: Phase::Body, limit: silence }),
        }
    }

    /// The whole body.
    ///
    /// # Errors
    ///
    /// [`CallError::TooLarge`] over `limit` bytes, [`CallError::Timeout`] after `silence` without
    /// a byte, [`CallError::Broken`] when the connection ends before the body does.
    pub async fn whole(mut self, limit: usize, silence: Duration) -> Result<Bytes, CallError> {
        let expected = self.0.content_length().unwrap_or(0);
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
