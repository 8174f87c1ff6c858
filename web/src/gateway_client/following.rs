//! The events of a response, from a number on: what was said before, then what is said now.

use std::collections::VecDeque;

use openai_api::sse;
use tracing::Span;

use super::event;
use crate::said::{Ending, Said};

/// Events as they come. Dropping it closes the connection; the response goes on.
#[derive(Debug)]
pub(crate) struct Following {
    response: reqwest::Response,
    reader: sse::Reader,
    held: VecDeque<(u64, Vec<Said>)>,
    over: bool,
    /// The call's span: it ends when this does.
    span: Span,
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
            over: false,
            span,
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
            match self.response.chunk().await {
                Ok(Some(bytes)) => self.take(&bytes),
                Ok(None) | Err(_) => self.break_off(),
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let Self { reader, held, over, .. } = self;
        let fed = reader.feed(bytes, |data| {
            if *over {
                return;
            }
            match event::read(data) {
                Ok((number, said)) => {
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
