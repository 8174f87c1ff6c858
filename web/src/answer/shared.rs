//! The answers that are followed at the moment: each is followed and rendered once, whoever and
//! however many read it.
//!
//! A reader is a cursor on what was told. An answer that was asked for here is followed to its end,
//! over the connection that asked for it, so that its gateway sees the end as well. Any other that
//! nobody reads is let go after a while; it goes on at the gateway, and whoever comes again follows
//! it from its beginning.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures::{Stream, StreamExt as _, stream};
use service_runtime::{Shutdown, Tasks};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until};

use super::Cursor;
use super::asked_here::AskedHere;
use super::asking::asking;
use super::follow::Follower;
use super::told::{Told, Update};
use crate::gateway_client::{Following, OnBehalf};
use crate::ids::ResponseId;
use crate::session::Owner;
use crate::waiting::Waiting;

/// Time between two updates: people read no faster, and a browser paints every second frame.
const PAUSE: Duration = Duration::from_millis(33);
/// A connection on which nothing travels is cut by proxies sooner or later.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// How long an answer is followed that nobody reads: for as long as a page takes to be loaded anew.
const LINGERS: Duration = Duration::from_secs(10);
/// So many that were asked for here and that nobody reads are followed all the same, and no more
/// than half of all: the others are for readers. Of more, the oldest are let go.
const MOST_UNREAD: usize = 1_000;
/// Everything that was said before has been read when nothing more comes for so long.
const SETTLES: Duration = Duration::from_millis(10);
/// Or so long after the first of it: where words come fast there is no such pause.
const SETTLES_WITHIN: Duration = Duration::from_millis(60);
/// A page does not wait longer for it.
const PATIENCE: Duration = Duration::from_millis(500);

type Key = (Owner, ResponseId);
type Known = Arc<Mutex<Followed>>;

/// All that are followed.
#[derive(Debug, Default)]
struct Followed {
    by_key: HashMap<Key, Weak<Shared>>,
    asked_here: AskedHere<Shared>,
}

/// The answers that are followed. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    known: Known,
    tasks: Tasks,
    ends: Ends,
    most: usize,
}

/// So many are followed that one more is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooMany;

/// When readers have to leave because the process ends.
#[derive(Debug, Clone)]
pub(crate) struct Ends {
    /// Those who come again by themselves: at once.
    pub(crate) soon: Shutdown,
    /// Those who would have to be told: as late as can be.
    pub(crate) late: Shutdown,
}

/// What readers do whose stream breaks off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reader {
    /// A script, which comes again.
    Script,
    /// A person who looks at a page that is being sent.
    Person,
}

/// One of them. Its task holds it, and everybody who reads it.
#[derive(Debug)]
struct Shared {
    told: Mutex<Told>,
    moved: watch::Receiver<u64>,
    /// Whether what was said before it was followed has been read.
    caught_up: watch::Receiver<bool>,
    /// Whether it is followed to its end though nobody reads it.
    stays: AtomicBool,
}

/// Tells the readers of one of them; when it is dropped they know that nothing more comes.
struct Teller {
    shared: Arc<Shared>,
    moved: watch::Sender<u64>,
    caught_up: watch::Sender<bool>,
}

/// Somebody who reads an answer.
#[derive(Debug)]
pub(crate) struct Viewer {
    shared: Arc<Shared>,
    moved: watch::Receiver<u64>,
    closing: Shutdown,
    cursor: Cursor,
    seen: Instant,
    over: bool,
}

/// What a viewer does next.
#[derive(Debug)]
pub(crate) enum Step {
    /// Show this.
    Show(Update),
    /// Show that somebody is still there.
    Wait,
    /// Come again, on another process: this one ends.
    Leave,
}

impl Answers {
    /// `most` are followed at once.
    pub(crate) fn new(tasks: Tasks, ends: Ends, most: usize) -> Self {
        Self { known: Arc::default(), tasks, ends, most }
    }

    /// Reads an answer behind `cursor`. It need not be running any more.
    pub(crate) fn read(
        &self,
        gateway: &OnBehalf,
        response: &ResponseId,
        cursor: Cursor,
        reader: Reader,
    ) -> Result<Viewer, TooMany> {
        let shared = self.shared(gateway, response, None)?;
        // While nobody reads it, nothing is rendered.
        shared.told().render();
        let mut moved = shared.moved.clone();
        moved.mark_changed();
        let closing = match reader {
            Reader::Script => self.ends.soon.clone(),
            Reader::Person => self.ends.late.clone(),
        };
        let seen = Instant::now();
        Ok(Viewer { shared, moved, closing, cursor, seen, over: false })
    }

    /// Follows an answer that was asked for just now over the connection that asked for it. One that
    /// is followed already stays with what follows it, and one too many goes on without us.
    pub(crate) fn begin(
        &self,
        gateway: &OnBehalf,
        response: &ResponseId,
        following: Box<Following>,
    ) {
        let Ok(shared) = self.shared(gateway, response, Some(following)) else { return };
        shared.stays.store(true, Ordering::Relaxed);
        // Held here, it would count as one that is read.
        let one = Arc::downgrade(&shared);
        drop(shared);
        let most_unread = MOST_UNREAD.min(self.most / 2);
        for too_many in lock(&self.known).asked_here.add(one, most_unread) {
            too_many.stays.store(false, Ordering::Relaxed);
        }
    }

    fn shared(
        &self,
        gateway: &OnBehalf,
        response: &ResponseId,
        begun: Option<Box<Following>>,
    ) -> Result<Arc<Shared>, TooMany> {
        let mut known = lock(&self.known);
        let key = (gateway.owner().clone(), response.clone());
        if let Some(shared) = known.by_key.get(&key).and_then(Weak::upgrade) {
            return Ok(shared);
        }
        known.by_key.retain(|_, shared| shared.strong_count() > 0);
        if known.by_key.len() >= self.most {
            return Err(TooMany);
        }
        let (moved, caught_up) = (watch::Sender::new(0), watch::Sender::new(false));
        let shared = Arc::new(Shared {
            told: Mutex::default(),
            moved: moved.subscribe(),
            caught_up: caught_up.subscribe(),
            stays: AtomicBool::new(false),
        });
        known.by_key.insert(key.clone(), Arc::downgrade(&shared));
        let teller = Teller { shared: Arc::clone(&shared), moved, caught_up };
        let follower = Follower::new(gateway.clone(), response.clone(), begun);
        let asks = {
            let (gateway, response) = (gateway.clone(), response.clone());
            move || asking(gateway.clone(), response.clone())
        };
        self.tasks.spawn_detached(tell(teller, follower, asks, Arc::clone(&self.known), key));
        Ok(shared)
    }
}

fn lock(known: &Known) -> MutexGuard<'_, Followed> {
    // Each change leaves it whole: a panic elsewhere cannot have left it half-changed.
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Follows an answer until it ends, or nobody has read it for a while and it was not asked for here.
async fn tell<A: Stream<Item = Waiting>>(
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

impl Shared {
    fn told(&self) -> MutexGuard<'_, Told> {
        // What was told stays told: a panic elsewhere cannot have left it half-written.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Viewer {
    /// Waits until what was said before is there, as far as it comes soon.
    pub(crate) async fn catch_up(&mut self) {
        let mut caught_up = self.shared.caught_up.clone();
        let waiting = caught_up.wait_for(|caught_up| *caught_up);
        let _in_time = tokio::time::timeout(PATIENCE, waiting).await.is_ok();
    }

    /// Whether there is no such answer, as far as is known.
    pub(crate) fn is_gone(&self) -> bool {
        self.shared.told().is_gone()
    }

    /// What can be seen at once; the next step goes on behind it.
    pub(crate) fn now(&mut self) -> Update {
        self.moved.mark_unchanged();
        self.take()
    }

    /// The next step; `None` behind the end.
    pub(crate) async fn next(&mut self) -> Option<Step> {
        if self.over {
            return None;
        }
        let silent_at = self.seen + HEARTBEAT;
        tokio::select! {
            biased;
            () = self.closing.requested() => {
                self.over = true;
                Some(Step::Leave)
            }
            more = more(&self.shared, &mut self.moved, self.cursor) => {
                if !more {
                    self.over = true;
                    return Some(Step::Leave);
                }
                let update = self.take();
                self.over = update.ending.is_some();
                Some(Step::Show(update))
            }
            () = sleep_until(silent_at) => {
                self.seen = Instant::now();
                Some(Step::Wait)
            }
        }
    }

    fn take(&mut self) -> Update {
        self.seen = Instant::now();
        let update = self.shared.told().since(self.cursor);
        self.cursor = update.cursor;
        update
    }
}

/// Waits until there is something for whoever is at `cursor`; false if nothing comes any more.
async fn more(shared: &Shared, moved: &mut watch::Receiver<u64>, cursor: Cursor) -> bool {
    loop {
        if moved.changed().await.is_err() {
            return false;
        }
        // Of what is read anew after a restart, a reader has the beginning.
        if !shared.told().is_behind(cursor) {
            return true;
        }
    }
}
