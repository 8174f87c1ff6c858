//! How long nothing was said.

use std::pin::Pin;
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// Watches a silence. Its timer is moved when it fires, and not for each token: that would cost as
/// much as writing one.
#[derive(Debug)]
pub(crate) struct Silence {
    limit: Duration,
    since: Instant,
    timer: Pin<Box<Sleep>>,
}

impl Silence {
    /// One that begins now, and is long after `limit`.
    pub(crate) fn of(limit: Duration) -> Self {
        let since = Instant::now();
        Self { limit, since, timer: Box::pin(sleep_until(since + limit)) }
    }

    /// Something was said: it begins anew.
    pub(crate) fn is_broken(&mut self) {
        self.since = Instant::now();
    }

    /// Ends when it has grown long; then it begins anew.
    pub(crate) async fn grows_long(&mut self) {
        loop {
            self.timer.as_mut().await;
            let due = self.since + self.limit;
            if Instant::now() >= due {
                self.is_broken();
                self.timer.as_mut().reset(self.since + self.limit);
                return;
            }
            self.timer.as_mut().reset(due);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_is_said_makes_it_begin_anew() {
        let limit = Duration::from_secs(10);
        let began = Instant::now();
        let mut silence = Silence::of(limit);
        tokio::time::advance(limit * 9 / 10).await;
        silence.is_broken();

        silence.grows_long().await;
        let first = began.elapsed();
        silence.grows_long().await;

        assert_eq!(first.as_secs(), 19);
        assert_eq!(began.elapsed().as_secs(), 29);
    }
}
