//! What every handler is given.

use std::sync::Arc;
use std::time::Duration;

use super::Bodies;
use crate::chat::Chats;
use crate::clock::now_s;
use crate::conversations::Conversations;
use crate::idempotency::Ledger;
use crate::keys::KeyStore;
use crate::measures::Measures;
use crate::operator::Operator;
use crate::responses::Responses;

/// Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Api(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    parts: Parts,
    started_at: u64,
}

/// What it is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) chats: Chats,
    pub(crate) responses: Responses,
    pub(crate) conversations: Conversations,
    pub(crate) ledger: Ledger,
    pub(crate) keys: KeyStore,
    pub(crate) operator: Operator,
    pub(crate) measures: Arc<Measures>,
    pub(crate) bodies: Bodies,
    pub(crate) head_wait: Duration,
}

impl Api {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(Arc::new(Inner { parts, started_at: now_s() }))
    }

    /// Unstored work.
    pub(super) fn chats(&self) -> &Chats {
        &self.0.parts.chats
    }

    /// Stored work.
    pub(super) fn responses(&self) -> &Responses {
        &self.0.parts.responses
    }

    /// What responses are turns of.
    pub(super) fn conversations(&self) -> &Conversations {
        &self.0.parts.conversations
    }

    /// Which keys were used for what.
    pub(super) fn ledger(&self) -> &Ledger {
        &self.0.parts.ledger
    }

    /// API keys as they are stored.
    pub(super) fn keys(&self) -> &KeyStore {
        &self.0.parts.keys
    }

    /// The picture of everything.
    pub(super) fn operator(&self) -> &Operator {
        &self.0.parts.operator
    }

    /// What is counted and timed.
    pub(super) fn measures(&self) -> &Arc<Measures> {
        &self.0.parts.measures
    }

    /// How bodies of requests are read.
    pub(super) fn bodies(&self) -> &Bodies {
        &self.0.parts.bodies
    }

    /// Longest wait for a first word before the head of a stream is sent without one.
    pub(super) fn head_wait(&self) -> Duration {
        self.0.parts.head_wait
    }

    /// When this gateway started, seconds since 1970.
    pub(super) fn started_at(&self) -> u64 {
        self.0.started_at
    }
}
