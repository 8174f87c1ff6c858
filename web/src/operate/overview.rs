//! What the gateway tells an operator, read so that one of another version is understood as far as
//! possible: what is not told is missing, and said to be.

use std::fmt;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// How everything is at the moment. Numbers are floats, whatever they count: that reads all of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Overview {
    /// When, in seconds since 1970, on the gateway's clock.
    pub(crate) at: f64,
    /// How far back "lately" goes.
    pub(crate) window_seconds: f64,
    pub(crate) gateways: Option<Vec<GatewaySeen>>,
    pub(crate) workers: Option<Vec<WorkerSeen>>,
    pub(crate) queues: Option<Vec<Queue>>,
    pub(crate) models: Option<Vec<Model>>,
    pub(crate) answers: Option<Answers>,
    pub(crate) redeliveries: Option<f64>,
    pub(crate) dead_letters: Option<Letters>,
    pub(crate) slow_answers: Option<Vec<SlowAnswer>>,
    pub(crate) history: Option<History>,
    /// What the gateway itself says it could not find out.
    pub(crate) incomplete: Vec<String>,
    /// Parts that are not told, or in another shape than this page reads.
    pub(crate) unread: Vec<&'static str>,
    /// Parts that this page knows nothing of.
    pub(crate) unknown: Vec<String>,
}

/// A text that may be `null`.
fn text<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    Option::<String>::deserialize(from).map(Option::unwrap_or_default)
}

/// A yes that may be `null`.
fn flag<'de, D: Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    Option::<bool>::deserialize(from).map(Option::unwrap_or_default)
}

/// A gateway that was heard of.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct GatewaySeen {
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(deserialize_with = "text")]
    pub(crate) version: String,
    #[serde(deserialize_with = "flag")]
    pub(crate) draining: bool,
    pub(crate) requests: Option<f64>,
    pub(crate) seen_seconds_ago: Option<f64>,
    /// Whether it is the one that tells all this.
    #[serde(deserialize_with = "flag")]
    pub(crate) this: bool,
}

/// A worker that was heard of.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct WorkerSeen {
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
    #[serde(deserialize_with = "text")]
    pub(crate) version: String,
    pub(crate) queues: Vec<String>,
    pub(crate) slots: f64,
    pub(crate) busy: f64,
    #[serde(deserialize_with = "flag")]
    pub(crate) draining: bool,
    #[serde(deserialize_with = "text")]
    pub(crate) catalogue: String,
    pub(crate) seen_seconds_ago: Option<f64>,
}

/// One lane of one queue.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Queue {
    #[serde(deserialize_with = "text")]
    pub(crate) queue: String,
    #[serde(deserialize_with = "text")]
    pub(crate) lane: String,
    pub(crate) waiting: Option<f64>,
    pub(crate) oldest_wait_seconds: Option<f64>,
    pub(crate) delivered: Option<f64>,
    pub(crate) redelivered: Option<f64>,
}

/// One model, lately.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Model {
    #[serde(deserialize_with = "text")]
    pub(crate) model: String,
    #[serde(deserialize_with = "text")]
    pub(crate) queue: String,
    pub(crate) requests: f64,
    pub(crate) failed: f64,
    pub(crate) input_tokens_per_second: Option<f64>,
    pub(crate) output_tokens_per_second: Option<f64>,
    pub(crate) time_to_first_token_seconds: Option<Percentiles>,
    pub(crate) time_per_output_token_seconds: Option<Percentiles>,
}

/// How long it took half, nearly all, and all but one in a hundred.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Percentiles {
    pub(crate) p50: Option<f64>,
    pub(crate) p95: Option<f64>,
    pub(crate) p99: Option<f64>,
}

/// All answers since the oldest living gateway began.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Answers {
    pub(crate) accepted: f64,
    pub(crate) completed: f64,
    pub(crate) failed: f64,
    pub(crate) client_gone: f64,
    pub(crate) not_queued: f64,
    pub(crate) handed_over: Option<f64>,
    pub(crate) cancelled: Option<f64>,
    pub(crate) open: f64,
    pub(crate) input_tokens: f64,
    pub(crate) output_tokens: f64,
    pub(crate) since: Option<f64>,
}

/// Dead letters: how many, and the last of them.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Letters {
    pub(crate) kept: Option<f64>,
    pub(crate) recent: Vec<DeadLetter>,
}

/// A page of dead letters.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub(crate) struct DeadLetters {
    pub(crate) data: Vec<DeadLetter>,
    #[serde(default)]
    pub(crate) has_more: bool,
}

/// A job that nobody could do.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct DeadLetter {
    #[serde(deserialize_with = "text")]
    pub(crate) id: String,
    pub(crate) created_at: Option<f64>,
    #[serde(deserialize_with = "text")]
    pub(crate) lane: String,
    #[serde(deserialize_with = "text")]
    pub(crate) queue: String,
    #[serde(deserialize_with = "text")]
    pub(crate) model: String,
    #[serde(deserialize_with = "text")]
    pub(crate) job_id: String,
    #[serde(deserialize_with = "text")]
    pub(crate) reason: String,
    pub(crate) attempts: Option<f64>,
    #[serde(deserialize_with = "flag")]
    pub(crate) can_redrive: bool,
    #[serde(deserialize_with = "text")]
    pub(crate) why_not: String,
}

/// Names a dead letter in addresses: digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LetterId(String);

impl LetterId {
    /// As an address or a gateway has it, if it is one.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        (digits && !text.is_empty() && text.len() <= 20).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An answer that took long, lately.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct SlowAnswer {
    pub(crate) at: Option<f64>,
    #[serde(deserialize_with = "text")]
    pub(crate) request_id: String,
    #[serde(deserialize_with = "text")]
    pub(crate) job_id: String,
    #[serde(deserialize_with = "text")]
    pub(crate) trace_id: String,
    #[serde(deserialize_with = "text")]
    pub(crate) model: String,
    #[serde(deserialize_with = "text")]
    pub(crate) queue: String,
    #[serde(deserialize_with = "text")]
    pub(crate) lane: String,
    #[serde(deserialize_with = "text")]
    pub(crate) outcome: String,
    pub(crate) duration_seconds: f64,
    pub(crate) queue_wait_seconds: Option<f64>,
    pub(crate) model_first_token_seconds: Option<f64>,
    pub(crate) time_to_first_token_seconds: Option<f64>,
    pub(crate) output_tokens: Option<f64>,
}

/// The last quarter of an hour in steps.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct History {
    pub(crate) step_seconds: f64,
    pub(crate) points: Vec<Point>,
}

/// One step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Point {
    pub(crate) at: f64,
    pub(crate) accepted: Option<f64>,
    pub(crate) failed: Option<f64>,
    pub(crate) output_tokens: Option<f64>,
    pub(crate) waiting: Option<f64>,
    pub(crate) oldest_wait_seconds: Option<f64>,
    pub(crate) time_to_first_token_p95_seconds: Option<f64>,
}

impl Overview {
    /// From the gateway's answer; `None` if it is none.
    pub(crate) fn read(body: &[u8]) -> Option<Self> {
        let mut told: Map<String, Value> = serde_json::from_slice(body).ok()?;
        if told.remove("object")? != "operator.overview" {
            return None;
        }
        let mut parts = Parts { told, unread: Vec::new() };
        let mut overview = Self {
            at: parts.take("at").unwrap_or_default(),
            window_seconds: parts.take("window_seconds").unwrap_or_default(),
            gateways: parts.take("gateways"),
            workers: parts.take("workers"),
            queues: parts.take("queues"),
            models: parts.take("models"),
            answers: parts.take("answers"),
            redeliveries: parts.take("redeliveries"),
            dead_letters: parts.take("dead_letters"),
            slow_answers: parts.take("slow_answers"),
            history: parts.take("history"),
            incomplete: parts.take("incomplete").unwrap_or_default(),
            ..Self::default()
        };
        overview.unread = parts.unread;
        overview.unknown = parts.told.into_iter().map(|(name, _)| name).take(20).collect();
        Some(overview)
    }
}

struct Parts {
    told: Map<String, Value>,
    unread: Vec<&'static str>,
}

impl Parts {
    fn take<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        match self.told.remove(name).map(serde_json::from_value::<Option<T>>) {
            // The gateway has it and cannot fill it now; it says so itself.
            Some(Ok(part)) => part,
            Some(Err(_)) | None => {
                self.unread.push(name);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_said_and_what_is_null_is_not() {
        let overview = Overview::read(
            br#"{"object":"operator.overview","at":1,"window_seconds":300,"gateways":[{"id":"g"}],
                "workers":"none","queues":null,"answers":{"open":3},"redeliveries":0,
                "dead_letters":{"kept":null,"recent":[{"id":"7","why_not":null}]},
                "slow_answers":[],"history":null,"incomplete":["NATS cannot be asked."],"moods":[]}"#,
        );
        let overview = overview.unwrap();

        assert_eq!(overview.unread, ["workers", "models"]);
        assert_eq!(overview.unknown, ["moods"]);
        assert_eq!(overview.queues, None);
        assert_eq!(overview.gateways.unwrap()[0].requests, None);
        assert_eq!(overview.answers.unwrap().open.to_string(), "3");
        assert_eq!(overview.incomplete, ["NATS cannot be asked."]);
    }

    #[test]
    fn what_no_gateway_says_is_none() {
        for body in [&b"<html>"[..], b"[]", b"{}", br#"{"object":"list","data":[]}"#] {
            assert_eq!(Overview::read(body), None);
        }
        assert!(Overview::read(br#"{"object":"operator.overview"}"#).is_some());
    }

    #[test]
    fn a_letter_is_named_by_digits() {
        assert_eq!(LetterId::read("42").unwrap().to_string(), "42");
        for text in ["", "../keys", "4 2", "-1", "123456789012345678901"] {
            assert_eq!(LetterId::read(text), None, "{text}");
        }
    }
}
