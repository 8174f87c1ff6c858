//! A streamed answer as server-sent events.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use openai_api::sse;
use tokio::time::Instant;

use super::account::Account;
use super::answering::Answer;
use super::refusal::Refusal;
use crate::chat::{News, read_too_slowly};
use crate::receipt::Behind;
use crate::silence::Silence;

/// While nothing is said a comment shows that the connection lives: proxies cut silent ones.
pub(super) const COMMENT_EVERY: Duration = Duration::from_secs(10);
/// Every client passes comments over.
pub(super) const COMMENT: &[u8] = b": waiting\n\n";
/// What has come at once is written at once, up to this.
pub(super) const MOST_AT_ONCE: usize = 64 * 1024;

/// The events of one answer. Dropping it leaves.
#[derive(Debug)]
pub(super) struct EventStream {
    answer: Answer,
    /// What came while the status line was held back.
    first: Option<News>,
    begun: bool,
    ended: bool,
    /// The last chunk: what a receipt has in common with it.
    last: Option<Bytes>,
    silence: Silence,
    account: Account,
}

impl EventStream {
    pub(super) fn new(answer: Answer, first: Option<News>, account: Account) -> Self {
        Self {
            answer,
            first,
            begun: false,
            ended: false,
            last: None,
            silence: Silence::of(COMMENT_EVERY),
            account,
        }
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
        if self.ended {
            return None;
        }
        let mut out = Vec::new();
        let news = match self.first.take() {
            Some(first) => Some(first),
            // The head was sent without a word: something must follow it at once.
            None if !self.begun => {
                self.begun = true;
                return Some(Bytes::from_static(COMMENT));
            }
            None => tokio::select! {
                biased;
                news = self.answer.next() => news,
                () = self.silence.grows_long() => return Some(Bytes::from_static(COMMENT)),
            },
        };
        self.begun = true;
        self.silence.is_broken();
        match news {
            Some(news) => self.write(news, &mut out),
            None => self.refuse(&read_too_slowly().into(), &mut out),
        }
        while !self.ended
            && out.len() < MOST_AT_ONCE
            && let Some(news) = self.answer.next_now()
        {
            self.write(news, &mut out);
        }
        Some(out.into())
    }

    fn write(&mut self, news: News, out: &mut Vec<u8>) {
        match news {
            News::Chunk(json) => {
                self.account.chunk(Instant::now());
                write_data(out, &json);
                self.last = Some(json);
            }
            News::Body(json, behind) => {
                // A model that does not stream, behind a head that was already sent.
                write_data(out, &json);
                self.finish(behind, out);
            }
            News::Done(behind) => self.finish(behind, out),
            News::Failed(failure) => self.refuse(&failure.into(), out),
        }
    }

    fn finish(&mut self, behind: Option<Box<Behind>>, out: &mut Vec<u8>) {
        if let Some(receipt) = self.account.streamed_with(behind, self.last.as_deref()) {
            write_data(out, &receipt);
        }
        out.extend_from_slice(sse::DONE);
        self.ended = true;
    }

    /// An error, and never `[DONE]` after it.
    fn refuse(&mut self, refusal: &Refusal, out: &mut Vec<u8>) {
        write_data(out, refusal.body().as_bytes());
        self.account.refused(refusal);
        self.ended = true;
    }
}

/// One event. A line break would end it early; within JSON it is only white space.
pub(super) fn write_data(out: &mut Vec<u8>, json: &[u8]) {
    out.reserve(sse::FRAME_OVERHEAD + json.len());
    let is_break = |byte: &u8| matches!(byte, b'\n' | b'\r');
    if json.iter().any(is_break) {
        let line: Vec<u8> =
            json.iter().map(|byte| if is_break(byte) { b' ' } else { *byte }).collect();
        sse::write_data(out, &line);
    } else {
        sse::write_data(out, json);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_however_its_json_is_laid_out() {
        let mut out = Vec::new();
        write_data(&mut out, b"{\n  \"a\": 1\r\n}");
        assert_eq!(out, b"data: {   \"a\": 1  }\n\n");
    }
}
