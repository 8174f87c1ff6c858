//! What an answer took, as the gateway tells it: shown below the answer.

use serde::Deserialize;

use crate::texts;

/// Longest name that is shown; what is longer was not made by a gateway.
const LONGEST: usize = 200;

/// What one answer took. Everything may be missing, and nothing is more than shown.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(crate) struct Receipt {
    pub(crate) model: Option<String>,
    pub(crate) upstream: Option<String>,
    pub(crate) attempt: Option<f64>,
    pub(crate) trace_id: Option<String>,
    pub(crate) queue_wait_ms: Option<f64>,
    pub(crate) model_first_token_ms: Option<f64>,
    pub(crate) time_to_first_token_ms: Option<f64>,
    pub(crate) duration_ms: Option<f64>,
    pub(crate) input_tokens: Option<f64>,
    pub(crate) output_tokens: Option<f64>,
    pub(crate) tokens_per_second: Option<f64>,
}

/// Where the time of an answer went, in seconds. The stages follow each other.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Stages {
    /// In the queue.
    pub(crate) queue: f64,
    /// In the model, until its first token.
    pub(crate) model: f64,
    /// On the way, in everything that is ours.
    pub(crate) platform: f64,
    /// From the first token to the last.
    pub(crate) speaking: f64,
}

impl Receipt {
    /// From the gateway; `None` if it cannot be read. An answer is worth more than its receipt.
    pub(crate) fn read(json: &str) -> Option<Self> {
        let mut receipt: Self = serde_json::from_str(json).ok()?;
        for text in [&mut receipt.model, &mut receipt.upstream, &mut receipt.trace_id] {
            text.take_if(|text| text.is_empty() || text.len() > LONGEST);
        }
        receipt.duration_ms.is_some().then_some(receipt)
    }

    /// Where its time went.
    pub(crate) fn stages(&self) -> Stages {
        let seconds = |ms: Option<f64>| ms.map(|ms| ms / 1000.0);
        Stages::of(
            seconds(self.duration_ms).unwrap_or_default(),
            seconds(self.queue_wait_ms),
            seconds(self.model_first_token_ms),
            seconds(self.time_to_first_token_ms),
        )
    }
}

impl Stages {
    /// From what was measured at different places: each stage is what the ones before leave of the
    /// whole, so that they add up to it.
    pub(crate) fn of(
        duration: f64,
        queue_wait: Option<f64>,
        model_first_token: Option<f64>,
        time_to_first_token: Option<f64>,
    ) -> Self {
        let duration = duration.max(0.0);
        let Some(first) = time_to_first_token else {
            // It came whole, or never: nothing on the way can be told from the model.
            let queue = queue_wait.unwrap_or_default().clamp(0.0, duration);
            let left = duration - queue;
            let model = model_first_token.unwrap_or(left).clamp(0.0, left);
            return Self { queue, model, platform: 0.0, speaking: left - model };
        };
        let first = first.clamp(0.0, duration);
        let queue = queue_wait.unwrap_or_default().clamp(0.0, first);
        let model = model_first_token.unwrap_or_default().clamp(0.0, first - queue);
        Self { queue, model, platform: first - queue - model, speaking: duration - first }
    }

    /// All of it.
    pub(crate) fn duration(&self) -> f64 {
        self.queue + self.model + self.platform + self.speaking
    }

    /// Their names and times, in order.
    pub(crate) fn named(&self) -> [(&'static str, &'static str, f64); 4] {
        [
            ("queue", texts::receipts::QUEUE, self.queue),
            ("model", texts::receipts::TO_FIRST_TOKEN, self.model),
            ("platform", texts::receipts::ON_THE_WAY, self.platform),
            ("speaking", texts::receipts::FIRST_TO_LAST, self.speaking),
        ]
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_receipt_is_read_as_far_as_it_goes() {
        let receipt = Receipt::read(
            r#"{"model":"m","attempt":1,"trace_id":null,"duration_ms":812.0,"more":[1]}"#,
        );
        let receipt = receipt.unwrap();
        assert_eq!((receipt.model.as_deref(), receipt.trace_id), (Some("m"), None));

        for json in ["{", "null", "[]", "{}", r#"{"duration_ms":"long"}"#] {
            assert_eq!(Receipt::read(json), None, "{json}");
        }
        let long = format!(r#"{{"duration_ms":1,"upstream":"{}"}}"#, "x".repeat(LONGEST + 1));
        assert_eq!(Receipt::read(&long).unwrap().upstream, None);
    }

    #[test]
    fn what_was_measured_is_split_into_stages() {
        let stages = Stages::of(1.0, Some(0.1), Some(0.2), Some(0.35));
        assert_eq!((stages.queue, stages.model), (0.1, 0.2));
        assert!((stages.platform - 0.05).abs() < 1e-9 && (stages.speaking - 0.65).abs() < 1e-9);
        let without = Stages::of(1.0, Some(0.25), None, None);
        assert_eq!((without.model, without.platform, without.speaking), (0.75, 0.0, 0.0));
    }

    proptest! {
        #[test]
        fn stages_add_up_to_the_whole_whatever_was_measured(
            duration in -1.0..100.0_f64,
            queue in proptest::option::of(-1.0..100.0_f64),
            model in proptest::option::of(-1.0..100.0_f64),
            first in proptest::option::of(-1.0..100.0_f64),
        ) {
            let stages = Stages::of(duration, queue, model, first);

            prop_assert!(stages.named().iter().all(|(_, _, seconds)| *seconds >= 0.0));
            prop_assert!((stages.duration() - duration.max(0.0)).abs() < 1e-9);
        }
    }
}
