//! One timer for many waits.

use std::pin::Pin;

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that is mostly put off. It is moved when it fires, and not each time it is put off:
/// with a thousand records a second that would be the larger cost.
#[derive(Debug, Default)]
pub(super) struct Alarm(Option<Pin<Box<Sleep>>>);

impl Alarm {
    /// Ends when it is `due`.
    pub(super) async fn at(&mut self, due: Instant) {
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
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn an_alarm_that_is_put_off_or_moved_forward_rings_when_it_is_due() {
        let mut alarm = Alarm::default();
        for due in [10, 5, 20, 15] {
            let due = Instant::now() + Duration::from_secs(due);
            let early = due - Duration::from_secs(1);
            assert!(tokio::time::timeout_at(early, alarm.at(due)).await.is_err());
            alarm.at(due).await;
            assert!(Instant::now() >= due && Instant::now() < due + Duration::from_secs(1));
        }
    }
}
