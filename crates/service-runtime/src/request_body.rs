//! A request's body: read whole, with a limit on its size and on silence.

use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody as _};
use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use tokio::time::Instant;

/// Longest silence within a body.
const SILENCE: Duration = Duration::from_secs(30);
/// Longest time for all of it: a byte now and then holds no connection for ever.
const WHOLE_WITHIN: Duration = Duration::from_secs(600);
/// How long, and how much of, a body that is refused is read on and dropped. A connection that
/// is closed while its client still writes is reset, and the client never sees why.
const DISCARD_FOR: Duration = Duration::from_secs(5);
const DISCARD_BYTES: usize = 64 * 1024 * 1024;

/// Why a body was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It is larger than is allowed here.
    #[error("the body is larger than {limit} bytes")]
    TooLarge {
        /// How many bytes are allowed.
        limit: usize,
    },
    /// It ended too early. Nobody may be left to be told.
    #[error("the body ended before it was complete")]
    Incomplete,
    /// It took too long, or stopped for too long.
    #[error("the body came too slowly: the limit is {} seconds", limit.as_secs())]
    TooSlow {
        /// The time that is allowed.
        limit: Duration,
    },
}

/// Reads a body of at most `limit` bytes. The rest of a larger one is read, too, up to a limit.
///
/// # Errors
///
/// [`BodyError`] for a body that is not to be used.
pub async fn read_body(body: Body, limit: usize) -> Result<Bytes, BodyError> {
    match tokio::time::timeout(WHOLE_WITHIN, read_whole(body, limit, SILENCE)).await {
        Ok(read) => read,
        Err(_elapsed) => Err(BodyError::TooSlow { limit: WHOLE_WITHIN }),
    }
}

async fn read_whole(body: Body, limit: usize, silence: Duration) -> Result<Bytes, BodyError> {
    let announced = body.size_hint().lower();
    let mut pieces = body.into_data_stream();
    if usize::try_from(announced).unwrap_or(usize::MAX) > limit {
        discard(pieces).await;
        return Err(BodyError::TooLarge { limit });
    }
    let Some(first) = next(&mut pieces, silence).await? else { return Ok(Bytes::new()) };
    let Some(second) = next(&mut pieces, silence).await? else { return within(first, limit) };

    let mut whole = BytesMut::with_capacity(usize::try_from(announced).unwrap_or(0));
    let mut piece = Some(first);
    let mut then = Some(second);
    while let Some(bytes) = piece {
        if whole.len() + bytes.len() > limit {
            discard(pieces).await;
            return Err(BodyError::TooLarge { limit });
        }
        whole.extend_from_slice(&bytes);
        piece = match then.take() {
            Some(bytes) => Some(bytes),
            None => next(&mut pieces, silence).await?,
        };
    }
    Ok(whole.freeze())
}

/// Most bodies come in one piece, which is not copied.
fn within(body: Bytes, limit: usize) -> Result<Bytes, BodyError> {
    if body.len() > limit { Err(BodyError::TooLarge { limit }) } else { Ok(body) }
}

async fn next(pieces: &mut BodyDataStream, silence: Duration) -> Result<Option<Bytes>, BodyError> {
    match tokio::time::timeout(silence, pieces.next()).await {
        Ok(None) => Ok(None),
        Ok(Some(Ok(piece))) => Ok(Some(piece)),
        Ok(Some(Err(_broken))) => Err(BodyError::Incomplete),
        Err(_elapsed) => Err(BodyError::TooSlow { limit: silence }),
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
            let read = read_body(body, limit).await.ok();
            assert_eq!(read.as_deref(), expected.map(str::as_bytes));
        }
    }

    #[tokio::test]
    async fn a_body_that_stops_is_waited_for_only_so_long() {
        let first = futures::stream::iter([Ok::<_, std::io::Error>("{")]);
        let body = Body::from_stream(first.chain(futures::stream::pending()));

        let silence = Duration::from_millis(10);
        let error = read_whole(body, 100, silence).await.unwrap_err();

        assert_eq!(error, BodyError::TooSlow { limit: silence });
    }
}
