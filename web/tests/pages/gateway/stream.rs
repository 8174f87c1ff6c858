//! The events of a response, from one on, as they come.

use std::io;

use axum::body::{Body, Bytes};
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use serde_json::json;
use tokio::sync::watch;

use super::answering::{Answering, Reader};
use super::{Cut, Cuts, World};

struct Stream {
    answer: Answering,
    next: usize,
    moves: watch::Receiver<u64>,
    cuts: watch::Receiver<Cuts>,
    /// How much is sent before it breaks.
    left: Option<usize>,
    begun: bool,
    over: bool,
    broken: bool,
    _reader: Reader,
}

pub(super) fn of(world: &World, answer: Answering, from: usize) -> Response {
    let mut cuts = world.cuts.subscribe();
    cuts.mark_unchanged();
    let stream = Stream {
        moves: answer.moves(),
        cuts,
        next: from,
        left: world.rules.lock().unwrap().breaks_after.pop_front(),
        begun: false,
        over: false,
        broken: false,
        _reader: answer.reader(),
        answer,
    };
    let frames = futures::stream::unfold(stream, |mut stream| async move {
        let frame = stream.next().await?;
        Some((frame, stream))
    });
    let headers = [(CONTENT_TYPE, "text/event-stream"), (CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(frames)).into_response()
}

impl Stream {
    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            if self.broken {
                (self.over, self.broken) = (true, false);
                // What was said before goes out first.
                tokio::task::yield_now().await;
                return Some(Err(io::Error::other("cut")));
            }
            if self.over {
                return None;
            }
            self.moves.borrow_and_update();
            let (frames, events, over) = self.answer.frames_from(self.next);
            (self.next, self.over) = (events.max(self.next), over);
            if !frames.is_empty() {
                self.begun = true;
                return Some(Ok(self.within_limits(frames.into())));
            }
            if self.over {
                return None;
            }
            if !std::mem::replace(&mut self.begun, true) {
                return Some(Ok(Bytes::from_static(b": waiting\n\n")));
            }
            tokio::select! {
                _ = self.moves.changed() => {}
                _ = self.cuts.changed() => {
                    let how = self.cuts.borrow_and_update().how;
                    match how {
                        Cut::Silently => self.broken = true,
                        Cut::InWords => {
                            self.over = true;
                            return Some(Ok(last_words()));
                        }
                    }
                }
            }
        }
    }

    fn within_limits(&mut self, mut frames: Bytes) -> Bytes {
        if let Some(left) = &mut self.left {
            if frames.len() > *left {
                frames.truncate(*left);
                self.broken = true;
            }
            *left -= frames.len();
        }
        frames
    }
}

fn last_words() -> Bytes {
    let error = json!({"message": "This gateway is stopping; the answer goes on.",
        "type": "server_error", "param": null, "code": "gateway_stopped"});
    format!("event: error\ndata: {}\n\n", json!({ "error": error })).into()
}
