//! The events of a response, from a number on: what was said before, then what is said now.

use std::collections::VecDeque;

use http::header::CONTENT_TYPE;
use openai_api::sse;
use tracing::Span;

use super::{Refused, event};
use crate::ids::ResponseId;
use crate::said::{Ending, Said};

/// Events as they come. Dropping it closes the connection; the response goes on.
#[derive(Debug)]
pub(crate) struct Following {
    response: reqwest::Response,
    reader: sse::Reader,
    held: VecDeque<(u64, Vec<Said>)>,
    /// Whose events these are, where that is to be learned from the first.
    name: Name,
    over: bool,
    /// The call's span: it ends when this does.
    span: Span,
}

/// What is known of whose events these are.
#[derive(Debug)]
enum Name {
    /// Whoever asked for them knew.
    Told,
    Awaited,
    Learned(ResponseId),
    /// The first event does not say.
    Unreadable,
}

/// The events stopped before their end. What was read stays; the rest is read behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Interrupted;

impl Following {
    pub(super) fn new(response: reqwest::Response, span: Span) -> Self {
        Self {
            response,
            reader: sse::Reader::new(super::LARGEST_EVENT),
            held: VecDeque::new(),
            name: Name::Told,
            over: false,
            span,
        }
    }

    /// The same, of a response whose name its first event tells.
    pub(super) async fn of_a_new_one(
        response: reqwest::Response,
        span: Span,
    ) -> Result<(ResponseId, Self), Refused> {
        if !is_stream_of_events(&response) {
            return Err(Refused::Unreadable);
        }
        let mut following = Self { name: Name::Awaited, ..Self::new(response, span) };
        loop {
            match &following.name {
                Name::Learned(name) => return Ok((name.clone(), following)),
                Name::Unreadable => return Err(Refused::Unreadable),
                Name::Told | Name::Awaited if following.over => return Err(Refused::Unreachable),
                Name::Told | Name::Awaited => following.read_more().await,
            }
        }
    }

    /// What the next event says, with its number; there is none behind an [`Said::End`]. Nothing is
    /// lost when this is dropped.
    pub(crate) async fn next(&mut self) -> Result<(u64, Vec<Said>), Interrupted> {
        loop {
            if let Some(event) = self.held.pop_front() {
                return Ok(event);
            }
            if self.over {
                return Err(Interrupted);
            }
            self.read_more().await;
        }
    }

    async fn read_more(&mut self) {
        match self.response.chunk().await {
            Ok(Some(bytes)) => self.take(&bytes),
            Ok(None) | Err(_) => self.break_off(),
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let Self { reader, held, name, over, .. } = self;
        let fed = reader.feed(bytes, |data| {
            if *over {
                return;
            }
            match event::read(data) {
                Ok((number, said)) => {
                    if matches!(name, Name::Awaited) {
                        let learned = event::response_of(data);
                        *name = learned.map_or(Name::Unreadable, Name::Learned);
                    }
                    *over = matches!(said.last(), Some(Said::End(_)));
                    held.push_back((number, said));
                }
                Err(event::Cut) => *over = true,
            }
        });
        if let Err(long) = fed {
            // It would be as long the next time.
            let ending = Ending::TooLong;
            tracing::warn!(
                "an event of a response has more than {} bytes: it is not shown",
                long.limit
            );
            held.push_back((u64::MAX, vec![Said::End(ending)]));
            *over = true;
        }
    }

    fn break_off(&mut self) {
        self.over = true;
        self.span.record(telemetry::names::span::STATUS_CODE, telemetry::names::span::ERROR);
        self.span.record(telemetry::names::span::ERROR_TYPE, "broken_stream");
    }
}

fn is_stream_of_events(response: &reqwest::Response) -> bool {
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("text/event-stream"))
}
