//! The answers that are followed at the moment: each is followed and rendered once, whoever and
//! however many read it.
//!
//! A reader is a cursor on what was told. An answer that was asked for here is followed to its end,
//! over the connection that asked for it, so that its gateway sees the end as well. Any other that
//! nobody reads is let go after a while; it goes on at the gateway, and whoever comes again follows
//! it from its beginning.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use opentelemetry::metrics::Meter;
use service_runtime::{Shutdown, Tasks};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Cursor;
use super::asking::asking;
use super::counts::Counts;
use super::follow::Follower;
use super::followed::{Followed, Key, NotRead, TooMany};
use super::teller::{Teller, tell};
use super::told::{Told, Update};
use crate::conversation::Answer;
use crate::gateway_client::{Following, OnBehalf, Refused};
use crate::ids::{ConversationId, ResponseId};

/// A connection on which nothing travels is cut by proxies sooner or later.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// So many that were asked for here and that nobody reads are followed all the same, and no more
/// than half of all: the others are for readers. Of more, the oldest are let go.
const MOST_UNREAD: usize = 1_000;
/// A page does not wait longer for it.
const PATIENCE: Duration = Duration::from_millis(500);

pub(super) type Known = Arc<Mutex<Followed<Shared>>>;
/// One of a reader's answers, as addresses name it.
type Turn<'a> = (&'a ConversationId, &'a ResponseId);

/// The answers that are followed. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Answers {
    known: Known,
    tasks: Tasks,
    ends: Ends,
    most: usize,
    counts: Counts,
}

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
pub(super) struct Shared {
    told: Mutex<Told>,
    moved: watch::Receiver<u64>,
    /// Whether what was said before it was followed has been read.
    caught_up: watch::Receiver<bool>,
    /// Whether it is followed to its end though nobody reads it.
    pub(super) stays: AtomicBool,
    /// Whether somebody has stopped it here.
    stopped: Arc<AtomicBool>,
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
    pub(crate) fn new(tasks: Tasks, ends: Ends, most: usize, meter: &Meter) -> Self {
        let known = Arc::new(Mutex::new(Followed::new(most)));
        Self { known, tasks, ends, most, counts: Counts::new(meter) }
    }

    /// Reads an answer that may not be there: names that somebody has made up take no place, and
    /// each is read in its own conversation.
    pub(crate) async fn find(
        &self,
        gateway: &OnBehalf,
        turn: Turn<'_>,
        cursor: Cursor,
        reader: Reader,
    ) -> Result<Viewer, NotRead> {
        if !self.follows(gateway, turn) {
            let room = lock(&self.known).has_room();
            room.inspect_err(|TooMany| self.counts.refused())?;
            if gateway.turn(turn.0, turn.1).await?.answer == Answer::Gone {
                return Err(Refused::gone().into());
            }
        }
        Ok(self.read(gateway, turn, cursor, reader)?)
    }

    fn follows(&self, gateway: &OnBehalf, turn: Turn<'_>) -> bool {
        lock(&self.known).get(&key_of(gateway, turn)).is_some()
    }

    /// Somebody stops an answer; whether it is followed.
    pub(crate) fn stop(&self, gateway: &OnBehalf, turn: Turn<'_>) -> bool {
        let shared = lock(&self.known).get(&key_of(gateway, turn));
        shared.inspect(|shared| shared.stopped.store(true, Ordering::Relaxed)).is_some()
    }

    /// Reads an answer that is there, behind `cursor`. It need not be running any more.
    pub(crate) fn read(
        &self,
        gateway: &OnBehalf,
        turn: Turn<'_>,
        cursor: Cursor,
        reader: Reader,
    ) -> Result<Viewer, TooMany> {
        let shared = self.shared(gateway, turn, None);
        let shared = shared.inspect_err(|TooMany| self.counts.refused())?;
        {
            let mut told = shared.told();
            if reader == Reader::Person {
                told.settle();
            }
            // While nobody reads it, nothing is rendered.
            told.render();
        }
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
    pub(crate) fn begin(&self, gateway: &OnBehalf, turn: Turn<'_>, following: Box<Following>) {
        let shared = self.shared(gateway, turn, Some(following));
        let Ok(shared) = shared.inspect_err(|TooMany| self.counts.let_go()) else { return };
        shared.stays.store(true, Ordering::Relaxed);
        // Held here, it would count as one that is read.
        let one = Arc::downgrade(&shared);
        drop(shared);
        let most_unread = MOST_UNREAD.min(self.most / 2);
        for too_many in lock(&self.known).asked_here.add(one, most_unread) {
            too_many.stays.store(false, Ordering::Relaxed);
            self.counts.let_go();
        }
    }

    fn shared(
        &self,
        gateway: &OnBehalf,
        turn: Turn<'_>,
        begun: Option<Box<Following>>,
    ) -> Result<Arc<Shared>, TooMany> {
        let mut known = lock(&self.known);
        let key = key_of(gateway, turn);
        if let Some(shared) = known.get(&key) {
            return Ok(shared);
        }
        known.has_room()?;
        let (moved, caught_up) = (watch::Sender::new(0), watch::Sender::new(false));
        let stopped = Arc::default();
        let shared = Arc::new(Shared {
            told: Mutex::default(),
            moved: moved.subscribe(),
            caught_up: caught_up.subscribe(),
            stays: AtomicBool::new(false),
            stopped: Arc::clone(&stopped),
        });
        known.add(key.clone(), &shared);
        let teller = Teller { shared: Arc::clone(&shared), moved, caught_up };
        let follower = Follower::new(gateway.clone(), turn, begun, stopped);
        let asks = {
            let (gateway, response) = (gateway.clone(), turn.1.clone());
            move || asking(gateway.clone(), response.clone())
        };
        self.tasks.spawn_detached(tell(teller, follower, asks, Arc::clone(&self.known), key));
        Ok(shared)
    }
}

fn key_of(gateway: &OnBehalf, turn: Turn<'_>) -> Key {
    (gateway.owner().clone(), turn.0.clone(), turn.1.clone())
}

pub(super) fn lock(known: &Known) -> MutexGuard<'_, Followed<Shared>> {
    // Each change leaves it whole: a panic elsewhere cannot have left it half-changed.
    known.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(super) fn told(&self) -> MutexGuard<'_, Told> {
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
