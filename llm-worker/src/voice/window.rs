//! What of one stream may be said before its caller has read more.

use std::time::Duration;

use contract::window::{PARTS, STREAM_WINDOW};
use tokio::sync::watch;

/// A caller that has not read a part of the window for this long is given up. Who reads nothing at
/// all is cut off by the gateway before.
const STALLED_AFTER: Duration = Duration::from_secs(60);

/// The window of one stream.
#[derive(Debug)]
pub(super) struct Window {
    said: u64,
    read: watch::Receiver<u64>,
}

/// Its caller reads too slowly.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Stalled;

impl Window {
    /// `read` tells the cost of what was read so far.
    pub(super) fn new(read: watch::Receiver<u64>) -> Self {
        Self { said: 0, read }
    }

    /// Waits until something of this cost may be said.
    pub(super) async fn admit(&mut self, cost: u64) -> Result<(), Stalled> {
        let said = self.said;
        let admits = |read: &u64| {
            let unread = said.saturating_sub(*read);
            // Of what was read, less than a part may be untold: who waited for an empty window to
            // say something that is over it would wait for ever.
            unread + cost <= STREAM_WINDOW || unread < STREAM_WINDOW / PARTS
        };
        if !admits(&self.read.borrow()) {
            let told = tokio::time::timeout(STALLED_AFTER, self.read.wait_for(admits)).await;
            told.map_err(|_elapsed| Stalled)?.map_err(|_closed| Stalled)?;
        }
        self.said += cost;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use futures::FutureExt as _;

    const PART: u64 = STREAM_WINDOW / PARTS;

    #[tokio::test]
    async fn no_more_is_said_than_the_window_holds_until_some_was_read() {
        let (tell, read) = watch::channel(0);
        let mut window = Window::new(read);
        for _part in 0..PARTS {
            assert_eq!(window.admit(PART).now_or_never(), Some(Ok(())));
        }
        assert_eq!(window.admit(1).now_or_never(), None, "it is full");

        tell.send_replace(PART);

        assert_eq!(window.admit(PART).now_or_never(), Some(Ok(())));
        assert_eq!(window.admit(1).now_or_never(), None);
    }

    #[tokio::test]
    async fn what_is_over_the_window_is_said_when_little_else_is_unread() {
        let (tell, read) = watch::channel(0);
        let mut window = Window::new(read);
        window.admit(PART).await.unwrap();
        assert_eq!(window.admit(STREAM_WINDOW * 2).now_or_never(), None);

        tell.send_replace(1);

        assert_eq!(window.admit(STREAM_WINDOW * 2).now_or_never(), Some(Ok(())));
        assert_eq!(window.admit(1).now_or_never(), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_reads_nothing_is_given_up() {
        let (_tell, read) = watch::channel(0);
        let mut window = Window::new(read);
        window.admit(STREAM_WINDOW).await.unwrap();

        assert_eq!(window.admit(1).await, Err(Stalled));
    }
}
