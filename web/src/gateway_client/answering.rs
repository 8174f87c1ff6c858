//! An answer while it comes.

use std::collections::VecDeque;

use openai_api::sse;
use tracing::Span;

use super::chunk::{self, Said};
use super::error::Broken;

/// A streamed answer. Dropping it closes the connection, which stops the model.
#[derive(Debug)]
pub(crate) struct Answering {
    response: reqwest::Response,
    reader: sse::Reader,
    said: VecDeque<Said>,
    end: Option<Result<(), Broken>>,
    finished: bool,
    /// The call's span: it ends when the answer does.
    span: Span,
}

impl Answering {
    pub(super) fn new(response: reqwest::Response, span: Span) -> Self {
        Self {
            response,
            reader: sse::Reader::new(super::LARGEST_EVENT),
            said: VecDeque::new(),
            end: None,
            finished: false,
            span,
        }
    }

    /// The next thing that is said; `None` at the end. Nothing is lost when this is dropped.
    pub(crate) async fn next(&mut self) -> Result<Option<Said>, Broken> {
        loop {
            if let Some(said) = self.said.pop_front() {
                return Ok(Some(said));
            }
            if let Some(end) = &self.end {
                return end.clone().map(|()| None);
            }
            let read = self.response.chunk().await;
            match read {
                Ok(Some(bytes)) => self.take(&bytes),
                // A server that leaves the mark out has still said why it ends.
                Ok(None) if self.finished => self.end = Some(Ok(())),
                Ok(None) => self.break_off(Broken::CutOff),
                Err(error) if error.is_timeout() => self.break_off(Broken::Silent),
                Err(_) => self.break_off(Broken::CutOff),
            }
        }
    }

    fn take(&mut self, bytes: &[u8]) {
        let Self { reader, said, end, finished, .. } = self;
        let fed = reader.feed(bytes, |data| {
            if end.is_some() {
                return;
            }
            if data == sse::DONE_DATA {
                *end = Some(Ok(()));
                return;
            }
            match chunk::read(data) {
                Ok(more) => {
                    *finished |= more.iter().any(|one| matches!(one, Said::Finished(_)));
                    said.extend(more);
                }
                Err(broken) => *end = Some(Err(broken)),
            }
        });
        if fed.is_err() && self.end.is_none() {
            self.end = Some(Err(Broken::CutOff));
        }
        if let Some(Err(_)) = &self.end {
            self.note_error();
        }
    }

    fn break_off(&mut self, broken: Broken) {
        self.end = Some(Err(broken));
        self.note_error();
    }

    fn note_error(&self) {
        self.span.record(telemetry::names::span::STATUS_CODE, telemetry::names::span::ERROR);
        self.span.record(telemetry::names::span::ERROR_TYPE, "broken_stream");
    }
}
