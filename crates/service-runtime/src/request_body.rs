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
    /// It is large, and there is no room for it now.
    #[error("the body is large, and there is no room for it now")]
    NoRoom,
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
    let anywhere = |_bytes| std::future::ready(Some(()));
    read_body_into(body, limit, usize::MAX, anywhere).await.map(|(body, _room)| body)
}

/// The same, of a body that needs room if it is larger than `small`.
///
/// `room` is asked once, before more than that is held: for what is announced, or for `limit` where
/// nothing is. It gives nothing if there is none. What it gives is handed on with the body.
///
/// # Errors
///
/// [`BodyError`] for a body that is not to be used, [`BodyError::NoRoom`] among them.
pub async fn read_body_into<Room, Asked: Future<Output = Option<Room>>>(
    body: Body,
    limit: usize,
    small: usize,
    room: impl FnOnce(usize) -> Asked,
) -> Result<(Bytes, Option<Room>), BodyError> {
    let reading = read_whole(body, limit, SILENCE, small, room);
    match tokio::time::timeout(WHOLE_WITHIN, reading).await {
        Ok(read) => read,
        Err(_elapsed) => Err(BodyError::TooSlow { limit: WHOLE_WITHIN }),
    }
}

async fn read_whole<Room, Asked: Future<Output = Option<Room>>>(
    body: Body,
    limit: usize,
    silence: Duration,
    small: usize,
    room: impl FnOnce(usize) -> Asked,
) -> Result<(Bytes, Option<Room>), BodyError> {
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut pieces = body.into_data_stream();
    if announced > limit {
        discard(pieces).await;
        return Err(BodyError::TooLarge { limit });
    }
    // Until it has been asked.
    let mut room = Some(room);
    let mut has = None;
    if announced > small {
        let Some(there) = ask(&mut room, announced).await else { return no_room(pieces).await };
        has = there;
    }
    let Some(first) = next(&mut pieces, silence).await? else { return Ok((Bytes::new(), has)) };
    let Some(second) = next(&mut pieces, silence).await? else {
        let body = within(first, limit)?;
        if body.len() > small {
            let Some(there) = ask(&mut room, body.len()).await else {
                return Err(BodyError::NoRoom);
            };
            has = has.or(there);
        }
        return Ok((body, has));
    };

    let mut whole = BytesMut::with_capacity(announced);
    let mut piece = Some(first);
    let mut then = Some(second);
    while let Some(bytes) = piece {
        let length = whole.len() + bytes.len();
        if length > limit {
            discard(pieces).await;
            return Err(BodyError::TooLarge { limit });
        }
        if length > small {
            let Some(there) = ask(&mut room, limit).await else { return no_room(pieces).await };
            has = has.or(there);
        }
        whole.extend_from_slice(&bytes);
        piece = match then.take() {
            Some(bytes) => Some(bytes),
            None => next(&mut pieces, silence).await?,
        };
    }
    Ok((whole.freeze(), has))
}

/// Asks for room, unless that was done before: then nothing more is given. None where there is none.
async fn ask<Room, Asked: Future<Output = Option<Room>>>(
    room: &mut Option<impl FnOnce(usize) -> Asked>,
    bytes: usize,
) -> Option<Option<Room>> {
    match room.take() {
        Some(room) => room(bytes).await.map(Some),
        None => Some(None),
    }
}

async fn no_room<T>(pieces: BodyDataStream) -> Result<T, BodyError> {
    discard(pieces).await;
    Err(BodyError::NoRoom)
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
    use std::cell::Cell;

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
        let error = read_whole(body, 100, silence, 100, |_bytes| std::future::ready(Some(())))
            .await
            .unwrap_err();

        assert_eq!(error, BodyError::TooSlow { limit: silence });
    }

    #[tokio::test]
    async fn a_body_that_is_not_small_needs_room_once_and_for_as_much_as_it_may_become() {
        let all = || pieces(&["hel", "l", "o", "!"]);
        for (body, small, asked) in [
            (Body::from("hello!"), 6, None),
            (Body::from("hello!"), 5, Some(6)),
            (all(), 6, None),
            (all(), 5, Some(100)),
            (all(), 1, Some(100)),
            (pieces(&["hello!"]), 5, Some(6)),
        ] {
            let (for_room, without) = (Cell::new(None), Cell::new(None));
            let there_is = |bytes| {
                assert_eq!(for_room.replace(Some(bytes)), None, "asked twice");
                std::future::ready(Some("room"))
            };
            let read = read_body_into(body, 100, small, there_is).await.unwrap();
            let full = |bytes| {
                without.set(Some(bytes));
                std::future::ready(None::<()>)
            };
            let refused = read_body_into(all(), 100, small, full).await;

            assert_eq!(read, ("hello!".into(), asked.map(|_bytes| "room")));
            assert_eq!(for_room.get(), asked);
            let error = without.get().map(|_bytes| BodyError::NoRoom);
            assert_eq!(refused.err(), error, "{small}");
        }
    }
}
