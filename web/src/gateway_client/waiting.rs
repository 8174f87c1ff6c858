//! Why a response has said nothing yet, as the gateway knows it.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::timeout;

use super::{OnBehalf, Refused, read_up_to};
use crate::ids::ResponseId;
use crate::waiting::Waiting;

/// A gateway asks its queues once a second.
const TIME: Duration = Duration::from_secs(5);
/// Longest answer that is read.
const MOST_BYTES: usize = 16 * 1024;

#[derive(Deserialize)]
struct Object<'a> {
    waiting: bool,
    #[serde(default)]
    ahead: Option<u64>,
    #[serde(borrow, default)]
    reason: Option<Cow<'a, str>>,
}

impl OnBehalf {
    /// Why a response has said nothing yet; none if it has.
    pub(crate) async fn waiting(&self, response: &ResponseId) -> Result<Option<Waiting>, Refused> {
        let url = self.gateway.url(&format!("responses/{response}/waiting"))?;
        let request = self.gateway.http.get(url.clone());
        let asked = async {
            let (answer, _span) = self.send("GET", &url, request).await?;
            if !answer.status().is_success() {
                return Err(self.refusal(&url, answer).await);
            }
            read_up_to(answer, MOST_BYTES).await.ok_or(Refused::Unreachable)
        };
        let body = timeout(TIME, asked).await.unwrap_or(Err(Refused::Silent))?;
        read(&body).ok_or(Refused::Unreadable)
    }
}

fn read(json: &[u8]) -> Option<Option<Waiting>> {
    let object: Object<'_> = serde_json::from_slice(json).ok()?;
    let why = match object.reason.as_deref() {
        Some("no_worker") => Waiting::NoWorker,
        Some("starting") => Waiting::Starting,
        Some("retrying") => Waiting::Retrying,
        // A gateway of a later version may know more reasons.
        _ => Waiting::Queued(object.ahead),
    };
    Some(object.waiting.then_some(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_understood_and_another_one_is_no_error() {
        for (json, expected) in [
            (r#"{"waiting":true,"ahead":3,"reason":"busy"}"#, Some(Waiting::Queued(Some(3)))),
            (r#"{"waiting":true,"ahead":null,"reason":null}"#, Some(Waiting::Queued(None))),
            (r#"{"waiting":true,"reason":"no_worker"}"#, Some(Waiting::NoWorker)),
            (r#"{"waiting":true,"ahead":0,"reason":"starting"}"#, Some(Waiting::Starting)),
            (r#"{"waiting":true,"reason":"retrying"}"#, Some(Waiting::Retrying)),
            (r#"{"waiting":true,"ahead":1,"reason":"later"}"#, Some(Waiting::Queued(Some(1)))),
            (r#"{"waiting":false,"reason":null}"#, None),
        ] {
            assert_eq!(read(json.as_bytes()), Some(expected), "{json}");
        }
        assert_eq!(read(b"{}"), None);
    }
}
