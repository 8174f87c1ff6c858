//! Failures on order.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::http::StatusCode;
use serde::Deserialize;
use service_runtime::Shutdown;

use crate::error::ApiError;

/// Largest line that can be ordered: 64 MiB.
const LONGEST_LINE_BYTES: usize = 64 * 1024 * 1024;
/// Keys whose requests are counted; over it all counts begin again.
const MOST_KEYS: usize = 10_000;

/// What goes wrong, and how often.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Fault {
    status: Option<u16>,
    code: Option<String>,
    message: Option<String>,
    retry_after: Option<u64>,
    times: Option<u64>,
    key: String,
    slow_headers_ms: u64,
    stall_before_headers: bool,
    stall_before_first_token: bool,
    stall_after: Option<u64>,
    cut_after: Option<u64>,
    close_without_done_after: Option<u64>,
    malformed_chunk_after: Option<u64>,
    error_chunk_after: Option<u64>,
    /// Not fatal: one delta of so many bytes, before the first token.
    pub(crate) huge_line_bytes: usize,
    pub(crate) wrong_content_type: bool,
    pub(crate) garbage_json: bool,
    pub(crate) reset_on_accept: bool,
}

/// How an answer breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Break {
    /// Nothing more, and the connection stays.
    Stall,
    /// The connection ends in the middle.
    Cut,
    /// The stream ends as if it were complete, without `[DONE]`.
    CloseWithoutDone,
    /// One chunk is no JSON; the rest follows.
    Malformed,
    /// An error takes the place of the rest.
    ErrorChunk,
}

impl Fault {
    /// The fault of a model that is named for it.
    pub(crate) fn of_status(status: u16) -> Option<Self> {
        let fault = Self { status: Some(status), ..Self::default() };
        fault.check().is_ok().then_some(fault)
    }

    pub(crate) fn check(&self) -> Result<(), String> {
        if self.status.is_some_and(|status| !(200..=599).contains(&status)) {
            return Err("`fault.status` is not between 200 and 599".to_owned());
        }
        if self.huge_line_bytes > LONGEST_LINE_BYTES {
            return Err(format!("`fault.huge_line_bytes` is over {LONGEST_LINE_BYTES}"));
        }
        Ok(())
    }

    /// The first break, and the number of tokens before it.
    pub(crate) fn break_after(&self) -> Option<(u64, Break)> {
        let before_all = self.stall_before_first_token.then_some(0);
        [
            (before_all, Break::Stall),
            (self.stall_after, Break::Stall),
            (self.cut_after, Break::Cut),
            (self.close_without_done_after, Break::CloseWithoutDone),
            (self.malformed_chunk_after, Break::Malformed),
            (self.error_chunk_after, Break::ErrorChunk),
        ]
        .into_iter()
        .filter_map(|(tokens, how)| tokens.map(|tokens| (tokens, how)))
        .min_by_key(|(tokens, _)| *tokens)
    }

    /// Waits as ordered before the headers, then gives the error that was ordered, if any.
    pub(crate) async fn before_headers(&self, stopping: &Shutdown) -> Result<(), ApiError> {
        if self.slow_headers_ms > 0 {
            tokio::time::sleep(Duration::from_millis(self.slow_headers_ms)).await;
        }
        if self.stall_before_headers {
            stopping.requested().await;
            let message = "The simulator stopped before it answered.";
            let status = StatusCode::SERVICE_UNAVAILABLE;
            return Err(ApiError::new(status, "server_is_overloaded", message));
        }
        self.status.map_or(Ok(()), |status| Err(self.error(status)))
    }

    /// The error that takes the place of the rest of a stream.
    pub(crate) fn mid_stream_error(&self) -> ApiError {
        self.error(500)
    }

    fn error(&self, status: u16) -> ApiError {
        let code = self.code.as_deref().unwrap_or(match status {
            401 => "invalid_api_key",
            404 => "model_not_found",
            429 => "rate_limit_exceeded",
            503 => "server_is_overloaded",
            500.. => "server_error",
            _ => "simulated_fault",
        });
        let message = self.message.clone();
        let message = message.unwrap_or_else(|| format!("Simulated fault: status {status}."));
        let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut error = ApiError::new(status, code, message);
        error.retry_after_s = self.retry_after;
        error
    }
}

/// How often each key has failed: a fault may be ordered for the first few requests only.
#[derive(Debug, Default)]
pub(crate) struct FaultTimes(Mutex<HashMap<String, u64>>);

impl FaultTimes {
    /// The fault, unless it has happened as often as was ordered.
    pub(crate) fn due(&self, fault: Option<Fault>) -> Option<Fault> {
        let fault = fault?;
        let Some(times) = fault.times else { return Some(fault) };
        let mut failed = self.failed();
        if failed.len() >= MOST_KEYS && !failed.contains_key(&fault.key) {
            failed.clear();
        }
        let count = failed.entry(fault.key.clone()).or_default();
        if *count >= times {
            return None;
        }
        *count += 1;
        drop(failed);
        Some(fault)
    }

    /// Begins to count again.
    pub(crate) fn reset(&self) {
        self.failed().clear();
    }

    fn failed(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        // Plain values: a panic elsewhere cannot have left them half-written.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_may_happen_the_first_few_times_of_its_key_only() {
        let times = FaultTimes::default();
        let fault = |key: &str| Fault { times: Some(2), key: key.to_owned(), ..Fault::default() };
        let due = |key| times.due(Some(fault(key))).is_some();

        assert_eq!([due("a"), due("a"), due("a"), due("b")], [true, true, false, true]);

        times.reset();
        assert!(due("a"));
    }

    #[test]
    fn the_earliest_break_counts() {
        let fault = Fault { cut_after: Some(5), stall_after: Some(3), ..Fault::default() };

        assert_eq!(fault.break_after(), Some((3, Break::Stall)));
        assert_eq!(Fault::default().break_after(), None);
    }
}
