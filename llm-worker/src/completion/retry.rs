//! When a failed job is tried again: a pure rule, with its table.

use std::time::Duration;

use contract::Failure;

use super::Outcome;

/// Most tries at one job.
const MAX_ATTEMPTS: u64 = 4;
/// Most tries at a job that the model answered with an error of its own making.
const MAX_FAULTS: u64 = 2;
/// Longest wait that a person is made to sit through before the next try.
const LONGEST_DELAY: Duration = Duration::from_secs(2);
/// A job whose caller has waited this long is not tried again.
const LONGEST_WAIT: Duration = Duration::from_secs(20);
/// The first delay; each further one doubles it.
const FIRST_DELAY: Duration = Duration::from_millis(200);

/// A model call that failed before its first word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModelFailure {
    pub(crate) trouble: Trouble,
    /// What the caller is told if it is final.
    pub(crate) tell: Failure,
    /// When the model wants to be asked again.
    pub(crate) retry_after: Option<Duration>,
    /// What happened, for the operator: a status, or why a call failed. Nothing that was said.
    pub(crate) cause: String,
}

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The model refuses the request, and will again.
    Refused,
    /// It answered that it failed (500). Many servers say so of requests that they cannot take.
    Faulted,
    /// Too many requests.
    Overloaded,
    /// Not there, or broken in itself.
    Unavailable,
    /// Too slow.
    TimedOut,
    /// It does not know us: our key or our address for it is wrong.
    Misconfigured,
    /// What came is no answer.
    Garbled,
}

impl Trouble {
    /// The value of `error.type`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Faulted => "faulted",
            Self::Overloaded => "overloaded",
            Self::Unavailable => "unavailable",
            Self::TimedOut => "timeout",
            Self::Misconfigured => "misconfigured",
            Self::Garbled => "garbled",
        }
    }

    /// Whether the same request may succeed at another upstream.
    pub(crate) fn worth_another_upstream(self) -> bool {
        match self {
            Self::Refused => false,
            Self::Faulted
            | Self::Overloaded
            | Self::Unavailable
            | Self::TimedOut
            | Self::Misconfigured
            | Self::Garbled => true,
        }
    }

    /// How often a request is tried that fails so.
    fn most_attempts(self) -> u64 {
        match self {
            Self::Refused | Self::Misconfigured | Self::Garbled => 1,
            Self::Faulted => MAX_FAULTS,
            Self::Overloaded | Self::Unavailable | Self::TimedOut => MAX_ATTEMPTS,
        }
    }
}

/// What is known of a job beside its failure.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Circumstances {
    /// Which attempt this was, from 1.
    pub(crate) attempt: u64,
    /// How long its caller has waited, this attempt included.
    pub(crate) waited: Duration,
    /// Between 0 and 1: spreads the retries of many jobs that failed together.
    pub(crate) jitter: f64,
}

/// What a model call that failed before its first word means for its job.
///
/// | failure                            | tries and patience left | otherwise |
/// |------------------------------------|-------------------------|-----------|
/// | overload, not there, too slow      | retry                   | give up   |
/// | it says that it failed             | retry once              | give up   |
/// | refused, our key is wrong, garbled | give up                 | give up   |
///
/// A wait that the model asks for counts, unless it is longer than a person should sit through.
/// A model that was too slow has mostly used up the caller's patience.
pub(crate) fn after(failure: &ModelFailure, circumstances: Circumstances) -> Outcome {
    let Circumstances { attempt, waited, jitter } = circumstances;
    if attempt >= failure.trouble.most_attempts() || waited >= LONGEST_WAIT {
        return Outcome::GaveUp;
    }
    let delay = match failure.retry_after {
        Some(wish) if wish > LONGEST_DELAY => return Outcome::GaveUp,
        Some(wish) => wish,
        None => backoff(attempt),
    };
    Outcome::RetryAfter(delay.mul_f64(1.0 + 0.5 * jitter.clamp(0.0, 1.0)).min(LONGEST_DELAY))
}

fn backoff(attempt: u64) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX).min(10);
    FIRST_DELAY * 2_u32.pow(doublings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(trouble: Trouble, retry_after_ms: Option<u64>) -> ModelFailure {
        let tell =
            Failure { status: 503, body: String::new(), retry_after_ms: None, should_retry: true };
        let retry_after = retry_after_ms.map(Duration::from_millis);
        ModelFailure { trouble, tell, retry_after, cause: String::new() }
    }

    #[test]
    fn a_failure_is_retried_while_there_is_hope_and_patience() {
        let again = |ms| Outcome::RetryAfter(Duration::from_millis(ms));
        for (why, trouble, wish, attempt, waited_s, expected) in [
            ("first overload", Trouble::Overloaded, None, 1, 0, again(200)),
            ("second overload", Trouble::Overloaded, None, 2, 1, again(400)),
            ("third", Trouble::Unavailable, None, 3, 1, again(800)),
            ("the model's wish counts", Trouble::Overloaded, Some(700), 1, 0, again(700)),
            ("within reason", Trouble::Overloaded, Some(60_000), 1, 0, Outcome::GaveUp),
            ("the last try", Trouble::Unavailable, None, 4, 1, Outcome::GaveUp),
            ("no patience left", Trouble::Unavailable, None, 2, 20, Outcome::GaveUp),
            ("a refusal", Trouble::Refused, None, 1, 0, Outcome::GaveUp),
            ("its own error", Trouble::Faulted, None, 1, 0, again(200)),
            ("its own error, again", Trouble::Faulted, None, 2, 0, Outcome::GaveUp),
            ("too slow, and soon", Trouble::TimedOut, None, 1, 3, again(200)),
            ("too slow", Trouble::TimedOut, None, 1, 120, Outcome::GaveUp),
            ("our key is wrong", Trouble::Misconfigured, None, 1, 0, Outcome::GaveUp),
            ("garbage", Trouble::Garbled, None, 1, 0, Outcome::GaveUp),
        ] {
            let waited = Duration::from_secs(waited_s);
            let circumstances = Circumstances { attempt, waited, jitter: 0.0 };
            assert_eq!(after(&failure(trouble, wish), circumstances), expected, "{why}");
        }
    }

    #[test]
    fn jitter_spreads_the_delay_by_half_and_not_beyond_the_longest() {
        let at = |attempt, jitter| {
            let circumstances = Circumstances { attempt, waited: Duration::ZERO, jitter };
            after(&failure(Trouble::Overloaded, None), circumstances)
        };
        assert_eq!(at(1, 1.0), Outcome::RetryAfter(Duration::from_millis(300)));
        let wish = failure(Trouble::Overloaded, Some(2_000));
        let circumstances = Circumstances { attempt: 1, waited: Duration::ZERO, jitter: 1.0 };
        assert_eq!(after(&wish, circumstances), Outcome::RetryAfter(LONGEST_DELAY));
    }
}
