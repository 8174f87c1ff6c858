//! Who calls, for whom, and what they may.

use std::sync::Arc;

use contract::keys::{Endpoint, KeyId, Scopes};
use contract::{Lane, Owner, OwnerName};

/// Whoever sent a request. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    key: Option<KeyId>,
    owner: Owner,
    scopes: Arc<Scopes>,
}

/// What a caller may not do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Forbidden {
    /// An endpoint is not in its scopes.
    #[error("This API key may not be used for `{0}`: its scopes do not name that endpoint.")]
    Endpoint(Endpoint),
    /// A lane is not in its scopes.
    #[error("This API key may not be used for this: its scopes do not name the lane `{0}`.")]
    Lane(&'static str),
    /// Only operators may.
    #[error("This needs an API key with the scope `operator`.")]
    NotAnOperator,
    /// It may speak for itself alone.
    #[error("This API key may not say for whom it calls: that needs the scope `on_behalf_of`.")]
    NotOnBehalfOf,
}

impl Caller {
    /// Everybody, while nobody needs a key.
    pub(crate) fn local() -> Self {
        Self { key: None, owner: Owner::local(), scopes: Arc::new(Scopes::everything()) }
    }

    /// The holder of a key.
    pub(super) fn with_key(key: KeyId, owner: Owner, scopes: Arc<Scopes>) -> Self {
        Self { key: Some(key), owner, scopes }
    }

    /// The same, on behalf of somebody else within the tenant.
    pub(crate) fn on_behalf_of(mut self, name: OwnerName) -> Result<Self, Forbidden> {
        if !self.scopes.on_behalf_of {
            return Err(Forbidden::NotOnBehalfOf);
        }
        self.owner.name = name;
        Ok(self)
    }

    /// Whose objects are seen, and who pays.
    pub(crate) fn owner(&self) -> &Owner {
        &self.owner
    }

    /// The name of its key, as lists and audits have it.
    pub(crate) fn key(&self) -> Option<&KeyId> {
        self.key.as_ref()
    }

    /// Whether an endpoint may be called.
    pub(crate) fn may_call(&self, endpoint: Endpoint) -> Result<(), Forbidden> {
        if self.scopes.has_endpoint(endpoint) { Ok(()) } else { Err(Forbidden::Endpoint(endpoint)) }
    }

    /// Whether work may be queued in a lane.
    pub(crate) fn may_use(&self, lane: Lane) -> Result<(), Forbidden> {
        if self.scopes.has_lane(lane) { Ok(()) } else { Err(Forbidden::Lane(lane.token())) }
    }

    /// Whether a model is there for this caller.
    pub(crate) fn sees_model(&self, model: &str) -> bool {
        self.scopes.has_model(model)
    }

    /// Whether keys may be managed.
    pub(crate) fn may_operate(&self) -> Result<(), Forbidden> {
        if self.scopes.operator { Ok(()) } else { Err(Forbidden::NotAnOperator) }
    }
}
