//! The events of a response as server-sent events. Each has its name, its number and its data;
//! there is no `[DONE]`: the last event says that it is the last.

use std::convert::Infallible;
use std::io::Write as _;

use bytes::Bytes;
use futures::Stream;
use openai_api::responses::ResponseEvent;
use tokio::time::Instant;

use crate::http::account::Account;
use crate::http::refusal::Refusal;
use crate::http::sse::{COMMENT, COMMENT_EVERY, MOST_AT_ONCE, write_data};
use crate::responses::{Following, Step};
use crate::silence::Silence;

/// The events of one response. Dropping it leaves.
#[derive(Debug)]
pub(super) struct EventStream {
    following: Following,
    /// What came while the status line was held back.
    first: Vec<ResponseEvent>,
    begun: bool,
    ended: bool,
    silence: Silence,
    account: Account,
}

impl EventStream {
    pub(super) fn new(following: Following, first: Vec<ResponseEvent>, account: Account) -> Self {
        let silence = Silence::of(COMMENT_EVERY);
        Self { following, first, begun: false, ended: false, silence, account }
    }

    /// The body of the response.
    pub(super) fn frames(self) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
        futures::stream::unfold(self, |mut events| async move {
            let frames = events.next().await?;
            Some((Ok(frames), events))
        })
    }

    /// The next frames; `None` after the last.
    async fn next(&mut self) -> Option<Bytes> {
        let mut out = Vec::new();
        let first = std::mem::take(&mut self.first);
        self.write(&first, &mut out);
        while !self.ended && out.len() < MOST_AT_ONCE {
            if self.following.is_over() {
                self.finish();
            } else if let Some(step) = self.following.next_now() {
                self.take(step, &mut out);
            } else if !out.is_empty() {
                break;
            } else if !self.begun {
                // The head was sent without a word: something must follow it at once.
                out.extend_from_slice(COMMENT);
            } else {
                self.wait(&mut out).await;
            }
        }
        self.begun = true;
        if out.is_empty() { None } else { Some(out.into()) }
    }

    async fn wait(&mut self, out: &mut Vec<u8>) {
        tokio::select! {
            biased;
            step = self.following.next() => {
                if let Some(step) = step {
                    self.take(step, out);
                }
            }
            () = self.silence.grows_long() => out.extend_from_slice(COMMENT),
        }
    }

    fn take(&mut self, step: Step, out: &mut Vec<u8>) {
        match step {
            Step::News(events) => self.write(&events, out),
            Step::BrokenOff(failure) => self.break_off(&failure.into(), out),
        }
    }

    fn write(&mut self, events: &[ResponseEvent], out: &mut Vec<u8>) {
        for event in events {
            if event.name.ends_with(".delta") {
                self.account.chunk(Instant::now());
            }
            // Writing to memory cannot fail.
            let _infallible = write!(out, "event: {}\nid: {}\n", event.name, event.sequence_number);
            write_data(out, &event.json);
        }
        if !events.is_empty() {
            self.silence.is_broken();
        }
    }

    fn finish(&mut self) {
        if let Some(fold) = self.following.fold() {
            self.account.ends_as(fold);
        }
        self.ended = true;
    }

    /// An error that is no event of the response: it has no number, so whoever reads on elsewhere
    /// misses nothing. Both SDKs raise it.
    fn break_off(&mut self, refusal: &Refusal, out: &mut Vec<u8>) {
        out.extend_from_slice(b"event: error\n");
        write_data(out, refusal.body().as_bytes());
        self.account.broken_off(refusal);
        self.ended = true;
    }
}
