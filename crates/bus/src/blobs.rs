//! Bodies over what one message holds: they travel by name, through the object store.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::object_store::{GetErrorKind, ObjectMetadata, ObjectStore};
use bytes::{Bytes, BytesMut};
use contract::streams;
use tokio::io::AsyncReadExt as _;
use tokio::time::Instant;

use crate::patience::Patience;
use crate::{Bus, BusError};

/// One piece of a body in the store, where a message holds as much.
const PIECE_BYTES: usize = 1024 * 1024;

/// How long a server of a cluster may be behind what its leader has stored, and still be believed.
const BEHIND: Duration = Duration::from_secs(2);
/// Between two looks at it.
const AGAIN: Duration = Duration::from_millis(50);
/// Longest silence while a body is read.
const SILENCE: Duration = Duration::from_secs(5);

/// The object store of bodies. Cheap to clone.
#[derive(Clone)]
pub struct Blobs {
    // A clone of the store itself copies all that is known of its stream.
    store: Arc<ObjectStore>,
    piece_bytes: usize,
}

impl fmt::Debug for Blobs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blobs").finish_non_exhaustive()
    }
}

impl Bus {
    /// The object store of bodies.
    ///
    /// # Errors
    ///
    /// [`BusError::NotReady`] when it is missing, [`BusError::Unavailable`] when nobody answers for
    /// half a minute.
    pub async fn blobs(&self) -> Result<Blobs, BusError> {
        let name = streams::BLOBS;
        let piece_bytes = PIECE_BYTES.min(self.max_payload());
        let patience = Patience::begin();
        loop {
            let error = match self.jetstream.get_object_store(name).await {
                Ok(store) => return Ok(Blobs { store: Arc::new(store), piece_bytes }),
                Err(error) => error,
            };
            let what = format!("the object store `{name}`");
            let error = match self.stream_is_there(&streams::object_stream(name)).await {
                Ok(true) => BusError::no_answer(&what, error),
                Ok(false) => BusError::NotReady(format!("{what} is missing; run `nats-init` once")),
                Err(error) => error,
            };
            patience.after(error).await?;
        }
    }
}

impl Blobs {
    /// Stores a body under `name`, which should be fresh.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when it could not be stored whole; nothing usable is left then.
    pub async fn put(&self, name: &str, body: &[u8]) -> Result<(), BusError> {
        let meta = ObjectMetadata {
            name: name.to_owned(),
            chunk_size: Some(self.piece_bytes),
            ..ObjectMetadata::default()
        };
        let mut reader = body;
        // Large and rare: in a box it is no part of every future that might come to this.
        let put = Box::pin(self.store.put(meta, &mut reader));
        put.await.map(|_info| ()).map_err(BusError::unavailable)
    }

    /// Reads the body `name`; `None` when it is not there (any more).
    ///
    /// # Errors
    ///
    /// [`BusError::TooLarge`] over `limit` bytes, [`BusError::Unavailable`] when it cannot be read.
    pub async fn get(&self, name: &str, limit: usize) -> Result<Option<Bytes>, BusError> {
        let asked_at = Instant::now();
        let mut object = loop {
            match Box::pin(self.store.get(name)).await {
                Ok(object) => break object,
                // Any server may answer for a cluster: one that is behind does not have it yet.
                Err(error) if error.kind() == GetErrorKind::NotFound => {
                    if asked_at.elapsed() >= BEHIND {
                        return Ok(None);
                    }
                    tokio::time::sleep(AGAIN).await;
                }
                Err(error) => return Err(BusError::unavailable(error)),
            }
        };
        let size = object.info().size;
        if size > limit {
            return Err(BusError::TooLarge { size, limit });
        }
        let mut body = BytesMut::with_capacity(size);
        while body.len() < size {
            // Pieces that were removed meanwhile would be waited for without end.
            let piece = tokio::time::timeout(SILENCE, object.read_buf(&mut body)).await;
            let piece = piece.map_err(|_elapsed| {
                BusError::Unavailable(format!(
                    "the body `{name}` is not complete, and nothing more came for {SILENCE:?}"
                ))
            })?;
            if piece.map_err(BusError::unavailable)? == 0 {
                break;
            }
        }
        Ok(Some(body.freeze()))
    }

    /// Removes the body `name`, if it is there. Age removes what nobody did.
    pub async fn delete(&self, name: &str) {
        if let Err(error) = self.store.delete(name).await {
            tracing::debug!(%error, "a body was not removed, age will: {error}");
        }
    }
}
