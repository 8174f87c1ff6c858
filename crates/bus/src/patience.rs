//! What a service asks for when it starts: a cluster that has just lost a server answers a moment
//! later.

use std::time::Duration;

use tokio::time::Instant;

use crate::BusError;

/// A cluster chooses a leader within 4 to 8 s; a server that starts with much to read takes longer.
const LEADERS_WITHIN: Duration = Duration::from_secs(30);
/// Between two tries.
const AGAIN: Duration = Duration::from_millis(200);

/// How long something is asked for anew.
#[derive(Debug)]
pub(crate) struct Patience(Instant);

impl Patience {
    /// From now on.
    pub(crate) fn begin() -> Self {
        Self(Instant::now() + LEADERS_WITHIN)
    }

    /// Waits before the next try.
    ///
    /// # Errors
    ///
    /// With `error`, if it is final: it says more than that nobody answers, or the time is over.
    pub(crate) async fn after(&self, error: BusError) -> Result<(), BusError> {
        if !matches!(error, BusError::Unavailable(_)) || Instant::now() + AGAIN >= self.0 {
            return Err(error);
        }
        tracing::warn!(%error, "asking again: {error}");
        tokio::time::sleep(AGAIN).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_nobody_answers_is_asked_for_half_a_minute_and_a_refusal_is_final() {
        let began = Instant::now();
        let patience = Patience::begin();
        let missing = patience.after(BusError::NotReady("missing".to_owned())).await;
        assert!(matches!(missing, Err(BusError::NotReady(_))), "{missing:?}");
        assert_eq!(began.elapsed(), Duration::ZERO);

        let silent = || BusError::Unavailable("silent".to_owned());
        while patience.after(silent()).await.is_ok() {}

        assert!(began.elapsed() > Duration::from_secs(29) && began.elapsed() <= LEADERS_WITHIN);
    }
}
