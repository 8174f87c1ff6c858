//! Erasing what is stored of somebody.

use contract::{Owner, subjects};

use crate::{Bus, BusError};

impl Bus {
    /// Erases everything that is stored of an owner: logs, responses, conversations, and which
    /// idempotency keys were used. Gives how many records that were.
    ///
    /// Answers that are being written end: whoever writes them finds their logs gone.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when a stream's leader does not answer within 5 s. Trying again is
    /// safe.
    pub async fn forget(&self, owner: &Owner) -> Result<u64, BusError> {
        let mut erased = 0;
        for (stream, subjects) in subjects::of_owner(owner) {
            let stream = self.jetstream.get_stream_no_info(stream).await;
            let purge = stream.map_err(BusError::unavailable)?.purge().filter(subjects);
            erased += purge.await.map_err(BusError::unavailable)?.purged;
        }
        Ok(erased)
    }
}
