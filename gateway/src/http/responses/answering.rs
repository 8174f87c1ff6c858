//! A response on its way out: as one JSON, or as a stream of its events.

use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use openai_api::responses::{CreateResponse, ResponseEvent};
use tokio::time::Instant;

use super::stream::EventStream;
use crate::http::account::Account;
use crate::http::answering::{refuse, stream_of, whole};
use crate::responses::{Created, Following, Step};

/// How the caller wants its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// To the end, as one JSON.
    Whole,
    /// As it comes. The status line waits for the first word.
    Streamed,
    /// As it comes, from the beginning: the response is fetched later all the same.
    StreamedInBackground,
}

impl Way {
    pub(super) fn of(asked: &CreateResponse) -> Self {
        match (asked.stream(), asked.background()) {
            (false, _) => Self::Whole,
            (true, false) => Self::Streamed,
            (true, true) => Self::StreamedInBackground,
        }
    }
}

/// Responds to whoever created a response.
pub(super) async fn respond(
    created: Created,
    way: Way,
    head_wait: Duration,
    mut account: Account,
) -> Response {
    let following = match created {
        Created::Queued { response, .. } => {
            account.goes_on();
            return whole(response.into());
        }
        Created::Answering(following) => *following,
    };
    match way {
        Way::Whole => to_the_end(following, account).await,
        Way::Streamed => streamed(following, head_wait, account).await,
        Way::StreamedInBackground => {
            account.goes_on();
            read_on(following, account)
        }
    }
}

/// A stream whose status is known: the response is there.
pub(super) fn read_on(following: Following, account: Account) -> Response {
    let events = EventStream::new(following, Vec::new(), account);
    stream_of(Body::from_stream(events.frames()))
}

async fn to_the_end(mut following: Following, mut account: Account) -> Response {
    while let Some(step) = following.next().await {
        if let Step::BrokenOff(failure) = step {
            return refuse(failure.into(), &mut account);
        }
    }
    let Some(fold) = following.fold() else {
        return refuse(crate::chat::wrong_form().into(), &mut account);
    };
    if let Some(failure) = fold.failure_alone() {
        return refuse(failure.clone().into(), &mut account);
    }
    account.ends_as(fold);
    whole(fold.response().into())
}

/// A failure before the first word is the response itself, and not an event of it.
async fn streamed(mut following: Following, head_wait: Duration, mut account: Account) -> Response {
    let deadline = Instant::now() + head_wait;
    let mut first: Vec<ResponseEvent> = Vec::new();
    let spoken =
        |following: &Following| following.fold().is_some_and(|fold| fold.has_spoken_or_ended());
    while !spoken(&following) {
        match tokio::time::timeout_at(deadline, following.next()).await {
            Ok(Some(Step::News(events))) => first.extend(events),
            Ok(Some(Step::BrokenOff(failure))) => return refuse(failure.into(), &mut account),
            Ok(None) => break,
            Err(_silent) => break,
        }
    }
    if let Some(failure) = following.fold().and_then(|fold| fold.failure_alone()) {
        return refuse(failure.clone().into(), &mut account);
    }
    let events = EventStream::new(following, first, account);
    stream_of(Body::from_stream(events.frames()))
}
