//! What a worker measured of the work behind an answer.

use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

/// What is longer is told as this: 30 years, and more.
const LONGEST_MS: f64 = 1e12;

/// The figures of one attempt at an answer, told with its end. Numbers and two names of the
/// catalogue: never a prompt, an answer, or an address.
///
/// # Beside a version that does not know them
///
/// Of a stored job they are an optional member of the last record of its log
/// ([`crate::log::Ended`]): who does not know it reads past it.
///
/// Of an unstored one they travel within the last event, which a gateway of a version before could
/// not read, and with it nothing else of that message. So a gateway says in each job that it reads
/// them ([`crate::Job::reads_work`]), which workers of a version before read past; a worker that
/// is not told so says nothing of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkFigures {
    /// From the queue's taking the job to its arrival at this worker: with earlier attempts, if
    /// there were any.
    #[serde(deserialize_with = "time")]
    pub queue_wait_ms: f64,
    /// From asking the model to its first words, of an answer in pieces: with the wait for a place
    /// at an upstream, and with those that were tried in vain.
    #[serde(default, deserialize_with = "time_if_any")]
    pub first_token_ms: Option<f64>,
    /// From the arrival of the job to the last words.
    #[serde(deserialize_with = "time")]
    pub work_ms: f64,
    /// Who answered: what the catalogue says that the model is called there.
    pub upstream: String,
    /// Which attempt this was, from 1.
    pub attempt: u32,
    /// Tokens that the model has read, if it said so.
    #[serde(default)]
    pub input_tokens: Option<u64>,
    /// Tokens that it has written, if it said so.
    #[serde(default)]
    pub output_tokens: Option<u64>,
}

impl WorkFigures {
    /// A time as figures have it: in milliseconds, to a thousandth.
    pub fn ms(time: Duration) -> f64 {
        thousandths(time.as_secs_f64() * 1e3)
    }
}

/// What is read is within bounds, and written again as the same text.
fn thousandths(ms: f64) -> f64 {
    (ms.clamp(0.0, LONGEST_MS) * 1e3).round() / 1e3
}

fn time<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    f64::deserialize(deserializer).map(thousandths)
}

fn time_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Ok(Option::<f64>::deserialize(deserializer)?.map(thousandths))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(json: &str) -> WorkFigures {
        serde_json::from_str(json).unwrap()
    }

    proptest! {
        #[test]
        fn figures_read_back_as_the_same_text(wait in any::<f64>(), nanoseconds in any::<u64>()) {
            let time = WorkFigures::ms(Duration::from_nanos(nanoseconds));
            let wait = if wait.is_finite() { wait } else { 0.0 };
            let json = format!(
                r#"{{"queue_wait_ms":{wait:e},"first_token_ms":{time},"work_ms":{time},"upstream":"m","attempt":1}}"#
            );
            let figures = read(&json);
            let written = serde_json::to_string(&figures).unwrap();
            prop_assert_eq!(figures.first_token_ms, Some(time));
            prop_assert_eq!(serde_json::to_string(&read(&written)).unwrap(), written);
        }
    }

    #[test]
    fn what_is_no_time_is_told_as_the_nearest_one() {
        let json = r#"{"queue_wait_ms":-5,"first_token_ms":null,"work_ms":1e300,"upstream":"m","attempt":1,"later":[]}"#;

        let figures = read(json);

        assert_eq!((figures.queue_wait_ms, figures.work_ms), (0.0, LONGEST_MS));
        assert_eq!((figures.first_token_ms, figures.input_tokens), (None, None));
    }

    #[test]
    fn times_are_told_to_a_thousandth_of_a_millisecond() {
        for (nanoseconds, ms) in [(0, 0.0), (1_234_567, 1.235), (30_000_000_499, 30_000.0)] {
            assert!((WorkFigures::ms(Duration::from_nanos(nanoseconds)) - ms).abs() < 1e-9);
        }
    }
}
