//! The body of an answer: whole, or a paced stream of chunks.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::{Body, Frame};
use openai_api::sse;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::tokens::Plan;

/// What is answered.
pub(super) enum Answer {
    Whole(Full<Bytes>),
    Stream(Stream),
}

/// Tokens, each when it is due, then the finish, the usage and `[DONE]`.
pub(super) struct Stream {
    /// What every chunk begins with.
    head: String,
    plan: Plan,
    arrived: Instant,
    /// The next token; the plan's number of tokens is the end, one more is after it.
    next: u32,
    timer: Pin<Box<Sleep>>,
}

impl Stream {
    pub(super) fn new(id: &str, created: u64, model: &str, plan: Plan, arrived: Instant) -> Self {
        // The model's name is a plan, so it needs no escaping.
        let head = format!(
            "data: {{\"id\":\"{id}\",\"object\":\"chat.completion.chunk\",\"created\":{created},\
             \"model\":\"{model}\",\"system_fingerprint\":\"fp_mock\","
        );
        let timer = Box::pin(sleep_until(arrived + plan.due(0)));
        Self { head, plan, arrived, next: 0, timer }
    }

    fn chunk(&self, rest: std::fmt::Arguments<'_>) -> Vec<u8> {
        let mut text = String::with_capacity(self.head.len() + 128);
        text.push_str(&self.head);
        let _infallible = write!(text, "{rest}}}\n\n");
        text.into_bytes()
    }

    fn token(&self, number: u32) -> Vec<u8> {
        let role = if number == 0 { "\"role\":\"assistant\"," } else { "" };
        self.chunk(format_args!(
            "\"choices\":[{{\"index\":0,\"delta\":{{{role}\"content\":\"t{number} \"}},\
             \"logprobs\":null,\"finish_reason\":null}}]"
        ))
    }

    fn end(&self) -> Vec<u8> {
        let mut end = self.chunk(format_args!(
            "\"choices\":[{{\"index\":0,\"delta\":{{}},\"logprobs\":null,\"finish_reason\":\"stop\"}}]"
        ));
        let usage = super::usage(&self.plan);
        end.extend_from_slice(&self.chunk(format_args!("\"choices\":[],\"usage\":{usage}")));
        end.extend_from_slice(sse::DONE);
        end
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Bytes>> {
        let number = self.next;
        if number > self.plan.tokens {
            return Poll::Ready(None);
        }
        if number == self.plan.tokens {
            self.next += 1;
            return Poll::Ready(Some(self.end().into()));
        }
        let due = self.arrived + self.plan.due(number);
        if due > Instant::now() {
            if self.timer.deadline() != due {
                self.timer.as_mut().reset(due);
            }
            ready!(self.timer.as_mut().poll(context));
        }
        self.next += 1;
        Poll::Ready(Some(self.token(number).into()))
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match self.get_mut() {
            Self::Whole(whole) => Pin::new(whole).poll_frame(context),
            Self::Stream(stream) => {
                stream.poll(context).map(|bytes| bytes.map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }
}
