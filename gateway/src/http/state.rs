//! What every handler is given.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::chat::Chats;
use crate::conversations::Conversations;
use crate::idempotency::Ledger;
use crate::measures::Measures;
use crate::responses::Responses;

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Api(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    chats: Chats,
    responses: Responses,
    conversations: Conversations,
    ledger: Ledger,
    measures: Arc<Measures>,
    body_limit: usize,
    head_wait: Duration,
    started_at: u64,
}

impl Api {
    pub(crate) fn new(
        chats: Chats,
        responses: Responses,
        conversations: Conversations,
        ledger: Ledger,
        measures: Arc<Measures>,
        body_limit: usize,
        head_wait: Duration,
    ) -> Self {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let started_at = since_1970.as_secs();
        Self(Arc::new(Inner {
            chats,
            responses,
            conversations,
            ledger,
            measures,
            body_limit,
            head_wait,
            started_at,
        }))
    }

    /// Unstored work.
    pub(super) fn chats(&self) -> &Chats {
        &self.0.chats
    }

    /// Stored work.
    pub(super) fn responses(&self) -> &Responses {
        &self.0.responses
    }

    /// What responses are turns of.
    pub(super) fn conversations(&self) -> &Conversations {
        &self.0.conversations
    }

    /// Which keys were used for what.
    pub(super) fn ledger(&self) -> &Ledger {
        &self.0.ledger
    }

    /// What is counted and timed.
    pub(super) fn measures(&self) -> &Arc<Measures> {
        &self.0.measures
    }

    /// Largest body of a request, in bytes.
    pub(super) fn body_limit(&self) -> usize {
        self.0.body_limit
    }

    /// Longest wait for a first word before the head of a stream is sent without one.
    pub(super) fn head_wait(&self) -> Duration {
        self.0.head_wait
    }

    /// When this gateway started, seconds since 1970.
    pub(super) fn started_at(&self) -> u64 {
        self.0.started_at
    }
}
