//! An answer on its way out: as one JSON, or as a stream of events.

use std::time::Duration;

use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderName, HeaderValue};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;

use super::account::Account;
use super::refusal::Refusal;
use super::sse::EventStream;
use crate::chat::{self, News, wrong_form};
use crate::receipt;
use crate::responses::StoredAnswer;

/// The answer to a chat completion, or what is like one, wherever it comes from.
#[derive(Debug)]
pub(super) enum Answer {
    /// From the worker. It ends with its caller.
    Unstored(chat::Answer),
    /// From its log.
    Stored(Box<StoredAnswer>),
}

impl Answer {
    /// The next news.
    pub(super) async fn next(&mut self) -> Option<News> {
        match self {
            Self::Unstored(answer) => answer.next().await,
            Self::Stored(answer) => answer.next().await,
        }
    }

    /// The next news, if it is here already.
    pub(super) fn next_now(&mut self) -> Option<News> {
        match self {
            Self::Unstored(answer) => answer.next_now(),
            Self::Stored(answer) => answer.next_now(),
        }
    }
}

/// How the caller wants its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Whole,
    Streamed,
}

/// Responds once it is known what the status line says: a stream that is silent for longer than
/// `head_wait` begins all the same.
pub(super) async fn respond(
    mut answer: Answer,
    way: Way,
    head_wait: Duration,
    mut account: Account,
) -> Response {
    let first = match way {
        Way::Whole => Ok(answer.next().await),
        Way::Streamed => tokio::time::timeout(head_wait, answer.next()).await,
    };
    match first {
        Ok(Some(News::Failed(failure))) => refuse(failure.into(), &mut account),
        Ok(Some(News::Body(json, behind))) => match account.completed_with(behind) {
            Some(receipt) => whole(receipt::put_into(json, &receipt)),
            None => whole(json),
        },
        Ok(Some(news @ (News::Chunk(_) | News::Done(_)))) if way == Way::Streamed => {
            streamed(EventStream::new(answer, Some(news), account))
        }
        Err(_silent) => streamed(EventStream::new(answer, None, account)),
        Ok(_) => refuse(wrong_form().into(), &mut account),
    }
}

pub(super) fn refuse(refusal: Refusal, account: &mut Account) -> Response {
    account.refused(&refusal);
    refusal.into_response()
}

pub(super) fn whole(json: Bytes) -> Response {
    ([(CONTENT_TYPE, HeaderValue::from_static("application/json"))], json).into_response()
}

fn streamed(events: EventStream) -> Response {
    stream_of(Body::from_stream(events.frames()))
}

/// A stream of events.
pub(super) fn stream_of(body: Body) -> Response {
    let headers = [
        (CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8")),
        (CACHE_CONTROL, HeaderValue::from_static("no-store, no-transform")),
        // Reverse proxies that collect a response before they hand it on are asked not to.
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    (headers, body).into_response()
}
