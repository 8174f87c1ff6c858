//! Bodies of requests, and the room for them: how much of them is held at once has a limit, for
//! everybody and for each key. Small ones are anybody's at any time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use contract::keys::KeyId;
use openai_api::ErrorKind;
use service_runtime::{BodyError, read_body_into};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::refusal::{FULL_FOR, Refusal};
use crate::keys::Caller;

/// Up to here a body needs no room.
const SMALL: usize = 64 * 1024;
/// What is counted.
const UNIT: usize = 1024;
/// Longest wait for room. Whoever waits is not read.
const ROOM_WITHIN: Duration = Duration::from_secs(10);

/// What becomes of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is handed on as it is.
    Passed,
    /// It is understood and stored: its record, and what a model is asked, are made of it.
    Stored,
}

/// Room for large bodies.
#[derive(Debug)]
pub(crate) struct Bodies {
    /// Of one body.
    limit: usize,
    room: Arc<Semaphore>,
    /// The most that a key has of it, in units.
    share: u32,
    /// What each key has left, while it has something.
    shares: Mutex<HashMap<KeyId, Arc<Semaphore>>>,
}

/// What a body takes. Given back once nothing holds any of its bytes.
#[derive(Debug)]
struct Room {
    _of_key: Option<OwnedSemaphorePermit>,
    _of_all: OwnedSemaphorePermit,
}

/// A body in its room.
struct Held {
    body: Bytes,
    _room: Room,
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

/// Why there is no room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Full {
    /// This key has its share.
    Share,
    /// All of it is taken.
    Room,
}

impl Bodies {
    /// For bodies of at most `limit` bytes, `room` bytes of them at once. One has always room, and a
    /// key half of it.
    pub(crate) fn new(limit: usize, room: usize) -> Self {
        let (one, all) = (units(limit), units(room).max(units(limit)));
        Self {
            limit,
            room: Arc::new(Semaphore::new(all as usize)),
            share: (all / 2).max(one),
            shares: Mutex::default(),
        }
    }

    /// Largest body, in bytes.
    pub(super) fn limit(&self) -> usize {
        self.limit
    }

    /// Reads a body. Its room is taken as long as any of its bytes are held anywhere.
    pub(super) async fn read(
        &self,
        caller: &Caller,
        fate: Fate,
        body: Body,
    ) -> Result<Bytes, Refusal> {
        let mut full = Full::Room;
        let room = async |bytes| match self.room_for(caller.key(), fate, bytes).await {
            Ok(room) => Some(room),
            Err(why) => {
                full = why;
                None
            }
        };
        match read_body_into(body, self.limit, SMALL, room).await {
            Ok((body, None)) => Ok(body),
            Ok((body, Some(_room))) => Ok(Bytes::from_owner(Held { body, _room })),
            Err(BodyError::NoRoom) => Err(full.into()),
            Err(error) => Err(error.into()),
        }
    }

    async fn room_for(&self, key: Option<&KeyId>, fate: Fate, bytes: usize) -> Result<Room, Full> {
        let copies = match fate {
            Fate::Passed => 1,
            Fate::Stored => 2,
        };
        let units = units(bytes).saturating_mul(copies).min(self.share);
        let deadline = Instant::now() + ROOM_WITHIN;
        // The share first: who waits for its own keeps nothing from others.
        let of_key = match key {
            Some(key) => Some(take(self.share_of(key), units, deadline, Full::Share).await?),
            None => None,
        };
        let of_all = take(Arc::clone(&self.room), units, deadline, Full::Room).await?;
        Ok(Room { _of_key: of_key, _of_all: of_all })
    }

    fn share_of(&self, key: &KeyId) -> Arc<Semaphore> {
        let mut shares = self.shares.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever takes or waits holds it, too.
        shares.retain(|_key, share| Arc::strong_count(share) > 1);
        let whole = || Arc::new(Semaphore::new(self.share as usize));
        Arc::clone(shares.entry(key.clone()).or_insert_with(whole))
    }
}

async fn take(
    from: Arc<Semaphore>,
    units: u32,
    deadline: Instant,
    or: Full,
) -> Result<OwnedSemaphorePermit, Full> {
    let taken = timeout_at(deadline, from.acquire_many_owned(units)).await;
    // Nobody closes it.
    taken.map_err(|_elapsed| or)?.map_err(|_closed| or)
}

fn units(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX)
}

impl From<Full> for Refusal {
    fn from(full: Full) -> Self {
        let refusal = match full {
            Full::Share => Self::of(
                StatusCode::TOO_MANY_REQUESTS,
                ErrorKind::RateLimit,
                "rate_limit_exceeded",
                "This API key has as many large requests on their way as it may.",
            ),
            Full::Room => Self::of(
                StatusCode::SERVICE_UNAVAILABLE,
                ErrorKind::ServiceUnavailable,
                "server_is_overloaded",
                "There is no room for another large request now.",
            ),
        };
        refusal.come_again(FULL_FOR)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: usize = 2 * SMALL;

    fn key(name: &str) -> KeyId {
        let wanted = format!(r#"{{"name":"{name}"}}"#);
        let wanted: contract::keys::NewKey = serde_json::from_str(&wanted).unwrap();
        wanted.make("test", 1).1.id
    }

    #[tokio::test(start_paused = true)]
    async fn room_is_taken_as_long_as_any_of_a_body_is_held() {
        let bodies = Bodies::new(LARGE, 2 * LARGE);
        let caller = Caller::local();
        let reads = || bodies.read(&caller, Fate::Passed, Body::from(vec![b'x'; LARGE]));

        let (one, other) = (reads().await.unwrap(), reads().await.unwrap());
        let piece = one.slice(..7);
        drop(one);
        let refused = reads().await.unwrap_err();
        let small = bodies.read(&caller, Fate::Passed, Body::from(vec![b'x'; SMALL])).await;
        drop(piece);

        assert_eq!((refused.status().as_u16(), refused.code()), (503, "server_is_overloaded"));
        assert_eq!(small.unwrap().len(), SMALL);
        assert_eq!(reads().await.unwrap().len(), LARGE, "there is room again");
        drop(other);
    }

    #[tokio::test(start_paused = true)]
    async fn who_waits_gets_the_room_that_becomes_free() {
        let bodies = Bodies::new(LARGE, LARGE);
        let caller = Caller::local();
        let reads = || bodies.read(&caller, Fate::Passed, Body::from(vec![b'x'; LARGE]));
        let held = reads().await.unwrap();

        let frees = async {
            tokio::time::sleep(ROOM_WITHIN / 2).await;
            drop(held);
        };
        let (read, ()) = tokio::join!(reads(), frees);

        assert_eq!(read.unwrap().len(), LARGE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_key_has_no_more_than_half_and_leaves_nothing_behind() {
        let bodies = Bodies::new(LARGE, 4 * LARGE);
        let (greedy, other) = (key("greedy"), key("other"));

        let one = bodies.room_for(Some(&greedy), Fate::Passed, LARGE).await.unwrap();
        let two = bodies.room_for(Some(&greedy), Fate::Passed, LARGE).await.unwrap();
        assert_eq!(
            bodies.room_for(Some(&greedy), Fate::Passed, LARGE).await.unwrap_err(),
            Full::Share
        );
        let theirs = bodies.room_for(Some(&other), Fate::Passed, LARGE).await.unwrap();
        drop(one);
        let three = bodies.room_for(Some(&greedy), Fate::Passed, LARGE).await.unwrap();
        drop((two, three, theirs));
        let _other = bodies.room_for(Some(&other), Fate::Passed, 1).await.unwrap();

        assert_eq!(bodies.shares.lock().unwrap().len(), 1, "the share of who has nothing is gone");
        let refused = Refusal::from(Full::Share);
        assert_eq!((refused.status().as_u16(), refused.code()), (429, "rate_limit_exceeded"));
    }

    #[tokio::test(start_paused = true)]
    async fn one_body_has_room_however_little_there_is() {
        let bodies = Bodies::new(LARGE, 1);

        for fate in [Fate::Passed, Fate::Stored] {
            let room = bodies.room_for(Some(&key("alone")), fate, LARGE).await;
            assert!(room.is_ok(), "{fate:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_stored_takes_twice_its_room() {
        let bodies = Bodies::new(LARGE, 4 * LARGE);
        let takes = || bodies.room_for(None, Fate::Stored, LARGE);

        let _two = (takes().await.unwrap(), takes().await.unwrap());

        assert_eq!(takes().await.unwrap_err(), Full::Room);
    }
}
