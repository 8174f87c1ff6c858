//! Hears of changes of keys: by asking again and again for what comes behind the last one.
//!
//! What was put there afresh (a store made anew, or restored from a backup) or removed without a
//! trace (a purge) has no change that could be asked for. So the state of the store is compared
//! every few seconds, and all keys are read anew, beside the changes, when it is not the one that is
//! known; behind another connection in any case, since that may be to a server that has lost its
//! last changes.

use std::future::Future;
use std::time::Duration;

use bus::{Bus, BusError, Keys, LinkState, StoredKey};
use service_runtime::{Health, Readiness};
use tokio::time::Instant;

use super::audit;
use super::book::KeyBook;
use super::known::Walk;

/// How often it is asked whether a key has changed. A quarter of what is promised.
const LOOKS_EVERY: Duration = Duration::from_millis(250);
/// Longest wait for an answer: half of what is promised.
const ANSWERED_WITHIN: Duration = Duration::from_millis(500);
/// How often the state of the store is compared.
const COMPARES_EVERY: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) struct Follower {
    book: KeyBook,
    bus: Bus,
    keys: Keys,
    health: Health,
    /// The connection over which everything that is known was read, or is being read.
    connection: u64,
    /// Reads all keys anew.
    walk: Option<Walk>,
    compared: Instant,
    is_deaf: bool,
}

impl Follower {
    pub(super) fn new(
        book: KeyBook,
        bus: Bus,
        keys: Keys,
        connection: u64,
        health: Health,
    ) -> Self {
        let compared = Instant::now();
        Self { book, bus, keys, health, connection, walk: None, compared, is_deaf: false }
    }

    pub(super) async fn run(mut self) {
        self.health.report("keys", Readiness::Ok);
        let mut link = self.bus.state();
        loop {
            let next = Instant::now() + LOOKS_EVERY;
            // Questions to nobody would wait in the client, and all be asked when it is back.
            let is_connected = *link.borrow_and_update() == LinkState::Connected;
            let looked = match is_connected {
                true => self.look(next).await,
                false => Err(BusError::Unavailable("there is no connection".to_owned())),
            };
            self.tell(looked);
            tokio::select! {
                () = tokio::time::sleep_until(next) => {}
                // A connection that is back is used at once.
                Ok(()) = link.changed() => {}
            }
        }
    }

    /// Hears of everything new. What time is left before the next look goes to reading anew, if that
    /// is needed.
    async fn look(&mut self, next: Instant) -> Result<(), BusError> {
        let connection = self.bus.connections();
        self.hear_news().await?;
        if self.connection != connection {
            self.read_anew(connection).await?;
        } else if self.walk.is_none() && self.compared.elapsed() >= COMPARES_EVERY {
            self.compare().await?;
        }
        while self.walk.is_some() && Instant::now() < next {
            self.walk_on().await?;
        }
        Ok(())
    }

    async fn hear_news(&mut self) -> Result<(), BusError> {
        loop {
            let after = self.book.known().sequence;
            let Some(stored) = self.next(after).await? else { return Ok(()) };
            let entered = self.book.change().follow(stored);
            // Not while requests wait.
            audit::heard(&entered);
        }
    }

    /// Whether what is known can still be all there is.
    async fn compare(&mut self) -> Result<(), BusError> {
        let state = soon(self.keys.state()).await?;
        self.compared = Instant::now();
        let is_same = {
            let known = self.book.known();
            state.created == known.created && state.last_sequence >= known.sequence
        };
        if is_same {
            self.hear_news().await?;
            let mut known = self.book.change();
            if known.sequence > state.last_sequence {
                // Something has come since: the next comparison is of it as well.
                return Ok(());
            }
            // What stood in between is there no more.
            known.sequence = state.last_sequence;
            if known.ids() == state.ids {
                return Ok(());
            }
        }
        tracing::warn!(
            "the store of API keys is another one than was read, or something was erased: all keys \
             are read anew"
        );
        self.walk = Some(Walk::through(state.created));
        Ok(())
    }

    async fn read_anew(&mut self, connection: u64) -> Result<(), BusError> {
        let state = soon(self.keys.state()).await?;
        self.walk = Some(Walk::through(state.created));
        (self.connection, self.compared) = (connection, Instant::now());
        Ok(())
    }

    /// One step of reading anew.
    async fn walk_on(&mut self) -> Result<(), BusError> {
        let Some(walk) = &self.walk else { return Ok(()) };
        let stored = self.next(walk.sequence).await?;
        let entered = match (stored, &mut self.walk) {
            (Some(stored), Some(walk)) => vec![self.book.change().meet(walk, stored)],
            (_, walk) => {
                let finished = walk.take().map(|walk| self.book.change().finish(walk));
                finished.unwrap_or_default()
            }
        };
        entered.iter().for_each(audit::heard);
        Ok(())
    }

    async fn next(&self, after: u64) -> Result<Option<StoredKey>, BusError> {
        soon(self.keys.next(after)).await
    }

    /// Tells when changes are not heard any more, and when they are again.
    fn tell(&mut self, looked: Result<(), BusError>) {
        let was_deaf = std::mem::replace(&mut self.is_deaf, looked.is_err());
        match looked {
            Ok(()) if was_deaf => {
                tracing::info!("changes of API keys are heard again");
                self.health.report("keys", Readiness::Ok);
            }
            Ok(()) => {}
            Err(error) if !was_deaf => {
                tracing::warn!(%error, "changes of API keys are not heard: {error}");
                let reason = format!("changes of API keys are not heard: {error}");
                self.health.report("keys", Readiness::Warning(reason));
            }
            Err(_known) => {}
        }
    }
}

async fn soon<T>(asked: impl Future<Output = Result<T, BusError>>) -> Result<T, BusError> {
    match tokio::time::timeout(ANSWERED_WITHIN, asked).await {
        Ok(answer) => answer,
        Err(_elapsed) => {
            Err(BusError::Unavailable(format!("no answer within {ANSWERED_WITHIN:?}")))
        }
    }
}
