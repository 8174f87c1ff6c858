//! The way of jobs through NATS, as its servers tell it: message tracing.
//!
//! A server tells what it does with a message whose header names a subject for that. The subject is
//! an inbox of this process, so no server is configured for it, and nobody else hears it; what is
//! stored of the message no longer names it. What servers tell holds the headers and no payload.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::OnceLock;
use std::task::{Context, Poll, ready};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_nats::{HeaderMap, Subscriber};
use futures::{Stream, StreamExt as _};
use serde::Deserialize;
use telemetry::propagation::TRACEPARENT;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::{Bus, BusError};

/// The header that asks a server to tell.
const TELL: &str = "Nats-Trace-Dest";
/// What of a `traceparent` is random; the last digits of the trace id.
const RANDOM: std::ops::Range<usize> = 27..35;
/// How it ends if the trace is recorded.
const SAMPLED: &str = "-01";

/// What one server did with one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The W3C context that the message carried.
    pub traceparent: String,
    /// The server's name.
    pub server: String,
    /// When it came, by the server's clock.
    pub began: SystemTime,
    /// When the server was done with it.
    pub ended: SystemTime,
    /// The stream that was to store it, if it was this server's to do.
    pub stream: Option<String>,
    /// Whether it was refused on its way.
    pub refused: bool,
}

/// Hops as they are told. What cannot be read is passed over.
#[derive(Debug)]
pub struct Hops(Subscriber);

/// Which messages are told of, and where.
#[derive(Debug, Default)]
pub(crate) struct Told(OnceLock<(String, u32)>);

impl Bus {
    /// Has servers tell, from now on, what becomes of the jobs that this connection, and those
    /// [`Bus::beside`] it made later, publish in so many percent of the recorded traces.
    ///
    /// # Errors
    ///
    /// When the connection does not stand.
    pub async fn hear_hops(&self, percent: u32) -> Result<Hops, BusError> {
        let inbox = self.client.new_inbox();
        let hops = Hops(self.subscribe(inbox.clone()).await?);
        self.hops.0.get_or_init(|| (inbox, percent));
        Ok(hops)
    }
}

impl Told {
    /// Asks for the hops of a message with these headers, if its trace is one of those.
    pub(crate) fn ask(&self, headers: &mut HeaderMap) {
        let Some((inbox, percent)) = self.0.get() else { return };
        let traceparent = headers.get(TRACEPARENT).map(|value| value.as_str());
        if traceparent.is_some_and(|traceparent| is_chosen(traceparent, *percent)) {
            headers.insert(TELL, inbox.as_str());
        }
    }
}

/// By the trace, so that all jobs of one are told of or none.
fn is_chosen(traceparent: &str, percent: u32) -> bool {
    let random = traceparent.get(RANDOM).and_then(|hex| u32::from_str_radix(hex, 16).ok());
    traceparent.ends_with(SAMPLED) && random.is_some_and(|random| random % 100 < percent)
}

impl Stream for Hops {
    type Item = Hop;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Hop>> {
        loop {
            let Some(message) = ready!(self.0.poll_next_unpin(cx)) else {
                return Poll::Ready(None);
            };
            match read(&message.payload) {
                Some(hop) => return Poll::Ready(Some(hop)),
                None => tracing::debug!("what a server tells of a message cannot be read"),
            }
        }
    }
}

/// What is read of what a server tells.
#[derive(Deserialize)]
struct Telling {
    server: Server,
    request: Request,
    events: Vec<Event>,
}

#[derive(Deserialize)]
struct Server {
    name: String,
}

#[derive(Deserialize)]
struct Request {
    header: HashMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Event {
    ts: String,
    stream: Option<String>,
    error: Option<String>,
}

fn read(json: &[u8]) -> Option<Hop> {
    let Telling { server, mut request, events } = serde_json::from_slice(json).ok()?;
    let traceparent = request.header.remove(TRACEPARENT)?.pop()?;
    let times: Vec<SystemTime> = events.iter().filter_map(|event| time_of(&event.ts)).collect();
    Some(Hop {
        traceparent,
        server: server.name,
        began: *times.iter().min()?,
        ended: *times.iter().max()?,
        refused: events.iter().any(|event| event.error.is_some()),
        stream: events.into_iter().find_map(|event| event.stream),
    })
}

fn time_of(text: &str) -> Option<SystemTime> {
    let nanos = OffsetDateTime::parse(text, &Rfc3339).ok()?.unix_timestamp_nanos();
    Some(UNIX_EPOCH + Duration::from_nanos(u64::try_from(nanos).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As nats-server 2.15 tells it, shortened.
    const STORED: &str = r#"{
        "server":{"name":"one","host":"0.0.0.0","ver":"2.15.1","jetstream":true},
        "request":{"header":{"Nats-Msg-Id":["1"],"traceparent":["00-aa-bb-01"]},"msgsize":142},
        "events":[
            {"type":"in","ts":"2026-11-28T14:05:31.964169149Z","kind":0,"cid":5,"subj":"job.x"},
            {"type":"js","ts":"2026-11-28T14:05:31.964240765Z","stream":"J","subject":"job.x"}]}"#;

    #[test]
    fn what_a_server_tells_is_read() {
        let hop = read(STORED.as_bytes()).unwrap();

        assert_eq!((hop.server.as_str(), hop.traceparent.as_str()), ("one", "00-aa-bb-01"));
        assert_eq!(hop.stream.as_deref(), Some("J"));
        assert_eq!(hop.ended.duration_since(hop.began).unwrap(), Duration::from_nanos(71_616));
        assert!(!hop.refused);
        let refused = STORED.replace(r#""stream":"J""#, r#""error":"full""#);
        assert!(read(refused.as_bytes()).unwrap().refused);
        for unreadable in ["{}", "", &STORED.replace("traceparent", "other")] {
            assert_eq!(read(unreadable.as_bytes()), None, "{unreadable}");
        }
    }

    #[test]
    fn so_many_percent_of_the_recorded_traces_are_told_of() {
        let of = |number: u32, flags: &str| format!("00-{:032x}-00f067aa0ba902b7-{flags}", number);
        let chosen = |percent, flags: &str| {
            (0..1_000).filter(|number| is_chosen(&of(*number, flags), percent)).count()
        };

        assert_eq!([chosen(100, "01"), chosen(10, "01"), chosen(0, "01")], [1_000, 100, 0]);
        assert_eq!(chosen(100, "00"), 0, "a trace that nobody records");
        assert!(!is_chosen("00-nonsense-01", 100) && !is_chosen("", 100));
    }
}
