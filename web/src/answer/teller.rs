//! Follows one answer and tells its readers, at a pace at which people read.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::{Stream, StreamExt as _, stream};
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep, sleep_until};

use super::follow::Follower;
use super::followed::Key;
use super::shared::{Known, Shared, lock};
use crate::said::Said;
use crate::waiting::Waiting;

/// Time between two updates: people read no faster, and a browser paints every second frame, each
/// 33 ms. A timer is up to two milliseconds late.
const PAUSE: Duration = Duration::from_millis(31);
/// Longest time in which what has come since the last update is read.
const READS_FOR: Duration = Duration::from_millis(5);
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
    })
    .fuse();
    let (mut said, mut asking) = (std::pin::pin!(said), None);
    let (mut not_before, mut unread_since, mut unshown) = (Instant::now(), None, false);
    // Whether everything was read that had come when the readers were last told.
    let mut all_read = false;
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
        // Between two updates nothing is read: being woken for a word costs more than the word.
        let rests = is_read && !waits && all_read && Instant::now() < not_before;
        tokio::select! {
            biased;
            () = sleep_until(not_before), if is_read && (unshown || rests) => {
                if !waits {
                    let hear = |more: Vec<Said>| teller.shared.told().hear(&more);
                    let read = what_is_there(said.as_mut(), hear).await;
                    unshown |= read.anything;
                    all_read = read.all;
                }
                if std::mem::take(&mut unshown) {
                    not_before = Instant::now() + PAUSE;
                    teller.show();
                }
            }
            () = sleep_until(settles.unwrap_or_else(Instant::now)), if waits && settles.is_some() => {
                teller.show();
                teller.caught_up.send_replace(true);
            }
            next = said.next(), if !rests => {
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

/// What was read in one go.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    anything: bool,
    /// Whether there is nothing more for now.
    all: bool,
}

/// Hears everything that has come by now.
async fn what_is_there(
    mut said: Pin<&mut impl Stream<Item = Vec<Said>>>,
    mut hear: impl FnMut(Vec<Said>),
) -> Read {
    let (mut anything, until) = (false, Instant::now() + READS_FOR);
    while Instant::now() < until {
        tokio::select! {
            biased;
            more = said.next() => {
                // Whoever asks next learns as well that it was the last.
                let Some(more) = more else { break };
                hear(more);
                anything = true;
            }
            // Meanwhile the task of the connection reads on, if there is anything.
            () = yield_now() => return Read { anything, all: true },
        }
    }
    Read { anything, all: false }
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
            known.remove(key);
        }
        unread
    }
}

#[cfg(test)]
mod tests {
    use futures::channel::mpsc;
    use service_runtime::Tasks;

    use super::*;

    async fn read(said: impl Stream<Item = Vec<Said>>) -> (Read, usize) {
        let mut heard = 0;
        let read = what_is_there(std::pin::pin!(said), |more| heard += more.len()).await;
        (read, heard)
    }

    #[tokio::test]
    async fn what_has_come_is_read_and_what_comes_later_is_not_waited_for() {
        let (sender, said) = mpsc::unbounded();
        let mut said = said.fuse();
        assert_eq!(read(&mut said).await, (Read { anything: false, all: true }, 0));

        // As the task of a connection has one piece ready, and reads the next when that is taken.
        sender.unbounded_send(vec![Said::Text("a".into())]).unwrap();
        let connection = Tasks::new().spawn(async move {
            sender.unbounded_send(vec![Said::Text("b".into()), Said::Text("c".into())]).unwrap();
            sender
        });
        assert_eq!(read(&mut said).await, (Read { anything: true, all: true }, 3));

        drop(connection.await.unwrap());
        assert_eq!(read(&mut said).await, (Read { anything: false, all: false }, 0), "its end");
    }

    #[tokio::test]
    async fn readers_are_told_though_there_is_always_more() {
        let (read, heard) = read(stream::repeat_with(|| vec![Said::Text("a".into())])).await;

        assert_eq!(read, Read { anything: true, all: false });
        assert!(heard > 0);
    }
}
