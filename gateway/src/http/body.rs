//! A request's body: read whole, with a limit on its size and on silence.

use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use tokio::time::Instant;

use super::refusal::Refusal;

/// Longest silence within a body.
const SILENCE: Duration = Duration::from_secs(30);
/// Longest time for all of it: a byte now and then holds no connection for ever.
const WHOLE_WITHIN: Duration = Duration::from_secs(600);
/// How long, and how much of, a body that is refused is read on and dropped. A connection that
/// is closed while its client still writes is reset, and the client never sees why.
const DISCARD_FOR: Duration = Duration::from_secs(5);
const DISCARD_BYTES: usize = 64 * 1024 * 1024;

/// Reads a body of at most `limit` bytes.
pub(super) async fn read(body: Body, limit: usize) -> Result<Bytes, Refusal> {
    match tokio::time::timeout(WHOLE_WITHIN, read_whole(body, limit)).await {
        Ok(read) => read,
        Err(_elapsed) => Err(Refusal::body_too_slow(WHOLE_WITHIN)),
    }
}

async fn read_whole(body: Body, limit: usize) -> Result<Bytes, Refusal> {
    let announced = axum::body::HttpBody::size_hint(&body).lower();
    let mut pieces = body.into_data_stream();
    if usize::try_from(announced).unwrap_or(usize::MAX) > limit {
        discard(pieces).await;
        return Err(Refusal::too_large(limit));
    }
    let Some(first) = next(&mut pieces).await? else { return Ok(Bytes::new()) };
    let Some(second) = next(&mut pieces).await? else { return within(first, limit) };

    let mut whole = BytesMut::with_capacity(usize::try_from(announced).unwrap_or(0));
    let mut piece = Some(first);
    let mut then = Some(second);
    while let Some(bytes) = piece {
        if whole.len() + bytes.len() > limit {
            discard(pieces).await;
            return Err(Refusal::too_large(limit));
        }
        whole.extend_from_slice(&bytes);
        piece = match then.take() {
            Some(bytes) => Some(bytes),
            None => next(&mut pieces).await?,
        };
    }
    Ok(whole.freeze())
}

/// Most bodies come in one piece, which is not copied.
fn within(body: Bytes, limit: usize) -> Result<Bytes, Refusal> {
    if body.len() > limit { Err(Refusal::too_large(limit)) } else { Ok(body) }
}

async fn next(pieces: &mut BodyDataStream) -> Result<Option<Bytes>, Refusal> {
    match tokio::time::timeout(SILENCE, pieces.next()).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(piece))) => Ok(Some(piece)),
        // Nobody may be left to read this.
        Ok(Some(Err(_broken))) => Err(Refusal::body_broken()),
        Err(_elapsed) => Err(Refusal::body_too_slow(SILENCE)),
    }
}

async fn discard(mut pieces: BodyDataStream) {
    let deadline = Instant::now() + DISCARD_FOR;
    let mut dropped = 0;
    while dropped < DISCARD_BYTES {
        match tokio::time::timeout_at(deadline, pieces.next()).await {
            Ok(Some(Ok(piece))) => dropped += piece.len(),
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(all: &[&'static str]) -> Body {
        let all: Vec<Result<&'static str, std::io::Error>> =
            all.iter().map(|one| Ok(*one)).collect();
        Body::from_stream(futures::stream::iter(all))
    }

    #[tokio::test]
    async fn a_body_is_put_together_up_to_its_limit() {
        for (body, limit, expected) in [
            (pieces(&[]), 5, Some("")),
            (pieces(&["hello"]), 5, Some("hello")),
            (pieces(&["hel", "l", "o"]), 5, Some("hello")),
            (pieces(&["hello"]), 4, None),
            (pieces(&["hel", "lo"]), 4, None),
            (pieces(&["h", "e", "l", "lo"]), 4, None),
            (Body::from("hello"), 4, None),
        ] {
            let read = read(body, limit).await.ok();
            assert_eq!(read.as_deref(), expected.map(str::as_bytes));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_stops_is_waited_for_only_so_long() {
        let first = futures::stream::iter([Ok::<_, std::io::Error>("{")]);
        let body = Body::from_stream(first.chain(futures::stream::pending()));

        let refusal = read(body, 100).await.unwrap_err();

        assert_eq!(refusal.code(), "request_timeout");
    }
}
