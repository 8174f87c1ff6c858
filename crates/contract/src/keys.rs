//! API keys: who may call, for whom, and how much. What is stored of a key cannot be used as one.
//!
//! * [`ApiKey`]: what a caller sends. [`KeyId`]: the part of it that may be told.
//! * [`KeyRecord`]: what is known of a key. [`Standing`]: whether it counts. [`Rotation`]: a new
//!   secret for it.
//! * [`Scopes`]: what it may be used for. [`Limits`]: how much.

mod record;
mod rotation;
mod scopes;
mod secret;

pub use record::{AlreadyOver, KeyRecord, NewKey, Revoked, ShownKey, Standing};
pub use rotation::{GRACE, LONGEST_GRACE, NotRotated, Replaced, Rotation};
pub use scopes::{Endpoint, InvalidEndpoint, Limits, Scopes};
pub use secret::{ApiKey, InvalidKey, KeyHash, KeyId};
