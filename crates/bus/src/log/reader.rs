//! A reader: what is stored of a log, and then each record as soon as it is stored.

use std::fmt;

use async_nats::{Message, Subscriber, connection};
use bytes::Bytes;
use contract::log::LogId;
use contract::subjects;
use futures::StreamExt as _;
use tokio::sync::watch;
use tokio::time::Instant;

use super::alarm::Alarm;
use super::fetch::Fetch;
use super::looks::Looks;
use super::order::{Order, Place};
use super::{Entry, numbers};
use crate::{Bus, BusError, LinkState};

/// Reads one log. Dropping it is leaving.
///
/// What it gives is stored. What waits for it is bounded: of what is fetched one page, and of live
/// copies what a subscription holds; what is over that is dropped, found missing and fetched.
pub struct LogReader {
    bus: Bus,
    log: LogId,
    /// Copies of records as they are stored.
    live: Subscriber,
    /// Somebody asks whether anybody reads.
    questions: Subscriber,
    link: watch::Receiver<LinkState>,
    order: Order,
    /// What came before anybody asked for it.
    first: Option<Entry>,
    /// A look at what is stored. Live copies wait for its end.
    fetch: Option<Fetch>,
    /// It has brought something new.
    news: bool,
    looks: Looks,
    alarm: Alarm,
}

impl fmt::Debug for LogReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogReader")
            .field("log", &self.log)
            .field("order", &self.order)
            .finish_non_exhaustive()
    }
}

impl Bus {
    /// Reads a log from its beginning, and goes on with what is stored from then on. From here on
    /// [`Bus::has_reader`] says so.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when the stream of logs does not answer.
    pub async fn read_log(&self, log: LogId) -> Result<LogReader, BusError> {
        let live = self.subscribe(subjects::live(&log)).await?;
        let questions = self.subscribe(subjects::reader(&log)).await?;
        // Its first answer shows that the server knows of both subscriptions: what is stored
        // later is heard.
        let mut fetch = Fetch::begin(self, &log, 0).await?;
        let first = fetch.next(self).await?;
        Ok(LogReader {
            link: self.state(),
            bus: self.clone(),
            log,
            live,
            questions,
            order: Order::default(),
            fetch: first.is_some().then_some(fetch),
            first,
            news: false,
            looks: Looks::new(Instant::now()),
            alarm: Alarm::default(),
        })
    }
}

impl LogReader {
    /// The next record; waits for it without end. `None` when the connection is closed for good, or
    /// the log was erased.
    ///
    /// Whoever asks whether the log is read is answered meanwhile.
    ///
    /// # Cancellation
    ///
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Entry> {
        if let Some(first) = self.first.take() {
            self.order.fetched(first.sequence);
            self.news = true;
            return Some(first);
        }
        loop {
            let is_looking = self.fetch.is_some();
            tokio::select! {
                biased;
                question = self.questions.next() => self.answer(question?).await,
                changed = self.link.changed() => match changed {
                    Ok(()) => self.link_changed(),
                    Err(_closed) => return None,
                },
                fetched = fetched(&mut self.fetch, &self.bus), if is_looking => {
                    let found_nothing = matches!(fetched, Ok(None)) && !self.news;
                    if let Some(entry) = self.take_fetched(fetched) {
                        return Some(entry);
                    }
                    if found_nothing && self.was_erased().await {
                        return None;
                    }
                }
                copy = self.live.next(), if !is_looking => {
                    if let Some(entry) = self.take_live(copy?) {
                        return Some(entry);
                    }
                }
                () = self.alarm.at(self.looks.due()), if !is_looking => self.look().await,
            }
        }
    }

    /// Whether there is nothing left of what was read. A follower may lag, its leader knows.
    async fn was_erased(&self) -> bool {
        self.order.last() > 0 && matches!(self.bus.last_entry(&self.log).await, Ok(None))
    }

    fn take_live(&mut self, copy: Message) -> Option<Entry> {
        // What has no numbers was not repeated by the server.
        let (sequence, before) = numbers(copy.headers.as_ref())?;
        match self.order.live(sequence, before) {
            Place::Next => {
                if !self.order.is_behind() {
                    self.looks.heard(Instant::now());
                }
                Some(Entry { sequence, message: copy.payload })
            }
            Place::Known => None,
            Place::BehindGap => {
                self.looks.missed(Instant::now());
                None
            }
        }
    }

    fn take_fetched(&mut self, fetched: Result<Option<Entry>, BusError>) -> Option<Entry> {
        match fetched {
            Ok(Some(entry)) => {
                let is_new = self.order.fetched(entry.sequence);
                self.news |= is_new;
                return is_new.then_some(entry);
            }
            Ok(None) if !self.order.is_behind() => {
                self.looks.found(Instant::now(), self.news);
            }
            // A follower may have answered that has not stored it yet.
            Ok(None) => self.looks.failed(Instant::now(), self.news),
            Err(error) => {
                tracing::debug!(%error, "a log is read again soon: {error}");
                self.looks.failed(Instant::now(), self.news);
            }
        }
        self.fetch = None;
        None
    }

    /// Begins a look at what is stored.
    async fn look(&mut self) {
        self.news = false;
        // Without a connection the request would wait, and all others behind it.
        let connected = self.bus.client.connection_state() == connection::State::Connected;
        let begun = if connected {
            Fetch::begin(&self.bus, &self.log, self.order.last()).await.ok()
        } else {
            None
        };
        match begun {
            Some(fetch) => self.fetch = Some(fetch),
            None => self.looks.failed(Instant::now(), false),
        }
    }

    fn link_changed(&mut self) {
        // What was asked for before is not answered any more.
        if self.fetch.take().is_some() {
            self.looks.failed(Instant::now(), self.news);
        }
        match *self.link.borrow_and_update() {
            LinkState::Connected => self.looks.reconnected(Instant::now()),
            LinkState::Disconnected => {}
        }
    }

    async fn answer(&self, question: Message) {
        if let Some(reply) = question.reply {
            let answered = self.bus.client.publish(reply, Bytes::new()).await;
            if let Err(error) = answered {
                tracing::debug!(%error, "a reader did not say that it is one: {error}");
            }
        }
    }
}

async fn fetched(fetch: &mut Option<Fetch>, bus: &Bus) -> Result<Option<Entry>, BusError> {
    match fetch {
        Some(fetch) => fetch.next(bus).await,
        None => std::future::pending().await,
    }
}
