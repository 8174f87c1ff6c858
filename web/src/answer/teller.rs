//! Follows one answer and tells its readers, at a pace at which people read.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::{Stream, StreamExt as _, stream};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::follow::Follower;
use super::shared::{Key, Known, Shared, lock};
use crate::waiting::Waiting;

/// Time between two updates: people read no faster, and a browser paints every second frame.
const PAUSE: Duration = Duration::from_millis(33);
/// How long an answer is followed that nobody reads: for as long as a page takes to be loaded anew.
const LINGERS: Duration = Duration::from_secs(10);
/// Everything that was said before has been read when nothing more comes for so long.
const SETTLES: Duration = Duration::from_millis(10);
/// Or so long after the first of it: where words come fast there is no such pause.
const SETTLES_WITHIN: Duration = Duration::from_millis(60);

/// Tells the readers of one of them; when it is dropped they know that nothing more comes.
pub(super) struct Teller {
    pub(super) shared: Arc<Shared>,
    pub(super) moved: watch::Sender<u64>,
    pub(super) caught_up: watch::Sender<bool>,
}

/// Follows an answer until it ends, or nobody has read it for a while and it was not asked for here.
pub(super) async fn tell<A: Stream<Item = Waiting>>(
    teller: Teller,
    follower: Follower,
    asks: impl Fn() -> A,
    known: Known,
    key: Key,
) {
    // As a stream, so that what is on its way is not begun anew with each look at the readers.
    let said = stream::unfold(follower, async |mut follower| {
        let said = follower.next().await?;
        Some((said, follower))
    });
    let (mut said, mut asking) = (std::pin::pin!(said), None);
    let (mut not_before, mut unread_since, mut unshown) = (Instant::now(), None, false);
    // By when what was said before counts as read, once anything was.
    let mut settled_by = None;
    loop {
        let is_read = Arc::strong_count(&teller.shared) > 1;
        unread_since = if is_read { None } else { unread_since.or_else(|| Some(Instant::now())) };
        if unread_since.is_some_and(|since: Instant| since.elapsed() > LINGERS)
            && !teller.shared.stays.load(Ordering::Relaxed)
            && teller.is_let_go(&known, &key)
        {
            return;
        }
        // A question that is on its way when nobody wants to know any more is dropped: it would
        // hold its connection for as long as the answer is written.
        if is_read && teller.shared.told().is_silent() {
            asking.get_or_insert_with(|| Box::pin(asks().fuse()));
        } else {
            asking = None;
        }
        let waits = !*teller.caught_up.borrow();
        let settles = settled_by.map(|by: Instant| by.min(Instant::now() + SETTLES));
        tokio::select! {
            biased;
            () = sleep_until(not_before), if unshown && is_read => {
                unshown = false;
                not_before = Instant::now() + PAUSE;
                teller.show();
            }
            () = sleep_until(settles.unwrap_or_else(Instant::now)), if waits && settles.is_some() => {
                teller.show();
                teller.caught_up.send_replace(true);
            }
            next = said.next() => {
                let Some(more) = next else {
                    teller.show();
                    teller.caught_up.send_replace(true);
                    return;
                };
                teller.shared.told().hear(&more);
                settled_by.get_or_insert_with(|| Instant::now() + SETTLES_WITHIN);
                unshown = true;
            }
            Some(waiting) = next_of(&mut asking) => {
                unshown |= teller.shared.told().wait(waiting);
            }
            // Looks after the readers.
            () = sleep(LINGERS / 4) => {}
        }
    }
}

async fn next_of<S: Stream + Unpin>(some: &mut Option<S>) -> Option<S::Item> {
    some.as_mut()?.next().await
}

impl Teller {
    fn show(&self) {
        self.shared.told().render();
        self.moved.send_modify(|version| *version += 1);
    }

    /// Nobody gets hold of it from now on, unless somebody has.
    fn is_let_go(&self, known: &Known, key: &Key) -> bool {
        let mut known = lock(known);
        let unread = Arc::strong_count(&self.shared) == 1;
        if unread {
            known.by_key.remove(key);
        }
        unread
    }
}
