//! The way to one gateway: one message at a time, and no more than it can read.

use std::time::Duration;

use bus::Receipt;
use contract::WorkerId;
use contract::window::{OUTBOX_WINDOW, PARTS};
use tokio::sync::{Mutex, MutexGuard, watch};

/// A gateway that reads says so far sooner. What was on its way when a connection broke is never
/// read: it is not waited for any longer.
const RECEIPT_WITHIN: Duration = Duration::from_secs(2);

/// The way to one gateway.
#[derive(Debug)]
pub(super) struct Way {
    worker: WorkerId,
    /// Held while a message is taken and sent: messages leave in the order of their events.
    sent: Mutex<Sent>,
    /// The position up to which the gateway has read.
    read: watch::Sender<u64>,
}

/// Positions are bytes of messages, from the first one on.
#[derive(Debug, Default)]
struct Sent {
    position: u64,
    /// Up to where a receipt was asked for.
    asked: u64,
}

/// The right to send the next message.
#[derive(Debug)]
pub(super) struct Turn<'a> {
    worker: WorkerId,
    sent: MutexGuard<'a, Sent>,
}

impl Way {
    pub(super) fn new(worker: WorkerId) -> Self {
        Self { worker, sent: Mutex::default(), read: watch::Sender::new(0) }
    }

    /// Waits for the turn, and until the gateway has read enough of what was sent before.
    pub(super) async fn turn(&self) -> Turn<'_> {
        let sent = self.sent.lock().await;
        let has_room = |read: &u64| sent.position.saturating_sub(*read) < OUTBOX_WINDOW;
        if !has_room(&self.read.borrow()) {
            let mut read = self.read.subscribe();
            let told = tokio::time::timeout(RECEIPT_WITHIN, read.wait_for(has_room)).await;
            if told.is_err() {
                tracing::warn!("a gateway did not say within {RECEIPT_WITHIN:?} what it has read");
                self.have_read(sent.position);
            }
        }
        Turn { worker: self.worker, sent }
    }

    /// The gateway has read everything up to `position`.
    pub(super) fn have_read(&self, position: u64) {
        super::raise(&self.read, position);
    }
}

impl Turn<'_> {
    /// What a message of `bytes` asks for.
    pub(super) fn receipt(&self, bytes: u64) -> Option<Receipt> {
        let position = self.sent.position + bytes;
        let due = position - self.sent.asked >= OUTBOX_WINDOW / PARTS;
        due.then_some(Receipt { worker: self.worker, position })
    }

    /// It was sent.
    pub(super) fn sent(&mut self, bytes: u64, receipt: Option<Receipt>) {
        self.sent.position += bytes;
        if let Some(receipt) = receipt {
            self.sent.asked = receipt.position;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use futures::FutureExt as _;

    const PART: u64 = OUTBOX_WINDOW / PARTS;

    /// Sends as much as the gateway may have unread, and gives the receipts that were asked for.
    fn fill(way: &Way) -> Vec<u64> {
        let mut receipts = Vec::new();
        while let Some(mut turn) = way.turn().now_or_never() {
            let receipt = turn.receipt(PART / 2);
            turn.sent(PART / 2, receipt);
            receipts.extend(receipt.map(|receipt| receipt.position));
        }
        receipts
    }

    #[tokio::test]
    async fn a_gateway_says_four_times_a_window_what_it_has_read() {
        let way = Way::new(WorkerId::fresh());
        assert_eq!(fill(&way), [PART, PART * 2, PART * 3, PART * 4]);

        way.have_read(PART);
        way.have_read(PART - 1);

        assert_eq!(fill(&way), [PART * 5]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_never_read_is_not_waited_for_without_end() {
        let way = Way::new(WorkerId::fresh());
        fill(&way);
        assert!(way.turn().now_or_never().is_none(), "the way is full");

        drop(way.turn().await);

        assert_eq!(fill(&way).len(), 4, "and open again");
    }
}
