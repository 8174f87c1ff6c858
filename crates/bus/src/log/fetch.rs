//! What is stored of a log, page by page.
//!
//! The client library has no batched direct get, so this is one by hand: a request, an inbox, the
//! records, and a message without one at the end.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_nats::header::NATS_LAST_SEQUENCE;
use async_nats::{HeaderMap, HeaderName, Message, Request, StatusCode, Subscriber};
use contract::log::LogId;
use contract::{streams, subjects};
use futures::StreamExt as _;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use super::{Entry, number, numbers};
use crate::{Bus, BusError};

/// Most records of a page. The server stores nothing else of the stream while it reads one.
pub(crate) const PAGE_RECORDS: usize = 256;
/// Bytes after which a page ends.
const PAGE_BYTES: usize = 256 * 1024;
/// Most pages that are on their way over a connection at once: a quarter of the 64 MiB that a
/// nats-server keeps for one before it ends it.
const PAGES_AT_ONCE: usize = 64;
/// Longest silence within a page.
const SILENCE: Duration = Duration::from_secs(5);
/// The status of the message behind the last record of a page.
const END_OF_PAGE: u16 = 204;
/// How many records lay behind a page when it ended.
const PENDING: HeaderName = HeaderName::from_static("Nats-Num-Pending");

/// Records of one log, or of all, on their way here, oldest first. At most a page of them waits.
#[derive(Debug)]
pub(super) struct Fetch {
    subject: String,
    inbox: String,
    replies: Subscriber,
    /// The page that is on its way.
    page: Option<Page>,
    /// What has come of it, and was not given yet.
    records: VecDeque<(Entry, HeaderMap)>,
    /// How it ended.
    end: Option<End>,
    /// The last record that was given.
    last: u64,
}

#[derive(Debug)]
struct Page {
    /// The last record of it that came; 0 before the first.
    last: u64,
    /// Until then something is heard of it, or never.
    silent_at: Instant,
    _turn: Option<OwnedSemaphorePermit>,
}

/// What is behind a page.
#[derive(Debug)]
enum End {
    /// The next page.
    More,
    /// Nothing, for now.
    Nothing,
    /// It is not known.
    Broken(BusError),
}

/// Whose turn it is: a server ends a connection that it has too much to send on, and with it
/// everything else that comes this way.
#[derive(Debug, Clone)]
pub(crate) struct Turns(Arc<Semaphore>);

impl Default for Turns {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(PAGES_AT_ONCE)))
    }
}

impl Turns {
    /// Waits for it; not for ever, as somebody may have stopped to look at what it has asked for.
    async fn next(&self) -> Option<OwnedSemaphorePermit> {
        let turn = Arc::clone(&self.0).acquire_owned();
        tokio::time::timeout(SILENCE, turn).await.ok()?.ok()
    }
}

#[derive(Serialize)]
struct Ask<'a> {
    seq: u64,
    next_by_subj: &'a str,
    batch: usize,
    max_bytes: usize,
}

impl Bus {
    /// Every record of a log behind `after`, in order. On a cluster a follower may answer, which
    /// knows the newest a moment later.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when nobody answers, or not to the end: 5 s without a word.
    pub async fn fetch_log(&self, log: &LogId, after: u64) -> Result<Vec<Entry>, BusError> {
        let mut fetch = Fetch::begin(self, log, after).await?;
        let mut entries = Vec::new();
        while let Some(entry) = fetch.next(self).await? {
            entries.push(entry);
        }
        Ok(entries)
    }

    /// The first record of a log; `None` when there is no log.
    ///
    /// # Errors
    ///
    /// As [`Bus::fetch_log`].
    pub async fn first_entry(&self, log: &LogId) -> Result<Option<Entry>, BusError> {
        Fetch::begin(self, log, 0).await?.next(self).await
    }
}

impl Fetch {
    /// The records of a log behind `after`.
    pub(super) async fn begin(bus: &Bus, log: &LogId, after: u64) -> Result<Self, BusError> {
        Self::of(bus, subjects::log(log), after).await
    }

    /// What is stored behind `after` on subjects that match.
    pub(super) async fn of(bus: &Bus, subject: String, after: u64) -> Result<Self, BusError> {
        let inbox = bus.client.new_inbox();
        let replies = bus.subscribe(inbox.clone()).await?;
        let (page, records, end) = (None, VecDeque::new(), None);
        Ok(Self { subject, inbox, replies, page, records, end, last: after })
    }

    /// The next record; `None` when there are no more for now.
    ///
    /// # Cancellation
    ///
    /// Dropping the future loses nothing.
    pub(super) async fn next(&mut self, bus: &Bus) -> Result<Option<Entry>, BusError> {
        Ok(self.next_with_headers(bus).await?.map(|(entry, _headers)| entry))
    }

    /// The same, with what the server says of it.
    pub(super) async fn next_with_headers(
        &mut self,
        bus: &Bus,
    ) -> Result<Option<(Entry, HeaderMap)>, BusError> {
        loop {
            if let Some((entry, headers)) = self.records.pop_front() {
                self.last = entry.sequence;
                return Ok(Some((entry, headers)));
            }
            match self.end.take() {
                Some(End::Nothing) => return Ok(None),
                Some(End::Broken(error)) => return Err(error),
                Some(End::More) | None => self.end = Some(self.read_page(bus).await),
            }
        }
    }

    /// Takes a page as it comes, whatever becomes of its records: the connection is free for others
    /// then.
    async fn read_page(&mut self, bus: &Bus) -> End {
        let page = match &mut self.page {
            Some(page) => page,
            None => {
                let turn = bus.turns.next().await;
                if let Err(error) = ask(bus, &self.subject, &self.inbox, self.last).await {
                    return End::Broken(error);
                }
                self.page.insert(Page { last: 0, silent_at: Instant::now() + SILENCE, _turn: turn })
            }
        };
        let end = loop {
            let reply = match tokio::time::timeout_at(page.silent_at, self.replies.next()).await {
                Ok(Some(reply)) => reply,
                Ok(None) => break End::Broken(unreadable("the connection is closed")),
                Err(_elapsed) => break End::Broken(unreadable("nothing came for 5 s")),
            };
            page.silent_at = Instant::now() + SILENCE;
            match page.read(reply) {
                Ok(Reply::Record(entry, headers)) => self.records.push_back((entry, headers)),
                Ok(Reply::EndOfPage) => break End::More,
                Ok(Reply::End) => break End::Nothing,
                Err(error) => break End::Broken(error),
            }
        };
        self.page = None;
        end
    }
}

/// One answer of the server.
enum Reply {
    Record(Entry, HeaderMap),
    EndOfPage,
    End,
}

impl Page {
    fn read(&mut self, reply: Message) -> Result<Reply, BusError> {
        let status = reply.status.filter(|status| *status != StatusCode::OK);
        let Some(status) = status else {
            let headers = reply.headers.unwrap_or_default();
            let (sequence, before) = numbers(Some(&headers))
                .ok_or_else(|| unreadable("a record came without its number"))?;
            self.follows(before)?;
            self.last = sequence;
            return Ok(Reply::Record(Entry { sequence, message: reply.payload }, headers));
        };
        match status {
            StatusCode::NOT_FOUND => Ok(Reply::End),
            StatusCode::NO_RESPONDERS => Err(BusError::no_stream(streams::LOGS)),
            other if other.as_u16() == END_OF_PAGE => {
                let headers = reply.headers.unwrap_or_default();
                self.follows(number(&headers, NATS_LAST_SEQUENCE).unwrap_or(0))?;
                let more = number(&headers, PENDING).unwrap_or(0) > 0;
                Ok(if more { Reply::EndOfPage } else { Reply::End })
            }
            other => {
                let why = reply.description.unwrap_or_default();
                Err(unreadable(&format!("status {other} {why}")))
            }
        }
    }

    /// Each reply names the record that was sent before it.
    fn follows(&self, before: u64) -> Result<(), BusError> {
        if before == self.last { Ok(()) } else { Err(unreadable("a record was lost on its way")) }
    }
}

/// Asks for a page, and does not wait for it.
async fn ask(bus: &Bus, subject: &str, inbox: &str, last: u64) -> Result<(), BusError> {
    let page = Ask {
        seq: last.saturating_add(1),
        next_by_subj: subject,
        batch: PAGE_RECORDS,
        max_bytes: PAGE_BYTES,
    };
    let payload = serde_json::to_vec(&page).map_err(BusError::unavailable)?;
    let request = Request::new().payload(payload.into()).inbox(inbox.to_owned());
    let direct_get = format!("DIRECT.GET.{}", streams::LOGS);
    bus.jetstream.send_request(direct_get, request).await.map_err(BusError::unavailable)
}

fn unreadable(why: &str) -> BusError {
    BusError::Unavailable(format!("a log cannot be read: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    use async_nats::header::NATS_SEQUENCE;

    /// What the server sends with these headers.
    fn reply(status: Option<u16>, headers: &[(HeaderName, u64)]) -> Message {
        let mut map = HeaderMap::new();
        for (name, number) in headers {
            map.insert(name.clone(), number.to_string());
        }
        Message {
            subject: "inbox".into(),
            reply: None,
            payload: "record".into(),
            headers: Some(map),
            status: status.map(|status| StatusCode::try_from(status).unwrap()),
            description: None,
            length: 0,
        }
    }

    fn record(sequence: u64, before: u64) -> Message {
        reply(None, &[(NATS_SEQUENCE, sequence), (NATS_LAST_SEQUENCE, before)])
    }

    #[tokio::test]
    async fn a_page_of_which_something_was_lost_is_no_page() {
        let page = || Page { last: 0, silent_at: Instant::now(), _turn: None };
        let end = |last, pending| {
            reply(Some(END_OF_PAGE), &[(NATS_LAST_SEQUENCE, last), (PENDING, pending)])
        };

        let mut whole = page();
        assert!(matches!(whole.read(record(4, 0)), Ok(Reply::Record(..))));
        assert!(matches!(whole.read(record(9, 4)), Ok(Reply::Record(..))));
        assert!(matches!(whole.read(end(9, 3)), Ok(Reply::EndOfPage)));
        assert!(matches!(whole.read(end(9, 0)), Ok(Reply::End)));
        for lost in [record(12, 11), record(12, 4), end(12, 0)] {
            assert!(whole.read(lost).is_err());
        }
        assert!(page().read(record(9, 4)).is_err(), "the first one was lost");
    }
}
