//! What a stream holds, as its leader knows it.

use crate::{Bus, BusError};

/// One stream.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StreamState {
    /// Messages in it.
    pub messages: u64,
    /// Their bytes, and what is kept about them.
    pub bytes: u64,
    /// How many bytes there may be; none if there is no limit.
    pub limit: Option<u64>,
}

impl Bus {
    /// Asks the leader of a stream what it holds. One request.
    ///
    /// # Errors
    ///
    /// [`BusError::Unavailable`] when nobody answers, or may.
    pub async fn stream_state(&self, name: &str) -> Result<StreamState, BusError> {
        let stream = self.jetstream.get_stream(name).await;
        let stream =
            stream.map_err(|error| BusError::no_answer(&format!("the stream `{name}`"), error))?;
        let info = stream.cached_info();
        // Without a limit it is -1.
        let limit = u64::try_from(info.config.max_bytes).ok().filter(|limit| *limit > 0);
        Ok(StreamState { messages: info.state.messages, bytes: info.state.bytes, limit })
    }
}
